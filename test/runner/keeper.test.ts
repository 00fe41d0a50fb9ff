/** P2, P3: leases are kept while their holder is where it should be, and what another took is let go. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCall } from '../../src/runner/call.js';
import type { Call } from '../../src/runner/call.js';
import { createKeeper } from '../../src/runner/keeper.js';
import { intentFor, newId, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';
import type { Runner } from './support.js';

const LEASE_MS = 90;

describe('the lease keeper', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  const hold = async (runner: Runner, stage: string, limitMs = 60_000): Promise<Call> => {
    const id = newId();
    const intent = intentFor(id, { runner: runner.cx.me });
    await world.store.attempts.intend(intent, LEASE_MS, 3_000);
    const { runner: _runner, locks, ...facts } = intent;
    const since = runner.cx.clock.mark();
    const call = newCall(
      { ...facts, dial_by: new Date() },
      null,
      locks,
      { mark: since, date: new Date() },
      { name: stage, since, limitMs },
    );
    runner.parts.registry.add(call);
    return call;
  };
  const leaseOf = async (call: Call): Promise<number> => Number((await world.store.attempts.byId(call.facts._id))?.lease_until);

  it('renews in time, lets go of what another follows, and leaves to a rescuer what has lost its way', async () => {
    const runner = openRunner(world.store, { me: 'runner-a', timing: { leaseMs: LEASE_MS } });
    const gone: Call[] = [];
    const keeper = createKeeper(runner.cx, runner.parts.registry, (call) => void gone.push(call));
    const [kept, taken, settling, lost] = [
      await hold(runner, 'live'),
      await hold(runner, 'live'),
      await hold(runner, 'settling'),
      await hold(runner, 'stuck', 0),
    ];
    const calls = world.database.db.collection('call_attempts');
    for (const call of [taken, settling]) await calls.updateOne({ _id: call.facts._id as never }, { $set: { runner: 'runner-b' } });
    const [keptUntil, lostUntil] = [await leaseOf(kept), await leaseOf(lost)];
    const running = keeper.run();
    await expect.poll(() => gone.length, { interval: 5 }).toBe(1);
    await expect.poll(() => leaseOf(kept), { interval: 5 }).toBeGreaterThan(keptUntil);
    runner.abandon();
    await running;
    expect(gone).toEqual([taken]);
    expect({ taken: taken.lost, kept: kept.lost, settling: settling.lost }).toEqual({ taken: true, kept: false, settling: false });
    expect(await leaseOf(lost)).toBe(lostUntil);
    expect(runner.said.some(({ level, message }) => level === 'error' && message.includes('"stuck"'))).toBe(true);
  });

  it('counts its trust from before a renewal was sent, however long the answer took', async () => {
    const runner = openRunner(world.store, { me: 'runner-a', timing: { leaseMs: 300 } });
    const keeper = createKeeper(runner.cx, runner.parts.registry, () => undefined);
    await hold(runner, 'live');
    const held = world.proxy.add({ command: 'update', collection: 'call_attempts', fault: 'hold' });
    const running = keeper.run();
    await held.hit;
    await new Promise((resolve) => setTimeout(resolve, 45));
    held.release();
    let last = keeper.sinceTrustedMs();
    const fresher = (): boolean => {
      const before = last;
      last = keeper.sinceTrustedMs();
      return last < before;
    };
    await expect.poll(fresher, { interval: 2 }).toBe(true);
    expect(last).toBeGreaterThanOrEqual(44);
    runner.abandon();
    await running;
    world.proxy.clear();
  });

  it('trusts no renewal that did not arrive, and goes on trying', async () => {
    const runner = openRunner(world.store, { me: 'runner-a', timing: { leaseMs: LEASE_MS } });
    const keeper = createKeeper(runner.cx, runner.parts.registry, () => undefined);
    await hold(runner, 'live');
    const rule = world.proxy.add({ command: 'update', collection: 'call_attempts', fault: 'error', code: 91, times: 1_000 });
    const running = keeper.run();
    await expect.poll(() => rule.hits(), { interval: 5 }).toBeGreaterThan(1);
    const blind = keeper.sinceTrustedMs();
    expect(blind).toBeGreaterThan(LEASE_MS / 3);
    world.proxy.clear();
    await expect.poll(() => keeper.sinceTrustedMs(), { interval: 5 }).toBeLessThan(blind);
    runner.abandon();
    await running;
  });
});
