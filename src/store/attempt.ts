/** The attempt as it is stored: the truth about one call that was placed or may have been placed. Ours alone. */
import type { NextStep, Outcome, StopReason } from '../domain/call.js';
import type { Count, Estimate } from '../domain/decision.js';
import type { DocId } from '../domain/job.js';

/**
 *   placing --201--> live --ended, analysis missing--> ended --> settled
 *      |  \--ambiguous--> unknown --found--> live         \----> settled
 *      |                     \--never found, window over-------> settled (lost)
 *      \--refused, dropped, decided otherwise-----------------> void
 */
export type AttemptState = 'placing' | 'unknown' | 'live' | 'ended' | 'settled' | 'void';

export interface AttemptDoc {
  readonly _id: string;
  readonly job: DocId;
  readonly job_ref: string;
  readonly account: string | null;
  readonly batch: string | null;
  readonly runner: string;
  /** Hash of the provider's address and key: a "never placed" must come from the workspace the intent was made in. */
  readonly workspace: string;
  readonly state: AttemptState;
  readonly open: boolean;
  readonly lease_until?: Date;
  readonly at: Date;
  readonly dial_by: Date;
  readonly locks?: readonly string[];
  readonly to_number: string;
  readonly from_number: string;
  readonly line: string;
  readonly person: string | null;
  readonly phone_index: number;
  readonly ring_ms: number;
  readonly max_duration_ms: number;
  readonly estimate: Estimate;
  readonly counts: readonly Count[];
  readonly timezone: string;
  readonly call_id?: string;
  readonly placed_at?: Date;
  readonly stray?: boolean;
  /** A call of the old worker: it may have written of it already. */
  readonly foreign?: boolean;
  readonly stop_reason?: StopReason;
  readonly outcome?: Outcome;
  /** How far it got, for limits that count answered calls or conversations. */
  readonly reached?: Outcome['reached'];
  readonly next?: NextStep | null;
  readonly cost?: AttemptCost;
  /** What the job is told about the call; removed with the lease, when the job has it. */
  readonly result?: Record<string, unknown>;
  readonly job_fields?: Record<string, unknown>;
  /** Its POST had no clear answer: the provider may have placed it more than once. */
  readonly doubted?: boolean;
  readonly look_at?: Date;
  readonly void_reason?: string;
  readonly settled_at?: Date;
}

/** What a hold depends on. */
export type HeldAttempt = Pick<AttemptDoc, '_id' | 'lease_until' | 'open' | 'state' | 'counts' | 'cost' | 'batch'>;

export interface AttemptCost {
  readonly micros: number;
  readonly ms: number;
  readonly final: boolean;
}

/** What step 4 inserts, without its dates. */
export type Intent = Omit<AttemptDoc, 'state' | 'open' | 'lease_until' | 'at' | 'dial_by' | 'locks'> & {
  readonly locks: readonly string[];
};
