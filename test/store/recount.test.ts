/** Counters of a batch are derived and then written: right again after anything. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Turn } from '../../src/store/recount.js';
import type { StoreWorld } from './support.js';
import { intentFor, newId, openStoreWorld } from './support.js';

describe('the recount of a batch', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());
  const turn = (more: Partial<Turn> = {}): Turn => ({ now: new Date(), force: false, restMs: () => 20, ...more });

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
    expect(await world.store.recount.batch(id, turn())).toBe(0);
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

  it('is made by one of several processes, and the others know when they may', async () => {
    const { db } = world.database;
    const id = newId();
    await db.collection('batches').insertOne({ batch_id: id });
    await db.collection('jobs').insertOne({ batch_id: id, status: 'pending' });
    const pending = async (): Promise<unknown> => (await db.collection('batches').findOne({ batch_id: id }))?.['pending_jobs'];
    const both = await Promise.all([world.store, world.rival].map((store) => store.recount.batch(id, turn({ restMs: () => 60_000 }))));
    expect(both.toSorted((a, b) => a - b)).toEqual([0, expect.closeTo(60_000, -4)]);
    expect(await pending()).toBe(1);
    await db.collection('jobs').insertOne({ batch_id: id, status: 'pending' });
    expect(await world.rival.recount.batch(id, turn())).toBeGreaterThan(50_000);
    expect(await pending()).toBe(1);
    // Who is about to end does not wait.
    expect(await world.rival.recount.batch(id, turn({ force: true }))).toBe(0);
    expect(await pending()).toBe(2);
    // That count was short, and so is the rest after it.
    await expect.poll(() => world.store.recount.batch(id, turn()), { interval: 5 }).toBe(0);
  });

  it.each([['soon'], [new Date(Date.now() + 1e10)], [7]])('is not kept from it by what others wrote: %s', async (until) => {
    const id = newId();
    await world.database.db.collection('batches').insertOne({ batch_id: id, recount_until: until });
    expect(await world.store.recount.batch(id, turn())).toBe(0);
    expect(await world.database.db.collection('batches').findOne({ batch_id: id })).toMatchObject({ pending_jobs: 0 });
  });

  it('began with its first call and ends with its last job, until there is more to do', async () => {
    const { db } = world.database;
    const id = newId();
    const dates = async (): Promise<unknown[]> => {
      await world.store.recount.batch(id, turn({ restMs: () => 0, force: true }));
      const doc = await db.collection('batches').findOne({ batch_id: id });
      return [doc?.['started_at'], doc?.['completed_at']];
    };
    await db.collection('batches').insertOne({ batch_id: id, is_active: true, started_at: null, completed_at: null });
    await db.collection('jobs').insertOne({ batch_id: id, status: 'pending' });
    expect(await dates()).toEqual([null, null]);
    const at = new Date(Date.now() - 60_000);
    const attempts = db.collection<Document & { _id: string }>('call_attempts');
    const cost = { micros: 1, ms: 1, final: true };
    await attempts.insertMany(
      [at, new Date()].map((when) => ({ ...intentFor(newId(), { batch: id, locks: [] }), at: when, state: 'settled', cost })),
    );
    expect(await dates()).toEqual([at, null]);
    await db.collection('jobs').updateOne({ batch_id: id }, { $set: { status: 'done' } });
    const [, ended] = await dates();
    expect(ended).toBeInstanceOf(Date);
    expect(await dates()).toEqual([at, ended]);
    await db.collection('jobs').insertOne({ batch_id: id, status: 'pending' });
    expect(await dates()).toEqual([at, null]);
    // Ended by hand: the date is of whoever ended it.
    await db.collection('batches').updateOne({ batch_id: id }, { $set: { is_active: false, completed_at: at } });
    expect(await dates()).toEqual([at, at]);
  });

  it('of a batch that is gone writes nothing', async () => {
    expect(await world.store.recount.batch('gone', turn())).toBe(0);
    expect(await world.database.db.collection('batches').countDocuments({ batch_id: 'gone' })).toBe(0);
  });
});
