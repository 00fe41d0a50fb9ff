/** What is written for others after a call: each of it once, however often it is written. */

import type { Document, ObjectId } from 'mongodb';
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
  first: new Date(1_700_000_000_000),
};
const FIRST = new Date(1_700_000_000_000);

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
    }, FIRST); // prettier-ignore
    await world.store.books.result('call-1', { duration_ms: 2, contact: { phone_used: '$y' } }, FIRST);
    await world.store.books.result('$call', {}, null);
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
    await world.store.books.result('call-2', { account_id: 'a', duration_ms: 1 }, FIRST);
    const [first] = (await all('call_results')).filter((doc) => doc['call_id'] === 'call-2');
    await world.store.books.result('call-2', { account_id: undefined, duration_ms: 2 }, FIRST);
    const [again] = (await all('call_results')).filter((doc) => doc['call_id'] === 'call-2');
    expect(again).toEqual({ ...first, duration_ms: 2 });
    expect(Math.abs(Number(again?.['created_at']) - world.store.time.now().getTime())).toBeLessThan(60_000);
  });

  it('have one result of a call that the old worker wrote of, under an _id of its own', async () => {
    await world.database.db.collection('call_results').insertOne({ call_id: 'call-3', duration_ms: 1, theirs: true });
    await world.store.books.result('call-3', { duration_ms: 2 }, null);
    const found = (await all('call_results')).filter((doc) => doc['call_id'] === 'call-3');
    expect(found).toEqual([expect.objectContaining({ duration_ms: 2, theirs: true })]);
  });

  it('have one of each when several write at the same moment, and an _id that tells the time of the call', async () => {
    const both = [world.store, world.rival];
    await Promise.all(
      both.flatMap(({ books }) => [books.result('call-4', { duration_ms: 4 }, FIRST), books.movement({ ...MOVEMENT, id: 'txn_4' })]),
    );
    for (const [name, key, id] of [
      ['call_results', 'call_id', 'call-4'],
      ['transactions', 'transaction_id', 'txn_4'],
    ] as const) {
      const found = (await all(name)).filter((doc) => doc[key] === id);
      expect(found).toHaveLength(1);
      expect(((found[0] ?? {})['_id'] as ObjectId).getTimestamp()).toEqual(FIRST);
    }
  });
});
