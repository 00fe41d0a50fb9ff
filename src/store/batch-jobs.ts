/** The jobs and calls of a batch as operators ask about them, and what an operator may do to many at once. */
import type { Document } from 'mongodb';
import type { OutcomeClass } from '../domain/call.js';
import { CLAIMABLE } from '../domain/job.js';
import type { SeenOutcome } from '../domain/forecast.js';
import type { Act, StatusCounts } from './batch-admin.js';
import type { AnyDocument, Connection } from './connection.js';
import { cancelledBy } from './job-admin.js';

export interface BatchJobs {
  /** By batch, then status. */
  counts(batches: readonly string[]): Promise<ReadonlyMap<string, StatusCounts>>;
  /** Waiting or in progress, at most `limit`, by chance where there are more. */
  waiting(batch: string, limit: number): AsyncIterable<AnyDocument>;
  /** Jobs that name no batch, and that no pause of one holds back. */
  waitingAlone(): Promise<number>;
  /** What a drain put off is due as before. */
  endDrain(batch: string): Promise<number>;
  openCalls(batch: string): Promise<number>;
  outcomes(batch: string): Promise<readonly SeenOutcome[]>;
  requestCancel(batch: string, act: Act): Promise<number>;
  cancelWaiting(batch: string, act: Act): Promise<number>;
  remove(batch: string): Promise<number>;
}

/** The words of SpeechAI's API, where nobody gave others. */
const reasonOf = ({ reason }: Act): string => reason ?? 'Batch cancelled';
const lastAction = (act: Act): Document => ({ act: 'cancel', at: '$$NOW', by: { $literal: act.by }, reason: { $literal: reasonOf(act) } });

const WAITING = ['pending', 'scheduled', 'in_progress'];
/** More of the latest calls than these do not make a mix truer. */
const CALLS_READ = 20_000;

export function createBatchJobs(connection: Connection): BatchJobs {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');
  const size = (batch: string): Promise<number> => jobs.countDocuments({ batch_id: batch, status: { $in: WAITING } });

  return {
    /** Index `claim`, keys only: `batch_id` and `status` lead it. A batch without jobs is missing from the answer. */
    counts: async (ids) => {
      const found = await jobs
        .aggregate<{ _id: { batch: string; status: unknown }; n: number }>([
          { $match: { batch_id: { $in: [...ids] } } },
          { $group: { _id: { batch: '$batch_id', status: '$status' }, n: { $sum: 1 } } },
        ])
        .toArray();
      const byBatch = new Map<string, Record<string, number>>();
      for (const { _id, n } of found) {
        const row = byBatch.get(_id.batch) ?? {};
        row[String(_id.status)] = n;
        byBatch.set(_id.batch, row);
      }
      return byBatch;
    },

    /** Index `claim`, keys only. */
    waitingAlone: () => jobs.countDocuments({ batch_id: null, status: { $in: [...CLAIMABLE] } }),

    /** Index `claim`. Zero matches: nothing was looked at while it drained. */
    endDrain: async (batch) => {
      const putOff = { batch_id: batch, status: 'pending', reserved_until: { $type: 'date' }, last_error: /The batch is draining/ };
      const result = await jobs.updateMany(putOff, { $unset: { reserved_until: '', last_error: '' } });
      return result.modifiedCount;
    },

    /** Index `claim`. Texts and results are left where they are: they are most of a document. Empty: nothing waits. */
    async *waiting(batch, limit) {
      const filter = { batch_id: batch, status: { $in: WAITING } };
      const more = (await size(batch)) > limit;
      yield* jobs.aggregate<AnyDocument>([
        { $match: filter },
        ...(more ? [{ $sample: { size: limit } }] : []),
        { $project: { call_result: 0, payload: 0 } },
      ]);
    },

    /** Index `speechai_batch_at`. Zero: no call of the batch is or may be live. */
    openCalls: (batch) => attempts.countDocuments({ batch, open: true }),

    /** Index `speechai_batch_at`, newest first. Empty: the batch has no calls yet. */
    outcomes: async (batch) => {
      const found = await attempts
        .aggregate<{ _id: OutcomeClass; calls: number; ms: number; micros: number }>([
          { $match: { batch, state: 'settled' } },
          { $sort: { at: -1 } },
          { $limit: CALLS_READ },
          { $group: { _id: '$outcome.class', calls: { $sum: 1 }, ms: { $avg: '$outcome.durationMs' }, micros: { $avg: '$cost.micros' } } },
          { $sort: { _id: 1 } },
        ])
        .toArray();
      return found.flatMap(({ _id, calls, ms, micros }) =>
        typeof _id === 'string' ? [{ class: _id, calls, meanDurationMs: ms, meanCostMicros: micros }] : [],
      );
    },

    /** Index `claim`. They end after their live call (jobs.ts `wanted`); a request that stands stays the first one's. Zero: none is in progress. */
    requestCancel: async (batch, act) => {
      const result = await jobs.updateMany({ batch_id: batch, status: 'in_progress', cancel_requested: null }, [
        {
          $set: {
            // With a reason in any case: the job has nothing else to say why it ended, once its call is over.
            cancel_requested: { at: '$$NOW', by: { $literal: act.by }, reason: { $literal: reasonOf(act) } },
            last_action: lastAction(act),
            updated_at: '$$NOW',
          },
        },
      ]);
      return result.modifiedCount;
    },

    /** Index `claim`. Zero: nothing waits any more. */
    cancelWaiting: async (batch, act) => {
      const result = await jobs.updateMany({ batch_id: batch, status: { $in: ['pending', 'scheduled', 'suspended'] } }, [
        {
          $set: {
            status: 'cancelled',
            cancellation_reason: { $literal: reasonOf(act) },
            last_error: { $literal: cancelledBy({ by: act.by, reason: reasonOf(act) }) },
            last_action: lastAction(act),
            reserved_until: null,
            updated_at: '$$NOW',
          },
        },
        { $unset: ['next_try_at', 'suspend_reason', 'suspend_requested', 'cancel_requested'] },
      ]);
      return result.modifiedCount;
    },

    /** Index `claim`. What was called is kept in the attempts. */
    remove: async (batch) => (await jobs.deleteMany({ batch_id: batch })).deletedCount,
  };
}
