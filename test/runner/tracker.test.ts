/** The second net under a call that lasts too long, and which of two calls is kept. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallReading } from '../../src/domain/call.js';
import { newCall, type Call } from '../../src/runner/call.js';
import { createReconciler } from '../../src/runner/reconcile.js';
import { createTracker } from '../../src/runner/tracker.js';
import { DIAL_WITHIN_MS, intentFor, LEASE_MS, newId, openStoreWorld, type StoreWorld } from '../store/support.js';
import { openRunner, reading, type Runner } from './support.js';

let world: StoreWorld;
beforeAll(async () => {
  world = await openStoreWorld();
});
afterAll(() => world.close());

const adopted = async ({ cx }: Runner, more: Partial<Call>): Promise<Call> => {
  const id = newId();
  await world.store.attempts.intend(intentFor(id, { runner: cx.me }), LEASE_MS, DIAL_WITHIN_MS);
  await world.store.attempts.recordCall(id, `call-${id}`);
  const since = cx.clock.mark();
  const facts = { ...intentFor(id), dial_by: new Date() };
  const call = newCall(facts, null, [], { mark: since, date: new Date() }, { name: 'adopted', since, limitMs: 60_000 });
  return Object.assign(call, { callId: `call-${id}`, ...more });
};

describe('a call that was to end', () => {
  it.each(['max_duration', 'operator', 'stray'] as const)(
    'when its owner went down (%s) is stopped by the next one, until the provider says that it is',
    async (stopReason) => {
      const stops: string[] = [];
      let looks = 0;
      let done: () => void = () => undefined;
      const looked = new Promise<void>((resolve) => (done = resolve));
      const runner = openRunner(world.store, {
        timing: { pollingIntervalMs: 5 },
        retell: {
          read: (callId) => {
            looks += 1;
            if (looks === 8) done();
            return Promise.resolve({
              kind: 'call',
              call: reading(callId, { status: 'ongoing', live: true, talking: true, endedAt: null }),
            });
          },
          stop: (callId) => {
            stops.push(callId);
            return Promise.resolve(
              stops.length < 3 ? { kind: 'unavailable', message: 'it did not say', retryAfterMs: null } : { kind: 'stopped' },
            );
          },
        },
      });
      const tracker = createTracker(runner.cx, runner.parts);
      // The reason is stored with the attempt; whether the stop was ever sent is not known.
      const call = await adopted(runner, { stopReason });
      tracker.follow(call);
      void tracker.run();
      await looked;
      runner.abandon();
      expect(stops).toEqual([call.callId, call.callId, call.callId]);
    },
  );
});

describe('P2: a call past all it can last', () => {
  const DAY_MS = 86_400_000;
  const followed = async (
    answer: Partial<CallReading>,
    acknowledged: boolean,
    agoMs = DAY_MS,
  ): Promise<{ state: unknown; alerts: string[]; stops: number }> => {
    let stops = 0;
    let looks = 0;
    let seen: () => void = () => undefined;
    const looked = new Promise<void>((resolve) => (seen = resolve));
    const runner = openRunner(world.store, {
      timing: { pollingIntervalMs: 5 },
      retell: {
        read: (callId) => {
          if ((looks += 1) === 5) seen();
          return Promise.resolve({ kind: 'call', call: reading(callId, { live: true, endedAt: null, ...answer }) });
        },
        stop: () => {
          stops += 1;
          return Promise.resolve(acknowledged ? { kind: 'stopped' } : { kind: 'unavailable', message: 'no', retryAfterMs: null });
        },
      },
    });
    const { monoMs, wallMs } = runner.cx.clock.mark();
    const call = await adopted(runner, { placed: { monoMs: monoMs - agoMs, wallMs: wallMs - agoMs } });
    const tracker = createTracker(runner.cx, runner.parts);
    tracker.follow(call);
    void tracker.run();
    await Promise.race([looked, call.over]);
    runner.abandon();
    const alerts = runner.said.flatMap(({ level }) => (level.startsWith('alert ') ? [level.slice(6)] : []));
    return { state: (await world.store.attempts.byId(call.facts._id))?.state, alerts, stops };
  };

  it('is closed as unknown, loudly, where its status says nothing, or where it was stopped and is shown as live all the same', async () => {
    expect(await followed({ status: 'unknown', talking: false }, false)).toMatchObject({ state: 'settled', alerts: ['CALL_UNREADABLE'] });
    // Past its length, and not yet past all belief: stopped, and then believed no more.
    const answer = await followed({ status: 'registered', talking: false }, true, 1_000_000);
    expect(answer).toEqual({ state: 'settled', alerts: ['CALL_UNREADABLE'], stops: 1 });
  });

  it('is followed on, and asked to end, while the provider says that it is live and does not stop it, for twice as long', async () => {
    const ongoing = { status: 'ongoing', talking: true, startedAt: new Date(Date.now() - DAY_MS) };
    // Ring, talk and analysis of this attempt, and the margin, are less than that; twice them are more.
    const { state, stops } = await followed(ongoing, false, 1_000_000);
    expect(state).toBe('live');
    expect(stops).toBeGreaterThan(1);
    expect(await followed(ongoing, false)).toMatchObject({ state: 'settled', alerts: ['CALL_UNREADABLE'] });
  });
});

describe('of two calls that were found for one attempt', () => {
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, seconds));
  const talking = reading('talking', { live: true, talking: true, startedAt: at(5), durationMs: null });
  const ringing = reading('ringing', { live: true, startedAt: null, durationMs: null });
  const talked = reading('talked', { startedAt: at(1), durationMs: 20_000 });
  const never = reading('never', { startedAt: null, durationMs: null });
  const neverAt = reading('never-at', { startedAt: at(0), durationMs: 0 });

  it.each<[string, CallReading[]]>([
    ['talking', [ringing, talking]],
    ['talking', [never, talking]],
    ['talking', [neverAt, talking]],
    ['talked', [ringing, talked]],
    ['talked', [talking, talked]],
    ['ringing', [never, ringing]],
    ['never-at', [never, neverAt]],
  ])('the one where somebody is or was at the line is kept: %s', async (kept, readings) => {
    for (const calls of [readings, readings.toReversed()]) {
      const placed: string[] = [];
      const runner = openRunner(world.store, {
        retell: { listByAttempt: () => Promise.resolve({ kind: 'calls', complete: true, calls }) },
      });
      const settledBy = new Promise<void>((resolve) => {
        const parts = { ...runner.parts, placed: (_: Call, callId: string) => Promise.resolve(void placed.push(callId)).then(resolve) };
        const reconciler = createReconciler(runner.cx, parts, () => undefined);
        void adopted(runner, { callId: null }).then((call) => reconciler.reconcile(call));
      });
      await settledBy;
      expect(placed).toEqual([kept]);
      expect(runner.strays).toHaveLength(1);
    }
  });
});
