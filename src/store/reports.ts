/** What reports read: jobs and calls of some batches, one after the other, however many there are. */
import type { Document, Filter } from 'mongodb';
import { idKey } from '../domain/job.js';
import type { AttemptDoc } from './attempt.js';
import type { AnyDocument, Connection, StoredId } from './connection.js';

/** Of these batches, whoever they belong to; or, where an account is named, what is booked to it in any batch or none. */
export type ReportScope = { readonly batches: readonly string[] } | { readonly account: string };

export interface Period {
  readonly since: Date | null;
  readonly until: Date | null;
}

export interface JobChoice {
  /** Empty: of any status. */
  readonly statuses: readonly string[];
  readonly transcripts: boolean;
}

export interface ReportReads {
  jobs(scope: ReportScope, choice: JobChoice): AsyncIterable<AnyDocument>;
  calls(scope: ReportScope, period: Period): AsyncIterable<AttemptDoc>;
  /** Whether a batch has jobs or calls, also one that was deleted. */
  knows(batch: string): Promise<boolean>;
}

/** So many documents at a time: a page of them must not fill the memory either. */
const PAGE = 500;

/** No hints: a report is also asked of a database on which `db init` was never run, where it takes longer. */
export function createReportReads(connection: Connection): ReportReads {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');

  /** Every batch that has any: of an account also those that were deleted. Indexes `claim` and `speechai_batch_at`, a key of each batch. */
  async function batchesOf(scope: ReportScope): Promise<readonly (string | null)[]> {
    if ('batches' in scope) return scope.batches;
    const found: unknown[][] = await Promise.all([jobs.distinct('batch_id'), attempts.distinct('batch')]);
    return [null, ...new Set(found.flat().filter((id) => typeof id === 'string'))];
  }

  /**
   * Jobs move within index `claim` while they are read: by their keys alone one that becomes done would be missed and one that waits again be
   * met twice. So the keys are read twice, which is quick, and each job once, by its `_id`.
   */
  async function idsOf(filter: Filter<AnyDocument>): Promise<readonly StoredId[]> {
    const found = new Map<string, StoredId>();
    for (const _ of [1, 2]) {
      const keys = jobs.find(filter, { projection: { _id: 1 }, batchSize: 10_000 });
      for await (const { _id } of keys) found.set(idKey(_id), _id);
    }
    return [...found.values()];
  }

  return {
    /** Index `claim`, then _id. The provider's whole reply is left where it is. Empty: there are none. */
    async *jobs(scope, { statuses, transcripts }) {
      const ofStatus = statuses.length === 0 ? {} : { status: { $in: [...statuses] } };
      const ofAccount = 'account' in scope ? { account_id: scope.account } : {};
      const ids = await idsOf({ batch_id: { $in: [...(await batchesOf(scope))] }, ...ofStatus });
      const projection = { 'call_result.details': 0, ...(transcripts ? {} : { 'call_result.summary.transcript': 0 }) };
      for (let at = 0; at < ids.length; at += PAGE) {
        const page = { _id: { $in: ids.slice(at, at + PAGE) }, ...ofStatus, ...ofAccount };
        yield* jobs.find(page as Filter<AnyDocument>, { projection, batchSize: PAGE });
      }
    },

    /** Index `speechai_batch_at`, whose keys never change. Voids never rang and are no calls. Empty: there are none. */
    async *calls(scope, { since, until }) {
      const at: Document = { ...(since === null ? {} : { $gte: since }), ...(until === null ? {} : { $lt: until }) };
      const filter = {
        batch: { $in: [...(await batchesOf(scope))] },
        ...('account' in scope ? { account: scope.account } : {}),
        ...(Object.keys(at).length === 0 ? {} : { at }),
        state: { $ne: 'void' },
      };
      const projection = { result: 0, job_fields: 0, locks: 0 };
      yield* attempts.find(filter as Filter<AnyDocument>, {
        projection,
        batchSize: PAGE,
      }) as unknown as AsyncIterable<AttemptDoc>;
    },

    /** The same indexes, a key of each. */
    knows: async (batch) => {
      const [call, job] = await Promise.all([
        attempts.findOne({ batch }, { projection: { _id: 1 } }),
        jobs.findOne({ batch_id: batch }, { projection: { _id: 1 } }),
      ]);
      return call !== null || job !== null;
    },
  };
}
