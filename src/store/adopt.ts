/**
 * Taking over what SpeechAI left waiting: its `failed` jobs with a `next_try_at`, the `retry` status of the workflows before it, and jobs
 * whose count of attempts or index of numbers it left wrong. Streamed, written in groups, each write fenced on what was read: a job that
 * the API moves meanwhile keeps what the API gave it.
 */
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { CLAIMABLE, idKey, type DocId } from '../domain/job.js';
import { inGroups, type AnyDocument, type Connection } from './connection.js';
import { clampedIndex } from './job-admin.js';

export interface Adoption {
  readonly doc: AnyDocument;
  readonly dueAt: Date | null;
}

export interface AdoptStore {
  /** Everything that may be waiting, in groups, so that the batches of a group can be asked for together. */
  candidates(): AsyncGenerator<AnyDocument[]>;
  /** Waiting jobs with attempts that left no trace of a call, in groups. */
  countedOnly(): AsyncGenerator<AnyDocument[]>;
  /** Attempts that were none are taken back. How many were still as they were read. */
  uncount(docs: readonly AnyDocument[]): Promise<number>;
  /** Jobs whose index stands past their numbers, which the API cannot read: a page of its list with one of them is an error. */
  beyondNumbers(): Promise<number>;
  clamp(): Promise<number>;
  /** How many were still as they were read. */
  take(adoptions: readonly Adoption[]): Promise<number>;
}

/** Everything that any generation of SpeechAI's worker wrote when it had placed a call. */
const TRACES = [
  'call_id',
  'call_result',
  'call_started_at',
  'call_ended_at',
  'last_attempt_result',
  'retell_result',
  'outcome',
  'last_phone_tried',
];

/** With these words the old worker failed a job whose account it could not charge or read: it claimed such jobs again at once, and called nobody. */
const NOT_THE_JOBS_FAULT = /^(?:Saldo insuficiente|Cuenta .* no encontrada|Error validando balance)/;

/** True of a job that was failed for its account's reasons and never called: what it counted were turns. */
export function wasNeverCalled(doc: AnyDocument): boolean {
  const why: unknown = doc['last_error'];
  const isAccounts = doc['status'] === 'failed' && typeof why === 'string' && NOT_THE_JOBS_FAULT.test(why);
  return isAccounts && TRACES.every((field) => doc[field] === undefined || doc[field] === null);
}

const NEEDED = {
  status: 1,
  next_try_at: 1,
  attempts: 1,
  max_attempts: 1,
  batch_id: 1,
  account_id: 1,
  job_id: 1,
  contact: 1,
  to_number: 1,
  try_phones: 1,
  phones: 1,
  rut: 1,
  phone_index: 1,
  lease_token: 1,
  last_error: 1,
  ...Object.fromEntries(TRACES.map((field) => [field, 1])),
};

/** Outside its hours the old worker claimed a job again every second, and counted each time; null is missing as well. */
const COUNTED_ONLY: Filter<AnyDocument> = {
  status: { $in: [...CLAIMABLE] },
  attempts: { $gte: 1 },
  lease_token: { $exists: false },
  ...Object.fromEntries(TRACES.map((field) => [field, null])),
};

const BEYOND_NUMBERS: Filter<AnyDocument> = {
  'contact.phones.0': { $exists: true },
  'contact.next_phone_index': { $exists: true },
  lease_token: { $exists: false },
  $expr: {
    $and: [
      { $isArray: '$contact.phones' },
      {
        $or: [
          { $not: [{ $isNumber: '$contact.next_phone_index' }] },
          { $gte: ['$contact.next_phone_index', { $size: { $cond: [{ $isArray: '$contact.phones' }, '$contact.phones', []] } }] },
        ],
      },
    ],
  },
};

export function createAdopt(connection: Connection): AdoptStore {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');

  return {
    /** No index serves this: it is read once in an installation's life. Our own `failed` jobs carry no `next_try_at`. */
    candidates: () =>
      inGroups(
        jobs.find(
          {
            $or: [
              { status: 'failed', next_try_at: { $exists: true, $ne: null } },
              { status: 'failed', next_try_at: null, last_error: NOT_THE_JOBS_FAULT },
              { status: 'retry' },
            ],
            lease_token: { $exists: false },
          },
          { projection: NEEDED },
        ),
      ),

    /** Read once as well. Those that any attempt of ours knows are left out (index `story`): their count is ours. */
    async *countedOnly() {
      for await (const group of inGroups(jobs.find(COUNTED_ONLY, { projection: NEEDED }))) {
        const known = await attempts.distinct('job', { job: { $in: group.map(({ _id }) => _id) } });
        const ours = new Set(known.map((id) => idKey(id as DocId)));
        yield group.filter(({ _id }) => !ours.has(idKey(_id)));
      }
    },

    /** _id index. Fewer matches than asked: claimed, called or counted anew since they were read. */
    uncount: async (docs) => {
      if (docs.length === 0) return 0;
      const writes = docs.map(({ _id, attempts: counted, status }): AnyBulkWriteOperation<AnyDocument> => ({
        updateOne: {
          filter: { ...COUNTED_ONLY, _id, status: status as string, attempts: counted as number },
          update: { $set: { attempts: 0 }, $currentDate: { adopted_at: true, updated_at: true } },
        },
      }));
      return (await jobs.bulkWrite(writes, { ordered: false })).matchedCount;
    },

    beyondNumbers: () => jobs.countDocuments(BEYOND_NUMBERS),
    clamp: async () => (await jobs.updateMany(BEYOND_NUMBERS, [{ $set: clampedIndex() }])).modifiedCount,

    /** _id index. Fewer matches than asked: moved, replaced or deleted since they were read, and none of this command's business any more. */
    take: async (adoptions) => {
      if (adoptions.length === 0) return 0;
      const writes = adoptions.map(({ doc, dueAt }): AnyBulkWriteOperation<AnyDocument> => ({
        updateOne: {
          filter: {
            _id: doc._id,
            status: doc['status'] as string,
            next_try_at: (doc['next_try_at'] ?? null) as Date | null,
            lease_token: { $exists: false },
          },
          update: [
            {
              $set: {
                status: 'pending',
                reserved_until: dueAt,
                next_try_at: dueAt ?? '$$REMOVE',
                ...(wasNeverCalled(doc) ? { attempts: 0 } : {}),
                ...clampedIndex(),
                adopted_at: '$$NOW',
                updated_at: '$$NOW',
              },
            },
          ],
        },
      }));
      const result = await jobs.bulkWrite(writes, { ordered: false });
      return result.matchedCount;
    },
  };
}
