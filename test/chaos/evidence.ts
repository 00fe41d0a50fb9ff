/** What a run leaves behind to be judged: the simulator's ledger, the documents, what the rival asked for, how the processes ended. */

import type { Db, Document } from 'mongodb';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import type { Campaign, JobFacts } from './campaign.js';
import type { WatchedWrites } from './durability.js';
import type { Ended } from './fleet.js';
import { LATE_CREATE_MS } from './options.js';
import type { Closure } from './rival.js';

export interface Documents {
  readonly jobs: readonly Document[];
  readonly batches: readonly Document[];
  readonly accounts: readonly Document[];
  readonly attempts: readonly Document[];
  readonly ledgers: readonly Document[];
  readonly transactions: readonly Document[];
  readonly results: readonly Document[];
}

export interface Evidence {
  readonly ledger: readonly LedgerEntry[];
  readonly liveAtEnd: number;
  readonly documents: Documents;
  /** Kinds of faults that the schedule had. */
  readonly planned: ReadonlySet<string>;
  readonly campaign: Pick<Campaign, 'neverDial'>;
  readonly jobs: readonly JobFacts[];
  readonly closures: readonly Closure[];
  readonly disturbed: ReadonlyMap<string, number>;
  readonly bought: readonly { readonly account: string; readonly atMs: number; readonly dollars: number }[];
  readonly highestLimit: number;
  readonly ended: readonly Ended[];
  readonly logs: readonly string[];
  /** Writes to the protocol's collections as the wire showed them: how many were looked at, and those that were not durable. */
  readonly writes: WatchedWrites;
  /** How late this process may have noted what it witnessed. */
  readonly witnessLagMs: number;
  /** What was still under way when the time for finishing was over; null: nothing. */
  readonly leftOver: string | null;
}

/** A call as the simulator saw it from the dial to its end. */
export interface Witnessed {
  readonly callId: string;
  readonly attemptId: string | null;
  readonly to: string;
  readonly job: JobFacts | null;
  readonly outcome: string;
  /** When the request came in; a provider that is late rings later. */
  readonly askedMs: number;
  readonly dialledMs: number;
  readonly endedMs: number | null;
  readonly reason: string | null;
  readonly durationMs: number;
  readonly costMicros: number;
}

export const readDocuments = async (db: Db): Promise<Documents> => {
  const all = (name: string): Promise<Document[]> => db.collection(name).find({}).toArray();
  return {
    jobs: await all('jobs'),
    batches: await all('batches'),
    accounts: await all('accounts'),
    attempts: await all('call_attempts'),
    ledgers: await all('account_ledgers'),
    transactions: await all('transactions'),
    results: await all('call_results'),
  };
};

const TIMER_SLACK_MS = 400;

export const witnessed = ({ ledger, jobs }: Pick<Evidence, 'ledger' | 'jobs'>): Witnessed[] => {
  const byRef = new Map(jobs.map((job) => [job.ref, job]));
  const ends = new Map(
    ledger.flatMap((entry) => (entry.event === 'transition' && entry.live === false ? [[entry.callId, entry] as const] : [])),
  );
  const late = ledger.filter((entry) => entry.event === 'fault' && entry.code === 'slow');
  return ledger.flatMap((entry): Witnessed[] => {
    if (entry.event !== 'dial' || entry.callId === undefined || entry.to === undefined) return [];
    const dialledMs = Date.parse(entry.at);
    const held = late.find((one) => one.to === entry.to && Math.abs(dialledMs - Date.parse(one.at) - LATE_CREATE_MS) < TIMER_SLACK_MS);
    const end = ends.get(entry.callId);
    return [
      {
        callId: entry.callId,
        attemptId: entry.attemptId ?? null,
        to: entry.to,
        job: byRef.get(jobRefOf(entry.metadata)) ?? null,
        outcome: entry.outcome ?? '',
        askedMs: held === undefined ? dialledMs : Date.parse(held.at),
        dialledMs,
        endedMs: end === undefined ? null : Date.parse(end.at),
        reason: end?.reason ?? null,
        durationMs: end?.durationMs ?? 0,
        costMicros: Math.round((end?.costCents ?? 0) * 10_000),
      },
    ];
  });
};

const jobRefOf = (metadata: unknown): string => {
  if (typeof metadata !== 'object' || metadata === null || !('job_id' in metadata)) return '';
  return String(metadata.job_id);
};
