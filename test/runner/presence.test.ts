/** What others hear of a daemon: that it does not dial, at once and with the reason; that it cannot reach its database, once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BreakerView } from '../../src/retell/breaker.js';
import { createBucket } from '../../src/retell/bucket.js';
import type { Context } from '../../src/runner/context.js';
import { createSends } from '../../src/runner/sends.js';
import { createPresence, type Presence } from '../../src/runner/presence.js';
import type { Store } from '../../src/store/store.js';
import { openStoreWorld, type StoreWorld } from '../store/support.js';
import { openRunner, type Runner } from './support.js';

describe('the presence of a daemon', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(async () => void (await world.database.db.collection('runners').deleteMany({})));
  afterAll(() => world.close());

  const presenceOf = (
    { cx }: Runner,
    indexesStand = true,
    away: () => string | null = () => null,
    askAgain = () => Promise.resolve(),
  ): Presence =>
    createPresence(cx, {
      version: '1',
      workers: 1,
      fingerprint: 'f',
      callsPerSecond: 1,
      liveCalls: () => 0,
      pace: createBucket({ perSecond: 1, burst: 1, clock: cx.clock }),
      sends: createSends(cx.clock),
      away,
      askAgain,
      indexesStand: () => Promise.resolve(indexesStand),
    });
  const told = async (): Promise<unknown> => (await world.store.runners.list())[0]?.standstill;

  it('tells at once, long before its next sign of life, that the provider refuses the account, and that it does no more', async () => {
    let view: BreakerView = { state: 'closed', reason: null, kind: null, since: null };
    const runner = openRunner(world.store, { timing: { leaseMs: 3_600_000 }, patience: 0.02 });
    const breaker = { ...runner.cx.breaker, state: () => view.state, view: () => view };
    const presence = presenceOf({ ...runner, cx: { ...runner.cx, breaker } });
    await presence.beat('running');
    expect(await told()).toBeNull();
    const running = presence.run();
    view = { state: 'open', reason: 'http_402', kind: 'payment', since: new Date() };
    await expect.poll(told).toMatchObject({ code: 'PROVIDER_REFUSES', text: expect.stringContaining('http_402') as string, remedy: expect.stringMatching(/^pay/) as string }); // prettier-ignore
    view = { ...view, state: 'closed', reason: null, kind: null };
    await expect.poll(told).toBeNull();
    runner.abandon();
    await running;
  });

  it('tells that the provider cannot be reached, as long as it cannot', async () => {
    const runner = openRunner(world.store, { timing: { leaseMs: 3_600 }, patience: 0.02 });
    let away: string | null = 'connect ECONNREFUSED';
    // With every sign of life: with nothing due no create tells that it is back.
    const presence = presenceOf(
      runner,
      true,
      () => away,
      () => Promise.resolve(void (away = null)),
    );
    await presence.beat('running');
    expect(await told()).toMatchObject({ code: 'PROVIDER_AWAY', text: 'the provider cannot be reached (connect ECONNREFUSED)' });
    const running = presence.run();
    await expect.poll(told).toBeNull();
    runner.abandon();
    await running;
  });

  it('P9: a database that refuses at once is not asked at once again, whatever there is to tell', async () => {
    let [asked, view]: [number, BreakerView] = [0, { state: 'closed', reason: null, kind: null, since: null }];
    const sync = (): Promise<never> => {
      asked += 1;
      return Promise.reject(new Error('Authentication failed'));
    };
    const runner = openRunner({ ...world.store, time: { ...world.store.time, sync } }, { timing: { leaseMs: 3_600_000 } });
    const breaker = { ...runner.cx.breaker, state: () => view.state, view: () => view };
    const presence = presenceOf({ ...runner, cx: { ...runner.cx, breaker } });
    await presence.beat('running');
    const running = presence.run();
    view = { state: 'open', reason: 'http_402', kind: 'payment', since: new Date() };
    await expect.poll(() => asked).toBeGreaterThan(0);
    await runner.cx.clock.sleep(300);
    expect(asked).toBe(1);
    runner.abandon();
    await running;
  });

  it('a database that is away for longer than a lease is told once, and once that it is back', async () => {
    let away = true;
    let tried = 0;
    const beat: Store['runners']['beat'] = (presence) => {
      tried += 1;
      return away ? Promise.reject(new Error('away')) : world.store.runners.beat(presence);
    };
    const store: Store = { ...world.store, runners: { ...world.store.runners, beat } };
    const runner = openRunner(store, { timing: { leaseMs: 60 } });
    const alerts: { readonly code: string; readonly fields: unknown }[] = [];
    const alert: Context['alert'] = (code, _message, fields) => void alerts.push({ code, fields });
    const running = presenceOf({ ...runner, cx: { ...runner.cx, alert } }).run();
    await expect.poll(() => alerts.map(({ code }) => code)).toEqual(['DATABASE_AWAY']);
    expect(alerts[0]?.fields).toMatchObject({
      cause: expect.stringContaining('no answer for') as string,
      remedy: expect.any(String) as string,
    });
    const beats = tried;
    await expect.poll(() => tried, { interval: 5, timeout: 10_000 }).toBeGreaterThan(beats + 3);
    expect(alerts).toHaveLength(1);
    away = false;
    await expect.poll(() => alerts.map(({ code }) => code)).toEqual(['DATABASE_AWAY', 'DATABASE_BACK']);
    runner.abandon();
    await running;
  });
});
