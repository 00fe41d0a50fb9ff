/** Whether anything is still under way, asked of the documents alone. */

import type { Db, Document } from 'mongodb';

/** What is due much later waits for a known time: the batch was closed when the job was met, the provider had no answer when it was asked. */
const SOON_MS = 30_000;
const soon = (): Date => new Date(Date.now() + SOON_MS);
const NAMED = 3;

/** null: nothing is. Otherwise what is, in words. */
export const underWay = async (db: Db, neverDial: ReadonlySet<string>, liveCalls: number): Promise<string | null> => {
  const attempts = db.collection('call_attempts');
  // One question: a job that goes to and fro between two statuses must not slip through between two looks.
  const open = await db
    .collection('jobs')
    .find({
      $or: [
        {
          status: { $in: ['in_progress', 'pending', 'scheduled'] },
          batch_id: { $nin: [...neverDial] },
          reserved_until: { $not: { $gt: soon() } },
        },
        { status: 'suspended', suspend_reason: 'no_credit', batch_id: 'low' },
      ],
    })
    .toArray();
  const counts = {
    'calls live at the provider': liveCalls,
    'attempts leased': await attempts.countDocuments({ lease_until: { $exists: true } }),
    'attempts to be looked at again soon': await attempts.countDocuments({ look_at: { $lt: soon() } }),
    'holds, or accounts that do not show their ledger': await holdsAndPictures(db),
  };
  const left = Object.entries(counts).filter(([, count]) => count > 0);
  const parts = left.map(([what, count]) => `${count} ${what}`);
  if (open.length > 0) parts.unshift(`${open.length} jobs open (${open.slice(0, NAMED).map(inWords).join('; ')})`);
  return parts.length === 0 ? null : parts.join(', ');
};

const inWords = (job: Document): string => {
  const until = job['reserved_until'] instanceof Date ? ` until ${job['reserved_until'].toISOString()}` : '';
  return `${job['job_id']} of ${job['batch_id']} is ${job['status']}${until}${job['last_error'] === undefined ? '' : `: ${job['last_error']}`}`;
};

/** Holds, and accounts that do not show yet what their ledger says. */
const holdsAndPictures = async (db: Db): Promise<number> => {
  const ledgers = await db.collection('account_ledgers').find({}).toArray();
  const accounts = await db.collection('accounts').find({}).toArray();
  return ledgers.reduce((sum, ledger) => {
    const account = accounts.find((one) => one['account_id'] === ledger['_id'].toString());
    const stale = Math.abs(Number(account?.['credit_used']) - Number(ledger['used_micros']) / 1e6) > 1e-9;
    return sum + Object.keys((ledger['holds'] ?? {}) as object).length + (stale ? 1 : 0);
  }, 0);
};
