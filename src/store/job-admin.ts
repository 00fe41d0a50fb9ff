/**
 * What people do to jobs: find, list, add, and move one from status to status. Each act is one conditional write that judges the status as
 * it is then, so that a daemon which takes the job between somebody's look and this write is met, not overwritten (P3).
 */
import { createHash } from 'node:crypto';
import { ObjectId, type Document, type Filter } from 'mongodb';
import type { DocId } from '../domain/job.js';
import { CLAIMABLE } from '../domain/job.js';
import { statusesBefore } from '../domain/transitions.js';
import { stored, type AnyDocument, type Connection } from './connection.js';
import { duplicateOf } from './writer.js';

export interface JobFilter {
  readonly batch?: string;
  readonly account?: string;
  readonly status?: string;
  /** A `suspend_reason`, or a part of `last_error`. */
  readonly reason?: string;
}

export type JobAct = 'suspend' | 'resume' | 'cancel' | 'retry';

export interface ActOrder {
  readonly act: JobAct;
  readonly by: string;
  readonly reason: string | null;
  /** retry: the count of calls begins anew. */
  readonly resetAttempts?: boolean;
}

export type ActResult =
  | { readonly kind: 'changed'; readonly was: string }
  /** In a worker's hands: it takes effect when the worker gives the job back. */
  | { readonly kind: 'requested' }
  /** A request that had not taken effect was taken back. */
  | { readonly kind: 'withdrawn' }
  /** As it is now; null: it is gone. */
  | { readonly kind: 'refused'; readonly doc: AnyDocument | null };

/** What a release saw: the write that ends the lease applies to exactly that holder. */
export interface SeenHolder {
  readonly id: DocId;
  readonly leaseToken: string | null;
  readonly workerId: unknown;
  readonly startedAt: unknown;
}

export interface JobAdmin {
  /** By `job_id` or by `_id`; more than one only where other programs gave two jobs one `job_id`. */
  find(ref: string): Promise<AnyDocument[]>;
  list(filter: JobFilter, limit: number | null): AsyncIterable<AnyDocument>;
  add(
    doc: Document & { deduplication_key: string },
  ): Promise<{ readonly kind: 'added' } | { readonly kind: 'duplicate'; readonly doc: AnyDocument | null }>;
  byDeduplicationKey(key: string): Promise<AnyDocument | null>;
  act(id: DocId, order: ActOrder): Promise<ActResult>;
  /** False: the holder has changed since it was seen. */
  endLease(seen: SeenHolder): Promise<boolean>;
  endAttemptLease(id: string, runner: string): Promise<boolean>;
}

/** What replies brought is of no use in lists, and can be megabytes. */
const LISTED = { call_result: 0, retell_result: 0, outcome: 0, history: 0 };

export function createJobAdmin(connection: Connection): JobAdmin {
  const jobs = connection.collection('jobs');
  const attempts = connection.collection('attempts');

  return {
    /** Index `speechai_job_ref` and _id. */
    find: (ref) => {
      const byId: Filter<AnyDocument>[] = /^[0-9a-f]{24}$/i.test(ref) ? [{ _id: new ObjectId(ref) }] : [];
      return jobs.find({ $or: [{ job_id: ref }, { _id: ref }, ...byId] }, { limit: 2 }).toArray();
    },

    /** Index `claim` by batch, `account` by account; not hinted, because lists must also work before `db init`. Streamed. */
    list: (filter, limit) => jobs.find(listFilter(filter), { projection: LISTED, batchSize: 500, ...(limit === null ? {} : { limit }) }),

    byDeduplicationKey: (key) => jobs.findOne({ deduplication_key: key }),

    /**
     * SpeechAI's key has no unique index and cannot get one over old data, so the `_id` is made from it: of two commands that add one
     * contact at the same moment, the database refuses one.
     */
    add: async (doc) => {
      const key = doc.deduplication_key;
      const there = await jobs.findOne({ deduplication_key: key });
      if (there !== null) return { kind: 'duplicate', doc: there };
      const fresh = { $mergeObjects: [{ $literal: doc }, { created_at: '$$NOW', updated_at: '$$NOW' }, '$$ROOT'] };
      try {
        const result = await jobs.updateOne({ _id: idFrom(key) }, [{ $replaceWith: fresh }], { upsert: true });
        if (result.upsertedCount > 0) return { kind: 'added' };
      } catch (error) {
        if (duplicateOf(error) === null) throw error;
      }
      return { kind: 'duplicate', doc: await jobs.findOne({ _id: idFrom(key) }) };
    },

    /** _id index. Zero matches: the status does not allow it (any more); what stands there is given back for the explanation. */
    act: async (id, order) => {
      const before = await jobs.findOneAndUpdate({ _id: stored(id), ...mayAct(order.act) }, pipeline(order), {
        returnDocument: 'before',
        projection: { status: 1 },
      });
      if (before === null) return { kind: 'refused', doc: await jobs.findOne({ _id: stored(id) }) };
      if (before['status'] !== 'in_progress') return { kind: 'changed', was: String(before['status']) };
      return { kind: order.act === 'resume' ? 'withdrawn' : 'requested' };
    },

    endLease: async ({ id, leaseToken, workerId, startedAt }) => {
      const holder =
        leaseToken === null
          ? { lease_token: { $exists: false }, worker_id: workerId ?? null, started_at: startedAt ?? null }
          : { lease_token: leaseToken };
      const result = await jobs.updateOne({ _id: stored(id), status: 'in_progress', ...holder }, [{ $set: { reserved_until: '$$NOW' } }]);
      return result.matchedCount > 0;
    },

    endAttemptLease: async (id, runner) => {
      const result = await attempts.updateOne({ _id: id, runner, lease_until: { $exists: true } }, [{ $set: { lease_until: '$$NOW' } }]);
      return result.matchedCount > 0;
    },
  };
}

