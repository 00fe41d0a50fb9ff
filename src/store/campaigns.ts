/** `batches`, `accounts`, `suppressions`: what may be dialled. Raw documents; the readers in domain understand them. */
import type { Suppression } from '../domain/decision.js';
import { MOST_CONTACT_ZONES } from '../domain/read-batch.js';
import type { AnyDocument, Connection } from './connection.js';

export interface Campaigns {
  activeBatches(): Promise<AnyDocument[]>;
  batches(ids: readonly string[]): Promise<AnyDocument[]>;
  accounts(ids: readonly string[]): Promise<AnyDocument[]>;
  suppressions(lines: readonly string[], persons: readonly string[]): Promise<Suppression[]>;
  /** A contact of the batch lives in this zone: its hours are other ones than the batch's. */
  metZone(batch: string, zone: string): Promise<void>;
  suppress(entry: Suppression & { evidence: string; attempt: string; masked: string }): Promise<void>;
}

/** What batches carry besides rules (texts, statistics) is of no use to the board, which reads them every other second. */
const BOARD = {
  batch_id: 1,
  account_id: 1,
  name: 1,
  is_active: 1,
  state: 1,
  state_reason: 1,
  paused_by: 1,
  start_at: 1,
  end_at: 1,
  priority: 1,
  queue: 1,
  use_case: 1,
  rules: 1,
  from_numbers: 1,
  from_number: 1,
  agent_id: 1,
  contact_zones: 1,
  call_settings: 1,
};

export function createCampaigns(connection: Connection): Campaigns {
  const batches = connection.collection('batches');
  const accounts = connection.collection('accounts');
  const suppressions = connection.collection('suppressions');

  return {
    /** Index `speechai_active_batches`. SpeechAI's `is_active` is the truth about running or paused. */
    activeBatches: () => batches.find({ is_active: true }, { projection: BOARD }).toArray(),
    batches: (ids) => (ids.length === 0 ? Promise.resolve([]) : batches.find({ batch_id: { $in: [...ids] } }).toArray()),
    accounts: (ids) => (ids.length === 0 ? Promise.resolve([]) : accounts.find({ account_id: { $in: [...ids] } }).toArray()),

    suppressions: async (lines, persons) => {
      const either = [
        ...(lines.length === 0 ? [] : [{ line: { $in: [...lines] } }]),
        ...(persons.length === 0 ? [] : [{ person: { $in: [...persons] } }]),
      ];
      if (either.length === 0) return [];
      return (await suppressions.find({ $or: either }).toArray()).map(suppressionOf);
    },

    /** Index `speechai_batch_id`. Zero matches: the batch is gone. What is no list there becomes one: nobody else writes this field. */
    metZone: async (batch, zone) => {
      const known = { $cond: [{ $isArray: '$contact_zones' }, '$contact_zones', []] };
      const zones = { $slice: [{ $setUnion: [known, [{ $literal: zone }]] }, MOST_CONTACT_ZONES] };
      await batches.updateOne({ batch_id: batch }, [{ $set: { contact_zones: zones } }]);
    },

    /** Its `_id` is the attempt's, so a resumed settlement adds it once. */
    suppress: async ({ line, person, account, batch, reason, expiresAt, evidence, attempt, masked }) => {
      await suppressions.updateOne(
        { _id: `attempt:${attempt}` },
        {
          $setOnInsert: {
            line,
            person,
            account_id: account,
            batch_id: batch,
            reason,
            evidence,
            masked,
            expires_at: expiresAt,
          },
          $currentDate: { created_at: true },
        },
        { upsert: true },
      );
    },
  };
}

export function suppressionOf(doc: AnyDocument): Suppression {
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return {
    line: text(doc['line']),
    person: text(doc['person']),
    account: text(doc['account_id']),
    batch: text(doc['batch_id']),
    reason: text(doc['reason']) ?? 'suppressed',
    expiresAt: doc['expires_at'] instanceof Date ? doc['expires_at'] : null,
  };
}
