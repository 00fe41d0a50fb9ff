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
const GREETING_TIMEOUT_MS = 5_000;
const RETRY_MS = 25;

export interface Attachment {
  readonly greeting: Greeting;
  readonly connection: Socket;
}

/** Connects to the engine that serves the directory, or starts one. Several processes may do this at once: one engine comes of it. */
export const attach = async (home: Home, provider: () => Promise<Provider>): Promise<Attachment> => {
  const deadlineMs = performance.now() + ATTACH_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const found = await greet(readLock(home.lockFile)?.ownersSocket ?? home.ownersSocket);
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
  throw new SpeechAiError('EMBEDDED_BUSY', `The embedded database in ${home.directory} is held by a process that does not answer.`, {
    remedy: `Look at the process named in ${home.lockFile}; ending it frees the folder, and no data is lost.`,
    exitCode: EXIT.tryAgain,
  });
};

const startFailed = (provider: string, why: string): SpeechAiError =>
  new SpeechAiError('EMBEDDED_START', `The embedded database (${provider}) did not start: ${why}`, {
    remedy: 'Set MONGO_URI to a MongoDB server, or install mongod, or name another folder: MONGO_URI=embedded:/path/to/folder.',
  });

/** Resolves to null where nobody listens or the engine is on its way out. */
const greet = (path: string): Promise<Attachment | null> =>
  new Promise((resolve) => {
    const connection = connect(path);
    const give = (result: Attachment | null): void => {
      clearTimeout(timer);
      connection.removeAllListeners();
      connection.on('error', () => undefined);
      if (result === null) connection.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => give(null), GREETING_TIMEOUT_MS);
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
