/** Jobs set aside and taken up again many at a time, and the sentences that tell people why. */
import { text, typeOf } from '../domain/lenient.js';
import type { Connection } from './connection.js';
import { JOB_INDEX } from './claims.js';

export interface Suspensions {
  suspend(batches: readonly string[], reason: string, why: string): Promise<number>;
  accounts(reason: string): Promise<string[]>;
  resume(account: string, reason: string): Promise<number>;
  note(batch: string, text: string | null): Promise<void>;
  /** Batches that another program resumed keep no mark of our pause, or `resume --all` would undo a later pause of somebody else. */
  forgetPauses(): Promise<number>;
  orphanBatches(): Promise<string[]>;
  noteJobs(batch: string, text: string): Promise<void>;
}

export function createSuspensions(connection: Connection): Suspensions {
  const jobs = connection.collection('jobs');
  const batches = connection.collection('batches');
  const told = new Set<string>();

  async function noteJobs(batch: unknown, why: string): Promise<void> {
    await jobs.updateMany(
      { batch_id: batch, status: 'pending', last_error: { $ne: why } },
      { $set: { last_error: why } },
      { hint: JOB_INDEX.claim },
    );
  }

  async function tellMisnamed(batch: unknown): Promise<void> {
    const why = `Its batch_id ${text(batch) ?? ''} is stored as ${typeOf(batch)} where batches have a text; it is not dialled.`;
    if (told.has(why)) return;
    told.add(why);
    await noteJobs(batch, why);
  }

  return {
    /** Index `claim`. `reserved_until` stays, so that the order is the same afterwards. */
    suspend: async (ids, reason, why) => {
      if (ids.length === 0) return 0;
      const result = await jobs.updateMany(
        { batch_id: { $in: [...ids] }, status: { $in: ['pending', 'scheduled'] } },
        { $set: { status: 'suspended', suspend_reason: reason, last_error: why }, $currentDate: { updated_at: true } },
        { hint: JOB_INDEX.claim },
      );
      return result.modifiedCount;
    },
    /** Index `account`, two keys per account: the bound on `account_id` is what makes the planner skip from one to the next. */
    accounts: async (reason) => {
      const found = await jobs.distinct('account_id', { account_id: { $gt: '' }, status: 'suspended', suspend_reason: reason });
      return found.filter((one) => typeof one === 'string');
    },
    resume: async (account, reason) => {
      const result = await jobs.updateMany(
        { account_id: account, status: 'suspended', suspend_reason: reason },
        { $set: { status: 'pending' }, $unset: { suspend_reason: '', last_error: '' }, $currentDate: { updated_at: true } },
        { hint: JOB_INDEX.account },
      );
      return result.modifiedCount;
    },
    note: async (batch, text) => {
      await batches.updateOne({ batch_id: batch }, text === null ? { $unset: { blocked_reason: '' } } : { $set: { blocked_reason: text } });
    },

    /** Index `speechai_active_batches`. */
    forgetPauses: async () => {
      const result = await batches.updateMany(
        { is_active: true, paused_at: { $exists: true }, state: { $exists: false } },
        { $unset: { paused_by: '', paused_at: '', paused_with_all: '', state_reason: '' } },
      );
      return result.modifiedCount;
    },

    /**
     * One key per batch is read (a distinct scan of index `claim`), then their documents' existence is asked for together. Jobs that name
     * their batch by anything but a text are met on the way, and told at once: no claim would ever find them.
     */
    orphanBatches: async () => {
      const found: unknown[] = await jobs.distinct('batch_id');
      const named = found.filter((id) => typeof id === 'string');
      for (const id of found) if (typeof id !== 'string' && id !== null && id !== undefined) await tellMisnamed(id);
      const there = new Set(
        (await batches.find({ batch_id: { $in: named } }, { projection: { batch_id: 1 } }).toArray()).map((doc) => String(doc['batch_id'])),
      );
      return named.filter((id) => !there.has(id));
    },
    noteJobs,
  };
}
