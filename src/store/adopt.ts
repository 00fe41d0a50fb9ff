/**
 * Taking over what SpeechAI left waiting: its `failed` jobs with a `next_try_at`, and the `retry` status of the workflows before it. Streamed,
 * written in groups, each write fenced on what was read: a job that the API moves meanwhile keeps what the API gave it.
 */
import type { AnyBulkWriteOperation } from 'mongodb';
import type { AnyDocument, Connection } from './connection.js';
import { clampedIndex } from './job-admin.js';

export interface Adoption {
  readonly doc: AnyDocument;
  readonly dueAt: Date | null;
}

export interface AdoptStore {
  /** Everything that may be waiting, in groups, so that the batches of a group can be asked for together. */
  candidates(): AsyncGenerator<AnyDocument[]>;
  /** How many were still as they were read. */
  take(adoptions: readonly Adoption[]): Promise<number>;
}

const GROUP = 500;
const NEEDED = {
  status: 1, next_try_at: 1, attempts: 1, max_attempts: 1, batch_id: 1, account_id: 1, job_id: 1, contact: 1, to_number: 1, try_phones: 1, phones: 1,
  rut: 1, phone_index: 1, lease_token: 1,
}; // prettier-ignore

export function createAdopt(connection: Connection): AdoptStore {
  const jobs = connection.collection('jobs');

  return {
    /** No index serves this: it is read once in an installation's life. Our own `failed` jobs carry no `next_try_at`. */
    async *candidates() {
      const cursor = jobs.find(
        { $or: [{ status: 'failed', next_try_at: { $exists: true, $ne: null } }, { status: 'retry' }], lease_token: { $exists: false } },
        { projection: NEEDED, batchSize: GROUP },
      );
      let group: AnyDocument[] = [];
      for await (const doc of cursor) {
        group.push(doc);
        if (group.length < GROUP) continue;
        yield group;
        group = [];
      }
      if (group.length > 0) yield group;
    },

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
