/** kill -9 at every step of the call protocol; another daemon goes on. The simulator's ledger is the witness. */

import { describe, expect, it } from 'vitest';
import { withWorld } from '../support/world.js';

const POINTS = [
  'before:claim', 'after:claim', 'before:decide', 'after:decide', 'before:intend', 'after:intend', 'before:hold', 'after:hold',
  'before:confirm', 'after:confirm', 'before:place', 'after:place', 'before:record', 'after:record', 'before:follow', 'after:follow',
  'before:settle', 'after:settle', 'before:charge', 'after:charge', 'before:job', 'after:job', 'before:finish', 'after:finish',
]; // prettier-ignore

/** A kill between intent and POST leaves an attempt that may have rung: it counts, and the job is dialled by a new one. */
const MAY_HAVE_RUNG: ReadonlySet<string> = new Set([
  'after:intend',
  'before:hold',
  'after:hold',
  'before:confirm',
  'after:confirm',
  'before:place',
]);

/** Three deaths one after the other, each at a step of another phase: who rescues dies as well. A job survives two owners that go down before its intent. */
const CHAIN_COUNT = 8;
const CHAINS = Array.from({ length: CHAIN_COUNT }, (_, chain) => POINTS.filter((_point, at) => at % CHAIN_COUNT === chain));

describe.concurrent('P1, P2, P5: daemons are killed one after the other', () => {
  it.each(CHAINS)(
    '%s, %s, %s, and the next one finishes every job with one call each, charged once',
    { timeout: 120_000 },
    async (...points) => {
      await withWorld(`kill ${points.join(' ')}`, {}, async (world) => {
        await world.account();
        // Each death may cost a job the attempt that was on its way: with three of them, and the usual three attempts, it could have none left.
        await world.batch({ call_settings: { max_attempts: 9 } });
        for (const point of points) {
          await world.jobs([{}, {}, {}]);
          const daemon = await world.daemon({ failPoint: `${point}:2` });
          expect(await daemon.ended, point).toMatchObject({ signal: 'SIGKILL' });
        }
        const last = await world.daemon();
        const { jobs, attempts } = await world.quiet();
        expect((await last.stop()).code).toBe(0);

        expect(await world.books()).toEqual([]);
        expect(jobs.map((job) => job['status'])).toEqual(jobs.map(() => 'done'));
        expect(world.dials()).toHaveLength(9);
        const lost = attempts.filter((attempt) => attempt['outcome']?.class === 'lost');
        // Others may stand between intent and POST when the process dies; the one at the fail point does so for certain.
        expect(lost.length).toBeGreaterThanOrEqual(points.filter((point) => MAY_HAVE_RUNG.has(point)).length);
      });
    },
  );
});
