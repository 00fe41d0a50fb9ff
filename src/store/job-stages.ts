/** Expressions of the jobs' update pipelines: what others asked meanwhile is judged inside the write. */
import type { Document } from 'mongodb';
import type { NextStep } from '../domain/call.js';

export function whileInProgress(then: unknown, otherwise: string): Document {
  return { $cond: [{ $eq: ['$status', 'in_progress'] }, then, otherwise] };
}

/** A time to come back at is only for a job that does come back. */
export function whilePending(status: NextStep['status'], then: unknown, otherwise: unknown): Document {
  return { $cond: [{ $eq: [wanted(status), 'pending'] }, then, otherwise] };
}

/** An answered call is an answered call; anything else gives way to what somebody asked for meanwhile. */
export function wanted(status: NextStep['status']): unknown {
  if (status === 'done' || status === 'completed') return status;
  return {
    $switch: {
      branches: [
        { case: asked('$cancel_requested'), then: 'cancelled' },
        { case: asked('$suspend_requested'), then: 'suspended' },
      ],
      default: status,
    },
  };
}

/** As the domain's `flagged` reads it: a `false` that another program stores beside its jobs asks for nothing. */
function asked(path: string): Document {
  return { $not: [{ $in: [{ $ifNull: [path, false] }, [false, 0, '', 'false']] }] };
}

export function suspendReasonFor(status: NextStep['status'], reason: string | null): unknown {
  if (status === 'done' || status === 'completed') return '$$REMOVE';
  return {
    $cond: [asked('$suspend_requested'), 'operator', status === 'suspended' ? { $literal: reason } : '$$REMOVE'],
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

/** The contact as a whole: a dotted path would put an empty object in the place of a missing or flat one. */
export function phoneIndexSet(index: number): Document {
  const isObject = { $eq: [{ $type: '$contact' }, 'object'] };
  return {
    contact: { $cond: [isObject, { $mergeObjects: ['$contact', { next_phone_index: index }] }, '$contact'] },
    phone_index: { $cond: [isObject, '$$REMOVE', index] },
  };
}

/** The lease's marks, and what a call makes void. */
export const LEFT = ['lease_token', 'worker_id', 'foreign', 'rescued_from', 'rescues', 'refusals', 'cancel_requested', 'suspend_requested'];

/**
 * The transition of an ordinary job as operators, at half the cost of the stages that judge: its filter says that there is nothing to judge.
 * Nobody asked for anything, the count is a count, the contact is one. null: what has to be written depends on what is stored.
 */
export function ordinarySettlement(next: NextStep, fields: object, result: object): { filter: Document; update: Document } | null {
  if (next.badLine !== null || next.countsTransient) return null;
  const dueAt = next.status === 'pending' ? next.dueAt : null;
  const set: Document = {
    ...fields,
    call_result: result,
    status: next.status,
    reserved_until: dueAt,
    next_try_at: dueAt ?? undefined,
    'contact.next_phone_index': next.phoneIndex,
    suspend_reason: next.status === 'suspended' ? next.suspendReason : undefined,
    last_error: next.lastError ?? undefined,
    is_calling: false,
  };
  const gone = ['next_try_at', 'suspend_reason', 'last_error'].filter((field) => set[field] === undefined);
  return {
    filter: {
      status: 'in_progress',
      cancel_requested: { $exists: false },
      suspend_requested: { $exists: false },
      attempts: { $type: 'int', $gte: 0, $lt: 1e9, $not: { $type: 'array' } },
      contact: { $type: 'object', $not: { $type: 'array' } },
    },
    update: {
      $set: Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
      $inc: { attempts: next.countsAttempt ? 1 : 0 },
      $unset: Object.fromEntries([...LEFT, 'phone_index', ...gone].map((field) => [field, ''])),
      $currentDate: { updated_at: true },
    },
  };
}
