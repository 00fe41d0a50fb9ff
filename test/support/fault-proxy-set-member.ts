/** A driver's connection to one member of the set, and the member's own to the engine behind it. */

import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import type { BSON } from 'mongodb';
import { errorDocument } from './fault-proxy-rules.js';
import { createFramer, parseCommand, replyMessage, responseToOf } from './fault-proxy-wire.js';
import type { SeenCommand } from './fault-proxy-wire.js';
import { numberedOf } from './fault-proxy-set-memory.js';
import type { Numbered, WriteMemory } from './fault-proxy-set-memory.js';
import { allowsExhaust, asAnswerTo, forStandalone, replyDocument, withDocument, withMoreToCome } from './fault-proxy-set-wire.js';

/** What a connection must know of its member. */
export interface Member {
  readonly memory: WriteMemory;
  isPrimary(): boolean;
  /** Changes with every change of this member's role. */
  term(): number;
  /** While the member is stepping down, writes are done but nobody confirms them: resolves when that is over. */
  steady(): Promise<void>;
  /** What `hello` says of it now. */
  hello(): BSON.Document;
  topologyVersion(): { processId: BSON.ObjectId; counter: BSON.Long };
  /** Resolves at the next change that `hello` would tell, or after so long. */
  changed(withinMs: number): Promise<void>;
}

const NOT_WRITABLE_PRIMARY = 10107;
const NOT_PRIMARY_NO_SECONDARY_OK = 13435;
const PRIMARY_STEPPED_DOWN = 189;
const TRANSACTION_TOO_OLD = 225;

const HELLO = new Set(['hello', 'isMaster', 'ismaster']);
/** Every member answers these, whatever its role. */
const OF_ANY_MEMBER = new Set(['ping', 'buildInfo', 'getMore', 'killCursors', 'connectionStatus', 'serverStatus', 'getParameter']);
/** Where the driver allows it by a read preference, a secondary answers these. */
const READS = new Set(['find', 'aggregate', 'count', 'distinct', 'listCollections', 'listIndexes', 'listDatabases', 'explain']);

/** The answer cuts the connection. */
export const openMemberLink = (client: Socket, target: NetConnectOpts, member: Member): (() => void) => {
  const engine = connect(target);
  /** Who waits for which answer of the engine; null tells them that none will come. */
  const waiting = new Map<number, (reply: Buffer | null) => void>();
  /** What the engine itself said of itself. */
  let engineHello: BSON.Document = {};
  let gone = false;

  const send = (message: Buffer): void => {
    if (!client.destroyed) client.write(message);
  };
  const cut = (): void => void client.resetAndDestroy();
  const askEngine = (command: SeenCommand, message: Buffer): Promise<Buffer | null> =>
    new Promise((resolve) => {
      if (engine.destroyed) {
        resolve(null);
        return;
      }
      waiting.set(command.requestId, resolve);
      engine.write(forStandalone(message));
    });
  const refuse = (requestId: number, code: number, numbered: Numbered | null): void => {
    const labels = numbered === null || code === TRANSACTION_TOO_OLD ? [] : ['RetryableWriteError'];
    send(replyMessage(requestId, { ...errorDocument(code, labels), topologyVersion: member.topologyVersion() }));
  };

  const onHello = async (command: SeenCommand, message: Buffer): Promise<void> => {
    const { topologyVersion, maxAwaitTimeMS } = command.document();
    if (topologyVersion !== undefined && maxAwaitTimeMS !== undefined) return streamHello(command, message);
    const reply = await askEngine(command, message);
    if (reply === null) return cut();
    engineHello = replyDocument(reply);
    send(withDocument(reply, { ...engineHello, ...member.hello() }));
  };

  /** The driver's monitor asks to be told when something changes, once, or from now on. */
  const streamHello = async (command: SeenCommand, message: Buffer): Promise<void> => {
    const { topologyVersion, maxAwaitTimeMS } = command.document();
    const known = `${topologyVersion.processId}/${topologyVersion.counter}`;
    const now = member.topologyVersion();
    if (known === `${now.processId.toHexString()}/${now.counter.toString()}`) await member.changed(Number(maxAwaitTimeMS));
    const goesOn = allowsExhaust(message);
    do {
      const reply = replyMessage(command.requestId, { ...engineHello, ...member.hello() });
      send(goesOn ? withMoreToCome(reply) : reply);
      if (goesOn) await member.changed(Number(maxAwaitTimeMS));
    } while (goesOn && !gone);
  };

  const onCommand = async (command: SeenCommand, message: Buffer): Promise<void> => {
    const isRead = READS.has(command.name);
    const numbered = isRead || command.name === 'getMore' ? null : numberedOf(command.document());
    if (!member.isPrimary() && !OF_ANY_MEMBER.has(command.name)) {
      if (!isRead) return refuse(command.requestId, NOT_WRITABLE_PRIMARY, numbered);
      const mode: unknown = command.document()['$readPreference']?.mode;
      if (mode === undefined || mode === 'primary') return refuse(command.requestId, NOT_PRIMARY_NO_SECONDARY_OK, null);
    }
    const term = member.term();
    const reply = numbered === null ? await askEngine(command, message) : await once(numbered, command, message);
    if (reply === 'old') return refuse(command.requestId, TRANSACTION_TOO_OLD, numbered);
    if (reply === null) return cut();
    if (isRead || OF_ANY_MEMBER.has(command.name)) return send(reply);
    await member.steady();
    // It is done, and the member that did it is no longer the one that may say so.
    if (member.term() !== term) return refuse(command.requestId, PRIMARY_STEPPED_DOWN, numbered);
    send(reply);
  };

  const once = async (numbered: Numbered, command: SeenCommand, message: Buffer): Promise<Buffer | 'old' | null> => {
    const earlier = member.memory.earlier(numbered);
    if (earlier === 'old') return 'old';
    if (earlier !== null) {
      const answer = await earlier;
      return answer === null ? null : asAnswerTo(command.requestId, answer);
    }
    const answered = member.memory.take(numbered);
    const reply = await askEngine(command, message);
    answered(reply, reply !== null && replyDocument(reply)['ok'] !== 1);
    return reply;
  };

  const onRequest = async (message: Buffer): Promise<void> => {
    const command = parseCommand(message);
    if (command === null) return cut();
    if (HELLO.has(command.name)) return onHello(command, message);
    // The engine knows of no session, so there is none to end.
    if (command.name === 'endSessions') return send(replyMessage(command.requestId, { ok: 1 }));
    return onCommand(command, message);
  };

  client.setNoDelay(true);
  client.on('data', createFramer((message) => void onRequest(message).catch(cut))); // prettier-ignore
  engine.on('data', createFramer((reply) => {
    const requestId = responseToOf(reply);
    const answer = waiting.get(requestId);
    waiting.delete(requestId);
    answer?.(reply);
    if (gone && waiting.size === 0) engine.destroy();
  })); // prettier-ignore
  // What was begun for a driver that is gone is done all the same, and remembered: it may ask again.
  client.on('close', () => {
    gone = true;
    if (waiting.size === 0) engine.destroy();
  });
  engine.on('close', () => {
    for (const answer of waiting.values()) answer(null);
    waiting.clear();
    client.destroy();
  });
  client.on('error', () => undefined);
  engine.on('error', () => undefined);
  return cut;
};
