/** P2, P9: many jobs set aside and taken up again in one write, in the order they had. */

import { ObjectId, type Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoreWorld } from './support.js';
import { inMs, openStoreWorld, question } from './support.js';

describe('suspensions', () => {
  let world: StoreWorld;
  const jobs = (): Promise<Document[]> => world.database.db.collection('jobs').find({}).sort({ n: 1 }).toArray();
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(async () => {
    await world.database.db.collection('jobs').deleteMany({});
    await world.database.db.collection('batches').deleteMany({});
  });
  afterAll(() => world.close());

  it('P2: suspend and resume keep what is due when, and so the order of claims', async () => {
    const due = [inMs(-1_000), null, inMs(-9_000), inMs(3_600_000), 'text', inMs(-5_000)];
    await world.database.db
      .collection('jobs')
      .insertMany(due.map((at, n) => ({ n, batch_id: 'b', account_id: 'a', status: 'pending', reserved_until: at })));
    expect(await world.store.suspensions.suspend(['b', 'other'], 'no_credit', 'no credit left')).toBe(6);
    expect(await world.store.suspensions.suspend(['b'], 'no_credit', 'no credit left')).toBe(0);
    expect(new Set((await jobs()).map((doc) => `${doc['status']} ${doc['suspend_reason']} ${doc['last_error']}`))).toEqual(
      new Set(['suspended no_credit no credit left']),
    );
    expect(await world.store.jobs.claim(question({ batch: 'b' }))).toBeNull();
    expect(await world.store.suspensions.accounts('no_credit')).toEqual(['a']);
    expect(await world.store.suspensions.resume('a', 'no_credit')).toBe(6);
    expect((await jobs()).map((doc) => doc['reserved_until'])).toEqual(due);
    const order: unknown[] = [];
    for (let n = 0; n < 6; n += 1) order.push((await world.store.jobs.claim(question({ batch: 'b' })))?.['n']);
    expect(order).toEqual([1, 4, 2, 5, 0, undefined]);
  });

  it("leave alone what is in somebody's hands, finished, or suspended for another reason", async () => {
    const statuses = ['in_progress', 'done', 'failed', 'cancelled', 'suspended', 'foreign'];
    await world.database.db
      .collection('jobs')
      .insertMany(statuses.map((status, n) => ({ n, batch_id: 'b', account_id: 'a', status, suspend_reason: 'operator' })));
    expect(await world.store.suspensions.suspend(['b'], 'no_credit', 'why')).toBe(0);
    expect(await world.store.suspensions.resume('a', 'no_credit')).toBe(0);
    expect((await jobs()).map((doc) => doc['status'])).toEqual(statuses);
    expect(await world.store.suspensions.suspend([], 'no_credit', 'why')).toBe(0);
  });

  it('P4: a scheduled job comes back as pending, due when it was', async () => {
    const at = inMs(3_600_000);
    await world.database.db.collection('jobs').insertOne({ batch_id: 'b', account_id: 'a', status: 'scheduled', reserved_until: at });
    await world.store.suspensions.suspend(['b'], 'no_credit', 'why');
    await world.store.suspensions.resume('a', 'no_credit');
    expect(await jobs()).toMatchObject([{ status: 'pending', reserved_until: at }]);
    expect(await world.store.jobs.claim(question({ batch: 'b' }))).toBeNull();
  });

  it('P7: accounts whose id is no text are passed over', async () => {
    await world.database.db
      .collection('jobs')
      .insertMany(
        [7, null, undefined, ['x'], 'a', ''].map((account_id) => ({ account_id, status: 'suspended', suspend_reason: 'no_credit' })),
      );
    expect((await world.store.suspensions.accounts('no_credit')).filter((one) => one !== 'x')).toEqual(['a']);
  });

  it('P2, P7: batches that do not exist are named; jobs whose batch is named by no text are told so', async () => {
    const oid = new ObjectId();
    await world.database.db.collection('batches').insertMany([
      { batch_id: 'there', is_active: false },
      { batch_id: 7, is_active: true },
    ]);
    await world.database.db
      .collection('jobs')
      .insertMany(['there', 'gone', 7, oid, null, undefined].map((batch_id, n) => ({ n, batch_id, status: 'pending' })));
    expect(await world.store.suspensions.orphanBatches()).toEqual(['gone']);
    await world.store.suspensions.noteJobs('gone', '$text');
    const misnamed = (id: string, type: string): string =>
      `Its batch_id ${id} is stored as ${type} where batches have a text; it is not dialled.`;
    expect((await jobs()).map((doc) => doc['last_error'] as unknown)).toEqual([
      undefined,
      '$text',
      misnamed('7', 'number'),
      misnamed(oid.toHexString(), 'ObjectId'),
      undefined,
      undefined,
    ]);
  });

  it('a batch says why it stands still, and no longer when it does not', async () => {
    await world.database.db.collection('batches').insertOne({ batch_id: 'b' });
    await world.store.suspensions.note('b', '$closed');
    expect(await world.database.db.collection('batches').findOne({ batch_id: 'b' })).toMatchObject({ blocked_reason: '$closed' });
    await world.store.suspensions.note('b', null);
    expect(await world.database.db.collection('batches').findOne({ batch_id: 'b' })).not.toHaveProperty('blocked_reason');
  });
});
