/** Expressions of the jobs' update pipelines: what others asked meanwhile is judged inside the write. */
import type { Document } from 'mongodb';
import type { NextStep } from '../domain/call.js';
import { own, ownField } from './change.js';

export function whileInProgress(then: unknown, otherwise: string): Document {
  return { $cond: [{ $eq: ['$status', 'in_progress'] }, then, otherwise] };
}

/** An answered call is an answered call; anything else gives way to what somebody asked for meanwhile. */
export function wanted(status: unknown): Document {
  return {
    $switch: {
      branches: [
        { case: answered(status), then: status },
        { case: asked('$cancel_requested'), then: 'cancelled' },
        { case: asked('$suspend_requested'), then: 'suspended' },
      ],
      default: status,
    },
  };
}

function answered(status: unknown): Document {
  return { $in: [status, ['done', 'completed']] };
}

/** As the domain's `flagged` reads it: a `false` that another program stores beside its jobs asks for nothing. */
function asked(path: string): Document {
  return { $not: [{ $in: [{ $ifNull: [path, false] }, [false, 0, '', 'false']] }] };
}

/** `reason` is that of a job which is suspended without anybody asking for it. */
export function suspendReasonFor(status: unknown, reason: unknown): Document {
  return {
    $switch: {
      branches: [
        { case: answered(status), then: '$$REMOVE' },
        { case: asked('$suspend_requested'), then: 'operator' },
      ],
      default: reason,
    },
  };
}

/** The database's clock decides about dates; anything that is no date can become due in no other way than at once (P2). */
export const DUE_BY_SERVER = { $or: [{ $ne: [{ $type: '$reserved_until' }, 'date'] }, { $lte: ['$reserved_until', '$$NOW'] }] };

/** Other programs may have left text, null, NaN or less than nothing where a count belongs; NaN + 1 would never reach a limit (P4). */
export function numberOr0(path: string): Document {
  const number = { $convert: { input: path, to: 'double', onError: 0, onNull: 0 } };
  const counted = { $and: [{ $gte: [number, 0] }, { $lt: [number, 1e9] }] };
  return { $cond: [counted, { $toInt: { $trunc: number } }, 0] };
}

/**
 * The contact as a whole: a dotted path would put an empty object in the place of a missing or flat one. Where another program shortened the
 * list meanwhile, the index begins anew: SpeechAI's API answers 500 for a whole page of jobs if it meets one past the end.
 */
export function phoneIndexSet(index: unknown): Document {
  const isObject = { $eq: [{ $type: '$contact' }, 'object'] };
  const isPast = { $and: [{ $isArray: '$contact.phones' }, { $gte: [index, { $size: '$contact.phones' }] }] };
  const inside = { $cond: [isPast, 0, index] };
  return {
    contact: { $cond: [isObject, { $mergeObjects: ['$contact', { next_phone_index: inside }] }, '$contact'] },
    phone_index: { $cond: [isObject, '$$REMOVE', index] },
  };
}

/** The lease's marks, and what a call makes void. */
export const LEFT = ['lease_token', 'worker_id', 'foreign', 'rescued_from', 'rescues', 'refusals', 'cancel_requested', 'suspend_requested'];

/** What a job is told about its call. */
export interface Told {
  readonly token: string;
  readonly fields: Record<string, unknown>;
  readonly result: Record<string, unknown>;
  readonly status: NextStep['status'];
  /** null: not pending, or at once. */
  readonly due: Date | null;
  readonly attempts: number;
  readonly transient: boolean;
  readonly phone_index: number;
  readonly bad_line?: string;
  readonly suspend_reason?: string | null;
  readonly last_error?: string;
}

export function toldOf(token: string, next: NextStep, fields: Told['fields'], result: Told['result']): Told {
  return {
    token,
    fields,
    result,
    status: next.status,
    due: next.status === 'pending' ? next.dueAt : null,
    attempts: next.countsAttempt ? 1 : 0,
    transient: next.countsTransient,
    phone_index: next.phoneIndex,
    ...(next.badLine === null ? {} : { bad_line: next.badLine }),
    ...(next.status === 'suspended' ? { suspend_reason: next.suspendReason } : {}),
    ...(next.lastError === null ? {} : { last_error: next.lastError }),
  };
}

const HELD = own('held');
const COMES_BACK = { $and: [HELD, { $eq: [own('becomes'), 'pending'] }] };

/** Step 9, move (`Change`). What another program did to the job meanwhile is judged first, by what is stored; what is missing in `$set` is removed. */
export const TOLD: readonly Document[] = [
  {
    $set: {
      [ownField('held')]: { $eq: ['$status', 'in_progress'] },
      [ownField('becomes')]: whileInProgress(wanted(own('status')), '$status'),
    },
  },
  { $replaceWith: { $mergeObjects: ['$$ROOT', own('fields')] } },
  {
    $set: {
      call_result: own('result'),
      status: own('becomes'),
      reserved_until: { $cond: [HELD, { $cond: [COMES_BACK, own('due'), null] }, '$reserved_until'] },
      // A time to come back at is only for a job that does come back.
      next_try_at: { $cond: [{ $and: [COMES_BACK, { $ne: [own('due'), null] }] }, own('due'), '$$REMOVE'] },
      cancellation_reason: { $ifNull: ['$cancel_requested.reason', '$cancellation_reason'] },
      attempts: { $add: [numberOr0('$attempts'), own('attempts')] },
      transient_calls: { $cond: [own('transient'), { $add: [numberOr0('$transient_calls'), 1] }, '$transient_calls'] },
      ...phoneIndexSet(own('phone_index')),
      suspend_reason: { $cond: [HELD, suspendReasonFor(own('status'), own('suspend_reason')), '$suspend_reason'] },
      last_error: own('last_error'),
      bad_lines: {
        $cond: [
          { $eq: [{ $type: own('bad_line') }, 'string'] },
          { $setUnion: [{ $cond: [{ $isArray: '$bad_lines' }, '$bad_lines', []] }, [own('bad_line')]] },
          '$bad_lines',
        ],
      },
      is_calling: false,
      updated_at: '$$NOW',
    },
  },
  { $unset: LEFT },
];
