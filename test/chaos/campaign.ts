/** The documents a chaos run begins with: accounts that can pay and that cannot, batches that may dial and that may not, and their jobs. */

import { ObjectId } from 'mongodb';
import type { Document } from 'mongodb';
import { chance } from './chance.js';
import type { Chance } from './chance.js';

export interface JobFacts {
  readonly id: ObjectId;
  readonly ref: string;
  readonly account: string;
  readonly batch: string;
  readonly phones: readonly string[];
  readonly maxAttempts: number;
}

export interface Campaign {
  readonly accounts: readonly Document[];
  readonly batches: readonly Document[];
  readonly jobs: readonly JobFacts[];
  /** Batches whose calls would each be a breach: closed for as long as the run lasts, unreadable, or without credit. */
  readonly neverDial: ReadonlySet<string>;
  documentOf(job: JobFacts, now: Date): Document;
}

export const OPEN_BATCHES = 6;
const DAY_MS = 86_400_000;
const iso = (at: Date): string => at.toISOString().slice(0, 10);
/** Yesterday to tomorrow: whatever the zone, today is among them. */
export const closedDatesAround = (now: Date): string[] => [-1, 0, 1].map((days) => iso(new Date(now.getTime() + days * DAY_MS)));

/** What the simulator makes of a number, by its last digits; everything else goes by its odds for a day of collections. */
const DIGITS = ['900', '901', '902', '910', '920', '921', '930', '940', '941', '950', '960', '962', '965', '967', '990', '993'] as const;

export const planCampaign = (seed: string, count: number, now: Date): Campaign => {
  const draw = chance(seed, 'campaign');
  const jobs = Array.from({ length: count }, (_, n) => jobFacts(draw, n));
  const shared = jobs.map((job) => (draw.once(0.08) ? { ...job, phones: draw.pick(jobs).phones } : job));
  return {
    accounts: [
      accountDocument('acc-rich', 100_000),
      accountDocument('acc-rich-2', 100_000),
      // Enough for some ten calls: the rest waits for top-ups.
      accountDocument('acc-low', 2),
      accountDocument('acc-broke', 0),
    ],
    batches: [
      ...Array.from({ length: OPEN_BATCHES }, (_, n) =>
        batchDocument(
          `open-${n}`,
          n % 2 === 0 ? 'acc-rich' : 'acc-rich-2',
          { ...(n === 1 ? { max_concurrent_calls: 5 } : {}), max_attempts: 3 },
          n,
        ),
      ),
      batchDocument('low', 'acc-low', { max_attempts: 3 }, 1),
      batchDocument('broke', 'acc-broke', null, 1),
      batchDocument('night', 'acc-rich', { closed_dates: closedDatesAround(now) }, 4),
      batchDocument('unreadable', 'acc-rich', { allowed_call_hours: { start: 'morning', end: 'later' } }, 4),
    ],
    jobs: shared,
    neverDial: new Set(['broke', 'night', 'unreadable']),
    documentOf: (job, at) => ({
      _id: job.id,
      job_id: job.ref,
      account_id: job.account,
      batch_id: job.batch,
      status: 'pending',
      attempts: 0,
      max_attempts: job.maxAttempts,
      created_at: at,
      reserved_until: null,
      contact: { name: 'Contacto', phones: [...job.phones], next_phone_index: 0 },
      payload: { debt_amount: 125_000, due_date: '2026-12-01', company_name: 'Cobranzas del Sur' },
    }),
  };
};

export const accountDocument = (id: string, dollars: number): Document => ({
  account_id: id,
  account_name: id,
  plan_type: 'credit_based',
  status: 'active',
  country: 'CL',
  credit_balance: dollars,
  credit_used: 0,
  minutes_used: 0,
  // What the simulator asks for: 13 cents a minute.
  cost_per_minute: 0.13002,
  cost_per_call_setup: 0,
  cost_failed_call: 0,
});

export const batchDocument = (id: string, accountId: string, settings: Document | null, priority: number): Document => ({
  batch_id: id,
  account_id: accountId,
  name: id,
  is_active: true,
  created_at: new Date(0),
  priority: 1 + (priority % 4),
  call_settings: settings,
});

const jobFacts = (draw: Chance, n: number): JobFacts => {
  const where = draw.next();
  const open = draw.whole(0, OPEN_BATCHES - 1);
  const [batchId, accountId] =
    where < 0.02 ? ['night', 'acc-rich'] : where < 0.04 ? ['unreadable', 'acc-rich'] : where < 0.06 ? ['broke', 'acc-broke']
    : where < 0.14 ? ['low', 'acc-low'] : [`open-${open}`, open % 2 === 0 ? 'acc-rich' : 'acc-rich-2']; // prettier-ignore
  const phones = Array.from({ length: draw.pick([1, 1, 1, 2, 3]) }, (_, at) => {
    const digits = draw.once(0.35) ? draw.pick(DIGITS) : String(draw.whole(100, 899));
    return `+569${String(10_000 + ((n * 3 + at) % 89_999))}${digits}`;
  });
  return {
    id: new ObjectId(Buffer.from(n.toString(16).padStart(24, '0'), 'hex')),
    ref: `job-${String(n).padStart(5, '0')}`,
    account: accountId ?? '',
    batch: batchId ?? '',
    phones,
    maxAttempts: 3,
  };
};
