/**
 * `jobs`: SpeechAI's documents, which other programs write, replace and delete. Every fence is `{_id, lease_token}`; whether the job is
 * still in progress is judged inside the write; leaving in_progress unsets the token (P3). Never a whole-document write.
 */
import type { Document, Filter } from 'mongodb';
import { CLAIMABLE, type DocId } from '../domain/job.js';
import type { NextStep } from '../domain/call.js';
import { createChange } from './change.js';
import { hinted, stored, type AnyDocument, type Connection } from './connection.js';
import {
  DUE_BY_SERVER,
  numberOr0,
  phoneIndexSet,
  suspendReasonFor,
  TOLD,
  toldOf,
  wanted,
  whileInProgress,
  type Told,
} from './job-stages.js';
import {
  claimIndex,
  createClaims,
  createFailFull,
  EVERY_QUEUE,
  inLane,
  IS_FULL,
  JOB_INDEX,
  REFS,
  type ClaimQuestion,
  type Lane,
} from './claims.js';
import type { WriteResult, Writer } from './writer.js';

export interface Release {
  readonly status: 'pending' | 'done' | 'completed' | 'suspended' | 'failed' | 'cancelled';
  /** Pending only. undefined: as it was before the claim. */
  readonly dueAt: Date | null | undefined;
  readonly dueBefore: unknown;
  readonly suspendReason: string | null;
  readonly lastError: string | null;
  /** The provider refused to place it: counted, so that a job nobody accepts is set aside in the end. */
  readonly refused?: boolean;
  /** Given back by a rescuer: how many owners went down is still to be known. */
  readonly keepRescues?: boolean;
  /** The number to begin with next time, where the one at the index may not be dialled any more. */
  readonly phoneIndex?: number;
}

/** `dated`: only what was told to wait until a time that has come, as a claim of kind `retry` takes it. */
export type Waiting = 'all' | 'dated';

export interface Rescued {
  readonly doc: AnyDocument;
  readonly foreign: boolean;
  /** The token it carried when its lease ended. */
  readonly before: string | null;
}

export interface Jobs {
  anyDue(batches: readonly (string | null)[], bound: Date, lane?: Lane, which?: Waiting): Promise<boolean>;
  /** What a claim would meet, for a rehearsal. Index `claim`. */
  due(batch: string | null, bound: Date, limit: number, which?: Waiting): AsyncIterable<AnyDocument>;
  claim(question: ClaimQuestion): Promise<AnyDocument | null>;
  failFull(question: ClaimQuestion): Promise<AnyDocument | null>;
  byToken(token: string): Promise<AnyDocument | null>;
  byId(id: DocId): Promise<AnyDocument | null>;
  release(id: DocId, token: string, release: Release): Promise<WriteResult>;
  settle(id: DocId, token: string, next: NextStep, fields: Record<string, unknown>, result: Record<string, unknown>): Promise<boolean>;
  renew(ids: readonly DocId[], tokens: readonly string[], leaseMs: number): Promise<number>;
  endLeases(ids: readonly DocId[], tokens: readonly string[]): Promise<number>;
  takeExpired(token: string, worker: string, leaseMs: number, bound: Date, foreignToo: boolean): Promise<Rescued | null>;
  failFullExpired(bound: Date, foreignToo: boolean): Promise<AnyDocument | null>;
  passOn(id: DocId, from: string, to: string): Promise<WriteResult>;
}

