/** P4: calls that talk as long as they are let, at once and by several processes, cost no more than was bought. */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { withWorld } from '../support/world.js';

const BOUGHT_CENTS = 120;

/** One after another, so that each meets the account with little held by the others yet. */
it('P4: two daemons, people who talk for forty minutes and little money: never more is spent', { timeout: 90_000 }, () =>
  withWorld('long-talks', { simulator: { speed: 150 }, env: { WORKER_COUNT: '10', BATCH_REFRESH_SECONDS: '0.2', CLAIM_POLL_SECONDS: '0.1', CALLS_PER_SECOND: '4' } }, async (world) => {
    await world.account({ plan_type: 'credit_based', credit_balance: BOUGHT_CENTS / 100, max_concurrent_calls: 5 });
    await world.batch();
    await world.jobs(Array.from({ length: 15 }, () => ({ patterns: ['995'] })));
    await Promise.all((await Promise.all([world.daemon(), world.daemon()])).map(({ ready }) => ready));
    // Every job was called, or waits for money.
    await eventually(
      () => world.db.collection('jobs').countDocuments({ status: { $nin: ['done', 'failed', 'suspended'] } }),
      (left) => (left === 0 ? null : `${left} jobs are still open`),
      50_000,
    );
    await world.quiet(false);
    const cents = world.simulator.ledger().reduce((sum, entry) => sum + (entry.costCents ?? 0), 0);
    expect(world.dials().length).toBeGreaterThan(1);
    expect(cents).toBeGreaterThan(BOUGHT_CENTS * 0.6);
    expect(cents).toBeLessThanOrEqual(BOUGHT_CENTS);
    expect(await world.books()).toEqual([]);
  }),
); // prettier-ignore
