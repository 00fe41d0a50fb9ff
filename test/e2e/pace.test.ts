/** P4: the pace of starts, before a provider that counts exactly. */

import { expect, it } from 'vitest';
import { withWorld } from '../support/world.js';

it('P4: at the provider’s own limit not one start is refused as one too many', { timeout: 60_000 }, () =>
  withWorld(
    'pace',
    { simulator: { cps: 10 }, env: { CALLS_PER_SECOND: '10', DIAL_WITHIN_MS: '3000', LEASE_SECONDS: '10', WORKER_COUNT: '20' } },
    async (world) => {
      await world.account();
      await world.batch();
      await world.jobs(Array.from({ length: 40 }, () => ({ patterns: ['900'] })));
      await world.daemon();
      await world.quiet();
      expect(world.dials()).toHaveLength(40);
      expect(world.simulator.figures().refusals).toEqual({});
    },
  ),
);
