/** The fleet as the processes tell it, and old workers as the jobs betray them. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Presence } from '../../src/store/runners.js';
import type { StoreWorld } from './support.js';
import { inMs, openStoreWorld } from './support.js';

const PRESENCE: Presence = {
  id: 'r1',
  host: '$host',
  pid: 7,
  version: '1.0.0',
  workers: 3,
  queues: ['$queue'],
  fingerprint: 'f',
  dialWithinMs: 3_000,
  state: 'running',
  liveCalls: 2,
  breaker: 'closed',
  standstill: null,
};

describe('runners', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(async () => {
    await world.database.db.collection('runners').deleteMany({});
    await world.database.db.collection('jobs').deleteMany({});
  });
  afterAll(() => world.close());

  it('P9: one document per process, in its own words, dated by the database', async () => {
    await world.store.runners.beat({ ...PRESENCE, state: 'starting' });
    await world.store.runners.beat(PRESENCE);
    const [view, ...others] = await world.store.runners.list();
    expect(others).toEqual([]);
    expect(view).toMatchObject(PRESENCE);
    const standstill = { code: '$x', text: 'refused', remedy: 'pay' };
    await world.store.runners.beat({ ...PRESENCE, standstill });
    expect(await world.store.runners.list()).toMatchObject([{ standstill }]);
    expect(Number(view?.heartbeatAt)).toBeGreaterThanOrEqual(Number(view?.startedAt));
  });

  it('share the pace with those that gave a sign of life lately', async () => {
    for (const id of ['r1', 'r2', 'r3', 'r4']) await world.store.runners.beat({ ...PRESENCE, id });
    await world.store.runners.beat({ ...PRESENCE, id: 'r2', state: 'draining' });
    await world.store.runners.leave('r3');
    await world.database.db.collection('runners').updateOne({ _id: 'r4' as never }, { $set: { heartbeat_at: inMs(-60_000) } });
    expect(await world.store.runners.liveCount(30_000)).toBe(1);
    expect(await world.store.runners.liveCount(90_000)).toBe(2);
  });

  it('P4: tell how long the slowest of them may still place a call, a silent one included', async () => {
    expect(await world.store.runners.longestDialWithinMs()).toBe(0);
    for (const [id, dialWithinMs] of [
      ['r1', 2_000],
      ['slow', 9_000],
      ['gone', 20_000],
    ] as const)
      await world.store.runners.beat({ ...PRESENCE, id, dialWithinMs });
    await world.store.runners.leave('gone');
    await world.database.db.collection('runners').updateOne({ _id: 'slow' as never }, { $set: { heartbeat_at: inMs(-60_000) } });
    expect(await world.store.runners.longestDialWithinMs()).toBe(9_000);
  });

  it('are forgotten a week after their last sign', async () => {
    await world.store.runners.beat({ ...PRESENCE, id: 'old' });
    await world.database.db.collection('runners').updateOne({ _id: 'old' as never }, { $set: { heartbeat_at: inMs(-8 * 86_400_000) } });
    await world.store.runners.beat(PRESENCE);
    await world.store.runners.leave('r1');
    expect((await world.store.runners.list()).map(({ id, state, liveCalls }) => ({ id, state, liveCalls }))).toEqual([
      { id: 'r1', state: 'stopped', liveCalls: 0 },
    ]);
  });

  it.each([
    ['holds a live lease', { reserved_until: inMs(60_000) }, true],
    ['wrote since this process began', { reserved_until: inMs(-60_000), updated_at: inMs(0) }, true],
    ['left a dead lease behind long ago', { reserved_until: inMs(-60_000), updated_at: inMs(-3_600_000) }, false],
    ['left a text for a lease', { reserved_until: 'soon' }, false],
    ['holds a job that is ours now', { reserved_until: inMs(60_000), lease_token: 't' }, false],
    ['is none of theirs by name', { reserved_until: inMs(60_000), worker_id: 'robot-1' }, false],
    ['has finished', { reserved_until: inMs(60_000), status: 'done' }, false],
    [
      'claims a job out of hours every second, and gives it back',
      { reserved_until: inMs(60_000), status: 'pending', started_at: inMs(-1_000) },
      true,
    ],
    [
      'claimed and gave it back long ago',
      { reserved_until: null, status: 'pending', started_at: inMs(-3_600_000), updated_at: inMs(0) },
      false,
    ],
  ])('P1: an old worker that %s', async (_, fields, atWork) => {
    await world.database.db.collection('jobs').insertOne({ status: 'in_progress', worker_id: 'bot-3', ...fields });
    expect(await world.store.runners.oldWorkers(inMs(-30_000))).toEqual(atWork ? ['bot-3'] : []);
  });

  it('P9: an old worker is looked for among its own latest claims, however many jobs it ever had', async () => {
    const past = Array.from({ length: 200 }, (_, n) => ({ status: 'failed', worker_id: 'bot-1', started_at: inMs(-3_600_000 - n) }));
    await world.database.db.collection('jobs').insertMany(past);
    const [, second] = await world.sent('jobs', () => world.store.runners.oldWorkers(inMs(-30_000)));
    expect(await world.explain(second)).toMatchObject({ keys: 0, docs: 0, indexes: ['speechai_old_worker'] });
  });
});
