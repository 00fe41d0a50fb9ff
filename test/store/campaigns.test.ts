/** P4: what may be dialled, as the database has it: nothing is made up, nothing is left out. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreWorld } from './support.js';
import { inMs, openStoreWorld } from './support.js';

describe('campaigns', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
    const { db } = world.database;
    await db
      .collection('batches')
      .insertMany([
        { batch_id: 'on', is_active: true, call_settings: { allowed_hours: {} }, stats: { big: true } },
        { batch_id: 'off', is_active: false },
        { batch_id: 'odd', is_active: 'true' },
        { batch_id: 'none' },
      ]);
    await db.collection('accounts').insertMany([{ account_id: 'a' }, { account_id: 'b' }]);
  });
  afterAll(() => world.close());

  it('P4: only a batch whose is_active is true is read for the board, without what no rule needs', async () => {
    const found = await world.store.campaigns.activeBatches();
    expect(found.map((doc) => doc['batch_id'])).toEqual(['on']);
    expect(found[0]).toHaveProperty('call_settings');
    expect(found[0]).not.toHaveProperty('stats');
  });

  it('asks nothing for nobody', async () => {
    const commands = await world.sent('batches', () => world.store.campaigns.batches([]));
    expect(commands).toEqual([]);
    expect(await world.store.campaigns.accounts([])).toEqual([]);
    expect(await world.store.campaigns.suppressions([], [])).toEqual([]);
    expect((await world.store.campaigns.accounts(['b', 'c'])).map((doc) => doc['account_id'])).toEqual(['b']);
  });

  it('P4: a suppression is found by line or by person, and added once per attempt', async () => {
    const entry = {
      line: 'l1',
      person: 'p1',
      account: null,
      batch: null,
      reason: '$no_contact',
      expiresAt: inMs(1_000),
      evidence: 'call-1',
      attempt: 't1',
      masked: '+569…22',
    };
    await world.store.campaigns.suppress(entry);
    await world.rival.campaigns.suppress({ ...entry, reason: 'later' });
    const byLine = await world.store.campaigns.suppressions(['l1', 'l2'], []);
    expect(byLine).toEqual([{ line: 'l1', person: 'p1', account: null, batch: null, reason: '$no_contact', expiresAt: entry.expiresAt }]);
    expect(await world.store.campaigns.suppressions([], ['p1'])).toEqual(byLine);
    expect(await world.store.campaigns.suppressions(['l9'], ['p9'])).toEqual([]);
  });

  it('P7: a suppression of another program is read whatever it holds', async () => {
    await world.database.db
      .collection('suppressions')
      .insertOne({ line: 'odd', person: 7, reason: null, account_id: '', expires_at: 'soon' });
    expect(await world.store.campaigns.suppressions(['odd'], [])).toEqual([
      { line: 'odd', person: null, account: null, batch: null, reason: 'suppressed', expiresAt: null },
    ]);
  });
});
