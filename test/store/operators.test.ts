import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountAdmin } from '../../src/store/account-admin.js';
import { createBatchAdmin } from '../../src/store/batch-admin.js';
import { createBatchJobs } from '../../src/store/batch-jobs.js';
import { createSuppressionAdmin } from '../../src/store/suppression-admin.js';
import { openStoreWorld, type StoreWorld } from './support.js';

let world: StoreWorld;
const ACT = { by: 'ana', reason: null };
beforeAll(async () => {
  world = await openStoreWorld();
  const { db } = world.database;
  const jobs = (batch: string, status: string, count: number): Document[] =>
    Array.from({ length: count }, (_, n) => ({ job_id: `${batch}-${status}-${String(n)}`, batch_id: batch, status, reserved_until: null }));
  await db
    .collection('jobs')
    .insertMany([
      ...jobs('b1', 'pending', 20),
      ...jobs('b1', 'done', 30),
      ...jobs('b1', 'in_progress', 3),
      ...jobs('other', 'pending', 500),
    ]);
  await db
    .collection('batches')
    .insertMany(
      Array.from({ length: 200 }, (_, n) => ({ batch_id: `b${String(n)}`, account_id: 'acc-1', is_active: true, call_settings: null })),
    );
  await db.collection('accounts').insertMany(Array.from({ length: 50 }, (_, n) => ({ account_id: `acc-${String(n)}`, credit_balance: 1 })));
  await db.collection('call_attempts').insertMany(
    Array.from({ length: 300 }, (_, n) => ({
      _id: `a${String(n)}`,
      batch: n < 10 ? 'b1' : 'other',
      at: new Date(),
      state: 'settled',
      open: n === 0,
      locks: [`l${String(n)}`],
      outcome: { class: 'busy', durationMs: 0 },
      cost: { micros: 5, ms: 0 },
    })) as unknown as Document[],
  );
  await db.collection('suppressions').insertMany(
    Array.from({ length: 300 }, (_, n) => ({
      line: `l${String(n)}`,
      person: null,
      account_id: null,
      batch_id: null,
      reason: 'x',
      expires_at: null,
    })),
  );
  await db.collection('transactions').insertMany(
    Array.from({ length: 300 }, (_, n) => ({
      transaction_id: `t${String(n)}`,
      account_id: `acc-${String(n % 50)}`,
      created_at: new Date(n),
    })),
  );
});
afterAll(() => world.close());

describe('P9: what operators ask costs as much as its answer, whatever else the collections hold', () => {
  it('counts by status from the keys of the batch alone', async () => {
    const store = createBatchJobs(world.store.connection);
    expect((await store.counts(['b1'])).get('b1')).toEqual({ pending: 20, done: 30, in_progress: 3 });
    const { keys, docs, indexes } = await world.cost('jobs', () => store.counts(['b1']));
    expect({ docs, indexes }).toEqual({ docs: 0, indexes: ['speechai_claim'] });
    expect(keys).toBeLessThanOrEqual(60);
  });

  it('reads what waits in a batch, and its calls, by index', async () => {
    const store = createBatchJobs(world.store.connection);
    const waiting = await world.cost('jobs', async () => {
      for await (const doc of store.waiting('b1', 1_000)) expect(doc['batch_id']).toBe('b1');
    });
    expect(waiting.docs).toBeLessThanOrEqual(23);
    const outcomes = await world.cost('call_attempts', () => store.outcomes('b1'));
    expect(outcomes).toMatchObject({ docs: 10, indexes: ['speechai_batch_at'] });
    expect(await store.outcomes('b1')).toEqual([{ class: 'busy', calls: 10, meanDurationMs: 0, meanCostMicros: 5 }]);
    expect(await store.openCalls('b1')).toBe(1);
    expect((await world.cost('call_attempts', () => store.openCalls('b1'))).docs).toBeLessThanOrEqual(10);
  });

  it('finds one batch, one account, its statement and a suppressed line by index', async () => {
    const { connection } = world.store;
    expect(await world.cost('batches', () => createBatchAdmin(connection).find('b7'))).toMatchObject({ docs: 1 });
    expect(await world.cost('accounts', () => createAccountAdmin(connection).find('acc-7'))).toMatchObject({ docs: 1 });
    const statement = await world.cost('transactions', async () => {
      for await (const line of createAccountAdmin(connection).statement('acc-7', null, null, 3)) expect(line.type).toBe('');
    });
    expect(statement).toMatchObject({ docs: 3, indexes: ['speechai_statement'] });
    const blocked = await world.cost('suppressions', async () => {
      for await (const entry of createSuppressionAdmin(connection).find({ lines: ['l7'] }, 10)) expect(entry.line).toBe('l7');
    });
    expect(blocked.docs).toBe(1);
  });
});

describe('what zero matches means', () => {
  it('acts on a batch or account that is gone change nothing and say so', async () => {
    const { connection } = world.store;
    const gone = { _id: 'gone', batch_id: 'gone' };
    const batches = createBatchAdmin(connection);
    expect(await batches.pause(gone, ACT, false)).toBe(0);
    expect(await batches.resume(gone, ACT)).toBe(0);
    expect(await batches.edit(gone, { root: { name: 'x' }, settings: {}, unset: [] })).toBe(0);
    expect(await batches.remove(gone)).toBe(0);
    expect(await createAccountAdmin(connection).topUp('gone', { id: 't', type: 'bonus', field: 'credit_balance', amount: 1 })).toEqual({
      kind: 'gone',
    });
    expect(await world.database.db.collection('batches').countDocuments({ batch_id: 'gone' })).toBe(0);
  });

  it('of two that create one batch at the same moment, one is told', async () => {
    const batches = createBatchAdmin(world.store.connection);
    const answers: string[] = [];
    for (let n = 0; n < 3; n += 1) answers.push(await batches.create({ batch_id: 'twice' }));
    expect(answers).toEqual(['created', 'exists', 'exists']);
  });

  it('an edit of nothing is no empty write', async () => {
    const batches = createBatchAdmin(world.store.connection);
    const doc = await batches.find('b3');
    if (doc === null) throw new Error('no batch');
    expect(await batches.edit(doc, { root: {}, settings: {}, unset: ['call_settings.timezone'] })).toBe(1);
    expect(await batches.edit(doc, { root: { queue: '$queue' }, settings: {}, unset: [] })).toBe(1);
    expect(await batches.find('b3')).toMatchObject({ queue: '$queue' });
  });
});
