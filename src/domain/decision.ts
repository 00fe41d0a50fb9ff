/** What `decide` answers, and what it may look at. */
import type { Account, Ledger } from './account.js';
import type { Batch } from './batch.js';
import type { CallerRules, CallerUses } from './callers.js';
import type { Job } from './job.js';

export interface Reason {
  /** Stable, for scripts: PAUSED, WINDOW_CLOSED, LIMIT_PERSON, NO_CREDIT... */
  readonly code: string;
  /** One sentence for a person. */
  readonly text: string;
  readonly value?: string | number | null;
  readonly limit?: string | number | null;
  /** The setting or field the limit comes from, e.g. `batch.call_settings.allowed_hours`. */
  readonly source: string;
  /** When this gate opens by itself; null: only by somebody's act. */
  readonly until: Date | null;
}

/** The estimated cost that is held before the call is placed. */
export interface Estimate {
  readonly micros: number;
  readonly ms: number;
}

/** A counter that placing this call raises, and the limit it must stay under. */
export interface Count {
  readonly key: string;
  readonly max: number | null;
}

/** Everything the protocol needs to place the one call. */
export interface DialPlan {
  readonly kind: 'dial';
  readonly phoneIndex: number;
  readonly to: string;
  readonly line: string;
  readonly person: string | null;
  readonly from: string;
  readonly agentId: string | null;
  readonly ringMs: number;
  readonly maxDurationMs: number;
  readonly estimate: Estimate;
  readonly counts: readonly Count[];
  /** Size of each concurrency limit; null: none. */
  readonly slots: { readonly installation: number; readonly account: number | null; readonly batch: number | null };
  readonly timezone: string;
}

export interface Wait {
  readonly kind: 'wait';
  /** When to look again: the latest `until` of the reasons that have one; null: nobody knows (paused). */
  readonly until: Date | null;
  readonly reasons: readonly Reason[];
}

export interface Stop {
  readonly kind: 'stop';
  readonly status: 'done' | 'completed' | 'failed' | 'suspended' | 'cancelled';
  /** For `suspended`: no_credit, operator, unreadable... */
  readonly suspendReason: string | null;
  readonly reasons: readonly Reason[];
}

export type Decision = DialPlan | Wait | Stop;

/** One earlier call to the line or person, newest first in lists. */
export interface PastCall {
  readonly at: Date;
  readonly line: string;
  readonly person: string | null;
  /** How far it got: each includes the ones before it. */
  readonly reached: 'placed' | 'rang' | 'answered' | 'conversation';
}

export interface Suppression {
  readonly line: string | null;
  readonly person: string | null;
  /** null: the whole installation. */
  readonly account: string | null;
  readonly batch: string | null;
  readonly reason: string;
  readonly expiresAt: Date | null;
}

/** What is known when a decision is made. */
export interface Facts {
  readonly job: Job;
  /** 'missing': the job names a batch that does not exist. */
  readonly batch: Batch | 'missing';
  readonly account: Account | 'missing';
  /** null: no call was ever charged to the account. */
  readonly ledger: Ledger | null;
  readonly suppressions: readonly Suppression[];
  readonly history: readonly PastCall[];
  /** The attempt asking, whose own hold and counts are already in the ledger at the last look; null before that. */
  readonly ownHold: Estimate | null;
  /** How our own numbers fared lately; left out where that is not known. */
  readonly callers?: CallerUses;
  readonly now: Date;
}

/** The settings that rules look at; a plain value so that forecasts can change it. */
export interface Policy {
  readonly maxAttempts: number | null;
  readonly transientRetries: number;
  readonly minRedialMs: number;
  readonly retryDelayMs: number;
  readonly noAnswerRetryMs: number;
  readonly transientRetryMs: number;
  readonly voicemailPolicy: 'retry' | 'done' | 'fail';
  readonly successStatus: 'done' | 'completed';
  readonly ringMs: number;
  readonly maxDurationMs: number;
  readonly maxConcurrentCalls: number;
  /** Of the whole installation. null: no cap. */
  readonly maxCallsPerDay: number | null;
  readonly defaultMaxCallsPerDay: number | null;
  readonly holdMinutes: number;
  readonly priceSource: 'provider' | 'tariff';
  readonly fromNumbers: readonly string[];
  readonly callerRules: CallerRules;
  readonly agentId: string;
  readonly defaultTimezone: string;
  /** No phone rings later than this before a window closes. */
  readonly closingMarginMs: number;
  /** Rule pack for batches that name none. */
  readonly defaultRules: string;
  readonly callbackVariable: string;
}
