/**
 * Calls that were declared lost, POSTs that may have placed two, and prices that were not final are asked about once more. Apart from
 * rescue, and slow as the provider may be: nobody waits for it.
 */
import { classify } from '../domain/outcomes.js';
import type { AttemptDoc } from '../store/attempt.js';
import { factsOf } from './call.js';
import type { Context } from './context.js';
import type { Parts } from './parts.js';
import { repeat } from './repeat.js';

export interface SecondLooks {
  /** One pass over everything that is due to be looked at. */
  pass(): Promise<void>;
  run(): Promise<void>;
}

/** Another process looks only where this one did not come to an end in this time. */
const NEXT_LOOK_MS = 3_600_000;

export function createSecondLooks(cx: Context, parts: Pick<Parts, 'stray' | 'settler'>): SecondLooks {
  async function pass(): Promise<void> {
    for (;;) {
      const attempt = await cx.store.attempts.takeLook(cx.store.time.now(), NEXT_LOOK_MS);
      if (attempt === null || cx.abandon.aborted) return;
      // Somebody is looking for its call just now, and would find this look's stray to be his own.
      if (attempt.call_id === undefined && attempt.open) continue;
      if (attempt.call_id === undefined || attempt.doubted === true) {
        if (!(await lookForStrays(attempt))) continue;
      }
      if (attempt.call_id !== undefined && attempt.cost?.final === false) await finalPrice(attempt, attempt.call_id);
      else await cx.store.attempts.endLook(attempt);
    }
  }

  /** Any call that carries its id and is not its own: one that was lost, or a second one. False: the provider did not say. */
  async function lookForStrays(attempt: AttemptDoc): Promise<boolean> {
    const reply = await cx.retell.listByAttempt(attempt._id, cx.abandon);
    if (reply.kind !== 'calls' || !reply.complete) return false;
    for (const reading of reply.calls) {
      if (reading.callId !== attempt.call_id) await parts.stray({ facts: factsOf(attempt) }, reading.callId, reading);
    }
    return true;
  }

  async function finalPrice(attempt: AttemptDoc, callId: string): Promise<void> {
    const reply = await cx.retell.read(callId, cx.abandon);
    const ended = attempt.settled_at?.getTime() ?? 0;
    const tooLate = cx.store.time.now().getTime() - ended > cx.timing.secondLookMs;
    const cents = reply.kind === 'call' ? reply.call.costCents : null;
    if (cents === null && !tooLate) return; // asked again in an hour
    const outcome =
      reply.kind === 'call'
        ? classify(reply.call, { stopReason: attempt.stop_reason ?? null, seenEndedAt: new Date(ended) }, cx.outcomes)
        : null;
    const before = attempt.cost ?? { micros: 0, ms: 0, final: false };
    const cost = { micros: cents === null ? before.micros : Math.round(cents * 10_000), ms: outcome?.durationMs ?? before.ms, final: true };
    await parts.settler.reprice(attempt, cost);
  }

  return {
    pass,
    run: () => repeat(cx, 'a second look', cx.timing.leaseMs / 4, pass),
  };
}
