/** What a daemon with nothing to do asks of the database, counted on the wire (P9). */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { withWorld } from '../support/world.js';

/** Money is looked at less often once nothing was worked on for ten seconds. */
const SETTLE_MS = 11_000;
const WATCH_MS = 12_000;
const MOST_PER_SECOND = 2;
/** The driver's own watch over the connection. */
const MONITOR = new Set(['hello', 'isMaster', 'ping', 'endSessions', 'buildInfo']);

it.concurrent.each([1, 2000])(
  'P9: an idle daemon with WORKER_COUNT %i asks at most two questions a second',
  { timeout: 90_000 },
  (workers) =>
    withWorld(`idle ${workers}`, { env: { LEASE_SECONDS: '120', CLAIM_POLL_SECONDS: '1', BATCH_REFRESH_SECONDS: '2' } }, async (world) => {
      await world.account();
      await world.batch();
      await world.batch({ batch_id: 'paused', is_active: false });
      await world.jobs(
        Array.from({ length: 50 }, (_, n) => ({
          fields: n % 2 === 0 ? { batch_id: 'paused' } : { reserved_until: new Date(Date.now() + 3_600_000) },
        })),
      );
      const proxy = await startFaultProxy(world.mongoUri);
      try {
        const daemon = await world.daemon({ mongoUri: proxy.uri, env: { WORKER_COUNT: String(workers) } });
        await daemon.ready;
        const idleFrom = performance.now();
        await eventually(() => performance.now() - idleFrom, (ms) => (ms >= SETTLE_MS ? null : 'it has hardly begun')); // prettier-ignore
        proxy.resetCounts();
        const from = performance.now();
        await eventually(() => performance.now() - from, (ms) => (ms >= WATCH_MS ? null : `${ms} ms`)); // prettier-ignore
        const counts = Object.entries(proxy.counts()).filter(([name]) => !MONITOR.has(name));
        const asked = counts.reduce((sum, [, count]) => sum + count, 0);
        // No less either: it would not be looking for work.
        expect(asked).toBeGreaterThan(5);
        expect(asked / (WATCH_MS / 1_000), JSON.stringify(counts)).toBeLessThanOrEqual(MOST_PER_SECOND);
        expect(world.dials()).toEqual([]);
        expect((await daemon.stop()).code).toBe(0);
      } finally {
        await proxy.close();
      }
    }),
);
