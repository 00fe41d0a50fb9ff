/** Counters of a batch are derived and then written: right again after anything. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreWorld } from './support.js';
import { intentFor, newId, openStoreWorld } from './support.js';

describe('the recount of a batch', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  it.each([
    ['as they are', []],
    ['with an array in one due time, which stands in the index twice', [{ status: 'pending', reserved_until: [new Date(0), new Date(1)] }]],
  ])('counts jobs %s once each, and what settled attempts cost', async (_, more) => {
    const { db } = world.database;
    const id = newId();
    const statuses = ['pending', 'pending', 'scheduled', 'in_progress', 'done', 'completed', 'failed', 'suspended', 'cancelled', 'foreign'];
    await db.collection('jobs').insertMany([...statuses.map((status) => ({ status })), ...more].map((one) => ({ ...one, batch_id: id })));
    await db.collection('jobs').insertOne({ batch_id: 'another', status: 'pending' });
    const cost = { micros: 1_250_000, ms: 90_000, final: true };
    await db
      .collection<Document & { _id: string }>('call_attempts')
      .insertMany([
        ...[1, 2].map(() => ({ ...intentFor(newId(), { batch: id, locks: [] }), state: 'settled', cost })),
        { ...intentFor(newId(), { batch: id, locks: [] }), state: 'void', cost },
        { ...intentFor(newId(), { batch: id, locks: [] }), state: 'live' },
      ]);
    await db.collection('batches').insertOne({ batch_id: id, pending_jobs: 99, total_cost: 'nonsense', note: 'kept' });
    await world.store.recount.batch(id);
    expect(await db.collection('batches').findOne({ batch_id: id })).toMatchObject({
      pending_jobs: 4 + more.length,
      completed_jobs: 2,
      failed_jobs: 1,
      suspended_jobs: 1,
      total_cost: 2.5,
      total_minutes: 3,
      note: 'kept',
    });
  });

  it('of a batch that is gone writes nothing', async () => {
    await world.store.recount.batch('gone');
    expect(await world.database.db.collection('batches').countDocuments({ batch_id: 'gone' })).toBe(0);
  });
});
