/** `batches` as operators change them: each write touches named fields only, because SpeechAI's API writes to the same documents. */
import { ObjectId, type Document, type Filter } from 'mongodb';
import type { BatchEdit } from '../domain/batch-edit.js';
import { settingsOf } from '../domain/batch-edit.js';
import type { AnyDocument, Connection } from './connection.js';

/** Who asked for a change and why: kept on the batch. */
export interface Act {
  readonly by: string;
  readonly reason: string | null;
}

export type StatusCounts = Readonly<Record<string, number>>;

export interface BatchAdmin {
  find(ref: string): Promise<AnyDocument | null>;
  list(filter: { readonly account?: string; readonly activeOnly?: boolean }, limit: number): Promise<AnyDocument[]>;
  create(doc: Document): Promise<'created' | 'exists'>;
  pause(batch: AnyDocument, act: Act, withAll: boolean): Promise<number>;
  resume(batch: AnyDocument, act: Act): Promise<number>;
  pausedWithAll(): Promise<AnyDocument[]>;
  archived(): Promise<AnyDocument[]>;
  mark(batch: AnyDocument, state: 'draining' | 'cancelled' | 'completed', act: Act): Promise<number>;
  edit(batch: AnyDocument, edit: BatchEdit): Promise<number>;
  remove(batch: AnyDocument): Promise<number>;
}

/** What every act leaves; an act that gives no reason takes an older one away. */
const told = ({ by, reason }: Act): Document => ({
  state_by: { $literal: by },
  state_at: '$$NOW',
  state_reason: reason === null ? '$$REMOVE' : { $literal: reason },
  updated_at: '$$NOW',
});

export function createBatchAdmin(connection: Connection): BatchAdmin {
  const batches = connection.collection('batches');

  const change = async (batch: AnyDocument, stages: Document[]): Promise<number> =>
    (await batches.updateMany(all(batch), stages)).matchedCount;

  return {
    /** By `batch_id` (index `speechai_batch_id`), else by `_id`. null: there is none. */
    find: async (ref) => {
      const named = await batches.findOne({ batch_id: ref });
      if (named !== null) return named;
      return (
        (ObjectId.isValid(ref) && ref.length === 24 ? await batches.findOne({ _id: new ObjectId(ref) }) : null) ??
        batches.findOne({ _id: ref })
      );
    },

    /** Newest first, all with a limit of 0. No index: there are thousands of batches at most, and a person waits for the answer. Empty: none fits. */
    list: ({ account, activeOnly }, limit) =>
      batches
        .find({
          ...(account === undefined ? {} : { account_id: account }),
          ...(activeOnly === true ? { is_active: { $in: [true, 1, 'true'] } } : {}),
        } as Filter<AnyDocument>)
        .sort({ created_at: -1, _id: -1 })
        .limit(limit)
        .toArray(),

    /** Index `speechai_batch_id`. An upsert, so that of two that create the same id one is told. */
    create: async (doc) => {
      const result = await batches.updateOne({ batch_id: doc['batch_id'] as string }, { $setOnInsert: doc }, { upsert: true });
      return result.upsertedCount === 1 ? 'created' : 'exists';
    },

    /**
     * Index `speechai_batch_id`. Written also where it is paused already: the acknowledgement of this write is what the promise stands on.
     * Who paused it first stays known. Zero matches: the batch is gone, and with it the right to dial its jobs.
     */
    pause: (batch, act, withAll) => {
      const active = { $in: ['$is_active', [true, 1, 'true']] };
      const first = (value: unknown, otherwise: string): Document => ({ $cond: [active, value, otherwise] });
      return change(batch, [
        {
          $set: {
            is_active: { $literal: false },
            paused_by: first({ $literal: act.by }, '$paused_by'),
            paused_at: first('$$NOW', '$paused_at'),
            state_reason: first({ $literal: act.reason ?? `paused by ${act.by}` }, '$state_reason'),
            paused_with_all: first(withAll ? { $literal: true } : '$$REMOVE', '$paused_with_all'),
            updated_at: '$$NOW',
          },
        },
      ]);
    },

    /** Index `speechai_batch_id`. Zero matches: the batch is gone. */
    resume: (batch, act) =>
      change(batch, [
        {
          $set: {
            is_active: { $literal: true },
            ...told({ ...act, reason: null }),
            resume_reason: act.reason === null ? '$$REMOVE' : { $literal: act.reason },
          },
        },
        { $unset: ['state', 'paused_by', 'paused_at', 'paused_with_all', 'blocked_reason', 'completed_at'] },
      ]),

    /** What `--all` paused and nobody has resumed since. No index, as `list`. Empty: nothing of it is left. */
    pausedWithAll: () => batches.find({ paused_with_all: true, is_active: { $nin: [true, 1, 'true'] } } as Filter<AnyDocument>).toArray(),

    /** Those of which something was moved out, newest first. No index, as `list`. Empty: all is here. */
    archived: () =>
      batches
        .find({ 'archived.0': { $exists: true } } as Filter<AnyDocument>, { projection: { batch_id: 1, account_id: 1, archived: 1 } })
        .sort({ created_at: -1, _id: -1 })
        .toArray(),

    /** Index `speechai_batch_id`. Draining goes on dialling, so `is_active` stays; the others end it for SpeechAI's own worker as well. */
    mark: (batch, state, act) =>
      change(batch, [
        {
          $set: {
            state: { $literal: state },
            ...told(act),
            ...(state === 'draining' ? {} : { is_active: { $literal: false }, completed_at: { $ifNull: ['$completed_at', '$$NOW'] } }),
            ...(state === 'cancelled' ? { cancellation_reason: { $literal: act.reason ?? `cancelled by ${act.by}` } } : {}),
          },
        },
      ]),

    /** Index `speechai_batch_id`. Settings stored as null or as a JSON text become an object on the way. Zero matches: the batch is gone. */
    edit: (batch, { root, settings, unset }) => {
      const base = {
        $cond: [{ $eq: [{ $type: '$call_settings' }, 'object'] }, '$call_settings', { $literal: settingsOf(batch['call_settings']) ?? {} }],
      };
      const touched = Object.keys(settings).length > 0 || unset.some((path) => path.startsWith('call_settings.'));
      return change(
        batch,
        [
          {
            $set: {
              ...Object.fromEntries(Object.entries(root).map(([key, value]) => [key, { $literal: value }])),
              ...(touched ? { call_settings: { $mergeObjects: [base, { $literal: settings }] } } : {}),
            },
          },
          ...(unset.length === 0 ? [] : [{ $unset: [...unset] }]),
        ].filter((stage) => !('$set' in stage) || Object.keys(stage['$set'] as object).length > 0),
      );
    },

    /** Index `speechai_batch_id`. Zero: somebody was quicker. */
    remove: async (batch) => (await batches.deleteMany(all(batch))).deletedCount,
  };
}

/** Nothing keeps two documents from having one `batch_id`, and readers take either: an act must reach both. */
function all(batch: AnyDocument): Filter<AnyDocument> {
  const id: unknown = batch['batch_id'];
  return typeof id === 'string' && id !== '' ? { batch_id: id } : { _id: batch._id };
}
