/** P5: what others read of a batch is right again after any crash, and after any write that failed. */

import { describe, expect, it } from 'vitest';
import type { Board } from '../../src/runner/board.js';
import type { Context } from '../../src/runner/context.js';
import { createPictures } from '../../src/runner/pictures.js';
import { createClock } from '../../src/telemetry/clock.js';

const painted = (failures: number) => {
  const counted: string[] = [];
  const projected: string[] = [];
  let left = failures;
  const mayFail = (): Promise<void> => ((left -= 1) >= 0 ? Promise.reject(new Error('away')) : Promise.resolve());
  const abandon = new AbortController();
  const real = createClock();
  let aheadMs = 0;
  const cx = {
    store: {
      time: { now: () => new Date() },
      recount: { batch: (id: string) => mayFail().then(() => void counted.push(id)) },
      ledgers: { project: (id: string) => mayFail().then(() => void projected.push(id)) },
    },
    clock: {
      ...real,
      mark: () => ({ monoMs: real.mark().monoMs + aheadMs, wallMs: real.mark().wallMs + aheadMs }),
      elapsedMs: (since: { monoMs: number }) => real.mark().monoMs + aheadMs - since.monoMs,
      sleep: () => real.sleep(1),
    },
    log: { debug: () => undefined },
    policy: { defaultTimezone: 'UTC' },
    abandon: abandon.signal,
  };
  const board = {
    staleAccounts: () => [],
    account: () => 'missing',
    groups: () => [{ batch: { id: 'open' } }, { batch: { id: null } }],
    closed: () => [{ batch: { id: 'closed' } }],
  };
  const pictures = createPictures(cx as unknown as Context, board as unknown as Board);
  return { pictures, counted, projected, later: (ms: number) => (aheadMs += ms), end: () => abandon.abort() };
};

describe('pictures', () => {
  it('count every batch at the start, and again from time to time: who moved the last job may have died', async () => {
    const { pictures, counted, later, end } = painted(0);
    const running = pictures.run();
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['closed', 'open']);
    later(601_000);
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['closed', 'closed', 'open', 'open']);
    end();
    await running;
  });

  it('are painted again when it failed', async () => {
    const { pictures, counted, projected, end } = painted(3);
    pictures.touched('acc-1', 'b-1');
    pictures.touched(null, 'b-2');
    const running = pictures.run();
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['b-1', 'b-2', 'closed', 'open']);
    expect(projected).toEqual(['acc-1']);
    end();
    await running;
  });
});
