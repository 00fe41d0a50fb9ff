/** What reports read: jobs and calls of some batches, one after the other, however many there are. */
import type { Document, Filter } from 'mongodb';
import type { AttemptDoc } from './attempt.js';
import type { AnyDocument, Connection } from './connection.js';

export interface ReportScope {
  readonly batches: readonly string[];
  /** Also what belongs to this account and to no batch. */
  readonly account: string | null;
}

export interface Period {
  readonly since: Date | null;
  readonly until: Date | null;
}

export interface ReportReads {
  jobs(scope: ReportScope, statuses: readonly string[], transcripts: boolean): AsyncIterable<AnyDocument>;
  calls(scope: ReportScope, period: Period): AsyncIterable<AttemptDoc>;
  /** Whether a batch has jobs or calls, also one that was deleted. */
  knows(batch: string): Promise<boolean>;
}

/** So many documents at a time: a page of them must not fill the memory either. */
const PAGE = 500;

export function createReportReads(connection: Connection): ReportReads {
  const within = (field: string, owner: string, { batches, account }: ReportScope): Document =>
    account === null
      ? { [field]: { $in: [...batches] } }
      : { $or: [{ [field]: { $in: [...batches] } }, { [field]: null, [owner]: account }] };

  return {
    /** Index `claim`, by batch. The provider's whole reply is left where it is. Empty: there are none. */
    jobs: (scope, statuses, transcripts) => {
      const filter = { ...within('batch_id', 'account_id', scope), ...(statuses.length === 0 ? {} : { status: { $in: [...statuses] } }) };
      const projection = { 'call_result.details': 0, ...(transcripts ? {} : { 'call_result.summary.transcript': 0 }) };
      return connection.collection('jobs').find(filter as Filter<AnyDocument>, { projection, batchSize: PAGE });
    },

    /** Index `speechai_batch_at`, by batch. Voids never rang and are no calls. Empty: there are none. */
    calls: (scope, { since, until }) => {
      const at = { ...(since === null ? {} : { $gte: since }), ...(until === null ? {} : { $lt: until }) };
      return connection.collection('attempts').find(
        {
          ...within('batch', 'account', scope),
          state: { $ne: 'void' },
          ...(Object.keys(at).length === 0 ? {} : { at }),
        },
        { projection: { result: 0, job_fields: 0, locks: 0 }, batchSize: PAGE },
      ) as unknown as AsyncIterable<AttemptDoc>;
    },

    /** The same indexes, a key of each. */
    knows: async (batch) => {
      const [call, job] = await Promise.all([
        connection.collection('attempts').findOne({ batch }, { projection: { _id: 1 } }),
        connection.collection('jobs').findOne({ batch_id: batch }, { projection: { _id: 1 } }),
      ]);
      return call !== null || job !== null;
    },
  };
}
