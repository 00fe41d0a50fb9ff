/** What a forecast is made from. */
import type { Account, Ledger } from './account.js';
import type { Batch } from './batch.js';
import type { OutcomeClass } from './call.js';
import type { CallerUses } from './callers.js';
import type { PastCall, Policy, Suppression } from './decision.js';
import type { Job } from './job.js';
import type { OutcomeTable } from './outcomes.js';
import type { Packs } from './rules.js';

/** How often calls end in a way, how long such calls take and what they cost. */
export interface OutcomeShare {
  readonly class: OutcomeClass;
  readonly weight: number;
  readonly meanDurationMs: number;
  /** null: by the account's tariff. */
  readonly meanCostMicros: number | null;
}

export interface ForecastInput {
  readonly jobs: readonly Job[];
  /** How many jobs each of `jobs` stands for, where only a sample is played. */
  readonly scale: number;
  readonly batch: Batch;
  readonly account: Account;
  readonly ledger: Ledger | null;
  readonly suppressions: readonly Suppression[];
  readonly history: readonly PastCall[];
  /** How our own numbers fared until now; left out where that is not known. */
  readonly callers?: CallerUses;
  readonly mix: readonly OutcomeShare[];
  readonly policy: Policy;
  readonly packs: Packs;
  readonly table: OutcomeTable;
  readonly callsPerSecond: number;
  readonly from: Date;
  readonly runs: number;
  readonly seed: number;
}
