/**
 * The history of batches that are over, on its way out of the database. A batch keeps what it must say of it: entries in `archived`, whose
 * figures a recount adds to what is still here. An entry that is not `done` says that the file is complete and the documents are being taken away.
 */
import type { Document } from 'mongodb';
import type { ArchiveEntry, ArchivedFigures } from '../domain/archived.js';
import { idKey } from '../domain/job.js';
import { JOB_STATUSES, isFinal } from '../domain/transitions.js';
import { inGroups, type AnyDocument, type CollectionNames, type Connection, type StoredId } from './connection.js';

/** What of a batch is moved out. */
export const ARCHIVED_NOUNS = ['jobs', 'attempts', 'results'] as const;
export type ArchivedNoun = (typeof ARCHIVED_NOUNS)[number] & keyof CollectionNames;

export interface ArchivedDocument {
  readonly noun: ArchivedNoun;
  readonly doc: AnyDocument;
}

export interface Standing {
  readonly jobs: number;
  readonly calls: number;
  /** Jobs that are not at their end, by status. */
  readonly waiting: Readonly<Record<string, number>>;
  /** Calls that are open, owned or to be looked at once more. */
  readonly unfinished: number;
  /** When anything of it was last written; null: nothing says when. */
  readonly last: Date | null;
}

export interface ArchiveStore {
  /** Every batch that has a document, jobs or calls. */
  batches(): Promise<readonly string[]>;
  standing(batch: string): Promise<Standing>;
  /** What may go, each document as it is stored, its numbers' types included. */
  read(batch: string, at: Date): AsyncIterable<ArchivedDocument>;
  begin(batch: string, entry: ArchiveEntry): Promise<'begun' | 'busy' | 'no document'>;
  /** Takes away what is at its end and has not been touched since `at`; says what it was. */
  remove(batch: string, at: Date, progress: Progress): Promise<ArchivedFigures>;
  end(batch: string, id: string, figures: ArchivedFigures | null): Promise<void>;
  /** Which are in the database already is not an error: it was interrupted, or never gone. Says how many were not. */
  restore(noun: ArchivedNoun, docs: readonly AnyDocument[]): Promise<number>;
  reopen(batch: string, id: string): Promise<void>;
  forget(batch: string, id: string): Promise<void>;
}

type Progress = (documents: number) => void;

const PAGE = 500;
const FINAL = JOB_STATUSES.filter(isFinal);

/** Neither live, nor owned, nor waiting for a price or a last look. */
const FINISHED = { open: { $ne: true }, lease_until: { $exists: false }, look_at: { $exists: false } };

const untouched = (at: Date): Document => ({ updated_at: { $not: { $gt: at } }, created_at: { $not: { $gt: at } } });
const endedJobs = (batch: string, at: Date): Document => ({ batch_id: batch, status: { $in: FINAL }, ...untouched(at) });
const endedCalls = (batch: string, at: Date): Document => ({ batch, at: { $lte: at }, ...FINISHED });

