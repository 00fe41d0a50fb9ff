/** R3 and what belongs to nobody's call: holds whose attempt is finished, jobs suspended for want of credit, batches that cannot dial. */
import type { Reason } from '../domain/decision.js';
import { messageOf } from '../domain/errors.js';
import type { Mark } from '../domain/ports.js';
import type { HeldAttempt } from '../store/attempt.js';
import type { Board } from './board.js';
import type { Context } from './context.js';

export interface Sweep {
  run(): Promise<void>;
  pass(): Promise<void>;
}

/** An attempt is inserted before its hold; a hold without one is older than any archive, or a stray's in the making. */
const ORPHAN_MS = 3_600_000;
/** Batches that do not exist are looked for among all that jobs name, also those long over. */
const BATCHES_EVERY_MS = 300_000;

export function createSweep(cx: Context, board: Board, touched: (account: string, batch: string | null) => void): Sweep {
  const said = new Map<string, string>();
  let batchesSeen: Mark | null = null;

  /** The next step of the attempt says what its hold should have become. */
  async function holds(): Promise<void> {
    for (const [account, ids] of await cx.store.ledgers.allHolds()) await alone(`the holds of ${account}`, () => holdsOf(account, ids));
  }

  async function holdsOf(account: string, ids: readonly string[]): Promise<void> {
    const attempts = await cx.store.attempts.ofHolds(ids);
    for (const id of ids) {
      if (cx.abandon.aborted) return;
      const attempt = attempts.get(id) ?? null;
      if (await settleHold(account, id, attempt)) touched(account, attempt?.batch ?? null);
    }
  }

  /** What the database refuses for one (a document that is full, a validator) must not keep all others from being looked after. */
  async function alone(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      cx.log.warn('a part of the sweep was cut short', { part: what, error: messageOf(error) });
    }
  }

  /** False: it is somebody's still. */
  async function settleHold(account: string, id: string, attempt: HeldAttempt | null): Promise<boolean> {
    const { ledgers, time } = cx.store;
    if (attempt === null) {
      const bornMs = Number.parseInt(id.replace(/^stray:/, '').slice(0, 12), 16);
      if (time.now().getTime() - bornMs <= ORPHAN_MS) return false;
      await ledgers.cancel(account, id, []);
      return true;
    }
    if (attempt.lease_until !== undefined || attempt.open) return false;
    if (attempt.state === 'void') {
      await ledgers.cancel(account, id, attempt.counts);
      return true;
    }
    if (attempt.cost?.final !== true) return false;
    await ledgers.charge(account, id, attempt.cost, attempt.counts);
    return true;
  }

  /** Out of credit: each waiting job is touched once, and once more when the account can pay again. Order is kept: `reserved_until` stays. */
  async function credit(): Promise<void> {
    const broke = new Map(
      board
        .closed()
        .flatMap(({ batch, reasons }) =>
          reasons.some((reason) => reason.code === 'NO_CREDIT') && batch.account !== null ? [[batch.account, reasons] as const] : [],
        ),
    );
    for (const [account, reasons] of broke) await alone(`suspending jobs of ${account}`, () => suspend(account, reasons));
    for (const account of await cx.store.suspensions.accounts('no_credit')) {
      if (!broke.has(account)) await alone(`resuming jobs of ${account}`, () => resume(account));
    }
  }

  async function suspend(account: string, reasons: readonly Reason[]): Promise<void> {
    const why = reasons.find((reason) => reason.code === 'NO_CREDIT')?.text ?? 'The account has no credit left.';
    const batches = board.closed().flatMap(({ batch }) => (batch.account === account && batch.id !== null ? [batch.id] : []));
    const count = await cx.store.suspensions.suspend(batches, 'no_credit', why);
    if (count === 0) return;
    cx.log.warn('an account ran out of credit; its waiting jobs are suspended', { account_id: account, jobs: count });
    for (const batch of batches) touched(account, batch);
  }

  async function resume(account: string): Promise<void> {
    if (!(await board.canPay(account))) return;
    const count = await cx.store.suspensions.resume(account, 'no_credit');
    if (count === 0) return;
    cx.log.info('an account can pay again; its jobs go on', { account_id: account, jobs: count });
    for (const { batch } of [...board.closed(), ...board.groups()]) if (batch.account === account) touched(account, batch.id);
  }

  /** Why a batch stands still is said where the campaign's owner looks: on the batch, and in the log when it changes. */
  async function reasons(): Promise<void> {
    const atHome = board
      .groups()
      .flatMap(({ batch, closedAtHome }) => (closedAtHome === undefined ? [] : [{ batch, reasons: closedAtHome }]));
    for (const { batch, reasons: found } of [...board.closed(), ...atHome]) {
      const text = found.map((reason) => reason.text).join(' ');
      if (batch.id === null || said.get(batch.id) === text) continue;
      said.set(batch.id, text);
      cx.log.info('a batch is not dialled', { batch_id: batch.id, reasons: found.map((reason) => reason.code), text });
      await cx.store.suspensions.note(batch.id, text);
    }
    await cx.store.suspensions.forgetPauses();
    for (const { batch, closedAtHome } of board.groups()) {
      if (closedAtHome !== undefined || batch.id === null || !said.delete(batch.id)) continue;
      cx.log.info('a batch may be dialled again', { batch_id: batch.id });
      await cx.store.suspensions.note(batch.id, null);
    }
    if (batchesSeen !== null && cx.clock.elapsedMs(batchesSeen) < BATCHES_EVERY_MS) return;
    batchesSeen = cx.clock.mark();
    for (const orphan of await cx.store.suspensions.orphanBatches()) {
      if (said.get(`orphan ${orphan}`) !== undefined) continue;
      said.set(`orphan ${orphan}`, 'said');
      await cx.store.suspensions.noteJobs(orphan, `The batch ${orphan} does not exist; its jobs are not dialled.`);
    }
  }

  async function pass(): Promise<void> {
    await alone('holds', holds);
    await board.fresh();
    await alone('credit', credit);
    await alone('reasons', reasons);
  }

  return {
    pass,
    run: async () => {
      while (!cx.abandon.aborted && !cx.noMoreClaims.aborted) {
        await cx.clock.sleep(Math.min(30_000, cx.timing.leaseMs / 2) * (0.8 + 0.4 * cx.random()), cx.abandon, cx.noMoreClaims);
        if (cx.abandon.aborted || cx.noMoreClaims.aborted) return;
        try {
          await pass();
        } catch (error) {
          cx.log.debug('a sweep was cut short', { error: messageOf(error) });
        }
      }
    },
  };
}
