/** Sleeps that are cut short, a million times over the life of a process. */

import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../src/telemetry/clock.js';

describe('a sleep', () => {
  const clock = createClock();

  it('ends by any of its signals, at once by one that was given before, and by itself', async () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const asleep = clock.sleep(60_000, one.signal, undefined, other.signal);
    other.abort();
    await asleep;
    await clock.sleep(60_000, one.signal, other.signal);
    await clock.sleep(1, one.signal);
  });

  it('leaves nothing behind on a signal that outlives it', async () => {
    const { signal } = new AbortController();
    for (let n = 0; n < 20; n += 1) {
      const waking = new AbortController();
      const asleep = clock.sleep(n % 2 === 0 ? 0 : 60_000, signal, waking.signal);
      waking.abort();
      await asleep;
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