export function createJobs(connection: Connection, writer: Writer): Jobs {
  const jobs = connection.collection('jobs');
  const kept = connection.keeperCollection('jobs');
  const write = (filter: Filter<AnyDocument>, update: Document | Document[]): Promise<WriteResult> =>
    writer.write({ collection: 'jobs', filter, update });

  const tell = createChange<Told>(connection, {
    collection: 'jobs',
    where: (all) => ({ lease_token: all.length === 1 ? all[0]?.token : { $in: all.map(({ token }) => token) } }),
    stages: TOLD,
    fields: ['call_result.attempt_id'],
    shows: (doc, { token }) => (doc['call_result'] as { attempt_id?: unknown } | null | undefined)?.attempt_id === token,
  });

  return {
    /** The peek: one question over all batches that may dial. Index `claim` or `claimQueue`, at most a key read per batch, status, queue and attempts. */
    anyDue: async (batches, bound, lane = EVERY_QUEUE, which = 'all') => {
      if (batches.length === 0) return false;
      const due = { batch_id: { $in: [...batches] }, ...waiting(which, bound), ...inLane(lane) };
      return (await jobs.findOne(due, { hint: claimIndex(lane), projection: { _id: 1 } })) !== null;
    },

    due: (batch, bound, limit, which = 'all') =>
      jobs.find({ batch_id: batch, ...waiting(which, bound) } as Filter<AnyDocument>, { hint: JOB_INDEX.claim, limit }),

    /** null: nothing of this kind is due in the batch. */
    claim: createClaims(connection),
    failFull: createFailFull(connection),

    /** After a claim whose reply was lost. Index `token`. null: the claim did not happen. */
    byToken: (token) => jobs.findOne({ lease_token: token, status: 'in_progress' }, { hint: JOB_INDEX.token }),
    byId: (id) => jobs.findOne({ _id: stored(id) }),

    /** Back without a call: no attempt is counted. Zero matches: the job is no longer ours; there is nothing to give back. */
    release: (id, token, { status, dueAt, dueBefore, suspendReason, lastError, refused, keepRescues, phoneIndex }) => {
      const reason: unknown = status === 'suspended' ? { $literal: suspendReason } : '$$REMOVE';
      const due: unknown = dueAt === undefined ? { $literal: dueBefore ?? null } : dueAt;
      return write({ _id: stored(id), lease_token: token }, [
        {
          $set: {
            status: whileInProgress(wanted(status), '$status'),
            reserved_until: whileInProgress(status === 'pending' ? due : null, '$reserved_until'),
            suspend_reason: whileInProgress(suspendReasonFor(status, reason), '$suspend_reason'),
            last_error: lastError === null ? '$last_error' : { $literal: lastError },
            ...(refused === true ? { refusals: { $add: [numberOr0('$refusals'), 1] } } : {}),
            ...(phoneIndex === undefined ? {} : phoneIndexSet(phoneIndex)),
            ...datesOfEnd(status),
            updated_at: '$$NOW',
          },
        },
        {
          $unset: [
            'lease_token',
            'worker_id',
            'foreign',
            'rescued_from',
            'cancel_requested',
            'suspend_requested',
            ...(keepRescues === true ? [] : ['rescues']),
          ],
        },
      ]);
    },

    /**
     * Step 9, move. What others asked meanwhile is kept: a status they wrote stays, a requested cancel or suspend wins over another try.
     * False: the token moved on (a rescuer holds it: come again) or the job was replaced or deleted.
     */
    settle: (id, token, next, fields, result) => tell(stored(id), toldOf(token, next, fields, result)),

    /** Step 8, with the attempts' renewal. Jobs replaced or deleted meanwhile are missing from the count, and that is fine. */
    renew: async (ids, tokens, leaseMs) => {
      const held = { _id: { $in: ids.map(stored) }, lease_token: { $in: [...tokens] } };
      const result = await kept.updateMany(held, [{ $set: { reserved_until: { $add: ['$$NOW', leaseMs] } } }]);
      return result.matchedCount;
    },
    endLeases: async (ids, tokens) => {
      const held = { _id: { $in: ids.map(stored) }, lease_token: { $in: [...tokens] } };
      const result = await jobs.updateMany(held, [{ $set: { reserved_until: '$$NOW' } }]);
      return result.matchedCount;
    },

    /**
     * R2: take first, look afterwards. Index `rescue`. `rescues` counts owners that went down: not rescuers, who may fail for the database's
     * reasons. null: no lease is expired.
     */
    takeExpired: async (token, worker, leaseMs, bound, foreignToo) => {
      const doc = await jobs.findOneAndUpdate(
        {
          status: 'in_progress',
          reserved_until: { $not: { $gt: bound } },
          $expr: DUE_BY_SERVER,
          ...ofOurs(foreignToo),
        },
        [
          {
            $set: {
              foreign: { $or: [{ $ifNull: ['$foreign', false] }, { $ne: [{ $type: '$lease_token' }, 'string'] }] },
              // Whose job it was before the first rescuer: one that died here must not hide it from the next.
              rescued_from: { $ifNull: ['$rescued_from', '$lease_token'] },
              lease_token: token,
              worker_id: worker,
              rescues: { $add: [numberOr0('$rescues'), { $cond: [{ $eq: [{ $type: '$rescued_from' }, 'missing'] }, 1, 0] }] },
              reserved_until: { $add: ['$$NOW', leaseMs] },
            },
          },
        ],
        { hint: hinted(JOB_INDEX.rescue), returnDocument: 'after' },
      );
      if (doc === null) return null;
      const before: unknown = doc['rescued_from'];
      return { doc, foreign: doc['foreign'] === true, before: typeof before === 'string' ? before : null };
    },

    /** As `failFull`, after a rescue that the server refused: the job would be the first to be rescued, for ever, and no other. Index `rescue`. */
    failFullExpired: (bound, foreignToo) =>
      jobs.findOneAndUpdate(
        {
          status: 'in_progress',
          reserved_until: { $not: { $gt: bound } },
          $expr: { $and: [DUE_BY_SERVER, IS_FULL] },
          ...ofOurs(foreignToo),
        },
        { $set: { status: 'failed' }, $unset: { lease_token: '', worker_id: '' } },
        { hint: hinted(JOB_INDEX.rescue), returnDocument: 'after', projection: REFS },
      ),

    /** The attempt that was found owns the job again. Zero matches: taken by yet another rescuer, which does the same. */
    passOn: (id, from, to) => write({ _id: stored(id), lease_token: from }, { $set: { lease_token: to }, $unset: { rescued_from: '' } }),
  };
}

/** While an old worker may still be at work, what carries no token of ours is its own. */
function ofOurs(foreignToo: boolean): Filter<AnyDocument> {
  return foreignToo ? {} : { lease_token: { $type: 'string' } };
}

/** What a call's end leaves as well (`finishedFields`): the API sums up the hours by them. A time to come back at goes. */
function datesOfEnd(status: Release['status']): Document {
  const ends = (...as: Release['status'][]): Document => ({ $and: [{ $eq: ['$status', 'in_progress'] }, { $in: [wanted(status), as] }] });
  return {
    finished_at: { $cond: [ends('done', 'completed', 'failed', 'cancelled'), '$$NOW', '$finished_at'] },
    completed_at: { $cond: [ends('done', 'completed', 'failed'), '$$NOW', '$completed_at'] },
    failed_at: { $cond: [ends('failed'), '$$NOW', '$failed_at'] },
    next_try_at: { $cond: [ends('done', 'completed', 'failed', 'cancelled'), '$$REMOVE', '$next_try_at'] },
  };
}

function waiting(which: Waiting, bound: Date): Filter<AnyDocument> {
  return which === 'dated'
    ? { status: 'pending', reserved_until: { $lte: bound } }
    : { status: { $in: [...CLAIMABLE] }, reserved_until: { $not: { $gt: bound } } };
}
