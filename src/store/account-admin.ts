/** `accounts` as operators change them: what was bought and whether they may dial. What was used is the ledger's (ledgers.ts). */
import { ObjectId, type Document } from 'mongodb';
import { record } from '../domain/lenient.js';
import type { Movement } from './books.js';
import type { AnyDocument, Connection } from './connection.js';

export interface TopUp {
  /** Given once, the same top-up is made once, however often the command is repeated. */
  readonly id: string;
  readonly type: Movement['type'];
  readonly field: 'credit_balance' | 'minutes_purchased';
  /** Dollars or minutes; negative takes away. */
  readonly amount: number;
}

/** `booked` is the first top-up of this id, whatever the later ones say; null: made by a version that remembered only the id. */
export type ToppedUp =
  { readonly kind: 'added' | 'before'; readonly booked: (TopUp & { readonly at: Date }) | null } | { readonly kind: 'gone' };

export interface StatementLine {
  readonly id: string;
  readonly at: Date | null;
  readonly type: string;
  readonly amount: number;
  readonly costCents: number;
  readonly description: string;
  readonly reference: string | null;
}

export interface AccountAdmin {
  find(ref: string): Promise<AnyDocument | null>;
  list(limit: number): Promise<AnyDocument[]>;
  create(doc: Document): Promise<'created' | 'exists'>;
  booking(id: string): Promise<StatementLine | null>;
  topUp(account: string, topUp: TopUp): Promise<ToppedUp>;
  edit(account: string, set: Readonly<Record<string, unknown>>, by: string): Promise<number>;
  setStatus(account: string, status: string, by: string, reason: string | null): Promise<number>;
  statement(account: string, since: Date | null, until: Date | null, limit: number): AsyncIterable<StatementLine>;
  batches(account: string): Promise<{ readonly active: number; readonly all: number }>;
}

/** How many top-ups an account remembers: enough for those under way at once. A repeated one of long ago has its line in the statement. */
const REMEMBERED = 50;

export function createAccountAdmin(connection: Connection): AccountAdmin {
  const accounts = connection.collection('accounts');
  const transactions = connection.collection('transactions');
  const batches = connection.collection('batches');

  return {
    /** By `account_id` (index `speechai_account_id`), else by `_id`. null: there is none. */
    find: async (ref) =>
      (await accounts.findOne({ account_id: ref })) ??
      (ObjectId.isValid(ref) && ref.length === 24 ? await accounts.findOne({ _id: new ObjectId(ref) }) : null) ??
      accounts.findOne({ _id: ref }),

    /** No index: accounts are few. */
    list: (limit) => accounts.find({}).sort({ account_id: 1 }).limit(limit).toArray(),

    /** Index `speechai_account_id`. An upsert, so that of two that create the same id one is told. */
    create: async (doc) => {
      const result = await accounts.updateOne({ account_id: doc['account_id'] as string }, { $setOnInsert: doc }, { upsert: true });
      return result.upsertedCount === 1 ? 'created' : 'exists';
    },

    /** Index `speechai_transaction`. null: nothing of this id is in the statement. */
    booking: async (id) => {
      const doc = await transactions.findOne({ transaction_id: id });
      return doc === null ? null : lineOf(doc);
    },

    /**
     * Index `speechai_account_id`. One update adds the amount and remembers what was added, so that a repeated command adds nothing and a
     * line that a dead command left out of the statement can be written as it was meant. Rounded to micro-dollars: floats that are only ever
     * added to drift. Zero matches: made before, or the account is gone.
     */
    topUp: async (account, { id, type, field, amount }) => {
      const before = {
        $cond: [{ $isNumber: `$${field}` }, `$${field}`, { $convert: { input: `$${field}`, to: 'double', onError: 0, onNull: 0 } }],
      };
      const entry = { id: { $literal: id }, type, field, amount: { $literal: amount }, at: '$$NOW' };
      const result = await accounts.updateOne({ account_id: account, top_ups: { $ne: id }, 'top_ups.id': { $ne: id } }, [
        {
          $set: {
            [field]: { $round: [{ $add: [before, amount] }, 6] },
            top_ups: { $slice: [{ $concatArrays: [{ $cond: [{ $isArray: '$top_ups' }, '$top_ups', []] }, [entry]] }, -REMEMBERED] },
            last_topup_at: '$$NOW',
            updated_at: '$$NOW',
          },
        },
      ]);
      const doc = await accounts.findOne({ account_id: account }, { projection: { top_ups: 1 } });
      if (doc === null) return { kind: 'gone' };
      return { kind: result.matchedCount > 0 ? 'added' : 'before', booked: rememberedIn(doc['top_ups'], id) };
    },

    /** Index `speechai_account_id`. Named fields only: SpeechAI's API writes to the same document. Zero matches: the account is gone. */
    edit: async (account, set, by) => {
      const result = await accounts.updateMany(
        { account_id: account },
        { $set: { ...set, edited_by: by }, $currentDate: { updated_at: true } },
      );
      return result.matchedCount;
    },

    /** Index `speechai_account_id`. Zero matches: the account is gone. */
    setStatus: async (account, status, by, reason) => {
      const result = await accounts.updateMany({ account_id: account }, [
        {
          $set: {
            status: { $literal: status },
            status_by: { $literal: by },
            status_at: '$$NOW',
            status_reason: reason === null ? '$$REMOVE' : { $literal: reason },
            updated_at: '$$NOW',
          },
        },
      ]);
      return result.matchedCount;
    },

    /** Index `speechai_statement`, newest first. Empty: nothing moved. */
    async *statement(account, since, until, limit) {
      const at = { ...(since === null ? {} : { $gte: since }), ...(until === null ? {} : { $lt: until }) };
      const filter = { account_id: account, ...(Object.keys(at).length === 0 ? {} : { created_at: at }) };
      for await (const doc of transactions.find(filter).sort({ created_at: -1 }).limit(limit)) yield lineOf(doc);
    },

    /** No index leads with the account; batches are few. */
    batches: async (account) => ({
      active: await batches.countDocuments({ account_id: account, is_active: true }),
      all: await batches.countDocuments({ account_id: account }),
    }),
  };
}

/** Every movement that operators make, by the field it changes. */
export const TOP_UP_TYPE: Readonly<Record<TopUp['field'], Movement['type']>> = {
  credit_balance: 'topup_credits',
  minutes_purchased: 'topup_minutes',
};

function rememberedIn(stored: unknown, id: string): (TopUp & { readonly at: Date }) | null {
  const entries: readonly unknown[] = Array.isArray(stored) ? stored : [];
  const found = entries.map(record).find((entry) => entry !== null && entry['id'] === id);
  if (found === undefined || found === null) return null;
  // Written by the update above and by nobody else.
  return found as unknown as TopUp & { readonly at: Date };
}

function lineOf(doc: AnyDocument): StatementLine {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const amount = Number(doc['amount'] ?? 0);
  const cost = Number(doc['cost'] ?? 0);
  return {
    id: text(doc['transaction_id']) || String(doc._id),
    at: doc['created_at'] instanceof Date ? doc['created_at'] : null,
    type: text(doc['type']),
    amount: Number.isFinite(amount) ? amount : 0,
    costCents: Number.isFinite(cost) ? cost : 0,
    description: text(doc['description']),
    reference: text(doc['reference_id']) || null,
  };
}
