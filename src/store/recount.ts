/** Counters that others read, derived and then written: right again after any crash, whoever died in between. */
import type { DocId } from '../domain/job.js';
import { stored, type Connection } from './connection.js';
import { INDEX } from './attempts.js';
import { JOB_INDEX } from './claims.js';

export interface Recount {
  batch(id: string): Promise<void>;
  /** The price a job shows of its call. */
  price(job: DocId, attempt: string, cents: number): Promise<void>;
}

export function createRecount(connection: Connection): Recount {
  return {
    /** Counts on index `claim` (keys only), sums on index `speechai_batch_at`. `completed` and `done` are both completed. */
    batch: async (id) => {
      const [counts, sums] = await Promise.all([
        connection
          .collection('jobs')
          .aggregate<{ _id: string; n: number }>([{ $match: { batch_id: id } }, { $group: { _id: '$status', n: { $sum: 1 } } }], {
            hint: JOB_INDEX.claim,
          })
          .toArray(),
        connection
          .collection('attempts')
          .aggregate<{ micros: number; ms: number }>(
            [
              { $match: { batch: id, state: 'settled' } },
              { $group: { _id: null, micros: { $sum: '$cost.micros' }, ms: { $sum: '$cost.ms' } } },
            ],
            { hint: INDEX.batch },
          )
          .toArray(),
      ]);
      const of = (...statuses: string[]): number => counts.filter((one) => statuses.includes(one._id)).reduce((sum, one) => sum + one.n, 0);
      const figures = {
        pending_jobs: of('pending', 'scheduled', 'in_progress'),
        completed_jobs: of('done', 'completed'),
        failed_jobs: of('failed'),
        suspended_jobs: of('suspended'),
        total_cost: (sums[0]?.micros ?? 0) / 1e6,
        total_minutes: (sums[0]?.ms ?? 0) / 60_000,
      };
      // Zero matches: the batch was deleted; its jobs go on or end by their own rules.
      await connection
        .collection('batches')
        .updateOne({ batch_id: id }, [{ $set: { ...figures, started_at: { $ifNull: ['$started_at', '$$NOW'] } } }]);
    },

    /** _id index. Zero matches: the job shows a later call, or none; what stands there is not this call's to correct. */
    price: async (job, attempt, cents) => {
      const summary = '$call_result.summary';
      const corrected = {
        $mergeObjects: [summary, { call_cost: { $mergeObjects: [`${summary}.call_cost`, { combined_cost: cents }] } }],
      };
      await connection
        .collection('jobs')
        .updateOne({ _id: stored(job), 'call_result.attempt_id': attempt, 'call_result.call_cost.combined_cost': { $type: 'number' } }, [
          {
            $set: {
              'call_result.call_cost.combined_cost': cents,
              'call_result.summary': { $cond: [{ $eq: [{ $type: `${summary}.call_cost` }, 'object'] }, corrected, summary] },
            },
          },
        ]);
    },
  };
}
