/** Batches and their call settings, as the lenient reader (read-batch.ts) made them from SpeechAI's documents. */

export type BatchState = 'running' | 'paused' | 'draining' | 'cancelled' | 'completed' | 'scheduled' | 'expired';

/** Minutes of a local day, half open: from <= m < to. `to` may be 1440. Overnight spans are split by the reader. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Spans per ISO weekday, index 1 (Monday) to 7 (Sunday); index 0 is unused and empty. */
export type Week = readonly (readonly Span[])[];

export interface CallSettings {
  readonly maxAttempts: number | null;
  readonly retryDelayMs: number | null;
  /** null: no restriction by the batch. */
  readonly week: Week | null;
  readonly timezone: string | null;
  /** Local dates (YYYY-MM-DD) on which the batch is closed, besides the country's holidays. */
  readonly closedDates: readonly string[];
  /** Country code whose holiday file applies; null: the account's country only when the batch or its rules ask for holidays. */
  readonly holidays: string | null;
  readonly ringTimeoutMs: number | null;
  readonly maxDurationMs: number | null;
  readonly maxConcurrentCalls: number | null;
  readonly maxCallsPerDay: number | null;
}

export interface Batch {
  /** null: the implied batch of jobs that name none. */
  readonly id: string | null;
  readonly name: string;
  readonly account: string | null;
  readonly state: BatchState;
  /** Why it is paused, who and when, where that is known. */
  readonly stateReason: string | null;
  readonly startAt: Date | null;
  readonly endAt: Date | null;
  /** 1 (low) to 4 (urgent), used as a weight. */
  readonly priority: number;
  readonly queue: string | null;
  /** `cobranza`, `marketing`...: what routes may choose a queue by; null where the document does not tell. */
  readonly useCase: string | null;
  /** Rule pack by name (`cl`, `ar`, `none`); null: the installation's default. */
  readonly rules: string | null;
  /** Caller numbers of its own; empty: the account's or the installation's. */
  readonly fromNumbers: readonly string[];
  readonly agentId: string | null;
  /** Zones that contacts of it live in besides the batch's own, as far as they are known: while its own hours are over, theirs may not be. */
  readonly contactZones: readonly string[];
  readonly settings: CallSettings;
  /** Rules that could not be understood. Not empty: the batch is closed and says why (P4). */
  readonly problems: readonly string[];
}
