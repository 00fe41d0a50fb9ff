/** P4: the pace, as a provider counts it. */

import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { createBucket } from '../../src/retell/bucket.js';
import { CLAIMS_SHARE, createSends } from '../../src/runner/sends.js';
import { fakeClock } from '../retell/support.js';

describe('starts', () => {
  test.prop([fc.constantFrom(0.4, 1, 2.5, 3, 16, 25), fc.array(fc.nat(400), { minLength: 30, maxLength: 60 })], { numRuns: 60 })(
    'are never more than the rate in any second, however unevenly they come, and nearly as many where there is a queue',
    async (perSecond, gaps) => {
      const clock = fakeClock();
      const sends = createSends(clock);
      sends.setRate(perSecond);
      const sentAt: number[] = [];
      const { signal } = new AbortController();
      const turns: Promise<unknown>[] = [];
      for (const gap of gaps) {
        turns.push(sends.turn(signal).then(() => sentAt.push(clock.mark().monoMs)));
        await clock.advance(perSecond > 5 ? Math.floor(gap / 50) : gap);
      }
      for (let n = 0; n < 1_000 && sentAt.length < gaps.length; n += 1) await clock.advance(200);
      await Promise.all(turns);
      const count = Math.max(1, Math.floor(perSecond));
      const windowMs = (count / perSecond) * 1000;
      for (const [n, at] of sentAt.entries()) expect((sentAt[n + count] ?? Infinity) - at).toBeGreaterThanOrEqual(windowMs);
    },
  );

  it.each([0.4, 1, 25])('at %d a second wait no longer in the end than in the beginning, however long there is work', async (perSecond) => {
    const clock = fakeClock();
    const [sends, pace] = [createSends(clock), createBucket({ perSecond: 1, burst: Math.ceil(perSecond / 10), clock })];
    sends.setRate(perSecond);
    pace.setRate(perSecond * CLAIMS_SHARE);
    const { signal } = new AbortController();
    const waits: number[] = [];
    const claims = async (): Promise<void> => {
      for (let n = 0; n < 250; n += 1) {
        await pace.take(signal);
        const since = clock.mark();
        void sends.turn(signal).then(() => waits.push(clock.elapsedMs(since)));
      }
    };
    void claims();
    for (let n = 0; n < 200_000 && waits.length < 250; n += 1) await clock.advance(5);
    expect(waits).toHaveLength(250);
    expect(Math.max(...waits.slice(-50))).toBeLessThan(250);
    // Not because there is no pace: one more at once than a window lets through is a window later.
    const count = Math.max(1, Math.floor(perSecond));
    const sentAt: number[] = [];
    for (let n = 0; n <= count; n += 1) void sends.turn(signal).then(() => sentAt.push(clock.mark().monoMs));
    for (let n = 0; n < 10_000 && sentAt.length <= count; n += 1) await clock.advance(5);
    expect((sentAt.at(-1) ?? 0) - (sentAt[0] ?? 0)).toBeGreaterThanOrEqual((count / perSecond) * 1_000);
  });

  it('wait no longer than the process goes on', async () => {
    const clock = fakeClock();
    const sends = createSends(clock);
    sends.setRate(0.01);
    const stopping = new AbortController();
    await sends.turn(stopping.signal);
    let over = false;
    const second = sends.turn(stopping.signal).then(() => (over = true));
    await clock.advance(50_000);
    expect(over).toBe(false);
    stopping.abort();
    await second;
  });
});
