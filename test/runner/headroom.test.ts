/** What the workspace still takes, by the provider's own word where that is wanted. */

import { describe, expect, it } from 'vitest';
import { createHeadroom } from '../../src/runner/headroom.js';
import type { Retell } from '../../src/retell/client.js';
import { fakeClock } from '../retell/support.js';

type Reply = Awaited<ReturnType<Retell['concurrency']>>;

const open = (enabled: boolean, ...replies: readonly Reply[]) => {
  const clock = fakeClock();
  let asked = 0;
  const concurrency = (): Promise<Reply> => {
    asked += 1;
    return Promise.resolve(replies[Math.min(asked, replies.length) - 1] ?? { kind: 'unknown', message: 'no reply was prepared' });
  };
  const headroom = createHeadroom({ clock, retell: { concurrency }, noMoreClaims: new AbortController().signal }, enabled);
  return { clock, headroom, asked: () => asked };
};

const room = (free: number): Reply => ({ kind: 'headroom', free, limit: 20, current: 20 - free });

describe('headroom', () => {
  it('is not asked for where USE_PROVIDER_CONCURRENCY does not allow it', async () => {
    const { headroom, asked } = open(false, room(0));
    expect(await headroom.free()).toBe(Number.POSITIVE_INFINITY);
    expect(asked()).toBe(0);
  });

  it('is asked for every five seconds; between them what was used is taken off, and it is never less than none', async () => {
    const { clock, headroom, asked } = open(true, room(3), room(9));
    expect(await headroom.free()).toBe(3);
    headroom.used(2);
    expect(await headroom.free()).toBe(1);
    headroom.used(2);
    expect(await headroom.free()).toBe(0);
    // A claim that led to no call.
    headroom.used(-2);
    expect(await headroom.free()).toBe(1);
    await clock.advance(5_000);
    expect(await headroom.free()).toBe(1);
    expect(asked()).toBe(1);
    await clock.advance(1);
    expect(await headroom.free()).toBe(9);
    expect(asked()).toBe(2);
  });

  it('holds nothing up where the provider does not say', async () => {
    const { headroom } = open(true, { kind: 'unknown', message: '404' });
    expect(await headroom.free()).toBe(Number.POSITIVE_INFINITY);
  });
});
