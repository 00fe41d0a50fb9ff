import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { impliedBatch, readBatch } from '../../src/domain/read-batch.js';
import type { Routes } from '../../src/domain/routes.js';
import type { Group } from '../../src/runner/board.js';
import { createCallers } from '../../src/runner/callers.js';
import { batchesByLane, lanesOf } from '../../src/runner/lanes.js';
import { checkIndexes, createIndexes, requireIndexes } from '../../src/store/indexes.js';
import { JOB_INDEX } from '../../src/store/claims.js';
import { createJobs } from '../../src/store/jobs.js';
import { createWriter } from '../../src/store/writer.js';
import { openTestSession, type TestSession } from '../support/session.js';

const ROUTES: Routes = { defaultQueue: 'default', rules: [{ queue: 'retries', accounts: [], batches: [], useCases: [], work: 'retry' }] };
const NO_RULES: Routes = { defaultQueue: 'default', rules: [] };
const group = (more: Document = {}): Group => ({
  batch: readBatch({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, ...more }),
  account: null,
});

let world: TestSession;

beforeAll(async () => {
  world = await openTestSession({ WORKER_QUEUES: 'default', CALLER_MAX_CALLS_PER_HOUR: '2' });
});
afterAll(() => world.close());
beforeEach(async () => {
  for (const name of ['jobs', 'call_attempts']) await world.db.collection(name).deleteMany({});
  await createIndexes(world.session.store.connection, { queues: true, callerCaps: true });
});

const insert = (...docs: Document[]): Promise<unknown> =>
  world.db
    .collection('jobs')
    .insertMany(
      docs.map((doc, n) => ({ job_id: `j${n}`, batch_id: 'batch-1', account_id: 'acc-1', status: 'pending', attempts: 0, ...doc })),
    );

/** Everything a process with these queues can claim of the batch, in its order. */
const claimed = async (queues: readonly string[], routes: Routes, of: Group = group()): Promise<string[]> => {
  const { jobs, time } = world.session.store;
  const found: string[] = [];
  for (const lane of lanesOf(of, queues, routes)) {
    for (const kind of ['retry', 'new', 'scheduled'] as const) {
      for (let n = 0; n < 20; n += 1) {
        const doc = await jobs.claim({
          batch: of.batch.id,
          kind,
          lane,
          token: `t${found.length}-${n}`,
          worker: 'w',
          leaseMs: 60_000,
          bound: time.now(),
        });
        if (doc === null) break;
        found.push(String(doc['job_id']));
      }
    }
  }
  return found.toSorted();
};
const anyDue = async (queues: readonly string[], routes: Routes, groups: readonly Group[] = [group()]): Promise<boolean> => {
  const { jobs, time } = world.session.store;
  for (const { lane, batches } of batchesByLane(groups, queues, routes)) if (await jobs.anyDue(batches, time.now(), lane)) return true;
  return false;
};

describe('queues', () => {
  const past = new Date(0);
  beforeEach(() =>
    insert(
      { job_id: 'plain' },
      { job_id: 'blank', queue: '' },
      { job_id: 'null', queue: null },
      { job_id: 'named', queue: 'special' },
      { job_id: 'retry', attempts: 1, reserved_until: past },
      { job_id: 'rotated', attempts: 2, reserved_until: null },
      { job_id: 'waited', attempts: 0, reserved_until: past },
      { job_id: 'later', queue: 'special', reserved_until: new Date('2100-01-01') },
      { job_id: 'scheduled', status: 'scheduled', reserved_until: past },
      { job_id: 'odd', attempts: 'many' },
    ),
  );
  const UNNAMED = ['blank', 'null', 'odd', 'plain', 'retry', 'rotated', 'scheduled', 'waited'];

  test('none asked for means all', async () => {
    expect(await claimed([], ROUTES)).toEqual([...UNNAMED, 'named'].toSorted());
  });
  test('a job that names its queue is served there alone', async () => {
    expect(await claimed(['special'], NO_RULES)).toEqual(['named']);
    expect(await claimed(['default'], NO_RULES)).toEqual(UNNAMED);
  });
  test('a batch names the queue of its jobs that name none', async () => {
    expect(await claimed(['default'], NO_RULES, group({ queue: 'own' }))).toEqual([]);
    expect(await claimed(['own', 'special'], NO_RULES, group({ queue: 'own' }))).toEqual([...UNNAMED, 'named'].toSorted());
  });
  test('retries and new work part by their attempts, not by having waited', async () => {
    expect(await claimed(['retries'], ROUTES)).toEqual(['retry', 'rotated']);
    expect(await claimed(['default'], ROUTES)).toEqual(UNNAMED.filter((each) => each !== 'retry' && each !== 'rotated'));
  });
  test('together the queues serve every due job once', async () => {
    const all = [await claimed(['retries'], ROUTES), await claimed(['default'], ROUTES), await claimed(['special'], ROUTES)].flat();
    expect(all.toSorted()).toEqual([...UNNAMED, 'named'].toSorted());
  });
  test('the peek sees what a claim would find, and nothing else', async () => {
    expect(
      await Promise.all([
        anyDue(['special'], NO_RULES),
        anyDue(['default'], NO_RULES),
        anyDue(['other'], NO_RULES),
        anyDue(['retries'], ROUTES),
      ]),
    ).toEqual([true, true, false, true]);
    expect(await anyDue(['default'], NO_RULES, [{ batch: impliedBatch(null), account: null }])).toBe(false);
    await claimed(['special'], NO_RULES);
    expect(await anyDue(['special'], NO_RULES)).toBe(false);
  });
});

