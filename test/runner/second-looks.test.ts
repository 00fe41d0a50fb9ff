/** P1, P5: what is asked about once more, and that nobody waits for the answer. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRescue } from '../../src/runner/rescue.js';
import { createSecondLooks } from '../../src/runner/second-looks.js';
import { createStrays } from '../../src/runner/stray.js';
import type { Call } from '../../src/runner/call.js';
import { DIAL_WITHIN_MS, inMs, intentFor, LEASE_MS, newId, openStoreWorld, strayOf } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner, reading } from './support.js';

const SETTLED = {
  outcome: {
    class: 'answered',
    reason: 'user_hangup',
    success: true,
    reached: 'conversation',
    endedAt: new Date(),
    durationMs: 30_000,
  },
  cost: { micros: 250_000, ms: 30_000, final: true },
  next: null,
  result: {},
  jobFields: {},
} as const;

describe('a second look', () => {
  let world: StoreWorld;
  const stored = async (id: string): Promise<Document> =>
    (await world.database.db.collection<Document & { _id: string }>('call_attempts').findOne({ _id: id })) ?? {};
  /** Its POST had no clear answer, and one call of it was found. */
  const doubted = async (): Promise<string> => {
    const id = newId();
    await world.store.attempts.intend({ ...intentFor(id), account: 'acc-1', runner: 'me' }, LEASE_MS, DIAL_WITHIN_MS);
    await world.store.attempts.markUnknown(id, 'me', -1_000);
    return id;
  };

  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  it('P5: at a POST without a clear answer finds the second call that showed later: it is stopped, and booked once', async () => {
    const id = await doubted();
    await world.store.attempts.recordCall(id, 'first');
    const stopped: string[] = [];
    const runner = openRunner(world.store, {
      me: 'me',
      retell: {
        listByAttempt: () =>
          Promise.resolve({ kind: 'calls', complete: true, calls: ['first', 'second'].map((one) => reading(one, { live: true })) }),
        stop: (callId) => {
          stopped.push(callId);
          return Promise.resolve({ kind: 'stopped' });
        },
      },
    });
    const adopted: Call[] = [];
    const looks = createSecondLooks(runner.cx, { ...runner.parts, stray: createStrays(runner.cx, (call) => void adopted.push(call)) });
    await looks.pass();
    await looks.pass();
    expect(stopped).toEqual(['second']);
    expect(adopted.map((call) => call.callId)).toEqual(['second']);
    expect(await stored('stray:second')).toMatchObject({ call_id: 'second', stray: true, state: 'live', account: 'acc-1' });
    expect(await stored('stray:second')).not.toHaveProperty('look_at');
    expect(await stored(id)).not.toHaveProperty('look_at');
    expect(await world.store.ledgers.holds('acc-1')).toEqual(['stray:second']);
  });

  it('P5: at one that was stopped and booked already leaves it as it is', async () => {
    const id = await doubted();
    await world.store.attempts.recordCall(id, 'own');
    const stray = 'stray:booked';
    await world.store.attempts.insertStray(strayOf('booked', { runner: 'earlier' }), LEASE_MS);
    await world.store.attempts.settle(stray, 'earlier', SETTLED);
    await world.store.attempts.finish(stray, 'earlier', null);
    const before = await stored(stray);
    const runner = openRunner(world.store, {
      me: 'me',
      retell: { listByAttempt: () => Promise.resolve({ kind: 'calls', complete: true, calls: [reading('own'), reading('booked')] }) },
    });
    const adopted: Call[] = [];
    await createSecondLooks(runner.cx, { ...runner.parts, stray: createStrays(runner.cx, (call) => void adopted.push(call)) }).pass();
    // Also where it was settled between the look and the record.
    await world.store.attempts.insertStray(strayOf('booked', { runner: 'me' }), LEASE_MS);
    expect(await stored(stray)).toEqual(before);
    expect(adopted).toEqual([]);
    expect(runner.said.filter(({ level }) => level.startsWith('alert'))).toEqual([]);
    expect(await world.store.ledgers.holds('acc-1')).not.toContain(stray);
  });

  it('P1: leaves a call alone that is still being looked for, and comes back', async () => {
    const id = await doubted();
    const runner = openRunner(world.store, { me: 'me' });
    await createSecondLooks(runner.cx, runner.parts).pass();
    expect(Number((await stored(id))['look_at'])).toBeGreaterThan(Date.now());
    expect(await stored(id)).toMatchObject({ state: 'unknown', open: true });
  });

  it('settled meanwhile, the plan of its settlement stays', async () => {
    const id = await doubted();
    await world.store.attempts.recordCall(id, 'one');
    await world.store.attempts.settle(id, 'me', SETTLED);
    const later = inMs(7_200_000);
    const runner = openRunner(world.store, {
      me: 'me',
      retell: {
        listByAttempt: async () => {
          await world.store.attempts.finish(id, 'me', later);
          return { kind: 'calls', complete: true, calls: [reading('one')] };
        },
      },
    });
    await createSecondLooks(runner.cx, runner.parts).pass();
    expect((await stored(id))['look_at']).toEqual(later);
  });

  it('P2: is not waited for: with a silent provider, what dead processes left is taken all the same', async () => {
    await doubted();
    await world.database.db.collection('call_attempts').updateMany({ look_at: { $exists: true } }, { $set: { look_at: inMs(-1_000) } });
    const dead = newId();
    await world.store.attempts.intend({ ...intentFor(dead), runner: 'dead' }, LEASE_MS, DIAL_WITHIN_MS);
    await world.store.attempts.recordCall(dead, 'live-one');
    let asked = 0;
    const silent = (): Promise<never> => {
      asked += 1;
      return new Promise(() => undefined);
    };
    const runner = openRunner(world.store, {
      timing: { leaseMs: 100 },
      retell: { listByAttempt: silent, read: silent, listByNumber: silent },
    });
    const followed: Call[] = [];
    const rescue = createRescue(
      runner.cx,
      runner.parts,
      (call) => void followed.push(call),
      () => true,
    );
    void createSecondLooks(runner.cx, runner.parts).run();
    const old = newId();
    await world.database.db.collection<Document & { _id: string }>('jobs').insertOne({
      _id: old, job_id: old, account_id: 'acc-1', status: 'in_progress', worker_id: 'bot-1', started_at: inMs(-120_000), reserved_until: inMs(-1_000),
      contact: { phones: ['+56911112222'], next_phone_index: 0 },
    }); // prettier-ignore
    void rescue.run();
    // Both stand before the silent provider: the second look, and the recovery of the old worker's job.
    await expect.poll(() => asked, { interval: 5, timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    await world.database.db.collection('call_attempts').updateOne({ _id: dead as never }, { $set: { lease_until: inMs(-1_000) } });
    await expect.poll(() => followed.map((call) => call.callId), { interval: 10 }).toContain('live-one');
    runner.abandon();
  });
});
