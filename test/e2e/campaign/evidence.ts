/** What the audit looks at: the simulator's ledger as calls, and the documents as other programs see them. Nothing of src/domain is used. */

import type { Document } from 'mongodb';
import type { LedgerEntry } from '../../../src/simulator/ledger.js';
import { BUENOS_AIRES, SANTIAGO, type Plan } from './plan.js';

export interface Call {
  readonly id: string;
  readonly atMs: number;
  /** Infinity while it is live. */
  readonly endMs: number;
  readonly to: string;
  readonly line: string;
  readonly job: Document;
  readonly batch: Document | null;
  readonly account: Document;
  readonly runner: string;
  readonly reason: string;
  readonly durationMs: number;
  readonly costCents: number;
}

export interface Evidence {
  readonly plan: Plan;
  /** In the order of the dials. */
  readonly calls: readonly Call[];
  /** The jobs as they were left. */
  readonly left: readonly Document[];
  readonly atMs: number;
  readonly queuesOf: ReadonlyMap<string, readonly string[]>;
  readonly settings: { readonly minRedialMs: number; readonly maxConcurrent: number; readonly transientRetries: number }; // prettier-ignore
}

/** One telephone, however it is written: Argentina's mobiles have a 9 that may be left out. */
const lineOf = (phone: string): string => phone.replace(/^\+549/, '+54');

export const callsOf = (plan: Plan, ledger: readonly LedgerEntry[]): Call[] => {
  const ends = new Map(ledger.flatMap((entry) => (entry.event === 'transition' && entry.live === false ? [[entry.callId ?? '', entry] as const] : []))); // prettier-ignore
  const jobs = new Map(plan.jobs.map((job) => [String(job['job_id']), job]));
  return ledger.flatMap((entry): Call[] => {
    if (entry.event !== 'dial') return [];
    const { job_id, runner } = entry.metadata as { job_id: string; runner: string };
    const job = jobs.get(job_id);
    const account = plan.accounts.find((each) => each['account_id'] === job?.['account_id']);
    if (job === undefined || account === undefined) throw new Error(`a call of a job that nobody planned: ${job_id}`);
    const end = ends.get(entry.callId ?? '');
    return [
      {
        id: entry.callId ?? '',
        atMs: Date.parse(entry.at),
        endMs: end === undefined ? Infinity : Date.parse(end.at),
        to: entry.to ?? '',
        line: lineOf(entry.to ?? ''),
        job,
        batch: batchOf(plan, job),
        account,
        runner,
        reason: end?.reason ?? '',
        durationMs: end?.durationMs ?? 0,
        costCents: end?.costCents ?? 0,
      },
    ];
  });
};

export const batchOf = (plan: Plan, job: Document): Document | null =>
  plan.batches.find((batch) => batch['batch_id'] === job['batch_id']) ?? null;

export const settingsOf = (batch: Document | null): Document => (batch?.['call_settings'] ?? {}) as Document;

const COUNTRY_ZONES: Readonly<Record<string, string>> = { CL: SANTIAGO, AR: BUENOS_AIRES };
export const zoneOfAccount = (account: Document): string => COUNTRY_ZONES[String(account['country'])] ?? 'UTC';
export const zoneOf = (job: Document, batch: Document | null, account: Document): string => {
  const { timezone } = job['contact'] as { timezone?: string };
  const ofBatch: unknown = settingsOf(batch)['timezone'];
  return timezone ?? (typeof ofBatch === 'string' ? ofBatch : zoneOfAccount(account));
};
