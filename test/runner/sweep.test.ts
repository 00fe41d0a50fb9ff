/** P5: money that nobody's call holds any more comes back, money that a call may still need does not. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSweep } from '../../src/runner/sweep.js';
import { account, intentFor, newId, openStoreWorld, SETTLEMENT } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';

const HOLD = { micros: 300_000, ms: 60_000 };
const HOUR_MS = 3_600_000;
const idOf = (bornMs: number): string => bornMs.toString(16).padStart(12, '0') + newId().slice(12);

describe('a sweep', () => {
  let world: StoreWorld;
  const touched: (string | null)[][] = [];
  const hold = (id: string): Promise<unknown> => world.store.ledgers.hold(account(), id, HOLD, []);
  const sweep = async (): Promise<string[]> => {
    const { cx, board } = openRunner(world.store);
    await createSweep(cx, board, (...ids) => void touched.push(ids)).pass();
    return world.store.ledgers.holds('acc-1');
  };
  const intend = async (id: string): Promise<void> => {
    await world.store.attempts.intend(intentFor(id), 30_000, 3_000);
    await hold(id);
  };

  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(async () => {
    touched.length = 0;
    for (const name of ['call_attempts', 'account_ledgers']) await world.database.db.collection(name).deleteMany({});
  });
  afterAll(() => world.close());

  it('P9: asks for the holds of all accounts at once, and for nothing of those that have none', async () => {
    const idle = Array.from({ length: 50 }, (_, n) => ({
      _id: `idle-${n}` as never,
      used_micros: 0,
      held_micros: 0,
      holds: {},
      counts: {},
    }));
    await world.database.db.collection('account_ledgers').insertMany(idle);
    await hold(newId());
    const { cx, board } = openRunner(world.store);
    const pass = createSweep(cx, board, () => undefined);
    await board.fresh();
    expect(await world.sent('account_ledgers', () => pass.pass())).toHaveLength(1);
    expect(
      (await world.sent('jobs', () => pass.pass())).filter((command) => 'distinct' in command && command['key'] === 'batch_id'),
    ).toEqual([]);
  });

  it('P2: what the database refuses for one account keeps no other from going on', async () => {
    const { db } = world.database;
    const of = (id: string, more: object): object => ({
      account_id: id,
      plan_type: 'credit_based',
      status: 'active',
      country: 'CL',
      ...more,
    });
    await db.collection('accounts').insertMany([of('broke', { credit_balance: 0 }), of('paid', { credit_balance: 50 })]);
    await db.collection('batches').insertMany(['broke', 'paid'].map((id) => ({ batch_id: id, account_id: id, is_active: true })));
    await db.collection('jobs').insertMany([
      { account_id: 'broke', batch_id: 'broke', status: 'pending' },
      { account_id: 'paid', batch_id: 'paid', status: 'suspended', suspend_reason: 'no_credit' },
    ]);
    const suspend = (): Promise<number> => Promise.reject(new Error('Resulting document is too large'));
    const { cx, board, said } = openRunner({ ...world.store, suspensions: { ...world.store.suspensions, suspend } });
    await createSweep(cx, board, () => undefined).pass();
    expect(await db.collection('jobs').findOne({ account_id: 'paid' })).toMatchObject({ status: 'pending' });
    expect(await db.collection('batches').findOne({ batch_id: 'broke' })).toHaveProperty('blocked_reason');
    expect(said.filter(({ level }) => level === 'warn')).toHaveLength(1);
    for (const name of ['accounts', 'batches', 'jobs']) await db.collection(name).deleteMany({});
  });

  it('leaves the hold of a call that is under way, and one that is only just being made', async () => {
    const [live, fresh] = [newId(), newId()];
    await intend(live);
    await hold(fresh);
    expect((await sweep()).toSorted()).toEqual([fresh, live].toSorted());
    expect(touched).toEqual([]);
  });

  it.each(['', 'stray:'])('frees a hold of an hour ago that has no attempt (%s)', async (prefix) => {
    await hold(prefix + idOf(Date.now() - HOUR_MS - 60_000));
    expect(await sweep()).toEqual([]);
    expect(touched).toEqual([['acc-1', null]]);
  });

  it('frees the hold of a call that was never placed', async () => {
    const id = newId();
    await intend(id);
    await world.store.attempts.annul(id, 'why');
    expect(await sweep()).toEqual([id]);
    await world.store.attempts.finish(id, 'runner-a', null);
    expect(await sweep()).toEqual([]);
    expect(touched).toEqual([['acc-1', 'batch-1']]);
  });

  it('charges the hold of a call that is over, once its price is final', async () => {
    const [final, open] = [newId(), newId()];
    for (const [id, isFinal] of [[final, true], [open, false]] as const) {
      await world.store.attempts.intend(intentFor(id, { locks: [`job:${id}`] }), 30_000, 3_000);
      await hold(id);
      await world.store.attempts.settle(id, 'runner-a', { ...SETTLEMENT, cost: { micros: 250_000, ms: 30_000, final: isFinal } });
      await world.store.attempts.finish(id, 'runner-a', null);
    } // prettier-ignore
    expect(await sweep()).toEqual([open]);
    const [ledger] = (await world.store.ledgers.read(['acc-1'])).values();
    expect(ledger).toMatchObject({ usedMicros: 250_000, heldMicros: HOLD.micros });
  });
});
