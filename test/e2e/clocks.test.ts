/** Clocks that are wrong and processes that were frozen: nothing is stolen, nothing is dialled twice (P1, P3). */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Daemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { withWorld } from '../support/world.js';

const HOUR_MS = 3_600_000;

const frozen = (daemon: Daemon): Promise<unknown> =>
  eventually(
    () => {
      const stat = readFileSync(`/proc/${daemon.pid}/stat`, 'latin1');
      return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    },
    (state) => (state === 'T' ? null : `the daemon is ${state}, not stopped`),
  );

describe.concurrent('P1, P3: clocks', () => {
  it(
    'one daemon an hour ahead and one an hour behind share the same jobs, and neither takes what the other holds',
    { timeout: 90_000 },
    () =>
      withWorld('clocks apart', { simulator: { speed: 60 }, env: { LEASE_SECONDS: '20', DIAL_WITHIN_MS: '5000' } }, async (world) => {
        await world.account();
        await world.batch();
        // Every third rings in vain first: waits count by the database's time as well.
        await world.jobs(Array.from({ length: 36 }, (_, n) => ({ patterns: n % 3 === 0 ? ['930', '900'] : ['900'] })));
        const ahead = await world.daemon({ env: { SPEECHAI_TEST_CLOCK_OFFSET_MS: String(HOUR_MS) } });
        const behind = await world.daemon({ env: { SPEECHAI_TEST_CLOCK_OFFSET_MS: String(-HOUR_MS) } });
        const { jobs } = await world.quiet(true, 50_000);

        expect(jobs.filter((job) => job['status'] !== 'done')).toEqual([]);
        expect(world.dials()).toHaveLength(48);
        expect(await world.books()).toEqual([]);
        for (const daemon of [ahead, behind]) {
          expect(daemon.lines().filter((line) => line['event'] === 'placed').length).toBeGreaterThan(0);
          expect(daemon.lines().filter((line) => ['adopted', 'rescued', 'stray'].includes(String(line['event'])))).toEqual([]);
          expect((await daemon.stop()).code).toBe(0);
        }
      }),
  );
});

describe.concurrent('P2, P4: a clock an hour wrong', () => {
  it.each([HOUR_MS, -HOUR_MS])('(%i ms) neither holds a retry back nor brings a job forward', { timeout: 90_000 }, (offsetMs) =>
    withWorld(`clock wrong ${offsetMs}`, { env: { SPEECHAI_TEST_CLOCK_OFFSET_MS: String(offsetMs) } }, async (world) => {
      await world.account();
      await world.batch();
      const [busy = '', later = ''] = await world.jobs([
        { patterns: ['930'] },
        { fields: { reserved_until: new Date(Date.now() + HOUR_MS / 2) } },
      ]);
      await world.daemon();
      await eventually(
        () => world.job(busy),
        (job) => (job['status'] === 'failed' ? null : `the job is ${job['status']} after ${job['attempts']} attempts`),
      );
      await world.quiet(false);
      expect(world.dials()).toHaveLength(3);
      expect(await world.job(later)).toMatchObject({ status: 'pending', attempts: 0 });
      expect(await world.books()).toEqual([]);
    }),
  );
});

describe.concurrent('P1, P3: a daemon is frozen for longer than its lease', () => {
  it.each(['before:intend', 'after:intend', 'before:place', 'after:place', 'before:settle', 'before:charge', 'before:job'])(
    '%s; another goes on, and the one that wakes up dials and charges nothing again',
    { timeout: 90_000 },
    (point) =>
      withWorld(`frozen ${point}`, {}, async (world) => {
        await world.account();
        await world.batch();
        await world.jobs([{}, {}]);
        const first = await world.daemon({ failPoint: `${point}:1:stop` });
        await frozen(first);
        await world.daemon();
        await world.quiet();
        const before = world.dials().length;

        first.signal('SIGCONT');
        // It takes part again: a job of its own shows that it has got over whatever it held in its hands.
        await world.jobs([{}, {}, {}, {}]);
        const { jobs } = await world.quiet();
        expect(before).toBe(2);
        expect(world.dials()).toHaveLength(6);
        expect((await first.stop()).code).toBe(0);
        expect(jobs.filter((job) => job['status'] !== 'done')).toEqual([]);
        expect(await world.books()).toEqual([]);
      }),
  );

  it(
    'before the POST for longer than DIAL_WITHIN_MS, within its lease: the call is dropped and the job goes back uncounted',
    { timeout: 90_000 },
    () =>
      withWorld('frozen shortly', { env: { LEASE_SECONDS: '30', DIAL_WITHIN_MS: '1500' } }, async (world) => {
        await world.account();
        await world.batch();
        const [id = ''] = await world.jobs([{}]);
        const daemon = await world.daemon({ failPoint: 'before:place:1:stop' });
        await frozen(daemon);
        const stoppedAt = performance.now();
        await eventually(() => performance.now() - stoppedAt, (ms) => (ms > 1_600 ? null : 'the time for the dial is not over')); // prettier-ignore
        daemon.signal('SIGCONT');
        await daemon.event('void');
        await world.quiet();
        expect((await world.job(id))['attempts']).toBe(1);
        expect(world.dials()).toHaveLength(1);
        expect((await world.records()).attempts.map((attempt) => attempt['state']).sort()).toEqual(['settled', 'void']);
        expect(await world.books()).toEqual([]);
      }),
  );

  it('with calls live: they are followed by another, and let go by the one that wakes up', { timeout: 90_000 }, () =>
    withWorld('frozen live', { simulator: { speed: 0 } }, async (world) => {
      await world.account();
      await world.batch();
      await world.jobs([{}, {}, {}]);
      const first = await world.daemon();
      await world.dialled(3);
      await eventually(world.records, ({ attempts }) =>
        attempts.filter((one) => one['state'] === 'live').length === 3 ? null : 'not all live',
      );
      first.signal('SIGSTOP');
      const second = await world.daemon();
      await second.line(
        (line) => second.lines().filter((one) => one['event'] === 'adopted').length === 3 && line['event'] === 'adopted',
        'it adopted all',
      );
      first.signal('SIGCONT');
      await first.line((line) => line['msg'] === 'another process follows this call now', 'it let go');
      world.simulator.setSpeed(400);
      await world.quiet();
      expect(world.dials()).toHaveLength(3);
      expect(first.lines().filter((line) => line['event'] === 'settled')).toEqual([]);
      expect(await world.books()).toEqual([]);
    }),
  );
});
