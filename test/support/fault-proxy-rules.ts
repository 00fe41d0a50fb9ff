/** What a fault proxy does to which command. */

import type { SeenCommand } from './fault-proxy-wire.js';

export type Fault =
  /** The database is gone from this command on: the connections are reset, new ones refused, until `startListening()`. */
  | { readonly fault: 'refuse' }
  /** The connection is reset, the server never sees the command. */
  | { readonly fault: 'reset-before' }
  /** The server does it, the connection is reset instead of an answer: the client cannot know. */
  | { readonly fault: 'reset-after' }
  /** The command reaches the server late, or with `side: 'after'` the answer reaches the client late. */
  | { readonly fault: 'delay'; readonly delayMs: number; readonly side?: 'before' | 'after' }
  /** Like `delay`, until `release()`: for tests that must stand between two steps. */
  | { readonly fault: 'hold'; readonly side?: 'before' | 'after' }
  /** The proxy answers with this error; with `side: 'after'` the server has done the command all the same. */
  | { readonly fault: 'error'; readonly code: number; readonly labels?: readonly string[]; readonly side?: 'before' | 'after' }
  /** The server does it, and its answer says that the write concern was not met (64: wtimeout). */
  | { readonly fault: 'write-concern-error'; readonly code: number }
  /** Half-open: nothing more passes on this connection, in either direction. With `side: 'after'` the server has done the command. */
  | { readonly fault: 'silent'; readonly side?: 'before' | 'after' };

export type RuleOptions = Fault & {
  /** The command's name as the driver sends it: find, update, findAndModify, bulkWrite, hello... `*` is any. */
  readonly command: string;
  readonly collection?: string;
  readonly where?: (command: SeenCommand) => boolean;
  /** The first hit is the nth match from now on (1). */
  readonly nth?: number;
  /** How many matches are hit (1). */
  readonly times?: number;
};

export interface Rule {
  /** Resolves at the first hit, with the command that was hit. */
  readonly hit: Promise<SeenCommand>;
  hits(): number;
  /** Lets go of every command that `hold` holds, and of those to come. */
  release(): void;
  remove(): void;
}

export interface ActiveRule extends Rule {
  readonly options: RuleOptions;
  readonly released: Promise<void>;
  /** Counts the command when it matches; true when this one is to be hit. */
  takes(command: SeenCommand): boolean;
}

export const createRule = (options: RuleOptions, onRemove: (rule: ActiveRule) => void): ActiveRule => {
  const firstHit = signal<SeenCommand>();
  const release = signal<undefined>();
  const nth = options.nth ?? 1;
  const last = nth + (options.times ?? 1) - 1;
  let matches = 0;
  let hits = 0;
  const rule: ActiveRule = {
    options,
    hit: firstHit.promise,
    released: release.promise,
    hits: () => hits,
    release: () => release.resolve(undefined),
    remove: () => onRemove(rule),
    takes: (command) => {
      if (!isMatch(options, command)) return false;
      matches += 1;
      if (matches < nth || matches > last) return false;
      hits += 1;
      firstHit.resolve(command);
      return true;
    },
  };
  return rule;
};

const isMatch = (options: RuleOptions, command: SeenCommand): boolean => {
  if (options.command !== '*' && options.command !== command.name) return false;
  if (options.collection !== undefined && !command.collections().includes(options.collection)) return false;
  return options.where === undefined || options.where(command);
};

const signal = <T>(): { promise: Promise<T>; resolve: (value: T) => void } => {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
};

const CODE_NAMES: Readonly<Record<number, string>> = {
  50: 'MaxTimeMSExpired',
  64: 'WriteConcernTimeout',
  91: 'ShutdownInProgress',
  112: 'WriteConflict',
  189: 'PrimarySteppedDown',
  225: 'TransactionTooOld',
  10107: 'NotWritablePrimary',
  11600: 'InterruptedAtShutdown',
  11602: 'InterruptedDueToReplStateChange',
  13435: 'NotPrimaryNoSecondaryOk',
};

export const errorDocument = (code: number, labels: readonly string[] = []): Record<string, unknown> => ({
  ok: 0,
  errmsg: `the fault proxy answers ${codeName(code)}`,
  code,
  codeName: codeName(code),
  ...(labels.length === 0 ? {} : { errorLabels: [...labels] }),
});

export const codeName = (code: number): string => CODE_NAMES[code] ?? `Error${code}`;
