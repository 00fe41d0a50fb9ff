/** What other programs read, kept true: the accounts' figures from the ledgers, holds whose call is finished, batch counters from the jobs. */
import { messageOf } from '../domain/errors.js';
import { accountZone } from '../domain/zones.js';
import { accountDayKey } from '../domain/limits.js';
import type { Board } from './board.js';
import type { Context } from './context.js';

export interface Pictures {
  /** A call of this account and batch was booked. */
  touched(account: string, batch: string | null): void;
  run(): Promise<void>;
  /** What is still to be painted, once; within a stop's budget. */
  flush(): Promise<void>;
}

const EVERY_MS = 1_000;
/** A batch is counted again at most so often, and never in more than a twentieth of the time. */
const RECOUNT_MS = 5_000;
const RECOUNT_SHARE = 20;

export function createPictures(cx: Context, board: Board): Pictures {
  const accounts = new Set<string>();
  const batches = new Map<string, number>();
  const due = new Map<string, number>();

  async function paint(signal: AbortSignal): Promise<void> {
    for (const id of board.staleAccounts()) accounts.add(id);
    for (const id of accounts) {
      if (signal.aborted) return;
      accounts.delete(id);
      const key = accountDayKey(cx.store.time.now(), accountZone(board.account(id), cx.policy).name);
      await cx.store.ledgers.project(id, key.slice(2));
    }
    const now = cx.clock.mark().monoMs;
    for (const id of batches.keys()) {
      if (signal.aborted) return;
      if ((due.get(id) ?? 0) > now) continue;
      batches.delete(id);
      const before = cx.clock.mark();
      await cx.store.recount.batch(id);
      due.set(id, now + Math.max(RECOUNT_MS, cx.clock.elapsedMs(before) * RECOUNT_SHARE));
    }
  }

  return {
    touched: (account, batch) => {
      accounts.add(account);
      if (batch !== null) batches.set(batch, 1);
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
      await paint(cx.abandon);
    },
  };
}
