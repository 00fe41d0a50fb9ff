/** What other programs read, kept true: the accounts' figures from the ledgers, holds whose call is finished, batch counters from the jobs. */
import { messageOf } from '../domain/errors.js';
import type { Mark } from '../domain/ports.js';
import { accountZone } from '../domain/zones.js';
import { accountDayKey } from '../domain/limits.js';
import type { Board } from './board.js';
import type { Context } from './context.js';

export interface Pictures {
  /** Something of this account and batch has changed: a call was booked, a job ended. */
  touched(account: string | null, batch: string | null): void;
  run(): Promise<void>;
  /** What is still to be painted, once; within a stop's budget. */
  flush(): Promise<void>;
}

const EVERY_MS = 1_000;
/** A batch is counted again at most so often, and never in more than a twentieth of the time: that of all processes together. */
const RECOUNT_MS = 5_000;
const RECOUNT_SHARE = 20;
/** By another process sooner, where it is counted quickly: each has changes of its own. */
const REST_MS = 1_000;
/** Every batch is, when the daemon starts and from time to time: whoever moved its last job may have died before he counted. */
const RECOUNT_ALL_MS = 600_000;

export function createPictures(cx: Context, board: Board): Pictures {
  const accounts = new Set<string>();
  const batches = new Set<string>();
  let due = new Map<string, number>();
  let all: Mark | null = null;

  async function paint(signal: AbortSignal, force = false): Promise<void> {
    for (const id of board.staleAccounts()) accounts.add(id);
    const failed: unknown[] = [];
    const putBack = (waiting: Set<string>, id: string) => (error: unknown) => {
      waiting.add(id);
      failed.push(error);
      return null;
    };
    // Those of now: under load there are always more, and what cannot be written must not keep the others from it.
    for (const id of Array.from(accounts)) {
      if (signal.aborted) return;
      const key = accountDayKey(cx.store.time.now(), accountZone(board.account(id), cx.policy).name);
      // Taken off first: what changes meanwhile puts it on again. Put back where it failed.
      accounts.delete(id);
      await cx.store.ledgers.project(id, key.slice(2)).catch(putBack(accounts, id));
    }
    if (all === null || cx.clock.elapsedMs(all) > RECOUNT_ALL_MS) countAll();
    const now = cx.clock.mark().monoMs;
    for (const id of Array.from(batches)) {
      if (signal.aborted) return;
      if ((due.get(id) ?? 0) > now) continue;
      batches.delete(id);
      const before = cx.clock.mark();
      const share = (): number => cx.clock.elapsedMs(before) * RECOUNT_SHARE;
      const turn = { now: cx.store.time.now(), force, restMs: () => Math.max(REST_MS, share()) };
      const leftMs = await cx.store.recount.batch(id, turn).catch(putBack(batches, id));
      if (leftMs === null) continue;
      due.set(id, now + (leftMs > 0 ? leftMs : Math.max(RECOUNT_MS, share())));
      if (leftMs > 0) batches.add(id);
    }
    if (failed.length > 0) cx.log.debug('figures for others were not all written', { failed: failed.length, error: messageOf(failed[0]) });
  }

  function countAll(): void {
    all = cx.clock.mark();
    const now = all.monoMs;
    due = new Map([...due].filter(([, at]) => at > now));
    for (const { batch } of [...board.groups(), ...board.closed()]) if (batch.id !== null) batches.add(batch.id);
  }

  return {
    touched: (account, batch) => {
      if (account !== null) accounts.add(account);
      if (batch !== null) batches.add(batch);
    },
    run: async () => {
      while (!cx.abandon.aborted) {
        await cx.clock.sleep(EVERY_MS, cx.abandon);
        try {
          await paint(cx.abandon);
        } catch (error) {
          cx.log.debug('figures for others were not written', { error: messageOf(error) });
        }
      }
    },
    flush: async () => {
      due.clear();
      await paint(cx.abandon, true);
    },
  };
}
