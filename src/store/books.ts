/** What is written after a call for others to read, outside the protocol: `call_results` and `transactions`. Each write is idempotent. */
import type { Document } from 'mongodb';
import type { DatabaseTime } from './time.js';
import type { Writer } from './writer.js';

export interface Movement {
  readonly id: string;
  readonly account: string;
  readonly type: 'call_usage' | 'topup_credits' | 'topup_minutes' | 'refund' | 'penalty' | 'bonus';
  /** + top-up, - use; dollars or minutes by plan, as SpeechAI's statement shows them. */
  readonly amount: number;
  readonly costCents: number;
  readonly description: string;
  readonly reference: string | null;
}

export interface Books {
  result(callId: string, fields: Record<string, unknown>): Promise<void>;
  movement(movement: Movement): Promise<void>;
}

/** Operators, not pipelines: nothing here is judged by what is stored, and these two writes are a quarter cheaper for the server so. */
export function createBooks(writer: Writer, time: Pick<DatabaseTime, 'now'>): Books {
  async function upsert(collection: 'results' | 'transactions', key: Document, fields: object): Promise<void> {
    await writer.write({
      collection,
      filter: key,
      update: { $set: { ...defined(fields), ...key }, $setOnInsert: { created_at: time.now() } },
      upsert: true,
    });
  }
  return {
    /** Upserted by `call_id`; an old installation may have a unique index on it. */
    result: (callId, fields) => upsert('results', { call_id: callId }, fields),
    movement: ({ id, account, type, amount, costCents, description, reference }) =>
      upsert(
        'transactions',
        { transaction_id: id },
        { account_id: account, type, amount, cost: costCents, description, reference_id: reference },
      ),
  };
}

/** Left out, not stored as null: a later writing may say less than an earlier one. */
function defined(fields: object): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
