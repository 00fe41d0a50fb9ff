/** What is written after a call for others to read, outside the protocol: `call_results` and `transactions`. Each write is idempotent. */
import { hash } from 'node:crypto';
import { ObjectId, type Document } from 'mongodb';
import type { DatabaseTime } from './time.js';
import { DuplicateKeyError, type Writer } from './writer.js';

export interface Movement {
  readonly id: string;
  readonly account: string;
  readonly type: 'call_usage' | 'topup_credits' | 'topup_minutes' | 'refund' | 'penalty' | 'bonus';
  /** + top-up, - use; dollars or minutes by plan, as SpeechAI's statement shows them. */
  readonly amount: number;
  readonly costCents: number;
  readonly description: string;
  readonly reference: string | null;
  /** When the attempt it is for was minted; null: others may have written it already, under an `_id` of their own. */
  readonly first: Date | null;
}

export interface Books {
  result(callId: string, fields: Record<string, unknown>, first: Date | null): Promise<void>;
  movement(movement: Movement): Promise<void>;
  book(movement: Movement & { readonly first: Date }): Promise<void>;
}

/**
 * Upserts by their own keys, which SpeechAI's indexes know. What only ever this program writes is inserted instead, for a third of the cost,
 * under an `_id` made from the key and the time of its attempt: a second writing meets the first there, and becomes the upsert.
 */
export function createBooks(writer: Writer, time: Pick<DatabaseTime, 'now'>): Books {
  async function keep(collection: 'results' | 'transactions', key: Record<string, string>, fields: object, first: Date | null) {
    if (first !== null && (await inserted(collection, key, fields, first))) return;
    await writer.write({
      collection,
      filter: key,
      // Operators, not a pipeline: nothing here is judged by what is stored, and the server is a quarter faster so.
      update: { $set: { ...defined(fields), ...key }, $setOnInsert: { created_at: time.now() } },
      upsert: true,
    });
  }

  async function inserted(collection: 'results' | 'transactions', key: Record<string, string>, fields: object, first: Date) {
    const document = { _id: idOf(Object.values(key).join(), first), ...defined(fields), ...key, created_at: time.now() };
    try {
      await writer.write({ collection, document });
      return true;
    } catch (error) {
      if (error instanceof DuplicateKeyError) return false;
      throw error;
    }
  }

  return {
    /** By `call_id`; an old installation may have a unique index on it. */
    result: (callId, fields, first) => keep('results', { call_id: callId }, fields, first),
    movement: (movement) => keep('transactions', { transaction_id: movement.id }, movementFields(movement), movement.first),

    /** What operators book: the first writing stands. Two at once meet at the same `_id`. */
    book: async (movement) => {
      const { id, first } = movement;
      try {
        const document = { _id: idOf(id, first), ...movementFields(movement), created_at: first };
        await writer.write({ collection: 'transactions', document });
      } catch (error) {
        if (!(error instanceof DuplicateKeyError)) throw error;
      }
    },
  };
}

/** Begins with a time, as every ObjectId does: lists that sort by `_id` stay in order. */
function idOf(key: string, at: Date): ObjectId {
  const bytes = hash('sha256', key, 'buffer').subarray(0, 12);
  bytes.writeUInt32BE(Math.floor(at.getTime() / 1000) >>> 0);
  return new ObjectId(bytes);
}

/** Left out, not stored as null: a later writing may say less than an earlier one. */
function defined(fields: object): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function movementFields({ id, account, type, amount, costCents, description, reference }: Omit<Movement, 'first'>): Document {
  return { transaction_id: id, account_id: account, type, amount, cost: costCents, description, reference_id: reference };
}
