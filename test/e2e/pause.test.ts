/** A pause is certain DIAL_WITHIN_MS after it was written, in mid-stream and with several daemons (P4). */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { withWorld } from '../support/world.js';

const DIAL_WITHIN_MS = 400;

it('P4: after a pause is acknowledged and DIAL_WITHIN_MS have passed, no call of the batch is placed', { timeout: 90_000 }, () =>
  withWorld(
    'pause',
    { env: { BATCH_REFRESH_SECONDS: '3', DIAL_WITHIN_MS: String(DIAL_WITHIN_MS), CALLS_PER_SECOND: '40', WORKER_COUNT: '30' } },
    async (world) => {
      await world.account();
      await world.batch();
      await world.batch({ batch_id: 'batch-2' });
      const first = await world.jobs(Array.from({ length: 120 }, () => ({})));
      await world.jobs(Array.from({ length: 60 }, () => ({ fields: { batch_id: 'batch-2' } })));
      await Promise.all([world.daemon(), world.daemon()]);
      await world.dialled(30);

      await world.db
        .collection('batches')
        .updateOne({ batch_id: 'batch-1' }, { $set: { is_active: false } }, { writeConcern: { w: 1, journal: true } });
      const certain = Date.now() + DIAL_WITHIN_MS;
      // The other batch goes on to its end, so that the daemons had every chance.
      const others = (batch: unknown): boolean =>
        typeof batch === 'object' && batch !== null && 'batch_id' in batch && batch.batch_id === 'batch-2';
      await eventually(
        () => world.dials().filter((dial) => others(dial.metadata)).length,
        (dialled) => (dialled === 60 ? null : `${dialled} of 60 dialled`),
      );
      const late = world.dials().filter((dial) => !others(dial.metadata) && Date.parse(dial.at) > certain);
      expect(late).toEqual([]);
      await world.quiet(false);
      const waiting = (await world.records()).jobs.filter((job) => job['batch_id'] === 'batch-1' && job['status'] === 'pending');
      expect(waiting.length).toBeGreaterThan(20);
      expect(waiting.filter((job) => job['attempts'] !== 0)).toEqual([]);

      await world.db.collection('batches').updateOne({ batch_id: 'batch-1' }, { $set: { is_active: true } });
      await world.quiet();
      expect(world.dials()).toHaveLength(first.length + 60);
      expect(await world.books()).toEqual([]);
    },
  ),
);
