/** Other programs at the same documents: pauses, cancels, deletions, stale whole-document writes. What was asked for and when is kept as evidence. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Db, Document } from 'mongodb';
import { closedDatesAround, OPEN_BATCHES } from './campaign.js';
import type { Campaign, JobFacts } from './campaign.js';

/** A batch in which nothing may be dialled from DIAL_WITHIN_MS after `fromMs` (the write was acknowledged) until `toMs` (its end was asked for). */
export interface Closure {
  readonly batch: string;
  readonly why: 'paused' | 'outside its window';
  readonly fromMs: number;
  toMs: number | null;
}

export interface Rival {
  pause(pick: number, forMs: number): Promise<boolean>;
  close(pick: number, forMs: number): Promise<boolean>;
  cancel(pick: number): Promise<boolean>;
  remove(pick: number): Promise<boolean>;
  replace(pick: number, delayMs: number): Promise<boolean>;
  topUp(pick: number, dollars: number): Promise<boolean>;
  rewriteAccount(pick: number, delayMs: number): Promise<boolean>;
  editSettings(pick: number, maxAttempts: number): Promise<boolean>;
  /** Every batch open again; enough credit for what is left on the account that ran low. */
  heal(): Promise<void>;
  readonly closures: readonly Closure[];
  /** Jobs whose whole document was written or deleted by the rival, with how often: their own counting proves nothing. */
  readonly disturbed: ReadonlyMap<string, number>;
  /** When an account could have had how much at most, in dollars. */
  readonly bought: readonly { readonly account: string; readonly atMs: number; readonly dollars: number }[];
  /** The largest limit any batch ever had. */
  highestLimit(): number;
}

/** The engine may be dead at the moment: a person's program tries again. `act` must bear being done twice. */
export const patiently = async <T>(act: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (tries >= 100) throw error;
      await delay(100);
    }
  }
};

export const createRival = (db: Db, campaign: Campaign, inserted: () => readonly JobFacts[]): Rival => {
  const jobs = db.collection<Document>('jobs');
  const batches = db.collection<Document>('batches');
  const accounts = db.collection<Document>('accounts');
  const closures: Closure[] = [];
  const shut = new Set<string>();
  const disturbed = new Map<string, number>();
  const bought = campaign.accounts.map((account) => ({
    account: String(account['account_id']),
    atMs: 0,
    dollars: Number(account['credit_balance']),
  }));
  let highest = 3;

  const jobAt = (pick: number): JobFacts | undefined => inserted()[pick % Math.max(1, inserted().length)];
  const disturb = (job: JobFacts): void => void disturbed.set(job.ref, (disturbed.get(job.ref) ?? 0) + 1);
  const boughtBy = (account: string): number => Math.max(...bought.filter((one) => one.account === account).map((one) => one.dollars));

  /** Named, so that a write whose reply was lost is not made twice. */
  const add = async (account: string, dollars: number): Promise<void> => {
    bought.push({ account, atMs: Date.now(), dollars: boughtBy(account) + dollars });
    const name = `top-up ${bought.length}`;
    await patiently(() =>
      accounts.updateOne({ account_id: account, rival_top_ups: { $ne: name } }, {
        $inc: { credit_balance: dollars },
        $push: { rival_top_ups: name },
      } as Document),
    );
  };

  const shutFor = async (pick: number, forMs: number, why: Closure['why'], on: Document, off: Document): Promise<boolean> => {
    const batch = `open-${pick % OPEN_BATCHES}`;
    if (shut.has(batch)) return false;
    shut.add(batch);
    await patiently(() => batches.updateOne({ batch_id: batch }, on));
    const closure: Closure = { batch, why, fromMs: Date.now(), toMs: null };
    closures.push(closure);
    await delay(forMs);
    closure.toMs ??= Date.now();
    await patiently(() => batches.updateOne({ batch_id: batch }, off));
    shut.delete(batch);
    return true;
  };

  return {
    closures,
    disturbed,
    bought,
    highestLimit: () => highest,
    pause: (pick, forMs) => shutFor(pick, forMs, 'paused', { $set: { is_active: false } }, { $set: { is_active: true } }),
    close: (pick, forMs) =>
      shutFor(
        pick,
        forMs,
        'outside its window',
        { $set: { 'call_settings.closed_dates': closedDatesAround(new Date()) } },
        { $unset: { 'call_settings.closed_dates': '' } },
      ),
    cancel: async (pick) => {
      const job = jobAt(pick);
      if (job === undefined) return false;
      // As the API does it: a waiting job at once, one in progress by asking.
      await patiently(() => jobs.updateOne({ job_id: job.ref, status: 'pending' }, { $set: { status: 'cancelled' } }));
      await patiently(() => jobs.updateOne({ job_id: job.ref, status: 'in_progress' }, { $set: { cancel_requested: true } }));
      return true;
    },
    remove: async (pick) => {
      const job = jobAt(pick);
      if (job === undefined) return false;
      disturb(job);
      await patiently(() => jobs.deleteOne({ job_id: job.ref }));
      return true;
    },
    replace: async (pick, delayMs) => {
      const job = jobAt(pick);
      const before = job === undefined ? null : await patiently(() => jobs.findOne({ job_id: job.ref }));
      if (job === undefined || before === null) return false;
      disturb(job);
      await delay(delayMs);
      // Its token and lease included, as they stood then: a stale document may claim to be in progress.
      const { _id, ...old } = before;
      await patiently(() => jobs.replaceOne({ _id }, { ...old, note: 'written whole by another program' }));
      return true;
    },
    topUp: async (pick, dollars) => {
      const account = pick % 3 === 0 ? 'acc-rich' : 'acc-low';
      await add(account, dollars);
      return true;
    },
    rewriteAccount: async (pick, delayMs) => {
      const account = ['acc-rich', 'acc-rich-2', 'acc-low'][pick % 3] ?? 'acc-rich';
      const before = await patiently(() => accounts.findOne({ account_id: account }));
      if (before === null) return false;
      await delay(delayMs);
      const { _id, ...old } = before;
      await patiently(() => accounts.replaceOne({ _id }, { ...old, note: 'written whole by another program' }));
      return true;
    },
    editSettings: async (pick, maxAttempts) => {
      highest = Math.max(highest, maxAttempts);
      await patiently(() =>
        batches.updateOne({ batch_id: `open-${pick % OPEN_BATCHES}` }, { $set: { 'call_settings.max_attempts': maxAttempts } }),
      );
      return true;
    },
    heal: async () => {
      for (const closure of closures) closure.toMs ??= Date.now();
      const open = Array.from({ length: OPEN_BATCHES }, (_, n) => `open-${n}`);
      await patiently(() =>
        batches.updateMany({ batch_id: { $in: open } }, { $set: { is_active: true }, $unset: { 'call_settings.closed_dates': '' } }),
      );
      await add('acc-low', 10_000);
    },
  };
};
