/** A MongoDB without a server: for development, the demo and the tests. One engine per directory, shared by all processes that use it. */

import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../domain/errors.js';
import type { Log } from '../domain/ports.js';
import { attach } from './attach.js';
import type { Attachment } from './attach.js';
import { openHome } from './home.js';
import { LEAVE } from './protocol.js';
import { chooseProvider } from './providers.js';
import type { Provider } from './providers.js';

export interface Embedded {
  /** For the ordinary driver. It stays valid when the engine is started again. */
  readonly uri: string;
  /** What serves it, in words. */
  readonly provider: string;
  readonly directory: string;
  /** The engine's process at this moment. */
  pid(): number;
  /** Lets go of the engine. When this was its last user, it resolves once the engine is closed. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly log?: Log;
  /** Called with a line for a person when something takes a while (the first fetch of a C library). */
  readonly onProgress?: (line: string) => void;
  /** Called with a line for a person when the engine died and when it is back. */
  readonly onGone?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

const CLOSE_TIMEOUT_MS = 3_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** An engine that lived this long was in order: the next death starts counting anew. */
const HEALTHY_MS = 10_000;

/** Opens the database of `directory`; null is the user's own default folder. */
export const openEmbedded = async (directory: string | null, options: EmbeddedOptions = {}): Promise<Embedded> => {
  const env = options.env ?? process.env;
  const home = openHome(directory, env);
  const onProgress = options.onProgress ?? ((line: string) => options.log?.info(line));
  let chosen: Promise<Provider> | null = null;
  const provider = (): Promise<Provider> => (chosen ??= chooseProvider(env, onProgress));

  let current = await attach(home, provider, onProgress);
  let closed = false;
  let pauseMs = FIRST_PAUSE_MS;

  const watch = (attachment: Attachment): void => {
    const sinceMs = performance.now();
    current = attachment;
    // The connection keeps the engine alive, it must not keep this process alive.
    attachment.connection.unref();
    attachment.connection.resume();
    attachment.connection.once('close', () => {
      if (closed) return;
      if (performance.now() - sinceMs > HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
      options.log?.warn('the embedded database is gone; starting it again', { engine_pid: attachment.greeting.pid });
      options.onGone?.('The database is gone; starting it again.');
      void startAgain();
    });
  };

  /** Every owner tries; the storage engine's lock lets one of the engines live, and all find that one. */
  const startAgain = async (): Promise<void> => {
    while (!closed) {
      try {
        const attachment = await attach(home, provider, onProgress);
        if (closed) {
          attachment.connection.end(LEAVE);
          return;
        }
        watch(attachment);
        options.log?.info('the embedded database is back', { engine_pid: attachment.greeting.pid });
        options.onGone?.('The database is back.');
        return;
      } catch (error) {
        options.log?.error('the embedded database does not start', { reason: messageOf(error), retry_ms: pauseMs });
        await delay(pauseMs, undefined, { ref: false });
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  };

  watch(current);
  options.log?.info(`MongoDB without a server: ${current.greeting.provider}`, {
    directory: home.directory,
    engine_pid: current.greeting.pid,
  });
  return {
    uri: current.greeting.uri,
    provider: current.greeting.provider,
    directory: home.directory,
    pid: () => current.greeting.pid,
    close: async () => {
      if (closed) return;
      closed = true;
      await letGo(current);
    },
  };
};

const letGo = ({ connection }: Attachment): Promise<void> =>
  new Promise((resolve) => {
    if (connection.destroyed) {
      resolve();
      return;
    }
    const timer = setTimeout(() => connection.destroy(), CLOSE_TIMEOUT_MS);
    connection.ref();
    connection.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    connection.write(LEAVE);
  });
