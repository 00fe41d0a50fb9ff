/** Counters that others read, derived and then written: right again after any crash, whoever died in between. */
import type { Connection } from './connection.js';
import { INDEX } from './attempts.js';
import { JOB_INDEX } from './claims.js';

export interface Recount {
  batch(id: string): Promise<void>;
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
  };
}
