/** A call that belongs to no open attempt: a second one for an attempt, or one found after its attempt was closed. Stopped, recorded, charged. */
import type { CallReading } from '../domain/call.js';
import type { AttemptDoc } from '../store/attempt.js';
import { idsOf, newCall, type AttemptFacts, type Call } from './call.js';
import type { Context } from './context.js';
import { persist } from './persist.js';

export function createStrays(cx: Context, adopt: (call: Call) => void) {
  return async function stray(of: { facts: AttemptFacts }, callId: string, reading: CallReading | null): Promise<void> {
    const id = `stray:${callId}`;
    const facts: AttemptFacts = { ...of.facts, _id: id, stray: true, counts: [] };
    const call = newCall(
      facts,
      null,
      [`call:${callId}`],
      { mark: cx.clock.mark(), date: cx.store.time.now() },
      { name: 'live', since: cx.clock.mark(), limitMs: 0 },
    );
    call.callId = callId;
    call.stopReason = 'stray';
    call.lastReading = reading === null ? null : { reading, at: cx.store.time.now() };
    if (reading === null || reading.live) call.stopped = (await cx.retell.stop(callId, cx.abandon)).kind === 'stopped';
    // A later look for a doubled call finds this one again.
    const known = await cx.store.attempts.byId(id).catch(() => null);
    if (known?.open === false) return;
    cx.alert('STRAY_CALL', 'a call without an attempt of its own was found; it is stopped and booked', {
      ...idsOf(call),
      of: of.facts._id,
    });
    cx.journal.write('stray', { ...idsOf(call), of: of.facts._id });
    const { dial_by: dialBy, ...rest } = facts;
    const doc: AttemptDoc = {
      ...rest,
      dial_by: dialBy,
      runner: cx.me,
      state: 'live',
      open: true,
      at: cx.store.time.now(),
      locks: call.locks,
      call_id: callId,
      stop_reason: 'stray',
    };
    await persist(cx, 'recording a stray call', () => cx.store.attempts.insertStray(doc, cx.timing.leaseMs));
    const { account, estimate } = facts;
    if (account !== null) await persist(cx, 'holding money for a stray call', () => cx.store.ledgers.holdAnyway(account, id, estimate));
    adopt(call);
  };
}
