/** `suppressions` as operators keep them: who is not to be called, where, until when and why. Ended ones stay, with who ended them. */
import type { AnyBulkWriteOperation, Document, Filter } from 'mongodb';
import type { Suppression } from '../domain/decision.js';
import { suppressionOf } from './campaigns.js';
import type { AnyDocument, Connection } from './connection.js';

export interface Entry extends Suppression {
  /** The same phone or person in the same scope is the same entry. */
  readonly id: string;
  /** What people read: hashes say nothing to them. */
  readonly masked: string;
  readonly evidence: string | null;
  readonly by: string;
}

export interface StoredEntry extends Suppression {
  readonly id: string;
  readonly masked: string | null;
  readonly evidence: string | null;
  readonly by: string | null;
  readonly createdAt: Date | null;
}

export interface SuppressionQuery {
  readonly lines?: readonly string[];
  readonly persons?: readonly string[];
  readonly account?: string;
  readonly batch?: string;
  /** Also those that have expired or were ended. */
  readonly ended?: boolean;
}

export interface SuppressionAdmin {
  put(entries: readonly Entry[]): Promise<{ readonly added: number; readonly renewed: number }>;
  find(query: SuppressionQuery, limit: number): AsyncIterable<StoredEntry>;
  byId(id: string): Promise<StoredEntry | null>;
  end(ids: readonly string[], by: string, reason: string | null): Promise<number>;
}

export function createSuppressionAdmin(connection: Connection): SuppressionAdmin {
  const suppressions = connection.collection('suppressions');

  return {
    /** _id index, one bulk write. An entry that is there (or had ended) is renewed: its reason and expiry are the latest ones. */
    put: async (entries) => {
      if (entries.length === 0) return { added: 0, renewed: 0 };
      const result = await suppressions.bulkWrite(entries.map(upsert), { ordered: false, writeConcern: connection.writeConcern });
      return { added: result.upsertedCount, renewed: result.matchedCount };
    },

    /** Indexes `speechai_suppressed_line` and `speechai_suppressed_person`; without either, in the collection's order up to the limit. */
    async *find(query, limit) {
      for await (const doc of suppressions.find(filterOf(query)).limit(limit)) yield entryOf(doc);
    },

    /** _id index. null: there is none. */
    byId: async (id) => {
      const doc = await suppressions.findOne({ _id: id });
      return doc === null ? null : entryOf(doc);
    },

    /** _id index. Kept, with an expiry of now: why somebody was once not to be called may be asked later. Zero: it had ended. */
    end: async (ids, by, reason) => {
      const inForce = { $or: [{ expires_at: null }, { $expr: { $gt: ['$expires_at', '$$NOW'] } }] };
      const result = await suppressions.updateMany({ _id: { $in: [...ids] }, ...inForce }, [
        { $set: { expires_at: '$$NOW', ended_at: '$$NOW', ended_by: { $literal: by }, ended_reason: { $literal: reason } } },
      ]);
      return result.modifiedCount;
    },
  };
}

function upsert({ id, line, person, account, batch, reason, evidence, expiresAt, masked, by }: Entry): AnyBulkWriteOperation<AnyDocument> {
  const fields: Document = {
    line,
    person,
    account_id: account,
    batch_id: batch,
    reason,
    evidence,
    expires_at: expiresAt,
    masked,
    created_by: by,
  };
  return {
    updateOne: {
      filter: { _id: id },
      update: [
        {
          $set: {
            ...Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, { $literal: value as unknown }])),
            created_at: { $ifNull: ['$created_at', '$$NOW'] },
            renewed_at: '$$NOW',
          },
        },
        { $unset: ['ended_at', 'ended_by', 'ended_reason'] },
      ],
      upsert: true,
    },
  };
}

function filterOf({ lines = [], persons = [], account, batch, ended }: SuppressionQuery): Filter<AnyDocument> {
  const who = [
    ...(lines.length === 0 ? [] : [{ line: { $in: [...lines] } }]),
    ...(persons.length === 0 ? [] : [{ person: { $in: [...persons] } }]),
  ];
  const parts: Document[] = [
    ...(who.length === 0 ? [] : [{ $or: who }]),
    ...(ended === true ? [] : [{ $or: [{ expires_at: null }, { $expr: { $gt: ['$expires_at', '$$NOW'] } }] }]),
    ...(account === undefined ? [] : [{ account_id: account }]),
    ...(batch === undefined ? [] : [{ batch_id: batch }]),
  ];
  return parts.length === 0 ? {} : { $and: parts };
}

function entryOf(doc: AnyDocument): StoredEntry {
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return {
    ...suppressionOf(doc),
    id: String(doc._id),
    masked: text(doc['masked']),
    evidence: text(doc['evidence']),
    by: text(doc['created_by']),
    createdAt: doc['created_at'] instanceof Date ? doc['created_at'] : null,
  };
}
