import { describe, expect, test } from 'vitest';
import { createBucket } from '../../src/retell/bucket.js';
import { delayOf } from '../../src/retell/retry.js';
import { createSlowdown } from '../../src/retell/slowdown.js';
import { fakeClock, POLICY, settled } from './support.js';

describe('bucket', () => {
  test('a burst, then one by one in the order of asking', async () => {
    const clock = fakeClock();
    const bucket = createBucket({ perSecond: 10, burst: 2, clock });
    const order: number[] = [];
    for (let i = 0; i < 4; i += 1) void bucket.take().then(() => order.push(i));
    await settled();
    expect(order).toEqual([0, 1]);
    await clock.advance(99);
    expect(order).toEqual([0, 1]);
    await clock.advance(1);
    expect(order).toEqual([0, 1, 2]);
    await clock.advance(100);
    expect(order).toEqual([0, 1, 2, 3]);
    expect(clock.sleeping()).toBe(0);
  });

  test('whoever gives up takes nothing, is answered at once, and leaves no timer', async () => {
    const clock = fakeClock();
    const bucket = createBucket({ perSecond: 1, burst: 1, clock });
    const stop = new AbortController();
    expect(await bucket.take()).toBe(true);
    const waiting = bucket.take(stop.signal);
    await settled();
    stop.abort();
    expect(await waiting).toBe(false);
    await settled();
    expect(clock.sleeping()).toBe(0);
    expect(await bucket.take(stop.signal)).toBe(false);
    await clock.advance(1_000);
    expect(await bucket.take()).toBe(true);
  });

  test('a change of rate reaches those who wait already', async () => {
    const clock = fakeClock();
    const bucket = createBucket({ perSecond: 0, burst: 1, clock });
    await bucket.take();
    let taken = false;
    void bucket.take().then(() => (taken = true));
    await clock.advance(50_000);
    expect(taken).toBe(false);
    bucket.setRate(10);
    await settled();
    await clock.advance(100);
    expect(taken).toBe(true);
  });

  test('a penalty stops everybody and is followed by no burst', async () => {
    const clock = fakeClock();
    const bucket = createBucket({ perSecond: 10, burst: 10, clock });
    bucket.penalise(5_000);
    bucket.penalise(1_000);
    bucket.setRate(20);
    bucket.setRate(10);
    let taken = 0;
    for (let i = 0; i < 5; i += 1) void bucket.take().then(() => (taken += 1));
    await clock.advance(4_999);
    expect(taken).toBe(0);
    await clock.advance(1);
    expect(taken).toBe(1);
    await clock.advance(100);
    expect(taken).toBe(2);
  });

  test('over any stretch no more than burst plus rate', async () => {
    const clock = fakeClock();
    const bucket = createBucket({ perSecond: 3, burst: 3, clock });
    let taken = 0;
    for (let i = 0; i < 100; i += 1) void bucket.take().then(() => (taken += 1));
    for (let i = 0; i < 100; i += 1) await clock.advance(100);
    expect(taken).toBeGreaterThanOrEqual(32);
    expect(taken).toBeLessThanOrEqual(33);
  });
});

describe('slow-down', () => {
  test('nothing wrong, nothing slowed', () => {
    expect(createSlowdown({ clock: fakeClock() }).rateFactor()).toBe(1);
  });

  test('stops for as long as it was asked to, then half the rate, then up again', async () => {
    const clock = fakeClock();
    const slowdown = createSlowdown({ clock, doubleEveryMs: 10_000 });
    slowdown.trouble(4_000);
    expect(slowdown.rateFactor()).toBe(0);
    expect(slowdown.pausedForMs()).toBe(4_000);
    await clock.advance(4_000);
    expect(slowdown.rateFactor()).toBe(0.5);
    await clock.advance(5_000);
    expect(slowdown.rateFactor()).toBeCloseTo(0.707, 2);
    await clock.advance(60_000);
    expect(slowdown.rateFactor()).toBe(1);
  });

  test('the refusals of one burst halve once, and never shorten the pause; later ones halve again, down to a floor', async () => {
    const clock = fakeClock();
    const slowdown = createSlowdown({ clock, pauseMs: 1_000 });
    slowdown.trouble(2_000);
    for (let i = 0; i < 20; i += 1) slowdown.trouble(null);
    expect(slowdown.pausedForMs()).toBe(2_000);
    await clock.advance(2_000);
    expect(slowdown.rateFactor()).toBe(0.5);
    slowdown.trouble(null);
    await clock.advance(1_000);
    expect(slowdown.rateFactor()).toBe(0.25);
    for (let i = 0; i < 20; i += 1) {
      slowdown.trouble(null);
      await clock.advance(1_000);
    }
    expect(slowdown.rateFactor()).toBe(1 / 64);
  });

  test('a provider that asks for a day gets minutes', () => {
    const slowdown = createSlowdown({ clock: fakeClock() });
    slowdown.trouble(86_400_000);
    expect(slowdown.pausedForMs()).toBe(600_000);
  });
});

test('delays grow to their limit, with jitter to both sides', () => {
  const delays = [1, 2, 3, 4, 9].map((tries) => delayOf({ ...POLICY, maxDelayMs: 500 }, tries, () => 0.9));
  expect(delays).toEqual([100, 200, 400, 500, 500]);
  expect(delayOf({ ...POLICY, jitter: 0.2 }, 1, () => 0)).toBe(80);
  expect(delayOf({ ...POLICY, jitter: 0.2 }, 1, () => 0.999)).toBe(120);
});
