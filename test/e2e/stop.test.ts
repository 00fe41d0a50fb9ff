/** SIGTERM: within its grace and two seconds, whatever is silent, and without costing an attempt (P6). */

import { describe, expect, it } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.js';
import { withWorld } from '../support/world.js';
import type { World } from '../support/world.js';

const GRACE_MS = 1_000;
/** Beyond the grace: hand-over, and the end of a process of which 500 calls are live. */
const HAND_OVER_MS = 2_000;

const live = async (world: World, calls: number): Promise<void> => {
  await world.account();
  await world.batch();
  await world.jobs(Array.from({ length: calls }, () => ({})));
};

/** Time stands still: every call rings until a test lets it go on. The lease is so long that only a hand-over passes a call on in time. */
const RINGING = {
  simulator: { speed: 0 },
  env: { SHUTDOWN_GRACE_SECONDS: '1', LEASE_SECONDS: '60', DIAL_WITHIN_MS: '5000', CALL_POLLING_INTERVAL: '1', WORKER_COUNT: '600' },
};

describe('P6: a daemon is asked to stop', () => {
  it('ends at once when nothing is live', { timeout: 30_000 }, () =>
    withWorld('stop 0', {}, async (world) => {
      await live(world, 0);
      const daemon = await world.daemon({ env: { SHUTDOWN_GRACE_SECONDS: '20' } });
      await daemon.ready;
      const asked = performance.now();
      expect((await daemon.stop()).code).toBe(0);
      expect(performance.now() - asked).toBeLessThan(1_500);
    }),
  );

  it('lets a call end that ends within the grace', { timeout: 30_000 }, () =>
    withWorld('stop drains', { simulator: { speed: 0 } }, async (world) => {
      await live(world, 1);
      const daemon = await world.daemon({ env: { SHUTDOWN_GRACE_SECONDS: '20' } });
      await daemon.event('placed');
      const stopping = daemon.stop();
      world.simulator.setSpeed(400);
      expect((await stopping).code).toBe(0);
      const records = await world.records();
      expect(records.jobs[0]).toMatchObject({ status: 'done', attempts: 1 });
      expect(await world.books()).toEqual([]);
    }),
  );

  it.each([1, 500])(
    'hands %i live calls over in time; the next one follows the same calls, no attempt is burned',
    { timeout: 90_000 },
    (calls) =>
      withWorld(`stop ${calls}`, RINGING, async (world) => {
        await live(world, calls);
        const first = await world.daemon();
        await world.dialled(calls);
        const asked = performance.now();
        const { code, at } = await first.stop();
        expect(code).toBe(0);
        expect(at - asked).toBeLessThan(GRACE_MS + HAND_OVER_MS);
        const handed = await world.records();
        expect(handed.jobs.filter((job) => job['attempts'] !== 0 || job['status'] !== 'in_progress')).toEqual([]);

        const second = await world.daemon({ env: { WORKER_COUNT: '1' } });
        await second.ready;
        world.simulator.setSpeed(400);
        const { jobs } = await world.quiet(true, 50_000);
        expect((await second.stop()).code).toBe(0);
        expect(world.dials()).toHaveLength(calls);
        expect(jobs.filter((job) => job['status'] !== 'done' || job['attempts'] !== 1)).toEqual([]);
        expect(await world.books()).toEqual([]);
      }),
  );

  it('hands over at once on a second signal', { timeout: 30_000 }, () =>
    withWorld('stop twice', RINGING, async (world) => {
      await live(world, 3);
      const daemon = await world.daemon({ env: { SHUTDOWN_GRACE_SECONDS: '60' } });
      await world.dialled(3);
      daemon.signal('SIGTERM');
      await daemon.line((line) => line['msg'] === 'stopping', 'it stopped');
      const again = performance.now();
      const { code, at } = await daemon.stop();
      expect(code).toBe(0);
      expect(at - again).toBeLessThan(HAND_OVER_MS);
    }),
  );

  it.each(['is answered late', 'is never answered'])(
    'P6: gives back what it has not sent, whatever the hurry, also where the last look %s: no attempt is burned, and nothing is looked for',
    { timeout: 60_000 },
    (answer) =>
      withWorld(`stop before the call ${answer}`, { ...RINGING, env: { ...RINGING.env, STOP_MODE: 'handover' } }, async (world) => {
        await live(world, 3);
        const proxy = await startFaultProxy(world.mongoUri);
        try {
          // The last look before the call.
          const look = proxy.add({ command: 'aggregate', collection: 'jobs', fault: 'hold', times: 50 });
          const first = await world.daemon({ mongoUri: proxy.uri });
          await look.hit;
          const stopping = first.stop();
          await first.line((line) => line['msg'] === 'stopping', 'it stops');
          if (answer === 'is answered late') look.release();
          expect((await stopping).code).toBe(0);
        } finally {
          await proxy.close();
        }
        const sent = world.dials().length;
        expect(sent).toBeLessThan(3);
        const { attempts } = await world.records();
        expect(attempts.filter(({ state }) => state === 'placing' || state === 'unknown')).toEqual([]);
        await world.daemon();
        world.simulator.setSpeed(400);
        const { jobs } = await world.quiet(true, 20_000);
        expect(jobs.map((job) => [job['status'], job['attempts']])).toEqual([['done', 1], ['done', 1], ['done', 1]]); // prettier-ignore
        expect(world.dials()).toHaveLength(3);
        expect(await world.books()).toEqual([]);
      }),
  );

  it('keeps its budget while the database is silent; the calls are followed when their leases are over', { timeout: 60_000 }, () =>
    withWorld(
      'stop database silent',
      { ...RINGING, env: { ...RINGING.env, LEASE_SECONDS: '5', DIAL_WITHIN_MS: '2000' } },
      async (world) => {
        await live(world, 50);
        const proxy = await startFaultProxy(world.mongoUri);
        try {
          const first = await world.daemon({ mongoUri: proxy.uri });
          await world.dialled(50);
          proxy.add({ command: '*', fault: 'silent', times: Number.POSITIVE_INFINITY });
          const asked = performance.now();
          const { code, at } = await first.stop();
          expect(code).toBe(0);
          expect(at - asked).toBeLessThan(GRACE_MS + HAND_OVER_MS);
        } finally {
          await proxy.close();
        }
        await world.daemon();
        world.simulator.setSpeed(400);
        await world.quiet(true, 40_000);
        expect(world.dials()).toHaveLength(50);
        expect(await world.books()).toEqual([]);
      },
    ),
  );

  it('P6: keeps its budget while the database is silent before it is ready', { timeout: 60_000 }, () =>
    withWorld('stop while it starts', RINGING, async (world) => {
      await live(world, 1);
      const proxy = await startFaultProxy(world.mongoUri);
      try {
        // The first sign of life: connected, indexes seen, nothing adopted yet.
        const beat = proxy.add({ command: 'update', collection: 'runners', fault: 'silent', times: Number.POSITIVE_INFINITY });
        const daemon = await world.daemon({ mongoUri: proxy.uri });
        await beat.hit;
        const asked = performance.now();
        const { code, at } = await daemon.stop();
        expect(code).toBe(0);
        expect(at - asked).toBeLessThan(GRACE_MS + HAND_OVER_MS);
      } finally {
        await proxy.close();
      }
      expect(world.dials()).toEqual([]);
    }),
  );

  it('keeps its budget while the provider is silent', { timeout: 60_000 }, () =>
    withWorld('stop provider silent', RINGING, async (world) => {
      await live(world, 50);
      const first = await world.daemon();
      await world.dialled(50);
      const fault = world.simulator.addFault({ kind: 'slow', path: '*', delayMs: 600_000 });
      const asked = performance.now();
      const { code, at } = await first.stop();
      expect(code).toBe(0);
      expect(at - asked).toBeLessThan(GRACE_MS + HAND_OVER_MS);
      world.simulator.removeFault(fault.id);
      await world.daemon();
      world.simulator.setSpeed(400);
      await world.quiet(true, 40_000);
      expect(world.dials()).toHaveLength(50);
      expect(await world.books()).toEqual([]);
    }),
  );
});
