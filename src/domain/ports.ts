/** The effects the program is given from outside, so that tests can hold them still. Nothing here does anything. */

/** A moment as two clocks saw it. Either can lie: the monotonic one stops in a suspended machine, the wall one jumps. */
export interface Mark {
  readonly monoMs: number;
  readonly wallMs: number;
}

export interface Clock {
  /** This machine's wall clock. For rules use the database's time (`store.time.now()`), not this. */
  now(): Date;
  mark(): Mark;
  /** Elapsed time since a mark: the larger of what the two clocks say, so that neither lie makes a deadline later. */
  elapsedMs(since: Mark): number;
  /** How far the two clocks disagree about the time since the mark. A large figure means a suspend or a jump. */
  disagreementMs(since: Mark): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  /** Ends early when any of the signals is given; leaves nothing behind on them, so that they may live as long as the process. */
  sleep(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void>;
}

/** A source of numbers in [0, 1). */
export type Random = () => number;

export type LogFields = Record<string, unknown>;

/** A structured log. Fields named `account_id`, `batch_id`, `job_id`, `attempt_id`, `call_id`, `worker` are the ids of a line. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A log whose lines carry the component's name and these fields. */
  child(component: string, fields?: LogFields): Log;
}

/** The audit trail: one line per dial, outcome and transition, written before the call returns. */
export interface Journal {
  write(event: string, fields: LogFields): void;
}