/** The statuses an act may begin from; in progress it becomes a request. */
function mayAct(act: JobAct): Document {
  switch (act) {
    case 'suspend':
      return { status: { $in: [...CLAIMABLE, 'in_progress'] } };
    case 'cancel':
      return { status: { $in: [...statusesBefore('cancelled')] } };
    case 'resume':
      return { $or: [{ status: 'suspended' }, { status: 'in_progress', suspend_requested: { $exists: true } }] };
    case 'retry':
      return { $or: [{ status: { $in: ['failed', 'suspended', 'cancelled'] } }, { status: { $in: [...CLAIMABLE] }, ...DELAYED }] };
  }
}

const WAITING = { $in: ['$status', [...CLAIMABLE]] };
const later = (path: string): Document => ({ $and: [{ $eq: [{ $type: path }, 'date'] }, { $gt: [path, '$$NOW'] }] });
const DELAYED = { $expr: { $or: [later('$reserved_until'), later('$next_try_at')] } };

function pipeline(order: ActOrder): Document[] {
  const sign = { at: '$$NOW', by: { $literal: order.by }, reason: { $literal: order.reason } };
  const common = { last_action: { act: order.act, ...sign }, updated_at: '$$NOW' };
  /** Whoever holds the job moves it: only the request is written then. */
  const idle = (value: unknown, otherwise: string): Document => ({ $cond: [{ $eq: ['$status', 'in_progress'] }, otherwise, value] });
  const request = (name: string): Document => ({ [name]: { $cond: [{ $eq: ['$status', 'in_progress'] }, sign, '$$REMOVE'] } });
  switch (order.act) {
    case 'suspend': {
      const why = `Suspended by ${order.by}${order.reason === null ? '' : `: ${order.reason}`}`;
      const fields = {
        status: idle('suspended', '$status'),
        suspend_reason: idle('operator', '$suspend_reason'),
        last_error: idle({ $literal: why }, '$last_error'),
      };
      return [{ $set: { ...common, ...fields, ...request('suspend_requested') } }];
    }
    case 'cancel': {
      const fields = {
        status: idle('cancelled', '$status'),
        reserved_until: idle(null, '$reserved_until'),
        next_try_at: idle('$$REMOVE', '$next_try_at'),
        suspend_reason: idle('$$REMOVE', '$suspend_reason'),
        cancellation_reason: idle({ $literal: order.reason ?? 'Cancelled by user' }, '$cancellation_reason'),
        last_error: idle({ $literal: cancelledBy(order) }, '$last_error'),
      };
      return [{ $set: { ...common, ...fields, ...request('cancel_requested') } }];
    }
    case 'resume': {
      const dropped = ['suspend_reason', 'last_error', 'rescues', 'refusals'].map((name) => [name, idle('$$REMOVE', `$${name}`)]);
      return [
        { $set: { ...common, status: idle('pending', '$status'), ...(Object.fromEntries(dropped) as Document) } },
        { $unset: ['suspend_requested'] },
      ];
    }
    case 'retry':
      return [
        {
          $set: {
            ...common,
            status: 'pending',
            // A date, past or not, is what tells a retry from a first call: a draining batch makes only those.
            reserved_until: { $cond: [{ $and: [WAITING, { $eq: [{ $type: '$reserved_until' }, 'date'] }] }, '$$NOW', null] },
            ...clampedIndex(),
            ...(order.resetAttempts === true ? { attempts: 0, transient_calls: 0 } : {}),
            ...Object.fromEntries(OF_THE_LAST_ROUND.map((name) => [name, { $cond: [WAITING, `$${name}`, '$$REMOVE'] }])),
          },
        },
        { $unset: ['next_try_at'] },
      ];
  }
}

/** Of a job that only waits out a delay its round goes on: what was said of it and asked for it stays. */
const OF_THE_LAST_ROUND = [
  'suspend_reason',
  'last_error',
  'failed_at',
  'finished_at',
  'cancellation_reason',
  'cancel_requested',
  'suspend_requested',
  'rescues',
  'refusals',
];

/**
 * SpeechAI left exhausted jobs with their index past the last number, which its own API cannot read. The contact is merged as a whole: a
 * dotted path would leave an empty `contact` on flat documents, which the API cannot read either.
 */
export function clampedIndex(): Document {
  const phones = { $cond: [{ $isArray: '$contact.phones' }, { $size: { $ifNull: ['$contact.phones', []] } }, 0] };
  const index = { $cond: [{ $isNumber: '$contact.next_phone_index' }, '$contact.next_phone_index', 0] };
  const within = { $cond: [{ $lt: [index, phones] }, index, 0] };
  return {
    contact: {
      $cond: [{ $eq: [{ $type: '$contact' }, 'object'] }, { $mergeObjects: ['$contact', { next_phone_index: within }] }, '$contact'],
    },
  };
}

/** Stands where what the last call ended with stood: that is not why it is over. */
export function cancelledBy({ by, reason }: { readonly by: string; readonly reason: string | null }): string {
  return `Cancelled by ${by}${reason === null ? '' : `: ${reason}`}`;
}

function listFilter({ batch, account, status, reason }: JobFilter): Filter<AnyDocument> {
  return {
    ...(batch === undefined ? {} : { batch_id: batch }),
    ...(account === undefined ? {} : { account_id: account }),
    ...(status === undefined ? {} : { status }),
    ...(reason === undefined
      ? {}
      : { $or: [{ suspend_reason: reason }, { last_error: { $regex: reason.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), $options: 'i' } }] }),
  };
}

function idFrom(key: string): ObjectId {
  return new ObjectId(createHash('sha256').update(`speechai.job:${key}`).digest('hex').slice(0, 24));
}