test('P9: a claim passes over thousands that are due in other queues, or are new where it serves retries, without reading them', async () => {
  await insert(
    ...Array.from({ length: 3_000 }, (_, n) => ({ job_id: `o${n}`, queue: 'other', reserved_until: new Date(0) })),
    ...Array.from({ length: 3_000 }, (_, n) => ({ job_id: `w${n}`, reserved_until: new Date(0) })),
    { job_id: 'retry', attempts: 1, reserved_until: new Date(0) },
    { job_id: 'mine', queue: 'special' },
  );
  const reads: number[] = [];
  const { connection, time } = world.session.store;
  const collection = connection.collection('jobs');
  /** What the store asks is asked again for the keys it reads. */
  const counting = async (filter: Document, { hint }: Document): Promise<null> => {
    const plan = await collection
      .find(filter, { hint: hint as string })
      .limit(1)
      .explain('executionStats');
    reads.push(Number(plan['executionStats'].totalKeysExamined));
    return null;
  };
  const watched: unknown = {
    findOne: counting,
    findOneAndUpdate: (filter: Document, _update: unknown, options: Document) => counting(filter, options),
  };
  const jobs = createJobs({ ...connection, collection: () => watched as typeof collection }, createWriter(connection));
  const bound = time.now();
  for (const queues of [['special'], ['retries'], ['nobody']]) {
    for (const { lane, batches } of batchesByLane([group()], queues, ROUTES)) {
      await jobs.anyDue(batches, bound, lane);
      for (const kind of ['retry', 'new', 'scheduled'] as const) {
        await jobs.claim({ batch: 'batch-1', kind, lane, token: 't', worker: 'w', leaseMs: 1, bound });
      }
    }
  }
  expect(reads).toHaveLength(16);
  expect(Math.max(...reads)).toBeLessThan(20);
});

test('only an installation with queues has their index, and without it nobody serves queues', async () => {
  const { connection } = world.session.store;
  await world.db.collection('jobs').dropIndex(JOB_INDEX.claimQueue);
  const plain = await createIndexes(connection);
  expect(plain.map(({ name }) => name)).not.toContain(JOB_INDEX.claimQueue);
  const withQueues = await checkIndexes(connection, { queues: true, callerCaps: false });
  expect(() => requireIndexes(withQueues)).toThrow(JOB_INDEX.claimQueue);
});

test('how caller numbers fared is read from the attempts: blocks that were settled, calls of the hour, and what was dialled since', async () => {
  const { store, policy } = world.session;
  const now = store.time.now().getTime();
  const attempt = (from: string, minutes: number, outcome: string | null): Document => ({
    from_number: from,
    at: new Date(now - minutes * 60_000),
    state: outcome === null ? 'live' : 'settled',
    ...(outcome === null ? {} : { outcome: { class: outcome }, settled_at: new Date(now - minutes * 60_000) }),
  });
  await world.db
    .collection('call_attempts')
    .insertMany([
      attempt('+1', 5, 'caller_id'),
      attempt('+1', 90, 'caller_id'),
      attempt('+1', 10, 'answered'),
      attempt('+1', 500, 'caller_id'),
      attempt('+2', 59, null),
      attempt('+2', 61, null),
      attempt('+3', 1, 'caller_id'),
    ]);
  const callers = createCallers({ store, policy });
  await callers.refresh(['+1', '+2', '+2']);
  const minutes = (dates: readonly Date[] = []): number[] => dates.map((date) => Math.abs(Math.round((now - date.getTime()) / 60_000)));
  const seen = (number: string): number[][] => [minutes(callers.uses().get(number)?.blocks), minutes(callers.uses().get(number)?.calls)];
  expect([seen('+1'), seen('+2'), seen('+3')]).toEqual([
    [
      [5, 90],
      [5, 10],
    ],
    [[], [59]],
    [[], []],
  ]);
  callers.note('+2');
  expect(seen('+2')).toEqual([[], [0, 59]]);
  await callers.refresh(['+2']);
  expect(seen('+2')).toEqual([[], [59]]);
});
