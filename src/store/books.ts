/** What is written after a call for others to read, outside the protocol: `call_results` and `transactions`. Each write is idempotent. */
import { literals } from './literals.js';
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

export function createBooks(writer: Writer): Books {
  return {
    /** Upserted by `call_id`; an old installation may have a unique index on it. */
    result: async (callId, fields) => {
      await writer.write({
        collection: 'results',
        filter: { call_id: callId },
        update: [{ $set: { ...literals({ ...fields, call_id: callId }), created_at: { $ifNull: ['$created_at', '$$NOW'] } } }],
        upsert: true,
      });
    },
    movement: async ({ id, account, type, amount, costCents, description, reference }) => {
      await writer.write({
        collection: 'transactions',
        filter: { transaction_id: id },
        update: [
          {
            $set: {
              ...literals({ transaction_id: id, account_id: account, type, amount, cost: costCents, description, reference_id: reference }),
              created_at: { $ifNull: ['$created_at', '$$NOW'] },
            },
          },
        ],
        upsert: true,
      });
    },
  };
}
