/** The database a command works on: the embedded one is started where MONGO_URI says so. */
import type { Settings } from '../config/settings.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import type { Clock, Log } from '../domain/ports.js';
import type { Store } from '../store/store.js';
import { say } from './output.js';

export interface OpenDatabase {
  readonly store: Store;
  /** What serves it, in words, for a banner. */
  readonly provider: string;
  /** Where an embedded one keeps its data; null: a server does. */
  readonly directory: string | null;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** How long to go on trying; undefined: once. */
  readonly waitMs?: number;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

export async function openDatabase(settings: Settings, clock: Clock, options: OpenOptions = {}): Promise<OpenDatabase> {
  const { openStore } = await import('../store/store.js');
  const place = await locate(settings.database.uri, options.log);
  const started = clock.mark();
  const { delayMs, factor, maxDelayMs, jitter } = settings.retries.mongoConnect;
  for (let pauseMs = delayMs; ; pauseMs = Math.min(pauseMs * factor, maxDelayMs)) {
    try {
      const store = await orAborted(openStore({ ...settings.database, uri: place.uri }, clock), options.signal);
      return {
        store,
        provider: place.provider,
        directory: place.directory,
        close: async () => {
          await store.close();
          await place.close();
        },
      };
    } catch (error) {
      const hopeless = error instanceof SpeechAiError && error.exitCode !== EXIT.tryAgain;
      const left = (options.waitMs ?? 0) - clock.elapsedMs(started);
      if (hopeless || left <= 0 || options.signal?.aborted === true) {
        await place.close();
        throw error;
      }
      options.log?.warn('the database does not answer; trying again', { again_in_ms: Math.round(Math.min(pauseMs, left)) });
      await clock.sleep(Math.min(pauseMs * (1 + jitter * Math.random()), left), options.signal);
    }
  }
}

/** The driver looks for a server until its own time is over; whoever is told to stop does not wait for that. */
async function orAborted(opening: Promise<Store>, signal: AbortSignal | undefined): Promise<Store> {
  if (signal === undefined) return opening;
  let leave: () => void = () => undefined;
  const aborted = new Promise<null>((resolve) => {
    leave = () => resolve(null);
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
  });
  const store = await Promise.race([opening, aborted]);
  signal.removeEventListener('abort', leave);
  if (store !== null) return store;
  opening.then((late) => late.close()).catch(() => undefined);
  throw new SpeechAiError('STOPPED', 'It was told to stop before the database was open.', {
    remedy: 'Start it again.',
    exitCode: EXIT.tryAgain,
  });
}

interface Place {
  readonly uri: string;
  readonly provider: string;
  readonly directory: string | null;
  close(): Promise<void>;
}

async function locate(uri: string, log: Log | undefined): Promise<Place> {
  if (!/^embedded(:|$)/.test(uri)) return { uri, provider: 'MongoDB', directory: null, close: () => Promise.resolve() };
  const { openEmbedded } = await import('../embedded/open.js');
  const directory = uri === 'embedded' ? null : uri.slice('embedded:'.length);
  return openEmbedded(directory, { onProgress: say, ...(log === undefined ? {} : { log }) });
}
