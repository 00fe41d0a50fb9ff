/** Counters that others read, derived and then written: right again after any crash, whoever died in between. */
import { ObjectId, type Document } from 'mongodb';
import type { ArchivedFigures } from '../domain/archived.js';
import type { DocId } from '../domain/job.js';
import { stored, type Connection } from './connection.js';
import { INDEX } from './attempts.js';
import { JOB_INDEX } from './claims.js';

/** A batch is counted by all processes together no more often than one would: the larger it is, the longer it is left alone afterwards. */
export interface Turn {
  readonly now: Date;
  /** Whatever others do: this process is about to end. */
  readonly force: boolean;
  /** Asked before and after the count: how long nobody else needs to count from then on. */
  restMs(): number;
}

const ON_THE_MOVE = { id: { $type: 'string' }, at: { $type: 'date' }, state: { $in: ['moving', 'restoring'] } };

export interface Recount {
  /** 0: it was counted, or is gone. Else another process has counted it, and in so many milliseconds it may be counted again. */
  batch(id: string, turn: Turn): Promise<number>;
  /** The price a job shows of its call. */
  price(job: DocId, attempt: string, cents: number): Promise<void>;
}

/** A rest that would end later is none: somebody else wrote it. */
const LONGEST_REST_MS = 600_000;

export function createRecount(connection: Connection): Recount {
  const restFrom = (ms: number): Document => ({ $add: ['$$NOW', Math.min(ms, LONGEST_REST_MS)] });

  /** Index `speechai_batch_id`. One process takes the turn, the others learn how long it lasts. null: the batch is gone. */
  async function turnOf(id: string, { now, restMs }: Turn): Promise<number | null> {
    // A text: SpeechAI's API hands batches out as JSON.
    const me = new ObjectId().toHexString();
    const until = '$recount_until';
    // What is no date lies outside of the two.
    const rests = { $and: [{ $gt: [until, '$$NOW'] }, { $lte: [until, restFrom(LONGEST_REST_MS)] }] };
    const found = await connection
      .collection('batches')
      .findOneAndUpdate(
        { batch_id: id },
        [{ $set: { recount_by: { $cond: [rests, '$recount_by', me] }, recount_until: { $cond: [rests, until, restFrom(restMs())] } } }],
        { returnDocument: 'after', projection: { recount_by: 1, recount_until: 1 } },
      );
    if (found === null) return null;
    return found['recount_by'] === me ? 0 : Math.max(1, Number(found['recount_until']) - now.getTime());
  }

  return {
    /** Counts on index `claim` (keys only), sums on index `speechai_batch_at`. `completed` and `done` are both completed. */
    batch: async (id, turn) => {
      const leftMs = await turnOf(id, turn);
      if (leftMs === null || (leftMs > 0 && !turn.force)) return leftMs ?? 0;
      const [counts, sums] = await Promise.all([
        connection
          .collection('jobs')
          .aggregate<{ _id: string; n: number }>([{ $match: { batch_id: id } }, { $group: { _id: '$status', n: { $sum: 1 } } }], {
            hint: JOB_INDEX.claim,
          })
          .toArray(),
        connection
          .collection('attempts')
          .aggregate<{ micros: number; ms: number; first: Date }>(
            [
              { $match: { batch: id, state: 'settled' } },
              { $group: { _id: null, micros: { $sum: '$cost.micros' }, ms: { $sum: '$cost.ms' }, first: { $min: '$at' } } },
            ],
            { hint: INDEX.batch },
          )
          .toArray(),
      ]);
      const of = (...statuses: string[]): number => counts.filter((one) => statuses.includes(one._id)).reduce((sum, one) => sum + one.n, 0);
      // What was moved out of the database (archive.ts) goes on to count.
      const withArchived = (name: keyof ArchivedFigures, here: number): Document => ({ $add: [here, { $sum: `$archived.${name}` }] });
      const figures = {
        pending_jobs: of('pending', 'scheduled', 'in_progress'),
        completed_jobs: withArchived('completed_jobs', of('done', 'completed')),
        failed_jobs: withArchived('failed_jobs', of('failed')),
        suspended_jobs: of('suspended'),
        total_cost: { $divide: [withArchived('micros', sums[0]?.micros ?? 0), 1e6] },
        total_minutes: { $divide: [withArchived('ms', sums[0]?.ms ?? 0), 60_000] },
      };
      const isOver = counts.length > 0 && figures.pending_jobs + figures.suspended_jobs === 0;
      const dates = {
        // The first call, not the first look.
        started_at: { $ifNull: ['$started_at', sums[0]?.first ?? null] },
        // Of a batch that was ended by hand it stays; of one that was given more to do it goes.
        completed_at: isOver ? { $ifNull: ['$completed_at', '$$NOW'] } : { $cond: [{ $eq: ['$is_active', true] }, null, '$completed_at'] },
      };
      // Zero matches: the batch was deleted, and its jobs go on or end by their own rules; or its history is on the move, half here and half there.
      await connection
        .collection('batches')
        .updateOne({ batch_id: id, archived: { $not: { $elemMatch: ON_THE_MOVE } } }, [
          { $set: { ...figures, ...dates, recount_until: restFrom(turn.restMs()) } },
        ]);
      return 0;
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
