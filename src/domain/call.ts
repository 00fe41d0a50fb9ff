/** A call as the provider describes it, read leniently (src/retell/reading.ts), and what it means (outcomes.ts). */

export interface CallReading {
  readonly callId: string;
  readonly status: string;
  /** False once it ended, was not connected or failed: nothing further will ring. */
  readonly live: boolean;
  /** True for a live call that is talking, false while it rings. */
  readonly talking: boolean;
  /** The provider's disconnection_reason. */
  readonly reason: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly durationMs: number | null;
  /** US cents; null where the provider sent none (yet). */
  readonly costCents: number | null;
  readonly inVoicemail: boolean | null;
  /** True when the transcript shows that the person said something; null when there is no transcript. */
  readonly userSpoke: boolean | null;
  readonly analysis: Readonly<Record<string, unknown>> | null;
  readonly collected: Readonly<Record<string, unknown>> | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly toNumber: string | null;
  readonly fromNumber: string | null;
  /** The whole reply, kept for `call_result.details`. Never logged. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The classes of config/outcomes.json. `lost`: never found again; `unreadable`: found, but unreadable past its longest duration. */
export type OutcomeClass =
  | 'answered'
  | 'voicemail'
  | 'no_answer'
  | 'busy'
  | 'bad_number'
  | 'dial_failed'
  | 'caller_id'
  | 'transient'
  | 'account'
  | 'no_contact'
  | 'operator'
  | 'unknown'
  | 'lost'
  | 'unreadable';

/** Why we ended a call ourselves, stored on the attempt before the stop is sent. */
export type StopReason = 'max_duration' | 'ring_timeout' | 'operator' | 'stray';

export interface Outcome {
  readonly class: OutcomeClass;
  /** The provider's reason, or ours (`stopped:max_duration`, `lost`). */
  readonly reason: string;
  readonly success: boolean;
  readonly reached: 'placed' | 'rang' | 'answered' | 'conversation';
  /** When delays count from: the end of the call, or when that was seen. */
  readonly endedAt: Date;
  readonly durationMs: number;
}

/** What becomes of the job after a call: applied in one fenced write, stored with the attempt so that a successor can finish it. */
export interface NextStep {
  readonly status: 'pending' | 'done' | 'completed' | 'failed' | 'suspended' | 'cancelled';
  readonly phoneIndex: number;
  /** Pending only: due then; null: due at once. */
  readonly dueAt: Date | null;
  readonly countsAttempt: boolean;
  readonly countsTransient: boolean;
  /** A line never to be dialled again for this contact. */
  readonly badLine: string | null;
  readonly suspendReason: string | null;
  readonly lastError: string | null;
  /** One sentence that says what was decided and why, for `job show`. */
  readonly why: string;
}
