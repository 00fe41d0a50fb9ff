/**
 * The history of batches that are over, on its way out of the database or back. What is taken away is only ever a document that is still, to the
 * last byte, what the file holds. A batch keeps entries of it in `archived` (domain/archived.ts), whose figures a recount adds to what is here.
 */
import { BSON, MongoBulkWriteError, type Document } from 'mongodb';
import type { ArchiveEntry, ArchivedFigures, ArchiveState } from '../domain/archived.js';
import { idKey } from '../domain/job.js';
import { JOB_STATUSES, isFinal } from '../domain/transitions.js';
import { JOB_INDEX } from './claims.js';
import type { AnyDocument, CollectionNames, Connection, StoredId } from './connection.js';

/** What of a batch is moved, in this order. */
export const ARCHIVED_NOUNS = ['jobs', 'attempts', 'results'] as const;
export type ArchivedNoun = (typeof ARCHIVED_NOUNS)[number] & keyof CollectionNames;

/** As it is stored, byte for byte; read with `read`. */
export interface ArchivedDocument {
  readonly noun: ArchivedNoun;
  readonly bytes: Uint8Array;
}

export interface Standing {
  readonly jobs: number;
  readonly calls: number;
  /** Jobs that are not at their end, by status. */
  readonly waiting: Readonly<Record<string, number>>;
  /** Some call is open, owned, to be looked at once more, or not charged yet. */
  readonly unfinished: boolean;
  /** Its latest call; null: it has none. */
  readonly lastCall: Date | null;
}

export interface Restored {
  readonly put: number;
  /** There in another form: left as they are. */
  readonly differ: number;
  /** Another document has what must be unique. */
  readonly refused: number;
}

export interface ArchiveStore {
  /** Every batch that has a document, jobs or calls. */
  batches(): Promise<readonly string[]>;
  /** `holds`: calls for which money is held. */
  standing(batch: string, holds: readonly string[]): Promise<Standing>;
  /** What may go: jobs at their end, calls that are finished and whose job goes too or is gone, and their results. */
  read(batch: string): AsyncIterable<ArchivedDocument>;
  /** Of one noun. Says which are there still, because they have changed. */
  remove(noun: ArchivedNoun, page: readonly Uint8Array[]): Promise<readonly Document[]>;
  restore(noun: ArchivedNoun, page: readonly Uint8Array[]): Promise<Restored>;
  begin(batch: string, entry: ArchiveEntry): Promise<'begun' | 'busy' | 'no document'>;
  /** False: nothing remembers it, or not in this state. */
  change(
    batch: string,
    id: string,
    from: readonly ArchiveState[],
    fields: Partial<ArchivedFigures> & { state?: ArchiveState; jobs?: number; calls?: number; pid?: number; host?: string },
  ): Promise<boolean>;
  forget(batch: string, id: string): Promise<void>;
}

export const decode = (bytes: Uint8Array): Document => BSON.deserialize(bytes);
/** With its numbers as they are stored. */
const exactly = (bytes: Uint8Array): Document => BSON.deserialize(bytes, { promoteValues: false });

const PAGE = 500;
const FINAL = JOB_STATUSES.filter(isFinal);
/** Of a statement that holds documents; one that is larger alone is told by its status and time. */
const MOST_BYTES = 8 * 1024 * 1024;

