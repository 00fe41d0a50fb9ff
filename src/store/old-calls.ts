/** The calls that SpeechAI's worker left on its jobs: the rules that count earlier calls read attempts, and know nothing of them otherwise. */
import type { AnyBulkWriteOperation } from 'mongodb';
import type { AttemptDoc } from './attempt.js';
import { inGroups, type AnyDocument, type Connection } from './connection.js';

export type OldCall = Omit<AttemptDoc, 'lease_until' | 'locks'>;

export interface OldCalls {
  /** Jobs whose latest call is the old worker's and may be as young as this, in groups. */
  jobs(since: Date): AsyncGenerator<AnyDocument[]>;
  /** How many of them are not recorded yet. */
  unknown(calls: readonly OldCall[]): Promise<number>;
  /** How many were not recorded before. */
  record(calls: readonly OldCall[]): Promise<number>;
}

/** Replies are large, and of them only this much tells who was reached and when. */
const NEEDED = {
  job_id: 1,
  account_id: 1,
  batch_id: 1,
  status: 1,
  contact: 1,
  to_number: 1,
  try_phones: 1,
  phones: 1,
  rut: 1,
  rut_fmt: 1,
  phone_index: 1,
  country: 1,
  call_id: 1,
  call_started_at: 1,
  call_ended_at: 1,
  started_at: 1,
  'call_result.summary.call_status': 1,
  'call_result.summary.disconnection_reason': 1,
  'call_result.summary.duration_ms': 1,
  'call_result.summary.start_timestamp': 1,
  'call_result.summary.end_timestamp': 1,
  'call_result.summary.transcript': 1,
  'call_result.summary.call_analysis': 1,
  'call_result.details.to_number': 1,
  'call_result.details.from_number': 1,
  'call_result.details.metadata': 1,
};

export function createOldCalls(connection: Connection): OldCalls {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');

  return {
    /** No index serves this: it is read once in an installation's life. A call of ours has left its attempt's id. */
    jobs: (since) =>
      inGroups(
        jobs.find(
          {
            call_id: { $type: 'string' },
            status: { $ne: 'in_progress' },
            'call_result.attempt_id': { $exists: false },
            $or: ['call_started_at', 'call_ended_at', 'started_at'].map((field) => ({ [field]: { $gte: since } })),
          },
          { projection: NEEDED },
        ),
      ),

    /** _id index. */
    unknown: async (calls) => {
      const ids = calls.map(({ _id }) => _id);
      return ids.length - (await attempts.countDocuments({ _id: { $in: ids } }));
    },

    /** _id index; what is there already is not written again. */
    record: async (calls) => {
      if (calls.length === 0) return 0;
      const writes = calls.map(({ _id, ...call }): AnyBulkWriteOperation<AnyDocument> => ({
        updateOne: { filter: { _id }, update: { $setOnInsert: call }, upsert: true },
      }));
      return (await attempts.bulkWrite(writes, { ordered: false })).upsertedCount;
    },
  };
}
