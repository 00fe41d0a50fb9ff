/** P3: what a job becomes when it is told about its call, whatever is stored and whoever is told beside it; the rules are told a second time here. */

import { fc, test } from '@fast-check/vitest';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NextStep } from '../../src/domain/call.js';
import { inMs, LEASE_MS, newId, openStoreWorld, type StoreWorld } from './support.js';

const FUTURE = new Date(1_900_000_000_000);
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
  why: 'answered',
};
const ORDINARY = { status: 'in_progress', attempts: 0, contact: { phones: ['1'], next_phone_index: 0 } };

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const number = fc.constantFrom<unknown>(0, 1, 2, -1, 2.5, Number.NaN, '2', null, undefined, [0], [], { n: 1 }, 3_000_000_000);
const flag = fc.constantFrom<unknown>(null, false, true, 0, '', 'false', { at: FUTURE, by: 'ana', reason: 'because' }, [], [null]);
const contact = fc.constantFrom<unknown>({ phones: ['1', '2'] }, {}, [], [{ phones: ['1'] }], 'Ana', null, undefined);
const stored = fc.record({
  status: fc.constantFrom('in_progress', 'in_progress', 'in_progress', 'cancelled', 'somebody_elses'),
  attempts: fc.oneof(fc.nat(5), number),
  contact: fc.oneof(fc.constant({ phones: ['1', '2'], next_phone_index: 1 }), contact),
  cancel_requested: rarely(flag),
  suspend_requested: rarely(flag),
  transient_calls: fc.oneof(fc.constant(0), fc.nat(3)),
  phone_index: fc.constantFrom(undefined, 1),
  suspend_reason: fc.constantFrom(undefined, 'old'),
  cancellation_reason: fc.constantFrom(undefined, null, 'old'),
  last_error: fc.constantFrom(undefined, 'old'),
  next_try_at: fc.constantFrom(undefined, FUTURE),
  bad_lines: fc.constantFrom<unknown>(undefined, ['other'], ['line'], 'none'),
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

const isAsked = (flagged: unknown): boolean => flagged != null && ![false, 0, '', 'false'].includes(flagged as string);
const isPlain = (value: unknown): value is Document => typeof value === 'object' && value !== null && !Array.isArray(value);
const counted = (value: unknown): number => {
  const n = typeof value === 'number' || typeof value === 'string' ? Math.trunc(Number(value)) : 0;
  return n >= 0 && n < 1e9 ? n : 0;
};

const wanted = (doc: Document, { status }: NextStep): string => {
  if (status === 'done' || status === 'completed') return status;
  if (isAsked(doc['cancel_requested'])) return 'cancelled';
  return isAsked(doc['suspend_requested']) ? 'suspended' : status;
};

const suspendReason = (doc: Document, { status, suspendReason: reason }: NextStep): unknown => {
  if (status === 'done' || status === 'completed') return undefined;
  if (isAsked(doc['suspend_requested'])) return 'operator';
  return status === 'suspended' ? reason : undefined;
};

const cancellationReason = ({ cancel_requested: asked, cancellation_reason: old }: Document): unknown => {
  if (Array.isArray(asked)) return [];
  return (isPlain(asked) ? (asked['reason'] as unknown) : undefined) ?? old;
};

/** What the job has to be afterwards; what is undefined has to be gone. */
const told = (doc: Document, next: NextStep, result: Document): Document => {
  const held = doc['status'] === 'in_progress';
  const becomes = held ? wanted(doc, next) : (doc['status'] as string);
  const comesBack = held && becomes === 'pending';
  const ofObject = isPlain(doc['contact']);
  const badLines = Array.isArray(doc['bad_lines']) ? (doc['bad_lines'] as string[]) : [];
  return {
    ...doc,
    amount: '$attempts',
    call_result: result,
    status: becomes,
    reserved_until: held ? (comesBack ? next.dueAt : null) : LEASED,
    next_try_at: comesBack ? (next.dueAt ?? undefined) : undefined,
    cancellation_reason: cancellationReason(doc),
    attempts: counted(doc['attempts']) + (next.countsAttempt ? 1 : 0),
    transient_calls: next.countsTransient ? counted(doc['transient_calls']) + 1 : (doc['transient_calls'] as unknown),
    contact: ofObject ? { ...(doc['contact'] as Document), next_phone_index: next.phoneIndex } : (doc['contact'] as unknown),
    phone_index: ofObject ? undefined : next.phoneIndex,
    suspend_reason: held ? suspendReason(doc, next) : (doc['suspend_reason'] as unknown),
    last_error: next.lastError ?? undefined,
    bad_lines: next.badLine === null ? (doc['bad_lines'] as unknown) : [...new Set([...badLines, next.badLine])].toSorted(),
    is_calling: false,
    rescues: undefined,
    foreign: undefined,
    cancel_requested: undefined,
    suspend_requested: undefined,
  };
};

describe('P3: a settled job', () => {
  let world: StoreWorld;

  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  const collection = () => world.database.db.collection<Document & { _id: string }>('jobs');
  const put = async (doc: Document): Promise<string> => {
    const _id = newId();
    const lease = { lease_token: `t${_id}`, worker_id: 'a', reserved_until: LEASED };
    await collection().insertOne({ ...lease, ...doc, _id }, { ignoreUndefined: true });
    return _id;
  };
  const take = async (id: string): Promise<Document> => {
    const { _id: _, updated_at: at, ...rest }: Document = (await collection().findOneAndDelete({ _id: id })) ?? {};
    expect(at).toBeInstanceOf(Date);
    return rest;
  };
  const tell = (id: string, next: NextStep, fields: Document, result: Document): Promise<boolean> =>
    world.store.jobs.settle(id, `t${id}`, next, fields, result);

  test.prop([fc.array(fc.tuple(stored, step), { minLength: 1, maxLength: 9 })], { numRuns: 100 })(
    'is what the call makes of it, and what was asked for meanwhile, alone or among others',
    async (jobs) => {
      const ids = await Promise.all(jobs.map(([doc]) => put(doc)));
      const results = ids.map((id) => ({ call_id: 'c', attempt_id: `t${id}`, details: { transcript: '$$NOW', a: undefined } }));
      world.proxy.resetCounts();
      const made = await Promise.all(
        jobs.map(([, next], n) => {
          const fields = { last_error: next.lastError, next_try_at: next.dueAt, is_calling: false, amount: '$attempts' };
          return tell(ids[n] ?? '', next, fields, results[n] ?? {});
        }),
      );
      expect(made).toEqual(jobs.map(() => true));
      expect(world.proxy.counts()).toMatchObject({ update: 1 });
      const found = await Promise.all(ids.map((id) => take(id)));
      expect(found).toEqual(jobs.map(([doc, next], n) => told(doc, next, { ...results[n], details: { transcript: '$$NOW' } })));
    },
  );

  it.each([
    [{ $ref: 'x' }],
    [{ $id: 1, $db: 'y' }],
    [{ 'a.b': { $where: 1 } }],
    [{ '': { '': null } }],
    [{ $set: { status: 'done' } }],
    [{ _id: [1] }],
  ])('takes a reply of any keys, alone and among others: %j', async (raw) => {
    const ids = await Promise.all([1, 2, 3].map(() => put(ORDINARY)));
    const [first = '', ...others] = ids;
    expect(await tell(first, NEXT, {}, { details: raw })).toBe(true);
    expect(await Promise.all(others.map((id) => tell(id, NEXT, {}, { details: raw })))).toEqual([true, true]);
    for (const id of ids) expect(await take(id)).toMatchObject({ status: 'done', call_result: { details: raw } });
  });
});
