/**
 * One tracker follows all live calls of the process, and decides what each reading of one means. It stops a call only on a good reading that
 * shows it over its limit; an outage settles nothing.
 */
import type { CallReading, Outcome, StopReason } from '../domain/call.js';
import { messageOf } from '../domain/errors.js';
import { classify, unreadableOutcome } from '../domain/outcomes.js';
import { slotLocks, idsOf, type Call } from './call.js';
import type { Context } from './context.js';
import type { Parts } from './parts.js';
import { persist } from './persist.js';
import { createReadings } from './readings.js';

export interface Tracker {
  follow(call: Call): void;
  drop(call: Call): void;
  live(): Call[];
  /** Asks the provider to end it, after storing whose wish that was. */
  hangUp(call: Call, reason: StopReason): Promise<void>;
  run(): Promise<void>;
}

/** A call may outlive its limits by so much before it counts as gone: hanging up takes time, clocks differ. */
const MARGIN_MS = 60_000;
/** One that the provider says is live and will not stop is believed so many times longer. */
const STUBBORN = 2;

export function createTracker(cx: Context, parts: Pick<Parts, 'settler' | 'slots' | 'registry'>): Tracker {
  const live = new Map<string, Call>();
  let wake = new AbortController();
  const readings = createReadings(cx, { read: advance, absent: unreadable });

  async function advance(call: Call, reading: CallReading): Promise<void> {
    call.lastReading = { reading, at: cx.store.time.now() };
    if (reading.live) {
      if (isOutOfTime(call, call.stopped || !isKnownLive(reading) ? 1 : STUBBORN)) {
        await closeUnknown(call, 'the provider shows the call as live long after it must have ended');
        return;
      }
      if (reading.talking) call.talkingSince ??= cx.clock.mark();
      const over = overLimit(call, reading);
      if (over !== null) await hangUp(call, over);
      return;
    }
    call.overSince ??= cx.clock.mark();
    call.overAt ??= cx.store.time.now();
    const waitedMs = cx.clock.elapsedMs(call.overSince);
    if (!isComplete(reading) && waitedMs < cx.timing.analysisWaitMs) {
      await freeSlots(call);
      return;
    }
    await learnStopReason(call, reading);
    const outcome = classify(reading, { stopReason: call.stopReason, seenEndedAt: call.overAt }, cx.outcomes);
    if (outcome.class === 'account') cx.breaker.trip(outcome.reason);
    if (outcome.class === 'caller_id')
      cx.alert('CALLER_BLOCKED', 'a caller number was blocked or marked as spam', {
        ...idsOf(call),
        reason: outcome.reason,
        about: call.facts.from_number,
        cause: outcome.reason,
        remedy: 'register the number with the carriers, or use another; `batch show ID` shows which ones rest',
      });
    if (outcome.class === 'unknown')
      cx.alert('UNKNOWN_REASON', 'a call ended for an unknown reason; its job is set aside for a person', {
        ...idsOf(call),
        reason: outcome.reason,
        about: outcome.reason,
        cause: outcome.reason,
        remedy: 'look at the call with `job show ID`, then say in config/outcomes.json what the reason means',
      });
    await end(call, reading, outcome);
  }

  /** Somebody at the command line may have hung up: the attempt says so, this process was not told. */
  async function learnStopReason(call: Call, reading: CallReading): Promise<void> {
    if (call.stopReason !== null || reading.status === 'ended') return;
    const attempt = await cx.store.attempts.byId(call.facts._id).catch(() => null);
    call.stopReason = attempt?.stop_reason ?? null;
  }

  async function end(call: Call, reading: CallReading | null, outcome: Outcome): Promise<void> {
    await parts.settler.settle(call, reading, outcome);
    drop(call);
    parts.registry.remove(call.facts._id);
  }

  /** Talk is bounded by CALL_MAX_DURATION_MINUTES, ringing by POLL_TIMEOUT_SECONDS; the provider was told both, this is the second net. */
  function overLimit(call: Call, reading: CallReading): StopReason | null {
    if (call.stopped) return null;
    if (call.facts.stray === true) return 'stray';
    if (call.stopReason !== null) return call.stopReason;
    if (reading.talking && call.talkingSince !== null) {
      const sinceStart = reading.startedAt === null ? 0 : cx.store.time.now().getTime() - reading.startedAt.getTime();
      const talkedMs = Math.max(cx.clock.elapsedMs(call.talkingSince), Math.min(sinceStart, cx.clock.elapsedMs(call.placed)));
      return talkedMs > call.facts.max_duration_ms + cx.timing.pollingIntervalMs ? 'max_duration' : null;
    }
    return cx.clock.elapsedMs(call.placed) > cx.timing.pollTimeoutMs ? 'ring_timeout' : null;
  }

  async function hangUp(call: Call, reason: StopReason): Promise<void> {
    if (call.callId === null) return;
    const stored = await persist(cx, 'storing why a call is stopped', () => cx.store.attempts.markStopping(call.facts._id, reason));
    if (stored === null) return;
    // An operator's wish stands, and so does that of an earlier owner, who had seen it over its limit.
    const stands = reason === 'operator' || call.stopReason === reason;
    call.stopReason = reason;
    const reply = await cx.retell.stop(call.callId, cx.abandon);
    cx.journal.write('stop', { ...idsOf(call), reason, answer: reply.kind });
    call.stopped = reply.kind === 'stopped';
    // Not stopped: asked again on the next good reading that shows it over its limit.
    if (!call.stopped && !stands) call.stopReason = null;
  }

  /** Longer than it can ring and talk, and than its end can take to be seen, so many times over. */
  function isOutOfTime(call: Call, times = 1): boolean {
    const { ring_ms: ringMs, max_duration_ms: talkMs } = call.facts;
    const longestMs = Math.max(ringMs, cx.timing.pollTimeoutMs) + talkMs + cx.timing.analysisWaitMs;
    return cx.clock.elapsedMs(call.placed) >= times * longestMs + Math.min(MARGIN_MS, cx.timing.leaseMs);
  }

  /** Its job is set aside for a person: nobody is called again because a provider lost sight of a call. */
  async function closeUnknown(call: Call, why: string): Promise<void> {
    cx.alert('CALL_UNREADABLE', `${why}; it is closed as unknown`, idsOf(call));
    const mostMs = Math.min(call.facts.max_duration_ms, cx.clock.elapsedMs(call.placed));
    await end(call, call.lastReading?.reading ?? null, unreadableOutcome(cx.store.time.now(), call.lastReading, mostMs));
  }

  /** Neither readable nor listed: past its longest possible duration it is closed as unknown, loudly. */
  async function unreadable(call: Call): Promise<void> {
    if (!isOutOfTime(call)) return;
    const listed = await cx.retell.listByIds([call.callId ?? ''], cx.abandon);
    if (listed.kind !== 'calls' || !listed.complete) return;
    const [reading] = listed.calls;
    if (reading !== undefined) {
      await advance(call, reading);
      return;
    }
    await closeUnknown(call, 'the provider does not know this call any more');
  }

  /** A surprise about one call must not leave the others without anybody who follows them. */
  async function looked(): Promise<void> {
    try {
      await readings.look([...live.values()].filter((call) => call.callId !== null));
    } catch (error) {
      cx.log.error('a look at the live calls was cut short', { error: messageOf(error), cause: error });
    }
  }

  /** The call is over, only its analysis is missing: neither a worker nor a concurrency slot waits for that. */
  async function freeSlots(call: Call): Promise<void> {
    const { slots, rest } = slotLocks(call.locks);
    if (slots.length === 0) return;
    const freed = await persist(cx, 'freeing slots', () => cx.store.attempts.markEnded(call.facts._id, cx.me, rest));
    if (freed === null) return;
    call.locks = rest;
    parts.slots.release(slots);
    call.endWait();
  }

  function drop(call: Call): void {
    live.delete(call.facts._id);
    parts.slots.release(slotLocks(call.locks).slots);
    call.endWait();
  }

  return {
    follow: (call) => {
      cx.failPoints.before('follow');
      const { facts } = call;
      call.stage = {
        name: 'live',
        since: cx.clock.mark(),
        limitMs: 2 * (facts.ring_ms + cx.timing.pollTimeoutMs + facts.max_duration_ms + cx.timing.analysisWaitMs + MARGIN_MS),
      };
      live.set(facts._id, call);
      if (live.size === 1) wake.abort('awake');
      cx.failPoints.after('follow');
    },
    drop,
    live: () => [...live.values()],
    hangUp,
    run: async () => {
      while (!cx.abandon.aborted) {
        if (live.size === 0) {
          wake = new AbortController();
          await cx.clock.sleep(60_000, wake.signal, cx.abandon);
        }
        await cx.clock.sleep(cx.timing.pollingIntervalMs * (0.8 + 0.4 * cx.random()), cx.abandon);
        // Not awaited for longer than an interval: one slow settlement must not keep the others from being looked at.
        await Promise.race([looked(), cx.clock.sleep(cx.timing.pollingIntervalMs, cx.abandon)]);
      }
    },
  };
}

/** A status that says so; what nobody knows, or no status at all, is only taken for one. */
function isKnownLive({ status }: CallReading): boolean {
  return status === 'registered' || status === 'ongoing';
}

/** Whether the provider has said all it will: an answered call's analysis and price arrive after its end. */
function isComplete(reading: CallReading): boolean {
  const connected =
    reading.status !== 'not_connected' && reading.status !== 'error' && reading.durationMs !== null && reading.durationMs > 0;
  return !connected || (reading.analysis !== null && reading.costCents !== null);
}
