/** What a gate is: one rule a call must pass, looked at for one moment. The gates themselves are in gates-batch, gates-hours and gates-job. */
import type { Account, Ledger } from './account.js';
import type { Batch } from './batch.js';
import type { CallerUses } from './callers.js';
import type { Estimate, PastCall, Policy, Reason, Suppression } from './decision.js';
import type { Job, Phone } from './job.js';
import type { Packs, RulePack } from './rules.js';
import { packNamed } from './rules.js';
import type { Zone } from './zones.js';

/** What becomes of the job while the gate is shut. */
export type Effect = 'wait' | 'done' | 'cancel' | 'fail' | 'suspend' | 'set_aside' | 'no_credit';

export interface Finding {
  readonly effect: Effect;
  readonly reason: Reason;
}

export interface Gate<Scene> {
  readonly name: string;
  readonly check: (scene: Scene) => readonly Finding[];
}

/** What the rules of a batch look at, at one moment. */
export interface BatchScene {
  readonly batch: Batch | 'missing';
  readonly account: Account | 'missing';
  readonly ledger: Ledger | null;
  readonly ownHold: Estimate | null;
  readonly callers?: CallerUses;
  readonly at: Date;
  /** False when a later moment is imagined: what only others' acts can change (money, counts of today) is then not known. */
  readonly present: boolean;
  readonly policy: Policy;
  readonly packs: Packs;
  /** Whose clock the hours are read on. */
  readonly zone: Zone;
}

export interface ChosenPhone {
  readonly index: number;
  readonly phone: Phone;
  readonly e164: string;
  readonly line: string;
}

export interface JobScene extends BatchScene {
  readonly job: Job;
  readonly suppressions: readonly Suppression[];
  readonly history: readonly PastCall[];
  /** The number to dial now; null: none is left. */
  readonly phone: ChosenPhone | null;
}

export function finding(effect: Effect, code: string, text: string, source: string, more: Partial<Reason> = {}): Finding {
  return { effect, reason: { code, text, source, until: null, ...more } };
}

/** A later moment that may be shut too: the wait is worked out by looking again then. */
export const wait = (code: string, text: string, source: string, more: Partial<Reason> = {}): Finding =>
  finding('wait', code, text, source, more);

export function packOf({ batch, account, policy, packs }: Pick<BatchScene, 'batch' | 'account' | 'policy' | 'packs'>): RulePack | null {
  const name = (batch === 'missing' ? null : batch.rules) ?? policy.defaultRules;
  return packNamed(name.toLowerCase() || 'none', account === 'missing' ? null : account.country, packs);
}

/** False while the batch or the account cannot be read: nothing may be concluded from rules that are not known. */
export function rulesKnown({ batch, account }: Pick<BatchScene, 'batch' | 'account'>): boolean {
  return batch !== 'missing' && batch.problems.length === 0 && account !== 'missing' && account.problems.length === 0;
}

export function ringMsOf({ batch, policy }: Pick<BatchScene, 'batch' | 'policy'>): number {
  return (batch === 'missing' ? null : batch.settings.ringTimeoutMs) ?? policy.ringMs;
}

export function maxDurationMsOf({ batch, policy }: Pick<BatchScene, 'batch' | 'policy'>): number {
  return (batch === 'missing' ? null : batch.settings.maxDurationMs) ?? policy.maxDurationMs;
}