export function createArchive(connection: Connection): ArchiveStore {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');
  const results = connection.collection('results');
  const batches = connection.collection('batches');
  const raw = { raw: true, batchSize: PAGE } as const;
  const bytesOf = (doc: unknown): Uint8Array => doc as Uint8Array;

  /** Which of these are in the database. By `_id`. */
  async function there(noun: ArchivedNoun, ids: readonly StoredId[]): Promise<ReadonlySet<string>> {
    const found = await connection
      .collection(noun)
      .find({ _id: { $in: [...ids] } }, { projection: { _id: 1 } })
      .toArray();
    return new Set(found.map((doc) => idKey(doc._id)));
  }

  async function* callsOf(batch: string, going: ReadonlySet<string>): AsyncGenerator<ArchivedDocument> {
    let page: { bytes: Uint8Array; doc: Document }[] = [];
    async function* flush(): AsyncGenerator<ArchivedDocument> {
      const strangers = page.flatMap(({ doc }) => (going.has(idKey(doc['job'] as StoredId)) ? [] : [doc['job'] as StoredId]));
      const stay = strangers.length === 0 ? new Set() : await there('jobs', strangers);
      const gone = page.filter(({ doc }) => !stay.has(idKey(doc['job'] as StoredId)));
      page = [];
      const callIds = gone.flatMap(({ doc }) => (typeof doc['call_id'] === 'string' ? [doc['call_id']] : []));
      for (const { bytes } of gone) yield { noun: 'attempts', bytes };
      if (callIds.length === 0) return;
      for await (const doc of results.find({ call_id: { $in: callIds } }, raw)) yield { noun: 'results', bytes: bytesOf(doc) };
    }
    const finished = { batch, open: { $ne: true }, lease_until: { $exists: false }, look_at: { $exists: false } };
    for await (const found of attempts.find(finished, raw)) {
      page.push({ bytes: bytesOf(found), doc: decode(bytesOf(found)) });
      if (page.length === PAGE) yield* flush();
    }
    yield* flush();
  }

  return {
    /** Indexes `speechai_batch_id`, `claim` and `speechai_batch_at`, a key of each batch. */
    batches: async () => {
      const found: unknown[][] = await Promise.all([batches.distinct('batch_id'), jobs.distinct('batch_id'), attempts.distinct('batch')]);
      return [...new Set(found.flat().filter((id) => typeof id === 'string'))].toSorted();
    },

    /** Index `claim`, keys only, then `speechai_batch_at`: what is at work is told without reading its jobs. */
    standing: async (batch, holds) => {
      const [byStatus, calls, unfinished, held, last] = await Promise.all([
        jobs
          .aggregate<{ _id: unknown; n: number }>([{ $match: { batch_id: batch } }, { $group: { _id: '$status', n: { $sum: 1 } } }], {
            hint: JOB_INDEX.claim,
          })
          .toArray(),
        attempts.countDocuments({ batch, state: { $ne: 'void' } }),
        attempts.findOne(
          { batch, $or: [{ open: true }, { lease_until: { $exists: true } }, { look_at: { $exists: true } }] },
          { projection: { _id: 1 } },
        ),
        attempts.findOne({ _id: { $in: [...holds] }, batch }, { projection: { _id: 1 } }),
        attempts.findOne({ batch }, { sort: { at: -1 }, projection: { at: 1 } }),
      ]);
      const waiting = byStatus.filter(({ _id }) => !(typeof _id === 'string' && isFinal(_id)));
      return {
        jobs: byStatus.reduce((sum, { n }) => sum + n, 0),
        calls,
        waiting: Object.fromEntries(waiting.map(({ _id, n }) => [typeof _id === 'string' ? _id : 'without a status', n])),
        unfinished: unfinished !== null || held !== null,
        lastCall: last?.['at'] instanceof Date ? last['at'] : null,
      };
    },

    /** The same indexes; results by `speechai_result_call`. */
    async *read(batch) {
      const going = new Set<string>();
      for await (const doc of jobs.find({ batch_id: batch, status: { $in: FINAL } }, raw)) {
        const bytes = bytesOf(doc);
        going.add(idKey(decode(bytes)['_id'] as StoredId));
        yield { noun: 'jobs', bytes };
      }
      yield* callsOf(batch, going);
    },

    /** By `_id`. Somebody may ask for a retry this moment: judged where it is deleted. Of a job that stays the calls stay too, of a call its result. */
    remove: async (noun, page) => {
      const collection = connection.collection(noun);
      const [owners, of] = noun === 'results' ? (['attempts', 'attempt_id'] as const) : (['jobs', 'job'] as const);
      const stay =
        noun === 'jobs'
          ? new Set()
          : await there(
              owners,
              page.flatMap((bytes) => ownerOf(bytes, of) ?? []),
            );
      const going = page.filter((bytes) => noun === 'jobs' || !stay.has(idKey(ownerOf(bytes, of) ?? '')));
      for (const group of bySize(going.map(exactly))) {
        const [first] = group;
        if (first === undefined) continue;
        const ids = group.map((doc) => doc['_id'] as StoredId);
        const unchanged =
          group.length === 1 && BSON.calculateObjectSize(first) > MOST_BYTES
            ? { status: first['status'] as unknown, updated_at: (first['updated_at'] as unknown) ?? null }
            : { $expr: { $in: ['$$ROOT', { $literal: group }] } };
        await collection.deleteMany({ _id: { $in: ids }, ...unchanged });
      }
      const left = await collection
        .find({ _id: { $in: page.map((bytes) => exactly(bytes)['_id'] as StoredId) } }, { projection: { _id: 1 } })
        .toArray();
      if (left.length === 0) return [];
      const kept = new Set(left.map((doc) => idKey(doc._id)));
      return page.map(decode).filter((doc) => kept.has(idKey(doc['_id'] as StoredId)));
    },

    /** By `_id`. */
    restore: async (noun, page) => {
      const collection = connection.collection(noun);
      const docs = page.map(exactly) as AnyDocument[];
      const found = await collection.find({ _id: { $in: docs.map((doc) => doc._id) } }, { raw: true }).toArray();
      const here = new Map(found.map((doc) => [keyOf(exactly(bytesOf(doc))), bytesOf(doc)]));
      const missing = docs.filter((doc) => !here.has(keyOf(doc)));
      const differ = page.filter((bytes) => {
        const other = here.get(keyOf(exactly(bytes)));
        return other !== undefined && Buffer.compare(other, bytes) !== 0;
      }).length;
      if (missing.length === 0) return { put: 0, differ, refused: 0 };
      try {
        await collection.insertMany(missing, { ordered: false });
        return { put: missing.length, differ, refused: 0 };
      } catch (error) {
        const errors = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
        if (errors.length === 0 || errors.some(({ code }) => code !== 11000)) throw error;
        return { put: missing.length - errors.length, differ, refused: errors.length };
      }
    },

    /** Index `speechai_batch_id`. An `archived` of somebody else's shape is replaced. Zero matches: somebody is at it, or the batch was deleted. */
    begin: async (batch, entry) => {
      const before = { $cond: [{ $isArray: '$archived' }, '$archived', []] };
      const { matchedCount } = await batches.updateMany({ batch_id: batch, archived: { $not: { $elemMatch: UNDER_WAY } } }, [
        { $set: { archived: { $concatArrays: [before, [{ $mergeObjects: [{ $literal: entry }, { renewed_at: '$$NOW' }] }]] } } },
      ]);
      if (matchedCount > 0) return 'begun';
      return (await batches.countDocuments({ batch_id: batch }, { limit: 1 })) === 0 ? 'no document' : 'busy';
    },

    /** Index `speechai_batch_id`. Zero matches: the batch was deleted meanwhile, or another has forgotten the entry, or is at it. */
    change: async (batch, id, from, fields) => {
      const set = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`archived.$[entry].${name}`, value]));
      const { matchedCount } = await batches.updateMany(
        { batch_id: batch, archived: { $elemMatch: { id, state: { $in: [...from] } } } },
        { $set: set, $currentDate: { 'archived.$[entry].renewed_at': true } },
        { arrayFilters: [{ 'entry.id': id }] },
      );
      return matchedCount > 0;
    },

    /** Index `speechai_batch_id`. Zero matches: nothing remembers it. */
    forget: async (batch, id) => {
      const others = { $filter: { input: '$archived', cond: { $ne: ['$$this.id', { $literal: id }] } } };
      await batches.updateMany({ batch_id: batch, archived: { $elemMatch: { id } } }, [{ $set: { archived: others } }]);
    },
  };
}

function ownerOf(bytes: Uint8Array, field: 'job' | 'attempt_id'): StoredId | null {
  return (decode(bytes)[field] as StoredId | undefined) ?? null;
}

const UNDER_WAY = { id: { $type: 'string' }, at: { $type: 'date' }, state: { $in: ['writing', 'moving', 'restoring'] } };

/** Unlike `idKey` it tells a text from an ObjectId that is spelled so. */
function keyOf(doc: Document): string {
  return Buffer.from(BSON.serialize({ _id: doc['_id'] as unknown })).toString('hex');
}

function bySize(docs: readonly Document[]): Document[][] {
  const groups: Document[][] = [];
  let bytes = 0;
  for (const doc of docs) {
    const size = BSON.calculateObjectSize(doc);
    const last = groups.at(-1);
    if (last === undefined || bytes + size > MOST_BYTES) {
      groups.push([doc]);
      bytes = size;
    } else {
      last.push(doc);
      bytes += size;
    }
  }
  return groups;
}
