/**
 * Reconciling: a call that may exist is looked for by its attempt's id, without status or time filter, until it is found or
 * surely was never placed. An empty list proves nothing before `dial_by` + RECONCILE_WINDOW_SECONDS, and only when it is complete.
 */
import { lostOutcome } from '../domain/outcomes.js';
import type { CallReading } from '../domain/call.js';
import { byStart, idsOf, type Call } from './call.js';
import type { Context } from './context.js';
import type { Parts } from './parts.js';
import { persist } from './persist.js';

export interface Reconciler {
  reconcile(call: Call): void;
}

const FIRST_LOOK_MS = 500;
const LOOKS_PER_WINDOW = 20;
/** The provider dates a call by its own clock. */
const CLOCKS_APART_MS = 30_000;

export function createReconciler(
  cx: Context,
  parts: Pick<Parts, 'settler' | 'registry' | 'placed' | 'stray'>,
  done: (call: Call) => void,
): Reconciler {
  const foreign = (call: Call): boolean => call.facts.workspace !== cx.workspace;
  /** In a workspace that is not ours the call cannot be seen: its absence proves nothing until a day has passed. */
  const windowMs = (call: Call): number => (foreign(call) ? cx.timing.secondLookMs : cx.timing.reconcileWindowMs);

  async function look(call: Call): Promise<void> {
    const { facts } = call;
    call.stage = { name: 'unknown', since: cx.clock.mark(), limitMs: 2 * windowMs(call) + 10 * cx.timing.leaseMs };
    // A call that was doubled shows in the provider's lists when both have come there, and the first of them ends this search.
    const lookInMs = cx.timing.dialWithinMs + cx.timing.reconcileWindowMs;
    await persist(cx, 'marking a call as unknown', () => cx.store.attempts.markUnknown(facts._id, cx.me, lookInMs));
    // Nobody else calls this number meanwhile: the attempt holds the lock of its line.
    const unmarked = { to: facts.to_number, since: new Date(facts.dial_by.getTime() - cx.timing.dialWithinMs - CLOCKS_APART_MS) };
    let delayMs = Math.min(FIRST_LOOK_MS, windowMs(call) / LOOKS_PER_WINDOW);
    while (!cx.abandon.aborted && !call.lost) {
      const closes = facts.dial_by.getTime() + windowMs(call);
      const asked = cx.store.time.now().getTime();
      const reply = await cx.retell.listByAttempt(facts._id, cx.abandon, unmarked);
      if (reply.kind === 'account') cx.breaker.trip(reply.message);
      if (reply.kind === 'calls' && reply.calls.length > 0) {
        await found(call, reply.calls);
        return;
      }
      if (reply.kind === 'calls' && reply.complete && asked > closes && cx.store.time.understood()) {
        await neverPlaced(call);
        return;
      }
      await cx.clock.sleep(delayMs * (0.8 + 0.4 * cx.random()), cx.abandon);
      delayMs = Math.min(delayMs * 1.6, Math.max(windowMs(call) / LOOKS_PER_WINDOW, FIRST_LOOK_MS / 10));
    }
  }

  /** One is adopted: where somebody talks or has talked, else what rings, else the oldest. Any other for the same attempt is stopped and booked. */
  async function found(call: Call, readings: readonly CallReading[]): Promise<void> {
    const [first, ...others] = [...readings].sort((a, b) => rank(a) - rank(b) || byStart(a, b));
    if (first === undefined) return;
    cx.journal.write('found', { ...idsOf(call), call_id: first.callId, also: others.length });
    for (const other of others) await parts.stray(call, other.callId, other);
    await parts.placed(call, first.callId);
  }

  async function neverPlaced(call: Call): Promise<void> {
    // Not so where whoever would have placed it has said meanwhile that he did not.
    if (await parts.settler.settle(call, null, lostOutcome(cx.store.time.now())))
      cx.log.warn('the call was never placed, as far as the provider knows; it counts as an attempt', idsOf(call));
    parts.registry.remove(call.facts._id);
    done(call);
  }

  return {
    reconcile: (call) => {
      look(call).catch((error: unknown) => {
        cx.log.error('looking for a call failed; its lease ends and another look begins', { ...idsOf(call), error });
        parts.registry.remove(call.facts._id);
        done(call);
      });
    },
  };
}

function rank(reading: CallReading): number {
  if (reading.talking || (reading.durationMs ?? 0) > 0) return 0;
  return reading.live ? 1 : 2;
}
