/** As many at once as get to their call in time. */

import { describe, expect, it } from 'vitest';
import { createCrowd, type Crowd } from '../../src/runner/crowd.js';
import { fakeClock, settled } from '../retell/support.js';

const WITHIN_MS = 2_000;

const open = () => {
  const clock = fakeClock();
  const crowd = createCrowd(clock, WITHIN_MS);
  const stop = new AbortController();
  return { clock, crowd, stop, room: () => crowd.room(stop.signal) };
};

/** All that may come in do, and each gets to its call after so long. Resolves with how many there were. */
async function round({ clock, crowd, room }: ReturnType<typeof open>, tookMs: number): Promise<number> {
  const count = await room();
  const since = clock.mark();
  const visits = Array.from({ length: count }, () => crowd.enter());
  await clock.advance(tookMs);
  for (const visit of visits) visit.arrived(since);
  return count;
}

describe('a crowd', () => {
  it('is let in by fewer where they come late, and by more again where they do not; some always', async () => {
    const it = open();
    const before = await round(it, 1_900);
    const after = await round(it, 1_900);
    // Those of one round are late for one reason: that is one cut.
    expect(after).toBe(before * 0.7);
    for (let n = 0; n < 30; n += 1) await round(it, 1_900);
    expect(await it.room()).toBe(8);
    for (let n = 0; n < 10; n += 1) await round(it, 100);
    const grown = await it.room();
    expect(grown).toBeGreaterThan(8);
    for (let n = 0; n < 200; n += 1) await round(it, 100);
    expect(await it.room()).toBe(before);
  });

  it('grows by leaps after a slow start where all come early, and carefully where they come late', async () => {
    const rounds = async (tookMs: number): Promise<number> => {
      const it = open();
      for (let n = 0; n < 40; n += 1) await round(it, 1_900);
      let count = 0;
      for (let n = 0; n < 10; n += 1) count = await round(it, tookMs);
      return count;
    };
    expect(await rounds(WITHIN_MS * 0.1)).toBeGreaterThan(40);
    expect(await rounds(WITHIN_MS * 0.5)).toBeLessThan(16);
  });

  it('lets nobody in alone after the others: what is left of a small place waits for the next round', async () => {
    const it = open();
    for (let n = 0; n < 15; n += 1) await round(it, 1_900);
    const count = await it.room();
    const visits = Array.from({ length: Math.ceil(count * 0.8) }, () => it.crowd.enter());
    let next: number | null = null;
    void it.room().then((more) => (next = more));
    await settled();
    expect(next).toBeNull();
    for (const visit of visits) visit.leave();
    await settled();
    expect(next).toBe(count);
  });

  it('does not grow while it is not used', async () => {
    const it = open();
    for (let n = 0; n < 40; n += 1) await round(it, 1_900);
    for (let n = 0; n < 1_000; n += 1) {
      const visit = it.crowd.enter();
      visit.arrived(it.clock.mark());
    }
    expect(await it.room()).toBe(8);
  });

  it('that was full once waits until almost all have gone, so that the next come together', async () => {
    const it = open();
    for (let n = 0; n < 15; n += 1) await round(it, 1_900);
    const count = await it.room();
    expect(count).toBeGreaterThanOrEqual(8);
    const visits = Array.from({ length: count }, () => it.crowd.enter());
    let next: number | null = null;
    void it.room().then((more) => (next = more));
    for (const visit of visits.slice(0, -1)) {
      await settled();
      expect(next).toBeNull();
      visit.leave();
      // However often it says so.
      visit.leave();
    }
    visits.at(-1)?.leave();
    await settled();
    expect(next).toBe(count);
  });

  it('does not wait for one who hangs there much longer than he has', async () => {
    const it = open();
    for (let n = 0; n < 40; n += 1) await round(it, 1_900);
    const visits = Array.from({ length: await it.room() }, () => it.crowd.enter());
    let next: number | null = null;
    void it.room().then((more) => (next = more));
    for (const visit of visits.slice(2)) visit.leave();
    await it.clock.advance(WITHIN_MS - 1);
    expect(next).toBeNull();
    await it.clock.advance(1);
    expect(next).toBe(visits.length - 2);
  });

  it('keeps nobody waiting who is to stop', async () => {
    const it = open();
    const visits: ReturnType<Crowd['enter']>[] = [];
    const free = await it.room();
    while (visits.length < free) visits.push(it.crowd.enter());
    const waiting = it.room();
    it.stop.abort();
    expect(await Promise.race([waiting, it.clock.advance(60_000).then(() => waiting)])).toBe(0);
  });
});
