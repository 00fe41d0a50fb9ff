/** P3: an ordinary job is told about its call by operators, any other by stages that judge; both must say the same, whatever is stored. */

import { fc, test } from '@fast-check/vitest';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NextStep } from '../../src/domain/call.js';
import { createJobs, type Jobs } from '../../src/store/jobs.js';
import { createWriter, type Update, type Write, type Writer } from '../../src/store/writer.js';
import { inMs, LEASE_MS, newId, openStoreWorld, type StoreWorld } from './support.js';

const FUTURE = new Date(1_900_000_000_000);
const TOKEN = 'token-1';
const LEASED = inMs(LEASE_MS);
const NEXT: NextStep = {
  status: 'done',
  phoneIndex: 0,
  dueAt: null,
  countsAttempt: true,
  countsTransient: false,
  badLine: null,
  suspendReason: null,
  lastError: null,
  suppress: null,
  why: 'answered',
};

const number = fc.constantFrom<unknown>(0, 1, 2, -1, 2.5, Number.NaN, '2', null, undefined, [0], [], { n: 1 }, 3_000_000_000);
const flag = fc.constantFrom<unknown>(
  undefined,
  null,
  false,
  true,
  0,
  '',
  'false',
  { at: FUTURE, by: 'ana', reason: 'because' },
  [],
  [null],
);
const contact = fc.constantFrom<unknown>(
  { phones: ['1', '2'], next_phone_index: 1 },
  { phones: ['1', '2'] },
  {},
  [],
  [{ phones: ['1'] }],
  'Ana',
  null,
  undefined,
);
const stored = fc.record({
  status: fc.constantFrom('in_progress', 'in_progress', 'in_progress', 'cancelled', 'somebody_elses'),
  attempts: fc.oneof(fc.nat(5), number),
  contact: fc.oneof(fc.constant({ phones: ['1', '2'], next_phone_index: 1 }), contact),
  cancel_requested: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: flag }),
  suspend_requested: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: flag }),
  transient_calls: fc.oneof(fc.constant(0), fc.nat(3)),
  phone_index: fc.constantFrom(undefined, 1),
  suspend_reason: fc.constantFrom(undefined, 'old'),
  cancellation_reason: fc.constantFrom(undefined, null, 'old'),
  last_error: fc.constantFrom(undefined, 'old'),
  next_try_at: fc.constantFrom(undefined, FUTURE),
  rescues: fc.constantFrom(undefined, 2),
  foreign: fc.constantFrom(undefined, true),
});
const step = fc
  .record({
    status: fc.constantFrom<NextStep['status']>('pending', 'done', 'completed', 'failed', 'suspended', 'cancelled'),
    phoneIndex: fc.nat(1),
    dueAt: fc.constantFrom(null, FUTURE),
    countsAttempt: fc.boolean(),
    countsTransient: fc.constantFrom(false, false, true),
    badLine: fc.constantFrom(null, null, 'line'),
    suspendReason: fc.constantFrom(null, '$review'),
    lastError: fc.constantFrom(null, '$busy'),
  })
  .map((more): NextStep => ({ ...NEXT, ...more }));

describe('P3: a settled job', () => {
  let world: StoreWorld;
  let jobs: Jobs;
  let judging: Jobs;
  const operators: Write[] = [];
  const isOperators = (write: Write): write is Update => 'update' in write && !Array.isArray(write.update);

  beforeAll(async () => {
    world = await openStoreWorld({ socketTimeoutMs: 20_000 });
    const writer = createWriter(world.rival.connection);
    const through = (allow: boolean): Writer => ({
      write: async (write) => {
        if (!isOperators(write)) return writer.write(write);
        if (!allow) return { matched: 0, upserted: false };
        const told = await writer.write(write);
        if (told.matched > 0) operators.push(write);
        return told;
      },
    });
    jobs = createJobs(world.rival.connection, through(true));
    judging = createJobs(world.rival.connection, through(false));
  });
  afterAll(() => world.close());

  const collection = () => world.database.db.collection<Document & { _id: string }>('jobs');
  async function settled(by: Jobs, doc: Document, next: NextStep, fields: Document, result: Document): Promise<Document | null> {
    const _id = newId();
    await collection().insertOne({ lease_token: TOKEN, worker_id: 'a', reserved_until: LEASED, ...doc, _id }, { ignoreUndefined: true });
    expect((await by.settle(_id, TOKEN, next, fields, result)).matched).toBe(1);
    const found = await collection().findOneAndDelete({ _id });
    if (found === null) return null;
    const { _id: _, updated_at: at, ...rest } = found;
    expect(at).toBeInstanceOf(Date);
    return rest;
  }

  test.prop([stored, step], { numRuns: 300 })('is the same whichever way it was told', async (doc, next) => {
    const fields = { last_error: next.lastError, next_try_at: next.dueAt, is_calling: false, amount: '$attempts' };
    const result = { call_id: 'c', details: { transcript: '$$NOW', a: undefined } };
    const [one, other] = await Promise.all([settled(jobs, doc, next, fields, result), settled(judging, doc, next, fields, result)]);
    expect(one).toEqual(other);
  });

  it('is told by operators when nothing has to be judged, and by them alone', async () => {
    operators.length = 0;
    const ordinary = { status: 'in_progress', attempts: 0, contact: { phones: ['1'], next_phone_index: 0 } };
    expect(await settled(jobs, ordinary, NEXT, {}, {})).toMatchObject({ status: 'done', attempts: 1, reserved_until: null });
    expect(operators).toHaveLength(1);
    for (const meanwhile of [{ cancel_requested: true }, { status: 'paused' }, { attempts: 'two' }, { contact: [ordinary.contact] }]) {
      await settled(jobs, { ...ordinary, ...meanwhile }, NEXT, {}, {});
    }
    expect(operators).toHaveLength(1);
  });

  it.each([
    [{ $ref: 'x' }],
    [{ $id: 1, $db: 'y' }],
    [{ 'a.b': { $where: 1 } }],
    [{ '': { '': null } }],
    [{ $set: { status: 'done' } }],
    [{ _id: [1] }],
  ])('takes a reply of any keys: %j', async (raw) => {
    const ordinary = { status: 'in_progress', attempts: 0, contact: { phones: ['1'], next_phone_index: 0 } };
    const [one, other] = await Promise.all([jobs, judging].map((by) => settled(by, ordinary, NEXT, {}, { details: raw })));
    expect(one).toEqual(other);
    expect(one).toMatchObject({ call_result: { details: raw } });
  });
});
