/** P4: MAX_CALLS_PER_DAY counts the calls of all accounts and all processes together. */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { withWorld } from '../support/world.js';

const CAP = 7;

it('P4: three daemons and three accounts place no more calls a day than MAX_CALLS_PER_DAY; the rest waits for tomorrow', { timeout: 90_000 }, () =>
  withWorld('installation-cap', { simulator: { speed: 400 }, env: { MAX_CALLS_PER_DAY: String(CAP), BATCH_REFRESH_SECONDS: '0.2', CLAIM_POLL_SECONDS: '0.1' } }, async (world) => {
    for (const n of [1, 2, 3]) {
      await world.account({ account_id: `acc-${n}` });
      await world.batch({ batch_id: `batch-${n}`, account_id: `acc-${n}` });
      await world.jobs(Array.from({ length: 10 }, () => ({ patterns: ['901'], fields: { account_id: `acc-${n}`, batch_id: `batch-${n}` } })));
    }
    await Promise.all((await Promise.all([world.daemon(), world.daemon(), world.daemon()])).map(({ ready }) => ready));
    await world.dialled(CAP);
    await eventually(
      () => world.db.collection('batches').countDocuments({ blocked_reason: /installation had 7 of its 7 calls of the day/ }),
      (told) => (told === 3 ? null : `${told} of 3 batches say why they stand still`),
    );
    await world.quiet(false);
    expect(world.dials()).toHaveLength(CAP);
    expect(await world.db.collection('jobs').countDocuments({ status: 'pending' })).toBe(30 - CAP);
    expect(await world.db.collection('account_ledgers').findOne({ _id: '*' as never })).toMatchObject({ holds: {} });
  }),
); // prettier-ignore
