/** P9: what each question costs the server, as the server itself tells it, among tens of thousands of documents that are none of its business. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkIndexes, createIndexes, INDEXES, missingIndexes, requireIndexes } from '../../src/store/indexes.js';
import type { Cost, StoreWorld } from './support.js';
import { ANY_QUEUE, databaseOptions, inMs, intentFor, LEASE_MS, newId, openStoreWorld, question, stillHeld } from './support.js';
import { openStore } from '../../src/store/store.js';
import { createClock } from '../../src/telemetry/clock.js';
import { openTestDatabase } from '../support/mongo.js';

const WAITING = 50_000;
const DUE = 40;
const IN_PROGRESS = 60;
const EXPIRED = 5;
const OPEN_ATTEMPTS = 30;
const PAST_ATTEMPTS = 5_000;

const jobs = (count: number, of: (n: number) => Document): Document[] =>
  Array.from({ length: count }, (_, n) => ({ account_id: 'acc-1', batch_id: 'batch-1', status: 'pending', ...of(n) }));

const cheap = (cost: Cost, index: string, slack = 8): void => {
  expect(cost.indexes).toContain(index);
  expect(cost.stages).not.toContain('COLLSCAN');
  expect(cost.stages).not.toContain('SORT');
  expect(cost.keys).toBeLessThanOrEqual(2 * cost.returned + slack);
  expect(cost.docs).toBeLessThanOrEqual(2 * cost.returned + slack);
};

const fill = async ({ database, store }: StoreWorld): Promise<void> => {
  const { db } = database;
  await db
    .collection('jobs')
    .insertMany([
      ...jobs(WAITING / 2, (n) => ({ reserved_until: inMs(3_600_000 + n) })),
      ...jobs(WAITING / 4, () => ({ batch_id: 'batch-paused', account_id: 'acc-2' })),
      ...jobs(WAITING / 4, (n) => ({ status: n % 2 === 0 ? 'done' : 'failed', account_id: `acc-${n % 5}` })),
      ...jobs(DUE, () => ({})),
      ...jobs(DUE, (n) => ({ reserved_until: inMs(-60_000 - n) })),
      ...jobs(DUE, () => ({ status: 'scheduled', reserved_until: null })),
      ...jobs(IN_PROGRESS, (n) => ({ status: 'in_progress', lease_token: `live-${n}`, reserved_until: inMs(LEASE_MS) })),
      ...jobs(EXPIRED, (n) => ({ status: 'in_progress', lease_token: `expired-${n}`, reserved_until: inMs(-1_000) })),
      ...jobs(3, () => ({ batch_id: 'batch-orphan' })),
      ...jobs(4, (n) => ({ account_id: `broke-${n % 2}`, status: 'suspended', suspend_reason: 'no_credit' })),
      ...jobs(1_000, () => ({ account_id: 'acc-1', status: 'suspended', suspend_reason: 'operator' })),
    ]);
  await db
    .collection('batches')
    .insertMany([
      { batch_id: 'batch-1', account_id: 'acc-1', is_active: true },
      { batch_id: 'batch-paused', account_id: 'acc-2', is_active: false },
      ...Array.from({ length: 500 }, (_, n) => ({ batch_id: `old-${n}`, account_id: 'acc-2', is_active: false })),
    ]);
  await db.collection('accounts').insertMany(Array.from({ length: 500 }, (_, n) => ({ account_id: `acc-${n}`, plan_type: 'unlimited' })));
  await db
    .collection('suppressions')
    .insertMany(Array.from({ length: 3_000 }, (_, n) => ({ line: `other-${n}`, person: `somebody-${n}` })));
  await db.collection<{ _id: string }>('call_attempts').insertMany(
    Array.from({ length: PAST_ATTEMPTS }, (_, n) => ({
      ...intentFor(newId()),
      locks: [],
      state: 'settled',
      open: false,
      at: inMs(-n * 60_000),
      line: `line-${n % 1_000}`,
      person: n % 3 === 0 ? null : `person-${n % 1_000}`,
      batch: n % 2 === 0 ? 'batch-1' : 'batch-2',
      cost: { micros: 1_500_000, ms: 60_000, final: true },
    })),
  );
  for (let n = 0; n < OPEN_ATTEMPTS; n += 1) {
    await store.attempts.intend(
      intentFor(newId(), { job: `open-job-${n}`, runner: n < 5 ? 'dead' : 'runner-a' }),
      n < 5 ? -1_000 : LEASE_MS,
      1_000,
    );
  }
  await db.collection('call_attempts').updateMany({ state: 'settled' }, { $unset: { locks: '' } });
  const looked = await db.collection('call_attempts').find({ state: 'settled' }, { limit: 4 }).toArray();
  await db.collection('call_attempts').updateMany({ _id: { $in: looked.map((doc) => doc._id) } }, { $set: { look_at: inMs(-1_000) } });
};

describe.each([
  ['as SpeechAI writes them', false],
  ['with an array in one job of the batch where its due time belongs', true],
])('P9: among 50,000 waiting, paused and future jobs, %s,', (_, withArray) => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
    await fill(world);
    if (withArray)
      await world.database.db
        .collection('jobs')
        .insertOne({ batch_id: 'batch-1', status: 'pending', reserved_until: [inMs(-5_000), inMs(60_000)] });
  }, 60_000);
  afterAll(() => world.close());

  it.each(['new', 'retry', 'scheduled'] as const)('a claim (%s) reads one or two keys', async (kind) => {
    const cost = await world.cost('jobs', () => world.store.jobs.claim(question({ kind })));
    cheap(cost, 'speechai_claim', 4);
    expect(cost.returned).toBe(1);
  });

  it('a claim in a batch without anything due reads next to nothing', async () => {
    const { db } = world.database;
    await db.collection('jobs').insertMany(jobs(2_000, (n) => ({ batch_id: 'old-7', reserved_until: inMs(3_600_000 + n) })));
    for (const kind of ['new', 'retry', 'scheduled'] as const) {
      const cost = await world.cost('jobs', () => world.store.jobs.claim(question({ kind, batch: 'old-7' })));
      cheap(cost, 'speechai_claim', 4);
      expect(cost.returned).toBe(0);
    }
    await db.collection('jobs').deleteMany({ batch_id: 'old-7' });
  });

  it.each(['both', 'new', 'retry'] as const)('a claim of one queue (%s) passes over what is due in others', async (work) => {
    const { db } = world.database;
    await db
      .collection('jobs')
      .insertMany([
        ...jobs(3_000, (n) => ({ batch_id: 'batch-queues', queue: 'others', attempts: n % 4 })),
        ...jobs(3_000, (n) => ({ batch_id: 'batch-queues', queue: 'ours', attempts: n % 4, reserved_until: inMs(3_600_000) })),
        ...jobs(4, (n) => ({ batch_id: 'batch-queues', queue: n < 2 ? 'ours' : null, attempts: n % 2 })),
      ]);
    for (const queues of [['ours'], [null], ['ours', null, 'nobody']]) {
      const lane = { name: 'lane', queues, work };
      const cost = await world.cost('jobs', () => world.store.jobs.anyDue(['batch-queues'], new Date(), lane));
      cheap(cost, 'speechai_claim_queue', 8 * queues.length);
      cheap(
        await world.cost('jobs', () => world.store.jobs.claim(question({ batch: 'batch-queues', lane }))),
        'speechai_claim_queue',
        8 * queues.length,
      );
    }
    await db.collection('jobs').deleteMany({ batch_id: 'batch-queues' });
  });

  it('the peek over all batches reads a few keys for each, whatever waits in them', async () => {
    const batches = ['batch-1', ...Array.from({ length: 20 }, (_unused, n) => `old-${n}`), null];
    const due = await world.cost('jobs', () => world.store.jobs.anyDue(batches, new Date(), ANY_QUEUE));
    cheap(due, 'speechai_claim', 4 * batches.length);
    const idle = await world.cost('jobs', () => world.store.jobs.anyDue(batches.slice(1), new Date(), ANY_QUEUE));
    expect(idle.returned).toBe(0);
    cheap(idle, 'speechai_claim', 4 * batches.length);
  });

  it('an expired lease is found without reading the live ones', async () => {
    const cost = await world.cost('jobs', () => world.store.jobs.takeExpired(newId(), 'runner-a', LEASE_MS, new Date(), true));
    cheap(cost, 'speechai_rescue', 4);
    expect(cost.returned).toBe(1);
    cheap(
      await world.cost('jobs', () => world.store.jobs.takeExpired(newId(), 'runner-a', LEASE_MS, new Date(), false)),
      'speechai_rescue',
      4,
    );
  });

  it('a claim whose reply was lost is one key', async () => {
    const cost = await world.cost('jobs', () => world.store.jobs.byToken('live-7'));
    cheap(cost, 'speechai_token', 1);
    expect(cost.returned).toBe(1);
  });

  it('expired attempts, attempts to look at again and the one that protects a job are found by their own indexes', async () => {
    cheap(await world.cost('call_attempts', () => world.store.attempts.takeExpired('runner-b', LEASE_MS, new Date())), 'speechai_lease', 3);
    cheap(await world.cost('call_attempts', () => world.store.attempts.takeLook(new Date(), 60_000)), 'speechai_look', 3);
    const leased = await world.cost('call_attempts', () => world.store.attempts.leasedFor('open-job-9'));
    expect(leased).toMatchObject({ indexes: ['speechai_job_leased'], keys: 1, returned: 1 });
  });

  it('the open locks cost what is open, not what ever was', async () => {
    const cost = await world.cost('call_attempts', () => world.store.attempts.openLocks());
    expect(cost.indexes).toEqual(['speechai_locks']);
    expect(cost.docs).toBe(OPEN_ATTEMPTS);
    expect(cost.keys).toBeLessThanOrEqual(3 * OPEN_ATTEMPTS + 1);
    cheap(
      await world.cost('call_attempts', () => world.store.attempts.openOf({ batch: 'batch-1' })),
      'speechai_locks',
      2 * OPEN_ATTEMPTS + 1,
    );
  });

  it('earlier calls to a few lines and persons read those calls alone', async () => {
    const since = inMs(-9 * 86_400_000);
    const lines = await world.cost('call_attempts', () => world.store.attempts.history(['line-1', 'line-2'], [], since));
    expect(lines.returned).toBeGreaterThan(1);
    cheap(lines, 'speechai_line_at');
    const persons = await world.cost('call_attempts', () => world.store.attempts.history([], ['person-1', 'person-2', 'nobody'], since));
    expect(persons.returned).toBeGreaterThan(1);
    cheap(persons, 'speechai_person_at');
  });

  it("a job's story is read in the index's order", async () => {
    cheap(await world.cost('call_attempts', () => world.store.attempts.forJob('open-job-3')), 'speechai_job_story', 2);
  });

  it('what the board and the last look ask reads what it answers', async () => {
    const { campaigns } = world.store;
    cheap(await world.cost('batches', () => campaigns.activeBatches()), 'speechai_active_batches', 2);
    cheap(await world.cost('batches', () => campaigns.batches(['batch-1', 'old-3'])), 'speechai_batch_id', 3);
    cheap(await world.cost('accounts', () => campaigns.accounts(['acc-1', 'acc-9'])), 'speechai_account_id', 3);
    const suppressed = await world.cost('suppressions', () => campaigns.suppressions(['other-1', 'nobody'], ['somebody-7']));
    cheap(suppressed, 'speechai_suppressed_line', 6);
    expect(suppressed.indexes).toContain('speechai_suppressed_person');
  });

  it('the fence of many claims reads those claims', async () => {
    const held = await world.database.db
      .collection('jobs')
      .find({ status: 'in_progress', reserved_until: { $gt: new Date() } }, { limit: 10 })
      .toArray();
    const claims = held.map((doc) => ({ id: doc._id, token: String(doc['lease_token']) }));
    const cost = await world.cost('jobs', () => stillHeld(world.store, claims));
    expect(cost.returned).toBe(10);
    expect(cost.stages).not.toContain('COLLSCAN');
    expect(cost.keys).toBeLessThanOrEqual(22);
  });

  it('each part of the last look reads by its own index', async () => {
    const ask = {
      batches: ['batch-1'],
      accounts: ['acc-1'],
      lines: ['line-1', 'other-1'],
      persons: ['person-1'],
      since: inMs(-9 * 86_400_000),
    };
    const [command] = await world.sent('jobs', () => world.store.lastLook({ ...ask, claims: [] }));
    const parts = ((command ?? {})['pipeline'] as Document[]).flatMap((stage) =>
      '$unionWith' in stage ? [stage['$unionWith'] as Document] : [],
    );
    const indexes = [];
    for (const { coll, pipeline } of parts) {
      const cost = await world.explain({ aggregate: coll as string, pipeline: pipeline as Document[], cursor: {} });
      expect(cost.stages).not.toContain('COLLSCAN');
      expect(cost.docs).toBeLessThanOrEqual(cost.returned + 2);
      indexes.push(cost.indexes.toSorted().join());
    }
    expect(indexes).toEqual([
      // The third is of a collection that is not there yet, asked by _id.
      'speechai_batch_id', 'speechai_account_id', '', 'speechai_suppressed_line,speechai_suppressed_person', 'speechai_line_at', 'speechai_person_at',
    ]); // prettier-ignore
  });

  it('accounts that ran out of credit are found without reading all jobs', async () => {
    let found: string[] = [];
    const cost = await world.cost('jobs', async () => {
      found = await world.store.suspensions.accounts('no_credit');
    });
    expect(found.toSorted()).toEqual(['broke-0', 'broke-1']);
    expect(cost).toMatchObject({ indexes: ['speechai_account'], docs: 0 });
    expect(cost.keys).toBeLessThanOrEqual(30);
  });

  it('batches that do not exist are found by one key per batch', async () => {
    let found: string[] = [];
    const cost = await world.cost('jobs', async () => {
      found = await world.store.suspensions.orphanBatches();
    });
    expect(found).toEqual(['batch-orphan']);
    expect(cost.stages).toContain('DISTINCT_SCAN');
    expect(cost.keys).toBeLessThanOrEqual(10);
  });

  it('suspending and resuming reads the jobs it changes', async () => {
    const { suspensions } = world.store;
    const commands = await world.sent('jobs', async () => {
      await suspensions.suspend(['batch-paused'], 'no_credit', 'no credit');
      await suspensions.resume('acc-2', 'no_credit');
    });
    expect(commands.map((command) => command['updates'][0].hint)).toEqual(['speechai_claim', 'speechai_account']);
    // What was resumed is all there is to suspend; nothing is left to resume.
    const [suspend, resume] = commands;
    const again = await world.explain(resume);
    expect(again).toMatchObject({ indexes: ['speechai_account'], docs: 0 });
    expect(again.keys).toBeLessThanOrEqual(2);
    const first = await world.explain(suspend);
    expect(first.indexes).toEqual(['speechai_claim']);
    expect(first.docs).toBe(WAITING / 4);
  });

  const NOW_OR_NEVER = { now: new Date(), force: true, restMs: () => 1 };

  it('counting a batch again reads keys, no documents of jobs', async () => {
    const jobsCost = await world.cost('jobs', () => world.store.recount.batch('batch-1', NOW_OR_NEVER));
    expect(jobsCost.indexes).toEqual(['speechai_claim']);
    expect(jobsCost.docs).toBe(0);
    const sums = await world.cost('call_attempts', () => world.store.recount.batch('batch-1', NOW_OR_NEVER));
    expect(sums.indexes).toEqual(['speechai_batch_at']);
  });
});

describe('the indexes', () => {
  const ALL = { queues: true, callerCaps: true };
  const onEmpty = async (
    test: (store: Awaited<ReturnType<typeof openStore>>, db: Awaited<ReturnType<typeof openTestDatabase>>['db']) => Promise<void>,
  ): Promise<void> => {
    const database = await openTestDatabase();
    const store = await openStore(databaseOptions(database.uri, database.name), createClock());
    try {
      await test(store, database.db);
    } finally {
      await store.close();
      await database.drop();
    }
  };

  it('are missing at first, are made once, and are there afterwards', () =>
    onEmpty(async (store) => {
      expect(missingIndexes(await checkIndexes(store.connection, ALL)).length).toBeGreaterThan(8);
      expect(new Set((await createIndexes(store.connection, ALL)).map((one) => one.state))).toEqual(new Set(['created']));
      expect(new Set((await createIndexes(store.connection, ALL)).map((one) => one.state))).toEqual(new Set(['there']));
      const reports = await checkIndexes(store.connection, ALL);
      expect(reports.map((one) => one.state)).toEqual(INDEXES.map(() => 'there'));
      requireIndexes(reports);
    }));

  it('P1: without the unique locks nobody may dial', () =>
    onEmpty(async (store, db) => {
      await createIndexes(store.connection);
      await db.collection('call_attempts').dropIndex('speechai_locks');
      const reports = await checkIndexes(store.connection);
      expect(missingIndexes(reports).map((one) => one.name)).toEqual(['speechai_locks']);
      expect(() => requireIndexes(reports)).toThrow(/call_attempts\.speechai_locks/);
    }));

  it.each([
    ['not unique', { locks: 1 }, { partialFilterExpression: { open: true } }],
    ['over all attempts, closed ones too', { locks: 1 }, { unique: true }],
    ['over another field', { lock: 1 }, { unique: true, partialFilterExpression: { open: true } }],
  ] as const)('P1: an index of the right name that is %s does not pass for the locks', (_, keys, options) =>
    onEmpty(async (store, db) => {
      await db.collection('call_attempts').createIndex({ ...keys }, { ...options, name: 'speechai_locks' }, {});
      const made = await createIndexes(store.connection);
      expect(missingIndexes(made).map((one) => one.name)).toEqual(['speechai_locks']);
      expect(missingIndexes(await checkIndexes(store.connection)).map((one) => one.name)).toContain('speechai_locks');
    }),
  );

  it("live beside SpeechAI's own, a unique one on call_results.call_id too", () =>
    onEmpty(async (store, db) => {
      await db.collection('call_results').createIndex({ call_id: 1 }, { unique: true }, {});
      await db.collection('jobs').createIndex({ status: 1, reserved_until: 1, attempts: 1, created_at: 1 }, {}, {});
      requireIndexes(await createIndexes(store.connection));
      const left = await db.collection('call_results').indexes();
      expect(left.some((one) => one.unique === true)).toBe(true);
      await store.books.result('call-1', { duration_ms: 1 }, null);
      await store.books.result('call-1', { duration_ms: 2 }, new Date(0));
      expect(
        await db
          .collection('call_results')
          .find({}, { projection: { _id: 0, call_id: 1, duration_ms: 1 } })
          .toArray(),
      ).toEqual([{ call_id: 'call-1', duration_ms: 2 }]);
    }));
});
