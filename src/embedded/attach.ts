/** One process's connection to the engine of a directory: finding it, starting it when there is none. */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import type { Home } from './home.js';
import { launchEngine } from './launch.js';
import { isHolderAlive, readLock } from './lock.js';
import { greetingSchema } from './protocol.js';
import type { Greeting } from './protocol.js';
import type { Provider } from './providers.js';

/** Repairing a large directory after a crash is the longest thing an engine does at start. */
const ATTACH_TIMEOUT_MS = 60_000;
const GREETING_TIMEOUT_MS = 4_000;
/** An engine that takes connections and says nothing so often hangs: it was stopped, or its machine is far beyond its load. */
const MOST_SILENCES = 3;
/** Nobody should sit before a silent terminal for longer. */
const SAY_AFTER_MS = 2_000;
const RETRY_MS = 25;

export interface Attachment {
  readonly greeting: Greeting;
  readonly connection: Socket;
}

/** Connects to the engine that serves the directory, or starts one. Several processes may do this at once: one engine comes of it. */
export const attach = async (home: Home, provider: () => Promise<Provider>, onProgress: (line: string) => void): Promise<Attachment> => {
  const patience = setTimeout(() => onProgress(waitingText(home)), SAY_AFTER_MS);
  try {
    return await attachWithin(home, provider, performance.now() + ATTACH_TIMEOUT_MS);
  } finally {
    clearTimeout(patience);
  }
};

const waitingText = (home: Home): string => {
  const holder = readLock(home.lockFile);
  const what = holder === null || !isHolderAlive(holder) ? 'is starting' : `is held by process ${holder.pid}, which has not answered yet`;
  return `Waiting: the embedded database in ${home.directory} ${what}.`;
};

const attachWithin = async (home: Home, provider: () => Promise<Provider>, deadlineMs: number): Promise<Attachment> => {
  let silences = 0;
  while (performance.now() < deadlineMs && silences < MOST_SILENCES) {
    const found = await greet(readLock(home.lockFile)?.ownersSocket ?? home.ownersSocket);
    if (found === 'silent') {
      silences += 1;
      continue;
    }
    if (found !== null) return found;
    const holder = readLock(home.lockFile);
    // A live holder is about to listen, or about to go: both are a matter of moments, and a second engine would only be turned away.
    if (holder === null || !isHolderAlive(holder)) {
      const { prefix, order } = await provider();
      const launched = await launchEngine(home, prefix, { ...order, directory: home.directory });
      if (launched.kind === 'failed') throw startFailed(order.provider, launched.why);
      if (launched.kind === 'served') continue;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  const pid = readLock(home.lockFile)?.pid;
  const who = pid === undefined ? 'a process' : `process ${pid}`;
  throw new SpeechAiError('EMBEDDED_BUSY', `The embedded database in ${home.directory} is held by ${who}, which does not answer.`, {
    remedy: `Look at it (stopped? out of memory?), or end it with kill -9${pid === undefined ? '' : ` ${pid}`}: that frees the folder, and no acknowledged write is lost.`,
    exitCode: EXIT.tryAgain,
  });
};

const startFailed = (provider: string, why: string): SpeechAiError =>
  new SpeechAiError('EMBEDDED_START', `The embedded database (${provider}) did not start: ${why}`, {
    remedy: 'Set MONGO_URI to a MongoDB server, or install mongod, or name another folder: MONGO_URI=embedded:/path/to/folder.',
  });

/** Resolves to null where nobody listens or the engine is on its way out, to 'silent' where somebody listens and says nothing. */
const greet = (path: string): Promise<Attachment | 'silent' | null> =>
  new Promise((resolve) => {
    const connection = connect(path);
    const give = (result: Attachment | 'silent' | null): void => {
      clearTimeout(timer);
      connection.removeAllListeners();
      connection.on('error', () => undefined);
      if (result === null || result === 'silent') connection.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => give('silent'), GREETING_TIMEOUT_MS);
    let said = '';
    connection.on('data', (chunk) => {
      said += chunk.toString('utf8');
      if (!said.includes('\n')) return;
      const greeting = greetingSchema.safeParse(parseJson(said));
      give(greeting.success ? { greeting: greeting.data, connection } : null);
    });
    connection.on('error', () => give(null));
    connection.on('close', () => give(null));
  });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
