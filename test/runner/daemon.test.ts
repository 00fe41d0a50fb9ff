/** P2: half a daemon is none. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDaemon } from '../../src/runner/daemon.js';
import { openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';

let world: StoreWorld;
beforeAll(async () => {
  world = await openStoreWorld();
});
afterAll(() => world.close());

it('a part that ends by a surprise is told, with its name and its error; the others can still be stopped', async () => {
  const { cx, said, abandon } = openRunner(world.store);
  const closing = new AbortController();
  const surprise = new Error('nobody expected this');
  const slowdown = {
    ...cx.slowdown,
    rateFactor: () => {
      throw surprise;
    },
  };
  const daemon = createDaemon(
    { ...cx, slowdown, noMoreClaims: closing.signal },
    {
      version: 'test', workers: 2, fingerprint: 'f', callsPerSecond: 1, retryShare: 0.5, graceMs: 10_000, handOverAtOnce: false,
      useProviderConcurrency: false, indexesStand: () => Promise.resolve(true),
    },
    { stopClaims: () => closing.abort(), abandon },
  ); // prettier-ignore
  await daemon.start();
  expect(await daemon.failed).toBe(surprise);
  expect(said).toContainEqual({ level: 'fatal', message: 'a part of the daemon ended' });
  daemon.handOverNow();
  await daemon.stop('failure');
  expect(said.at(-1)).toEqual({ level: 'info', message: 'stopped' });
});
