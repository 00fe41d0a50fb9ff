/** What is written for others after a call: each of it once, however often it is written. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Movement } from '../../src/store/books.js';
import type { StoreWorld } from './support.js';
import { openStoreWorld } from './support.js';

const MOVEMENT: Movement = {
  id: 'txn_1',
  account: '$acme',
  type: 'call_usage',
  amount: -0.25,
  costCents: 25,
  description: '$description of a call',
  reference: '$batch',
};

describe('P5: the books for others', () => {
  let world: StoreWorld;
  const all = (name: string): Promise<Document[]> => world.database.db.collection(name).find({}).toArray();
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  it('have one movement per id, first written first dated, and texts as they are', async () => {
    await world.store.books.movement(MOVEMENT);
    const [first] = await all('transactions');
    await world.rival.books.movement({ ...MOVEMENT, costCents: 26 });
    const [only, ...others] = await all('transactions');
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      transaction_id: 'txn_1',
      account_id: '$acme',
      type: 'call_usage',
      amount: -0.25,
      cost: 26,
      description: '$description of a call',
      reference_id: '$batch',
      created_at: first?.['created_at'],
    });
    expect(first?.['created_at']).toBeInstanceOf(Date);
  });

  it('have one result per call, the latest, with values as they are', async () => {
    await world.store.books.result('call-1', {
      duration_ms: 1,
      call_data: { transcript: '$x', 'a.b': 1, $set: { $where: '$y' } },
      early: true,
    });
    await world.store.books.result('call-1', { duration_ms: 2, contact: { phone_used: '$y' } });
    await world.store.books.result('$call', {});
    const [one, two] = await all('call_results');
    expect(one).toMatchObject({
      call_id: 'call-1',
      duration_ms: 2,
      call_data: { transcript: '$x', 'a.b': 1, $set: { $where: '$y' } },
      early: true,
      contact: { phone_used: '$y' },
    });
    expect(two).toMatchObject({ call_id: '$call' });
    expect(await all('call_results')).toHaveLength(2);
  });

  it('keep what an earlier writing said and a later one leaves open', async () => {
    await world.store.books.result('call-2', { account_id: 'a', duration_ms: 1 });
    const [first] = (await all('call_results')).filter((doc) => doc['call_id'] === 'call-2');
    await world.store.books.result('call-2', { account_id: undefined, duration_ms: 2 });
    const [again] = (await all('call_results')).filter((doc) => doc['call_id'] === 'call-2');
    expect(again).toEqual({ ...first, duration_ms: 2 });
    expect(Math.abs(Number(again?.['created_at']) - world.store.time.now().getTime())).toBeLessThan(60_000);
  });
});
