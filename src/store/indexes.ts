/** The indexes of the protocol: what each is for, whether dialling needs it, and making them without touching SpeechAI's own. */
import { MongoServerError, type CreateIndexesOptions, type IndexSpecification } from 'mongodb';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import { INDEX } from './attempts.js';
import type { CollectionNames, Connection } from './connection.js';
import { JOB_INDEX, OLD_WORKER } from './claims.js';

interface IndexPlan {
  readonly collection: keyof CollectionNames;
  readonly name: string;
  readonly keys: IndexSpecification;
  readonly options: CreateIndexesOptions;
  /** Without it calls could double or claims could scan: nobody dials. */
  readonly needed: boolean;
  /** Only for installations that use this: every index costs each write something. */
  readonly use?: keyof IndexUse;
  readonly why: string;
}

/** What an installation uses beyond the common. */
export interface IndexUse {
  readonly queues: boolean;
  readonly callerCaps: boolean;
}

const COMMON: IndexUse = { queues: false, callerCaps: false };

const inProgress = { status: 'in_progress' };

export const INDEXES: readonly IndexPlan[] = [
  {
    collection: 'jobs',
    name: JOB_INDEX.claim,
    keys: { batch_id: 1, status: 1, reserved_until: 1, _id: 1 },
    options: {},
    needed: true,
    why: 'claims read only what is due in one batch',
  },
  {
    collection: 'jobs',
    name: JOB_INDEX.claimQueue,
    keys: { batch_id: 1, queue: 1, status: 1, attempts: 1, reserved_until: 1, _id: 1 },
    options: {},
    needed: true,
    use: 'queues',
    why: 'claims of one queue pass over what is due in others',
  },
  {
    collection: 'jobs',
    name: JOB_INDEX.rescue,
    keys: { reserved_until: 1 },
    options: { partialFilterExpression: inProgress },
    needed: true,
    why: 'expired leases are found without reading live ones',
  },
  {
    collection: 'jobs',
    name: JOB_INDEX.token,
    keys: { lease_token: 1 },
    options: { partialFilterExpression: inProgress },
    needed: true,
    why: 'a claim whose reply was lost is found by its token',
  },
  {
    collection: 'jobs',
    name: JOB_INDEX.oldWorker,
    keys: { started_at: -1 },
    // Nothing that we write is in it: whoever claims a job takes the old worker's name off it.
    options: { partialFilterExpression: { worker_id: OLD_WORKER } },
    needed: true,
    why: 'an old worker that is still at work is seen by its latest claim',
  },
  {
    collection: 'jobs',
    name: JOB_INDEX.account,
    keys: { account_id: 1, status: 1, suspend_reason: 1 },
    options: { partialFilterExpression: { status: 'suspended' } },
    needed: false,
    why: 'an account that can pay again finds its suspended jobs',
  },
  { collection: 'jobs', name: JOB_INDEX.ref, keys: { job_id: 1 }, options: {}, needed: false, why: 'one job by its id' },
  {
    collection: 'jobs',
    name: JOB_INDEX.dedup,
    keys: { deduplication_key: 1 },
    options: {},
    needed: false,
    why: 'a contact is loaded once into a batch',
  },
  {
    collection: 'attempts',
    name: INDEX.locks,
    keys: { locks: 1 },
    options: { unique: true, partialFilterExpression: { open: true } },
    needed: true,
    why: 'one open call per job, line, person and slot',
  },
  {
    collection: 'attempts',
    name: INDEX.lease,
    keys: { lease_until: 1 },
    options: { partialFilterExpression: { lease_until: { $exists: true } } },
    needed: true,
    why: 'calls whose owner is gone',
  },
  {
    collection: 'attempts',
    name: INDEX.job,
    keys: { job: 1 },
    options: { partialFilterExpression: { lease_until: { $exists: true } } },
    needed: true,
    why: 'the attempt that protects a job',
  },
  { collection: 'attempts', name: INDEX.story, keys: { job: 1, at: 1 }, options: {}, needed: false, why: 'the story of a job' },
  {
    collection: 'attempts',
    name: INDEX.look,
    keys: { look_at: 1 },
    options: { partialFilterExpression: { look_at: { $exists: true } } },
    needed: true,
    why: 'calls to be looked for once more',
  },
  { collection: 'attempts', name: INDEX.line, keys: { line: 1, at: 1 }, options: {}, needed: true, why: 'earlier calls to a number' },
  { collection: 'attempts', name: INDEX.person, keys: { person: 1, at: 1 }, options: {}, needed: true, why: 'earlier calls to a person' },
  { collection: 'attempts', name: INDEX.batch, keys: { batch: 1, at: 1 }, options: {}, needed: true, why: 'what a batch has cost' },
  {
    collection: 'attempts',
    name: INDEX.blocks,
    keys: { from_number: 1, settled_at: 1 },
    options: { partialFilterExpression: { 'outcome.class': 'caller_id' } },
    needed: true,
    why: 'caller numbers that were blocked lately',
  },
  {
    collection: 'attempts',
    name: INDEX.caller,
    keys: { from_number: 1, at: 1 },
    options: {},
    needed: true,
    use: 'callerCaps',
    why: 'calls from a caller number in the last hour',
  },
  {
    collection: 'suppressions',
    name: 'speechai_suppressed_line',
    keys: { line: 1 },
    options: {},
    needed: true,
    why: 'numbers that asked for no more calls',
  },
  {
    collection: 'suppressions',
    name: 'speechai_suppressed_person',
    keys: { person: 1 },
    options: {},
    needed: true,
    why: 'people who asked for no more calls',
  },
  {
    collection: 'batches',
    name: 'speechai_active_batches',
    keys: { is_active: 1, batch_id: 1 },
    options: {},
    needed: false,
    why: 'the batches that may dial',
  },
  { collection: 'batches', name: 'speechai_batch_id', keys: { batch_id: 1 }, options: {}, needed: false, why: 'one batch by its id' },
  {
    collection: 'accounts',
    name: 'speechai_account_id',
    keys: { account_id: 1 },
    options: {},
    needed: false,
    why: 'one account by its id',
  },
  { collection: 'results', name: 'speechai_result_call', keys: { call_id: 1 }, options: {}, needed: false, why: 'a result by its call' },
  {
    collection: 'transactions',
    name: 'speechai_transaction',
    keys: { transaction_id: 1 },
    options: {},
    needed: false,
    why: 'a movement is booked once',
  },
  {
    collection: 'transactions',
    name: 'speechai_statement',
    keys: { account_id: 1, created_at: -1 },
    options: {},
    needed: false,
    why: 'an account statement',
  },
];

