/**
 * Step 5, confirm: all that a call is decided by, read again for many jobs in one question: seven finds cost twice the server's time and four times
 * ours. Its parts are read after it was asked, one after the other; what was written before it was asked is seen.
 */
import type { Document } from 'mongodb';
import type { Ledger } from '../domain/account.js';
import type { Suppression } from '../domain/decision.js';
import type { DocId } from '../domain/job.js';
import { earlierCalls, HISTORY_FIELDS, type EarlierCall } from './earlier-calls.js';
import { suppressionOf } from './campaigns.js';
import { stored, type AnyDocument, type CollectionNames, type Connection } from './connection.js';
import { INSTALLATION, LEDGER_FIELDS, ledgersOf } from './ledger-parts.js';

export interface LookAsk {
  readonly claims: readonly { readonly id: DocId; readonly token: string }[];
  readonly batches: readonly string[];
  readonly accounts: readonly string[];
  readonly lines: readonly string[];
  readonly persons: readonly string[];
  /** The earliest call that any rule asks for. */
  readonly since: Date;
}

export interface Look {
  /** Those still ours, under live leases by the database's clock. Absent: lost, or somebody else's now. */
  readonly jobs: readonly AnyDocument[];
  readonly batches: readonly AnyDocument[];
  readonly accounts: readonly AnyDocument[];
  readonly ledgers: ReadonlyMap<string, Ledger>;
  readonly suppressions: readonly Suppression[];
  readonly history: readonly EarlierCall[];
  /** The database's clock when it looked; null where no job is ours any more. */
  readonly now: Date | null;
}

export function createLastLook(connection: Connection): (ask: LookAsk) => Promise<Look> {
  const jobs = connection.collection('jobs');

  /** Indexes `_id`, `batch_id`, `account_id`, `line` and `person` of attempts and suppressions: each part has only one to choose. */
  return async ({ claims, batches, accounts, lines, persons, since }) => {
    const called = { at: { $gte: since }, state: { $ne: 'void' } };
    const part = (name: keyof CollectionNames, match: Document, fields?: Document): Document => ({
      $unionWith: {
        coll: connection.names[name],
        pipeline: [{ $match: match }, ...(fields === undefined ? [] : [{ $project: fields }]), named(name)],
      },
    });
    const found = await jobs
      .aggregate<{ from: string; doc: AnyDocument; now?: Date }>(
        [
          {
            $match: {
              _id: { $in: claims.map(({ id }) => stored(id)) },
              lease_token: { $in: claims.map(({ token }) => token) },
              status: 'in_progress',
              $expr: { $gt: ['$reserved_until', '$$NOW'] },
            },
          },
          { $replaceWith: { from: 'jobs', doc: '$$ROOT', now: '$$NOW' } },
          part('batches', { batch_id: { $in: batches } }),
          part('accounts', { account_id: { $in: accounts } }),
          part('ledgers', { _id: { $in: [...accounts, INSTALLATION] } }, LEDGER_FIELDS),
          part('suppressions', { $or: [{ line: { $in: lines } }, { person: { $in: persons } }] }),
          part('attempts', { line: { $in: lines }, ...called }, HISTORY_FIELDS),
          part('attempts', { person: { $in: persons }, ...called }, HISTORY_FIELDS),
        ],
        { hint: { _id: 1 } },
      )
      .toArray();
    const of = (name: keyof CollectionNames): AnyDocument[] => found.flatMap(({ from, doc }) => (from === name ? [doc] : []));
    return {
      jobs: of('jobs'),
      batches: of('batches'),
      accounts: of('accounts'),
      ledgers: ledgersOf(of('ledgers')),
      suppressions: of('suppressions').map(suppressionOf),
      history: earlierCalls(of('attempts')),
      now: found.find(({ now }) => now !== undefined)?.now ?? null,
    };
  };
}

function named(name: string): Document {
  return { $replaceWith: { from: name, doc: '$$ROOT' } };
}
