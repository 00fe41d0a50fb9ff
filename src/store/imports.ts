/**
 * What an import asks and writes. Its jobs lie under a batch that is not active until the last of them is there, so that nothing is dialled from
 * half a file; one run at a time holds the batch by a lease of its own.
 */
import { MongoBulkWriteError, MongoServerError, ObjectId, type Document } from 'mongodb';
import { CLAIMABLE } from '../domain/job.js';
import type { AnyDocument, Connection } from './connection.js';

export type ImportStart =
  /** `resumed`: an earlier run did not finish; what it wrote has to be cleared. */
  | { readonly kind: 'begun' | 'resumed'; readonly batchId: string; readonly createdAt: Date }
  | { readonly kind: 'done'; readonly batchId: string; readonly createdAt: Date; readonly jobs: number }
  | { readonly kind: 'busy'; readonly batchId: string };

export interface ImportRun {
  /** Of the batch's document, 24 hexadecimal digits. */
  readonly documentId: string;
  readonly importId: string;
  readonly batchId: string;
  /** Of this run alone. */
  readonly run: string;
}

export interface Imports {
  find(documentId: string): Promise<ImportStart | null>;
  begin(run: Omit<ImportRun, 'batchId'>, batch: Readonly<Record<string, unknown>>): Promise<ImportStart>;
  clear(run: ImportRun): Promise<'cleared' | 'lost'>;
  add(run: ImportRun, jobs: readonly { readonly id: string; readonly doc: Document }[]): Promise<'added' | 'lost'>;
  activate(run: ImportRun, total: number, fields: Readonly<Record<string, unknown>>): Promise<'active' | 'lost' | 'incomplete'>;
  waitingElsewhere(account: string, persons: readonly string[], notIn: string | null): Promise<ReadonlyMap<string, string>>;
}

/** A run that has written nothing for this long is dead. */
const LEASE_MS = 60_000;
const DUPLICATE_KEY = 11_000;

export function createImports(connection: Connection): Imports {
  const batches = connection.collection('batches');
  const jobs = connection.collection('jobs');
  const own = ({ documentId, run }: Pick<ImportRun, 'documentId' | 'run'>): Document & { _id: ObjectId } => ({
    _id: new ObjectId(documentId),
    state: 'importing',
    'import.run': run,
  });
  const leaseOn = { $add: ['$$NOW', LEASE_MS] };

  /** _id index. */
  async function find(documentId: string): Promise<ImportStart | null> {
    const doc = await batches.findOne({ _id: new ObjectId(documentId) });
    return doc === null ? null : startOf(doc);
  }

  /** Renews the lease. False: another run has taken over. _id index. */
  async function hold(run: ImportRun): Promise<boolean> {
    return (await batches.updateOne(own(run), [{ $set: { 'import.lease_until': leaseOn } }])).matchedCount === 1;
  }

  return {
    find,

    /** _id index: two runs of one file meet at one document. Nobody matched: another run holds it. */
    begin: async ({ documentId, importId, run }, batch) => {
      const id = new ObjectId(documentId);
      try {
        // Matches no document that is there, so that it inserts or collides; an update, because the lease is by the database's clock.
        await batches.updateOne(
          { _id: id, import: { $exists: false } },
          [
            {
              $replaceWith: {
                $mergeObjects: [
                  { $literal: { ...batch, state: 'importing' } },
                  { import: { id: importId, run, lease_until: leaseOn } },
                  '$$ROOT',
                ],
              },
            },
          ],
          { upsert: true },
        );
        return { kind: 'begun', batchId: String(batch['batch_id']), createdAt: dateOf(batch['created_at']) };
      } catch (error) {
        if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
      }
      const taken = await batches.findOneAndUpdate(
        { _id: id, state: 'importing', $expr: { $lte: ['$import.lease_until', '$$NOW'] } },
        [{ $set: { 'import.run': run, 'import.lease_until': leaseOn, is_active: false } }],
        { returnDocument: 'after' },
      );
      if (taken !== null) return { kind: 'resumed', batchId: String(taken['batch_id']), createdAt: dateOf(taken['created_at']) };
      return (await find(documentId)) ?? { kind: 'busy', batchId: String(batch['batch_id']) };
    },

    /** Index `claim`. Nothing of them was ever due: their batch was not active. */
    clear: async (run) => {
      if (!(await hold(run))) return 'lost';
      await jobs.deleteMany({ batch_id: run.batchId, import_id: run.importId });
      return 'cleared';
    },

    /** A job that is there already was written by this very call before. */
    add: async (run, docs) => {
      if (!(await hold(run))) return 'lost';
      try {
        await jobs.insertMany(
          docs.map(({ id, doc }) => ({ ...doc, _id: new ObjectId(id) })),
          { ordered: false },
        );
      } catch (error) {
        if (!(error instanceof MongoBulkWriteError) || !onlyDuplicates(error)) throw error;
      }
      return 'added';
    },

    /** Index `claim` for the count, _id for the write. The last write of an import; before it the batch does not exist for the daemon. */
    activate: async (run, total, fields) => {
      const found = await jobs.countDocuments({ batch_id: run.batchId, import_id: run.importId });
      if (found !== total) return 'incomplete';
      const written = await batches.updateOne(own(run), {
        $set: { ...fields, is_active: true, 'import.jobs': total },
        $unset: { state: '', 'import.run': '', 'import.lease_until': '' },
        $currentDate: { 'import.done_at': true },
      });
      return written.matchedCount === 1 ? 'active' : 'lost';
    },

    /**
     * Persons (as in `contact.dni`) who wait in another active batch of the account, or in none, with that batch. Index `dedup`: one seek per
     * person, since the key begins with account and person.
     */
    waitingElsewhere: async (account, persons, notIn) => {
      const waiting = new Map<string, string>();
      if (persons.length === 0) return waiting;
      const begins = persons.map((person) => new RegExp(`^${escaped(`${account}::${person}::`)}`));
      const found = await jobs
        .find(
          { deduplication_key: { $in: begins }, status: { $in: [...CLAIMABLE, 'in_progress'] } },
          { projection: { deduplication_key: 1, batch_id: 1 } },
        )
        .toArray();
      const ids = [...new Set(found.flatMap((doc) => (typeof doc['batch_id'] === 'string' ? [doc['batch_id']] : [])))];
      const active = await batches.find({ batch_id: { $in: ids }, is_active: true }, { projection: { batch_id: 1 } }).toArray();
      const activeIds = new Set(active.map((doc) => String(doc['batch_id'])));
      for (const doc of found) {
        const batch: unknown = doc['batch_id'];
        const counts = typeof batch === 'string' ? activeIds.has(batch) && batch !== notIn : true;
        const person = String(doc['deduplication_key']).split('::')[1];
        if (counts && person !== undefined) waiting.set(person, typeof batch === 'string' ? batch : 'no batch');
      }
      return waiting;
    },
  };
}

function startOf(doc: AnyDocument): ImportStart {
  const batchId = String(doc['batch_id']);
  const createdAt = dateOf(doc['created_at']);
  const state: unknown = doc['import'];
  const jobs: unknown = typeof state === 'object' && state !== null ? Reflect.get(state, 'jobs') : undefined;
  if (typeof jobs === 'number') return { kind: 'done', batchId, createdAt, jobs };
  return { kind: 'busy', batchId };
}

const dateOf = (value: unknown): Date => (value instanceof Date ? value : new Date(0));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function onlyDuplicates(error: MongoBulkWriteError): boolean {
  const errors = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  return errors.length > 0 && errors.every(({ code }) => code === DUPLICATE_KEY);
}
