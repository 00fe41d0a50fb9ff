/** P9: what the board says is as fresh as it claims. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';

let world: StoreWorld;
beforeAll(async () => {
  world = await openStoreWorld();
});
afterAll(() => world.close());

it('what is found to be wrong while it is read is read again: it may have been read before it changed', async () => {
  let asked = 0;
  const begun: (() => void)[] = [];
  const activeBatches = async (): ReturnType<typeof world.store.campaigns.activeBatches> => {
    asked += 1;
    const found = await world.store.campaigns.activeBatches();
    await new Promise<void>((resolve) => begun.push(resolve));
    return found;
  };
  const { board } = openRunner(
    { ...world.store, campaigns: { ...world.store.campaigns, activeBatches } },
    { timing: { batchRefreshMs: 3_600_000 } },
  );
  const first = board.fresh();
  await expect.poll(() => begun.length, { interval: 5 }).toBe(1);
  await world.database.db.collection('batches').insertOne({ batch_id: 'late', account_id: 'acc-1', is_active: true });
  board.outdated();
  begun.shift()?.();
  await first;
  expect(board.batch('late', null)).toBe('missing');
  const second = board.fresh();
  await expect.poll(() => begun.length, { interval: 5 }).toBe(1);
  begun.shift()?.();
  await second;
  expect(board.batch('late', null)).toMatchObject({ id: 'late' });
  // And not once more for the same.
  await board.fresh();
  expect(asked).toBe(2);
});
