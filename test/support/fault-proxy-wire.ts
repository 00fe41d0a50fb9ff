/** MongoDB's wire framing, as much as a proxy needs: whole messages, the command they carry, replies of its own. */

import { BSON } from 'mongodb';

const HEADER_BYTES = 16;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const BSON_STRING = 0x02;

/** A request as rules see it. `name` and `collection` are read at once; the documents only when someone asks. */
export interface SeenCommand {
  readonly requestId: number;
  readonly name: string;
  /** The collection the command names first. A `bulkWrite` over several has them all in `collections`. */
  readonly collection: string | null;
  collections(): readonly string[];
  database(): string;
  /** The command with its document sequences (documents, updates, ops, nsInfo...) put back in. */
  document(): BSON.Document;
}

/** Cuts a byte stream into messages. Chunks are joined once per message, so that a large one costs no more than its size. */
export const createFramer = (onMessage: (message: Buffer) => void): ((chunk: Buffer) => void) => {
  let chunks: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    for (;;) {
      const wanted = held < 4 ? null : lengthOf(chunks);
      if (wanted !== null && wanted < HEADER_BYTES) throw new Error('the fault proxy was sent something that is not MongoDB');
      if (wanted === null || held < wanted) return;
      const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      const rest = all.subarray(wanted);
      chunks = rest.length === 0 ? [] : [rest];
      held = rest.length;
      onMessage(all.subarray(0, wanted));
    }
  };
};

const lengthOf = (chunks: readonly Buffer[]): number => {
  const first = chunks[0];
  return (first !== undefined && first.length >= 4 ? first : Buffer.concat(chunks)).readInt32LE(0);
};

export const responseToOf = (message: Buffer): number => message.readInt32LE(8);

/** null for what is not a command (a kind of message that drivers of today do not send). */
export const parseCommand = (message: Buffer): SeenCommand | null => {
  const sections = sectionsOf(message);
  if (sections === null) return null;
  const { body, sequences } = sections;
  // First element of a BSON document: 4 bytes of size, the type, the key as a C string, the value.
  const keyEnd = body.indexOf(0, 5);
  const name = body.toString('utf8', 5, keyEnd);
  const first = body[4] === BSON_STRING ? body.toString('utf8', keyEnd + 5, keyEnd + 5 + body.readInt32LE(keyEnd + 1) - 1) : null;
  let parsed: BSON.Document | null = null;
  const document = (): BSON.Document => (parsed ??= { ...BSON.deserialize(body), ...Object.fromEntries(sequences.map(readSequence)) });
  const collections = (): readonly string[] => {
    if (name === 'bulkWrite') return namespacesOf(document()).map((namespace) => namespace.slice(namespace.indexOf('.') + 1));
    if (name === 'getMore') return [String(document()['collection'])];
    return first === null ? [] : [first];
  };
  return {
    requestId: message.readInt32LE(4),
    name,
    collection: name === 'bulkWrite' || name === 'getMore' ? (collections()[0] ?? null) : first,
    collections,
    database: () => String(document()['$db'] ?? 'admin'),
    document,
  };
};

const namespacesOf = (document: BSON.Document): string[] => {
  const info: unknown = document['nsInfo'];
  return Array.isArray(info) ? info.map((each: { ns?: unknown }) => String(each.ns)) : [];
};

interface Sections {
  readonly body: Buffer;
  readonly sequences: readonly Buffer[];
}

const sectionsOf = (message: Buffer): Sections | null => {
  const opCode = message.readInt32LE(12);
  if (opCode === OP_QUERY) {
    // flags, collection name, skip, return, document: only handshakes still come this way.
    const nameEnd = message.indexOf(0, HEADER_BYTES + 4);
    const start = nameEnd + 1 + 8;
    return { body: message.subarray(start, start + message.readInt32LE(start)), sequences: [] };
  }
  if (opCode !== OP_MSG) return null;
  const hasChecksum = (message.readUInt32LE(HEADER_BYTES) & 1) !== 0;
  const end = message.length - (hasChecksum ? 4 : 0);
  let body: Buffer | null = null;
  const sequences: Buffer[] = [];
  for (let at = HEADER_BYTES + 4; at < end;) {
    const kind = message[at];
    const section = message.subarray(at + 1, at + 1 + message.readInt32LE(at + 1));
    if (kind === 0) body = section;
    else sequences.push(section);
    at += 1 + section.length;
  }
  return body === null ? null : { body, sequences };
};

const readSequence = (section: Buffer): [string, BSON.Document[]] => {
  const nameEnd = section.indexOf(0, 4);
  const documents: BSON.Document[] = [];
  for (let at = nameEnd + 1; at < section.length;) {
    const size = section.readInt32LE(at);
    documents.push(BSON.deserialize(section.subarray(at, at + size)));
    at += size;
  }
  return [section.toString('utf8', 4, nameEnd), documents];
};

/** A reply that answers the request `responseTo`. */
export const replyMessage = (responseTo: number, document: BSON.Document): Buffer => {
  const body = BSON.serialize(document);
  const message = Buffer.alloc(HEADER_BYTES + 5 + body.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(0, 4);
  message.writeInt32LE(responseTo, 8);
  message.writeInt32LE(OP_MSG, 12);
  message.set(body, HEADER_BYTES + 5);
  return message;
};

/** The document of a reply; null for the old kind that answers a handshake. */
export const parseReply = (message: Buffer): BSON.Document | null => {
  const sections = message.readInt32LE(12) === OP_MSG ? sectionsOf(message) : null;
  return sections === null ? null : BSON.deserialize(sections.body, { promoteValues: false });
};
