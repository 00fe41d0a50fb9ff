/** Small valid documents and facts for the tests of the rules: each test changes the one thing it is about. */
import type { Facts, PastCall, Policy } from '../../src/domain/decision.js';
import type { Job } from '../../src/domain/job.js';
import { readAccount } from '../../src/domain/read-account.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { readJob } from '../../src/domain/read-job.js';

/** A Wednesday, noon in Santiago. */
export const NOON = new Date('2026-11-18T15:00:00Z');

export const POLICY: Policy = {
  maxAttempts: null,
  transientRetries: 2,
  minRedialMs: 10 * 60_000,
  retryDelayMs: 30 * 60_000,
  noAnswerRetryMs: 60 * 60_000,
  transientRetryMs: 60_000,
  voicemailPolicy: 'retry',
  successStatus: 'done',
  ringMs: 30_000,
  maxDurationMs: 600_000,
  maxConcurrentCalls: 10,
  maxCallsPerDay: null,
  defaultMaxCallsPerDay: null,
  holdMinutes: 3,
  priceSource: 'provider',
  fromNumbers: ['+56600100200', '+56600100201'],
  callerRules: { maxPerHour: null, blocksToRest: 3, restMs: 60 * 60_000 },
  agentId: 'agent_1',
  defaultTimezone: 'America/Santiago',
  closingMarginMs: 30_000,
  defaultRules: 'none',
  callbackVariable: 'callback_at',
};

export type Doc = Readonly<Record<string, unknown>>;

export const jobDoc = (more: Doc = {}): Doc => ({
  _id: 'doc-1',
  job_id: 'job_1',
  account_id: 'acc-1',
  batch_id: 'batch-1',
  status: 'pending',
  attempts: 0,
  max_attempts: 3,
  contact: { name: 'Ana Prueba', dni: '12345678K', phones: ['+56911112222', '+56922223333'], next_phone_index: 0 },
  payload: { debt_amount: 1000, due_date: '2026-12-01' },
  ...more,
});

export const batchDoc = (settings: unknown = null, more: Doc = {}): Doc => ({
  batch_id: 'batch-1',
  account_id: 'acc-1',
  is_active: true,
  call_settings: settings,
  ...more,
});

export const accountDoc = (more: Doc = {}): Doc => ({
  account_id: 'acc-1',
  plan_type: 'credit_based',
  status: 'active',
  credit_balance: 100,
  country: 'CL',
  ...more,
});

export function job(more: Doc = {}, country: string | null = 'CL'): Job {
  const reading = readJob(jobDoc(more), country);
  if (reading.kind !== 'job') throw new Error(reading.why);
  return reading.job;
}

export function facts(more: Partial<Facts> = {}): Facts {
  return {
    job: job(),
    batch: readBatch(batchDoc()),
    account: readAccount(accountDoc()),
    ledger: null,
    suppressions: [],
    history: [],
    ownHold: null,
    now: NOON,
    ...more,
  };
}

export const called = (at: string | Date, reached: PastCall['reached'], who: Job = job(), phone = 0): PastCall => ({
  at: new Date(at),
  reached,
  line: who.contact.phones[phone]?.line ?? '',
  person: who.contact.person,
});