export function createArchive(connection: Connection): ArchiveStore {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');
  const results = connection.collection('results');
  const batches = connection.collection('batches');

  async function removeJobs(batch: string, at: Date, progress: Progress): Promise<ReadonlyMap<string, number>> {
    const gone = new Map<string, number>();
    for await (const page of inGroups(jobs.find(endedJobs(batch, at), { projection: { status: 1 } }))) {
      for (const status of FINAL) {
        const ids = page.flatMap((doc) => (doc['status'] === status ? [doc._id] : []));
        if (ids.length === 0) continue;
        // Judged once more where it is deleted: somebody may ask for a retry this moment.
        const { deletedCount } = await jobs.deleteMany({ _id: { $in: ids }, status, ...untouched(at) });
        gone.set(status, (gone.get(status) ?? 0) + deletedCount);
      }
      progress(page.length);
    }
    return gone;
  }

  /** Of jobs that stayed after all, the calls stay too. */
  async function removeCalls(batch: string, at: Date, progress: Progress): Promise<{ readonly micros: number; readonly ms: number }> {
    const sum = { micros: 0, ms: 0 };
    const projection = { job: 1, call_id: 1, state: 1, 'cost.micros': 1, 'cost.ms': 1 };
    for await (const page of inGroups(attempts.find(endedCalls(batch, at), { projection }))) {
      const left = await jobs.find({ _id: { $in: page.map((doc) => doc['job'] as StoredId) } }, { projection: { _id: 1 } }).toArray();
      const kept = new Set(left.map((doc) => idKey(doc._id)));
      const gone = page.filter((doc) => !kept.has(idKey(doc['job'] as StoredId)));
      await results.deleteMany({ call_id: { $in: callIdsOf(gone) } });
      await attempts.deleteMany({ _id: { $in: gone.map((doc) => doc._id) }, ...FINISHED });
      for (const { state, cost } of gone) {
        if (state !== 'settled') continue;
        sum.micros += Number((cost as Document | undefined)?.['micros'] ?? 0);
        sum.ms += Number((cost as Document | undefined)?.['ms'] ?? 0);
      }
      progress(gone.length);
    }
    return sum;
  }

  return {
    /** Indexes `speechai_batch_id`, `claim` and `speechai_batch_at`, a key of each batch. */
    batches: async () => {
      const found: unknown[][] = await Promise.all([batches.distinct('batch_id'), jobs.distinct('batch_id'), attempts.distinct('batch')]);
      return [...new Set(found.flat().filter((id) => typeof id === 'string'))].toSorted();
    },

    /** Indexes `claim` and `speechai_batch_at`; reads each document of the batch once. */
    standing: async (batch) => {
      const latest = (...fields: string[]): Document => ({
        $max: { $max: fields.map((field) => ({ $cond: [{ $eq: [{ $type: field }, 'date'] }, field, null] })) },
      });
      const touched = latest('$updated_at', '$created_at', '$finished_at', '$completed_at', '$call_ended_at', '$failed_at');
      const [byStatus, [calls]] = await Promise.all([
        jobs
          .aggregate<{ _id: unknown; n: number; last: Date | null }>([
            { $match: { batch_id: batch } },
            { $group: { _id: '$status', n: { $sum: 1 }, last: touched } },
          ])
          .toArray(),
        attempts
          .aggregate<{ n: number; unfinished: number; last: Date | null }>([
            { $match: { batch } },
            {
              $group: {
                _id: null,
                n: { $sum: 1 },
                unfinished: {
                  $sum: {
                    $cond: [{ $or: [{ $eq: ['$open', true] }, { $gt: ['$lease_until', null] }, { $gt: ['$look_at', null] }] }, 1, 0],
                  },
                },
                last: latest('$at', '$settled_at'),
              },
            },
          ]) // prettier-ignore
          .toArray(),
      ]);
      const dates = [...byStatus.map(({ last }) => last), calls?.last ?? null].flatMap((date) => (date === null ? [] : [date.getTime()]));
      const waiting = byStatus.filter(({ _id }) => !(typeof _id === 'string' && isFinal(_id)));
      return {
        jobs: byStatus.reduce((sum, { n }) => sum + n, 0),
        calls: calls?.n ?? 0,
        waiting: Object.fromEntries(waiting.map(({ _id, n }) => [typeof _id === 'string' ? _id : 'without a status', n])),
        unfinished: calls?.unfinished ?? 0,
        last: dates.length === 0 ? null : new Date(Math.max(...dates)),
      };
    },

    /** The same indexes; results by `speechai_result_call`. */
    async *read(batch, at) {
      const exact = { promoteValues: false, batchSize: PAGE };
      for await (const doc of jobs.find(endedJobs(batch, at), exact)) yield { noun: 'jobs', doc };
      let callIds: string[] = [];
      for await (const doc of attempts.find(endedCalls(batch, at), exact)) {
        yield { noun: 'attempts', doc };
        callIds.push(...callIdsOf([doc]));
        if (callIds.length < PAGE) continue;
        for await (const result of results.find({ call_id: { $in: callIds } }, exact)) yield { noun: 'results', doc: result };
        callIds = [];
      }
      for await (const result of results.find({ call_id: { $in: callIds } }, exact)) yield { noun: 'results', doc: result };
    },

    /** Index `speechai_batch_id`. An `archived` of somebody else's shape is replaced. Zero matches: another run is at it, or the batch was deleted. */
    begin: async (batch, entry) => {
      const before = { $cond: [{ $isArray: '$archived' }, '$archived', []] };
      const { matchedCount } = await batches.updateMany({ batch_id: batch, 'archived.done': { $ne: false } }, [
        { $set: { archived: { $concatArrays: [before, [{ $literal: entry }]] } } },
      ]);
      if (matchedCount > 0) return 'begun';
      return (await batches.countDocuments({ batch_id: batch }, { limit: 1 })) === 0 ? 'no document' : 'busy';
    },

    /** Indexes `claim`, `speechai_batch_at`, `_id`. Results and then calls last: until they are gone, each job that is missing can be told. */
    remove: async (batch, at, progress) => {
      const gone = await removeJobs(batch, at, progress);
      const sum = await removeCalls(batch, at, progress);
      const of = (...statuses: string[]): number => statuses.reduce((n, status) => n + (gone.get(status) ?? 0), 0);
      return { completed_jobs: of('done', 'completed'), failed_jobs: of('failed'), ...sum };
    },

    /** Index `speechai_batch_id`. Figures of null: those of the beginning stand. Zero matches: the batch was deleted meanwhile. */
    end: async (batch, id, figures) => {
      const fields = Object.fromEntries(
        Object.entries(figures ?? {}).map(([name, value]) => [`archived.$[entry].${name}`, value as number]),
      );
      await batches.updateMany(
        { batch_id: batch, archived: { $type: 'array' } },
        { $set: { 'archived.$[entry].done': true, ...fields } },
        { arrayFilters: [{ 'entry.id': id }] },
      );
    },

    /** By `_id`. */
    restore: async (noun, docs) => {
      const collection = connection.collection(noun);
      const ids = docs.map((doc) => doc._id);
      const found = await collection.find({ _id: { $in: ids } }, { projection: { _id: 1 }, promoteValues: false }).toArray();
      const there = new Set(found.map((doc) => idKey(doc._id)));
      const missing = docs.filter((doc) => !there.has(idKey(doc._id)));
      if (missing.length > 0) await collection.insertMany(missing, { ordered: false });
      return missing.length;
    },

    /** Index `speechai_batch_id`. Not counted until it is whole again. Zero matches: nothing remembers it. */
    reopen: async (batch, id) => {
      await batches.updateMany(
        { batch_id: batch, archived: { $type: 'array' } },
        { $set: { 'archived.$[entry].done': false } },
        { arrayFilters: [{ 'entry.id': id }] },
      );
    },

    /** Index `speechai_batch_id`. Zero matches: nothing remembers it. */
    forget: async (batch, id) => {
      await batches.updateMany({ batch_id: batch, archived: { $type: 'array' } }, [
        {
          $set: { archived: { $filter: { input: '$archived', cond: { $ne: ['$$this.id', { $literal: id }] } } } },
        },
      ]);
    },
  };
}

function callIdsOf(docs: readonly AnyDocument[]): string[] {
  return docs.flatMap((doc) => (typeof doc['call_id'] === 'string' ? [doc['call_id']] : []));
}
