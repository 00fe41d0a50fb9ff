/** Patience in proportion to the server's slowness. */

import { describe, expect, it } from 'vitest';
import { createGathering } from '../../src/store/gathering.js';

const after = async (tookMs: number): Promise<number> => {
  let nowMs = 0;
  const gathering = createGathering(1, () => nowMs);
  await gathering.timed(Promise.resolve().then(() => (nowMs += tookMs)));
  return gathering.waitMs;
};

describe('the next group', () => {
  it.each([
    ['at once where nothing was sent yet or the last was answered at once', 0, 1],
    ['at once where it was quick, as a disk is', 25, 1],
    ['after a third of what the last took beyond that', 125, 30],
    ['never after more than a moment', 20_000, 60],
  ])('is sent %s', async (_, tookMs, waitMs) => {
    expect(await after(tookMs)).toBe(waitMs);
  });

  it('learns from a group that failed, too, and passes its error on', async () => {
    let nowMs = 0;
    const gathering = createGathering(1, () => nowMs);
    const failing = Promise.resolve().then(() => {
      nowMs += 75;
      throw new Error('reset');
    });
    await expect(gathering.timed(failing)).rejects.toThrow('reset');
    expect(gathering.waitMs).toBe(15);
    await gathering.timed(Promise.resolve());
    expect(gathering.waitMs).toBe(1);
  });
});