export interface IndexReport {
  readonly collection: string;
  readonly name: string;
  readonly state: 'created' | 'there' | 'missing' | 'failed';
  readonly needed: boolean;
  readonly why: string;
  readonly message?: string;
}

const plansFor = (use: IndexUse): readonly IndexPlan[] => INDEXES.filter((plan) => plan.use === undefined || use[plan.use]);

/** What a look at indexes needs: `config check` has no more than that. */
export type Looked = Pick<Connection, 'collection' | 'names'>;

/** Which planned indexes exist, with the right keys. */
export async function checkIndexes(connection: Looked, use: IndexUse = COMMON): Promise<IndexReport[]> {
  const reports: IndexReport[] = [];
  const plans = plansFor(use);
  for (const name of new Set(plans.map((plan) => plan.collection))) {
    const there = await existing(connection, name);
    for (const plan of plans.filter((one) => one.collection === name)) {
      reports.push(report(connection, plan, there.get(plan.name) === shape(plan) ? 'there' : 'missing'));
    }
  }
  return reports;
}

/** Makes what is missing. Idempotent; an index of somebody else's with the same keys serves as well where it is not unique. */
export async function createIndexes(connection: Connection, use: IndexUse = COMMON): Promise<IndexReport[]> {
  const reports: IndexReport[] = [];
  for (const plan of plansFor(use)) {
    const there = await existing(connection, plan.collection);
    if (there.get(plan.name) === shape(plan)) {
      reports.push(report(connection, plan, 'there'));
      continue;
    }
    try {
      await connection.collection(plan.collection).createIndex(plan.keys, { ...plan.options, name: plan.name }, {});
      reports.push(report(connection, plan, 'created'));
    } catch (error) {
      // Same keys under another name: the planner can use that one, but hinted queries go by name, so needed ones must be ours.
      const same = error instanceof MongoServerError && error.code === 85;
      reports.push({ ...report(connection, plan, same && !plan.needed ? 'there' : 'failed'), message: messageOf(error) });
    }
  }
  return reports;
}

/** Those without which nobody may dial. */
export function missingIndexes(reports: readonly IndexReport[]): IndexReport[] {
  return reports.filter((one) => one.needed && one.state !== 'there' && one.state !== 'created');
}

/** Refuses to dial without the indexes the promises stand on. */
export function requireIndexes(reports: readonly IndexReport[]): void {
  const missing = missingIndexes(reports);
  if (missing.length === 0) return;
  throw new SpeechAiError(
    'INDEXES_MISSING',
    `Missing indexes that prevent duplicate calls: ${missing.map((one) => `${one.collection}.${one.name}`).join(', ')}.`,
    {
      remedy: 'Run `speechai db init`, then start again.',
      exitCode: EXIT.config,
    },
  );
}

async function existing(connection: Looked, collection: keyof CollectionNames): Promise<Map<string, string>> {
  try {
    const found = await connection.collection(collection).indexes();
    return new Map(
      found.map((one) => [String(one.name), JSON.stringify([one.key, one.unique ?? false, one['partialFilterExpression'] ?? null])]),
    );
  } catch (error) {
    if (error instanceof MongoServerError && error.code === 26) return new Map(); // the collection does not exist yet
    throw error;
  }
}

function shape(plan: IndexPlan): string {
  return JSON.stringify([plan.keys, plan.options.unique ?? false, plan.options.partialFilterExpression ?? null]);
}

function report(connection: Looked, plan: IndexPlan, state: IndexReport['state']): IndexReport {
  return { collection: connection.names[plan.collection], name: plan.name, state, needed: plan.needed, why: plan.why };
}
