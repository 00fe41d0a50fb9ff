/** Messages on their way between a driver that believes in a replica set and an engine that stands alone: what each must not see is rewritten. */

import { BSON } from 'mongodb';

const HEADER_BYTES = 16;
/** Before the sections of an OP_MSG: the header and the flags. */
const PREFIX_BYTES = HEADER_BYTES + 4;
/** Before the document of an OP_REPLY, the old kind that answers the first handshake: flags, cursor, position, count. */
const OLD_PREFIX_BYTES = HEADER_BYTES + 20;
const OP_REPLY = 1;
const OP_MSG = 2013;
const MORE_TO_COME = 1 << 1;
const EXHAUST_ALLOWED = 1 << 16;

/** A session and its numbers mean nothing to a standalone. What is said about time and members is the set's own. */
const NOT_FOR_A_STANDALONE = new Set(['lsid', 'txnNumber', '$clusterTime', 'topologyVersion', 'maxAwaitTimeMS']);

/**
 * The command without what a standalone refuses. `majority` becomes `w: 1, j: true`: with `majority` a standalone was seen to lose what it
 * had acknowledged, which a set does not do. The fields that stay are copied as bytes: a value that was read and written again may have
 * changed its type.
 */
export const forStandalone = (message: Buffer): Buffer => {
  if (message.readInt32LE(12) !== OP_MSG) return message;
  const parts: Uint8Array[] = [message.subarray(0, PREFIX_BYTES)];
  for (let at = PREFIX_BYTES; at < message.length;) {
    const end = at + 1 + message.readInt32LE(at + 1);
    const isBody = message[at] === 0;
    parts.push(message.subarray(at, at + 1), isBody ? bodyForStandalone(message.subarray(at + 1, end)) : message.subarray(at + 1, end));
    at = end;
  }
  const whole = Buffer.concat(parts);
  whole.writeInt32LE(whole.length, 0);
  // Nobody takes more than one answer from an engine that was asked without `exhaust`.
  whole.writeUInt32LE((whole.readUInt32LE(HEADER_BYTES) & ~EXHAUST_ALLOWED) >>> 0, HEADER_BYTES);
  return whole;
};

const DURABLE = BSON.serialize({ writeConcern: { w: 1, j: true } }).subarray(4, -1);

const bodyForStandalone = (body: Buffer): Uint8Array => {
  const parts: Uint8Array[] = [];
  for (const [, nameAt, nameLength, valueAt, valueLength] of BSON.onDemand.parseToElements(body)) {
    const name = body.toString('utf8', nameAt, nameAt + nameLength);
    if (NOT_FOR_A_STANDALONE.has(name)) continue;
    const isMajority = name === 'writeConcern' && BSON.deserialize(body.subarray(valueAt, valueAt + valueLength))['w'] === 'majority';
    parts.push(isMajority ? DURABLE : body.subarray(nameAt - 1, valueAt + valueLength));
  }
  const size = Buffer.alloc(4);
  const whole = Buffer.concat([size, ...parts, Buffer.alloc(1)]);
  whole.writeInt32LE(whole.length, 0);
  return whole;
};

/** Whether the driver would take a stream of answers to this one question. */
export const allowsExhaust = (message: Buffer): boolean =>
  message.readInt32LE(12) === OP_MSG && (message.readUInt32LE(HEADER_BYTES) & EXHAUST_ALLOWED) !== 0;

/** Says of a reply that another will follow without being asked for. */
export const withMoreToCome = (reply: Buffer): Buffer => {
  reply.writeUInt32LE(MORE_TO_COME, HEADER_BYTES);
  return reply;
};

/** A reply given again, to another request. */
export const asAnswerTo = (requestId: number, reply: Buffer): Buffer => {
  const copy = Buffer.from(reply);
  copy.writeInt32LE(requestId, 8);
  return copy;
};

/** The document of a reply of either kind. */
export const replyDocument = (reply: Buffer): BSON.Document => {
  const at = reply.readInt32LE(12) === OP_REPLY ? OLD_PREFIX_BYTES : PREFIX_BYTES + 1;
  return BSON.deserialize(reply.subarray(at, at + reply.readInt32LE(at)));
};

/** The reply with another document in it. */
export const withDocument = (reply: Buffer, document: BSON.Document): Buffer => {
  const at = reply.readInt32LE(12) === OP_REPLY ? OLD_PREFIX_BYTES : PREFIX_BYTES + 1;
  const whole = Buffer.concat([reply.subarray(0, at), BSON.serialize(document)]);
  whole.writeInt32LE(whole.length, 0);
  return whole;
};
