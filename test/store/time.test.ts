/** P1, P4: one estimate of the database's time, and the knowledge of when it must not be trusted. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/ports.js';
import type { Connection } from '../../src/store/connection.js';
import { createDatabaseTime } from '../../src/store/time.js';
import type { StoreWorld } from './support.js';
import { openStoreWorld } from './support.js';

/** Two clocks that a test moves. */
const twoClocks = (wallMs: number): { clock: Clock; pass(monoMs: number, wallMs?: number): void } => {
  let at = { monoMs: 1_000, wallMs };
  const gone = (since: typeof at): readonly [number, number] => [at.monoMs - since.monoMs, at.wallMs - since.wallMs];
  return {
    clock: {
      now: () => new Date(at.wallMs),
      mark: () => at,
      elapsedMs: (since) => Math.max(...gone(since)),
      disagreementMs: (since) => Math.abs(gone(since)[0] - gone(since)[1]),
      sleep: () => Promise.resolve(),
    },
    pass: (mono, wall = mono) => {
      at = { monoMs: at.monoMs + mono, wallMs: at.wallMs + wall };
    },
  };
};

describe('the time of the database', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  it.each([0, 3_600_000, -86_400_000])('is told right by a machine whose clock is %i ms wrong', async (wrongMs) => {
    const { clock, pass } = twoClocks(Date.now() + wrongMs);
    const time = await createDatabaseTime(world.store.connection, clock);
    expect(Math.abs(time.now().getTime() - Date.now())).toBeLessThan(1_000);
    expect(Math.abs(time.skewMs() - wrongMs)).toBeLessThan(1_000);
    const before = time.now().getTime();
    pass(60_000);
    expect(time.now().getTime()).toBe(before + 60_000);
    expect(time.understood()).toBe(true);
  });

  it.each([
    ['the machine slept, and its monotonic clock with it', 0, 600_000, 600_000],
    ['the wall clock was set back', 5_000, -600_000, 5_000],
    ['the wall clock was set forward', 5_000, 600_000, 600_000],
  ])('P1: %s: time is never earlier than it may be, and not understood until it is read again', async (_, mono, wall, elapsed) => {
    const { clock, pass } = twoClocks(Date.now());
    const time = await createDatabaseTime(world.store.connection, clock);
    const before = time.now().getTime();
    pass(mono, wall);
    expect(time.now().getTime()).toBe(before + elapsed);
    expect(time.understood()).toBe(false);
    await time.sync();
    expect(time.understood()).toBe(true);
    expect(Math.abs(time.now().getTime() - Date.now())).toBeLessThan(1_000);
  });

  it('is asked of the server itself where hello does not tell it, and is no guess where nothing does', async () => {
    const { connection } = world.store;
    const answering = (documents: readonly object[]): Connection => ({
      ...connection,
      db: {
        admin: () => ({ command: () => Promise.resolve({ ok: 1 }) }),
        aggregate: () => ({ toArray: () => Promise.resolve(documents) }),
      } as never,
    });
    const { clock } = twoClocks(0);
    const told = new Date(1_700_000_000_000);
    expect((await createDatabaseTime(answering([{ now: told }]), clock)).now()).toEqual(told);
    await expect(createDatabaseTime(answering([]), clock)).rejects.toMatchObject({ code: 'DATABASE_TIME' });
    const [doc] = await connection.db.aggregate([{ $documents: [{}] }, { $project: { now: '$$NOW' } }]).toArray();
    expect(Math.abs(Number(doc?.['now']) - Date.now())).toBeLessThan(1_000);
  });

  it.each([
    ['as it is', 0, true],
    ['an hour behind', -3_600_000, false],
    ['an hour ahead', 3_600_000, false],
    ['half a second ahead', 500, true],
  ])("P1: a server's clock that is %s", async (_, offMs, fits) => {
    const { clock, pass } = twoClocks(Date.now());
    const time = await createDatabaseTime(world.store.connection, clock);
    const asked = time.now();
    pass(2_000);
    expect(time.fits(new Date(asked.getTime() + 1_000 + offMs), asked)).toBe(fits);
  });
});
