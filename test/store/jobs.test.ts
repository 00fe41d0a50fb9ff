/** P2, P3, P9: which jobs are due, who gets them, and what a write to a job leaves alone when others wrote to it meanwhile. */

import { fc, test } from '@fast-check/vitest';
import { Decimal128, Long, MaxKey, ObjectId, Timestamp } from 'mongodb';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NextStep } from '../../src/domain/call.js';
import type { Release } from '../../src/store/jobs.js';
import type { StoreWorld } from './support.js';
import { ANY_QUEUE, inMs, LEASE_MS, newId, openStoreWorld, question, stillHeld } from './support.js';

const TOKEN = 'token-1';
const FUTURE = new Date(1_900_000_000_000);

const NEXT: NextStep = {
  status: 'pending',
  phoneIndex: 1,
  dueAt: FUTURE,
  countsAttempt: true,
  countsTransient: false,
  badLine: null,
  suspendReason: null,
  lastError: 'nobody answered',
  why: 'nobody answered',
};
const RELEASE: Release = { status: 'pending', dueAt: undefined, dueBefore: null, suspendReason: null, lastError: null };
const ASKED = { at: new Date(0), by: 'operator', reason: null };

describe('jobs', () => {
  let world: StoreWorld;
  const put = async (more: Document): Promise<never> => {
    const { insertedId } = await world.database.db.collection('jobs').insertOne({ batch_id: 'batch-1', status: 'pending', ...more });
    return insertedId as never;
  };
  const held = (more: Document = {}): Promise<never> =>
    put({ status: 'in_progress', lease_token: TOKEN, worker_id: 'runner-a', reserved_until: inMs(LEASE_MS), attempts: 1, ...more });
  const read = async (id: unknown): Promise<Document> => (await world.database.db.collection('jobs').findOne({ _id: id as never })) ?? {};
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(async () => {
    await world.database.db.collection('jobs').deleteMany({});
  });
  afterAll(() => world.close());

  const ODD: readonly (readonly [string, Document, boolean])[] = [
    ['missing', {}, true],
    ['null', { reserved_until: null }, true],
    ['a text', { reserved_until: '2031-01-01T00:00:00Z' }, true],
    ['a moment ago', { reserved_until: inMs(-1_000) }, true],
    ['in an hour', { reserved_until: inMs(3_600_000) }, false],
    ['an array that has passed', { reserved_until: [inMs(-1_000), inMs(-2_000)] }, true],
    ['an array that has not', { reserved_until: [inMs(-1_000), inMs(3_600_000)] }, false],
    ['an empty array', { reserved_until: [] }, true],
    ['a number', { reserved_until: 1_900_000_000_000 }, true],
    ['not a number', { reserved_until: Number.NaN }, true],
    ['a replication timestamp', { reserved_until: Timestamp.fromBits(1, 2_000_000_000) }, true],
    ['the greatest key of all', { reserved_until: new MaxKey() }, true],
    ['an object', { reserved_until: { at: FUTURE } }, true],
  ];

  it.each(ODD)(
    'P2: a due time that is %s is claimed now or in its time, by claim and by rescue alike, and never lost',
    async (_, fields, due) => {
      const id = await put(fields);
      expect(await world.store.jobs.anyDue(['batch-1'], new Date(), ANY_QUEUE)).toBe(due);
      const claimed = await world.store.jobs.claim(question());
      expect(claimed?._id).toEqual(due ? id : undefined);
      await world.database.db.collection('jobs').replaceOne({ _id: id }, { status: 'in_progress', ...fields });
      expect((await world.store.jobs.takeExpired(TOKEN, 'runner-a', LEASE_MS, new Date(), true)) !== null).toBe(due);
    },
  );

  it.each([
    ['pending', 'new', true],
    ['pending', 'scheduled', false],
    ['scheduled', 'scheduled', true],
    ['scheduled', 'new', false],
    ...['in_progress', 'done', 'completed', 'failed', 'suspended', 'cancelled', 'retry', 'PENDING', null].map(
      (status) => [status, 'new', false] as const,
    ),
  ] as const)('P3: a job that is %s is claimed as %s: %s', async (status, kind, due) => {
    await put({ status });
    expect((await world.store.jobs.claim(question({ kind }))) !== null).toBe(due);
  });

  it('a retry is asked for by its date; new work by none, oldest first', async () => {
    const retry = await put({ reserved_until: inMs(-5_000) });
    const older = await put({ reserved_until: inMs(-9_000) });
    const fresh = await put({});
    const order = [];
    for (const kind of ['retry', 'new', 'retry'] as const) order.push((await world.store.jobs.claim(question({ kind })))?._id);
    expect(order).toEqual([older, fresh, retry]);
  });

  it('P2: a claim gives the job as it was, and puts it under a lease by the clock of the database', async () => {
    const before = { reserved_until: inMs(-1_000), attempts: 2, cancel_note: '$kept' };
    const id = await put(before);
    const asked = question({ worker: 'host-1' });
    const got = await world.store.jobs.claim(asked);
    expect(got).toMatchObject({ ...before, status: 'pending' });
    const stored = await read(id);
    expect(stored).toMatchObject({
      status: 'in_progress',
      lease_token: asked.token,
      worker_id: 'host-1',
      attempts: 2,
      cancel_note: '$kept',
    });
    expect(Number(stored['reserved_until']) - Number(stored['started_at'])).toBe(LEASE_MS);
  });

  test.prop([fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 12 })], { numRuns: 15 })(
    'P1: of %i jobs, claimed by many at once from two processes, none is given twice and none is left',
    async (count, askers) => {
      await world.database.db.collection('jobs').deleteMany({});
      await world.database.db
        .collection('jobs')
        .insertMany(Array.from({ length: count }, (_, n) => ({ n, batch_id: 'batch-1', status: 'pending' })));
      const claims = await Promise.all(
        Array.from({ length: askers }, async (_, asker) => {
          const mine: unknown[] = [];
          for (;;) {
            const doc = await (asker % 2 === 0 ? world.store : world.rival).jobs.claim(question());
            if (doc === null) return mine;
            mine.push(doc['n']);
          }
        }),
      );
      expect(claims.flat().toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: count }, (_, n) => n));
    },
  );

  it('jobs without a batch are those that name none', async () => {
    const ids = [await put({ batch_id: null }), await put({ batch_id: undefined })];
    await put({ batch_id: '' });
    const got = [
      await world.store.jobs.claim(question({ batch: null })),
      await world.store.jobs.claim(question({ batch: null })),
      await world.store.jobs.claim(question({ batch: null })),
    ];
    expect(new Set(got.map((doc) => doc?._id))).toEqual(new Set([...ids, undefined]));
  });

  it('an `_id` of any kind is found again', async () => {
    for (const _id of ['text', 7, new ObjectId(), Long.fromString('9007199254740993'), { a: 1, b: [2] }, true]) {
      await put({ _id, status: 'in_progress', lease_token: TOKEN });
      expect((await world.store.jobs.release(_id, TOKEN, RELEASE)).matched).toBe(1);
    }
  });

  describe('P3: the fence', () => {
    it.each([
      ['the token moved on', { $set: { lease_token: 'another' } }],
      ['the token is gone', { $unset: { lease_token: '' } }],
      ['the job was replaced', null],
      ['the job was deleted', 'deleted'],
    ] as const)('%s: nothing is written, and that is told', async (_, change) => {
      const id = await held();
      const { db } = world.database;
      if (change === 'deleted') await db.collection('jobs').deleteOne({ _id: id });
      else if (change === null) await db.collection('jobs').replaceOne({ _id: id }, { status: 'pending', batch_id: 'batch-1' });
      else await db.collection('jobs').updateOne({ _id: id }, change);
      const before = await read(id);
      expect(await world.store.jobs.settle(id, TOKEN, NEXT, {}, {})).toBe(false);
      expect((await world.store.jobs.release(id, TOKEN, RELEASE)).matched).toBe(0);
      expect((await world.store.jobs.passOn(id, TOKEN, 'x')).matched).toBe(0);
      expect(await world.store.jobs.renew([id], [TOKEN], LEASE_MS)).toBe(0);
      expect(await world.store.jobs.endLeases([id], [TOKEN])).toBe(0);
      expect(await read(id)).toEqual(before);
    });

    it('P5: a settlement sent twice counts one attempt', async () => {
      const id = await held();
      const told = await Promise.all([1, 2, 3].map((n) => (n === 2 ? world.rival : world.store).jobs.settle(id, TOKEN, NEXT, {}, {})));
      expect(told.toSorted()).toEqual([false, false, true]);
      expect(await read(id)).toMatchObject({ attempts: 2, status: 'pending' });
    });

    it('of what is still held, only the own tokens under live leases are confirmed', async () => {
      const mine = await held();
      const expired = await held({ lease_token: 'expired', reserved_until: inMs(-1_000) });
      const other = await held({ lease_token: 'other' });
      const cancelled = await held({ lease_token: 'cancelled', status: 'cancelled' });
      const claims = [
        { id: mine, token: TOKEN },
        { id: expired, token: 'expired' },
        { id: other, token: 'mine-before' },
        { id: cancelled, token: 'cancelled' },
      ];
      expect((await stillHeld(world.store, claims)).map((doc) => doc._id)).toEqual([mine]);
    });
  });

  describe('P3: a settlement and what others wrote meanwhile', () => {
    const after = async (more: Document, next: Partial<NextStep> = {}): Promise<Document> => {
      const id = await held(more);
      expect(await world.store.jobs.settle(id, TOKEN, { ...NEXT, ...next }, {}, {})).toBe(true);
      const doc = await read(id);
      expect(doc).not.toHaveProperty('lease_token');
      expect(doc).not.toHaveProperty('worker_id');
      expect(doc).not.toHaveProperty('cancel_requested');
      expect(doc).not.toHaveProperty('suspend_requested');
      expect(doc).toMatchObject({ is_calling: false });
      return doc;
    };

    it('nothing: the job goes where the call sends it', async () => {
      expect(await after({})).toMatchObject({
        status: 'pending',
        reserved_until: FUTURE,
        next_try_at: FUTURE,
        attempts: 2,
        last_error: 'nobody answered',
      });
      const done = await after(
        { suspend_reason: 'old', last_error: 'old', next_try_at: FUTURE },
        { status: 'done', dueAt: null, lastError: null },
      );
      expect(done).toMatchObject({ status: 'done', reserved_until: null, attempts: 2 });
      for (const gone of ['suspend_reason', 'last_error', 'next_try_at']) expect(done).not.toHaveProperty(gone);
      expect(await after({}, { status: 'suspended', suspendReason: '$review', dueAt: null })).toMatchObject({
        status: 'suspended',
        suspend_reason: '$review',
      });
    });

    it.each(['cancelled', 'suspended', 'paused_by_somebody', 'done'])(
      'a status of theirs (%s) stays, with the time they gave; the attempt counts all the same',
      async (status) => {
        const theirs = new Date(1_888_000_000_000);
        const doc = await after({ status, reserved_until: theirs, suspend_reason: 'theirs' });
        expect(doc).toMatchObject({ status, reserved_until: theirs, suspend_reason: 'theirs', attempts: 2 });
        expect(doc).not.toHaveProperty('next_try_at');
      },
    );

    it.each([
      ['cancel', { cancel_requested: ASKED }, 'pending', { status: 'cancelled' }],
      ['cancel, as another program writes it', { cancel_requested: true }, 'failed', { status: 'cancelled' }],
      ['suspend', { suspend_requested: ASKED }, 'pending', { status: 'suspended', suspend_reason: 'operator' }],
      ['both', { cancel_requested: ASKED, suspend_requested: ASKED }, 'pending', { status: 'cancelled' }],
      ['cancel of a call that was answered', { cancel_requested: ASKED }, 'done', { status: 'done' }],
      ['suspend of a call that was answered', { suspend_requested: ASKED }, 'completed', { status: 'completed' }],
      ['a flag that says no', { cancel_requested: false, suspend_requested: null }, 'pending', { status: 'pending' }],
    ] as const)('a request to %s', async (_, asked, status, end) => {
      const doc = await after(asked, { status, dueAt: status === 'pending' ? FUTURE : null });
      expect(doc).toMatchObject({ ...end, attempts: 2 });
    });

    it.each([
      [undefined, 1],
      [null, 1],
      ['2', 3],
      ['many', 1],
      [Number.NaN, 1],
      [Number.POSITIVE_INFINITY, 1],
      [-4, 1],
      [2.7, 3],
      [Long.fromNumber(3), 4],
      [Decimal128.fromString('4'), 5],
      [[1, 2], 1],
      [{ a: 1 }, 1],
    ])('P4: attempts that read %s count on to %i', async (stored, counted) => {
      const doc = await after({ attempts: stored, transient_calls: stored }, { countsTransient: true });
      expect(doc['attempts']).toBe(counted);
      expect(doc['transient_calls']).toBe(counted);
    });

    it('an attempt that does not count leaves the number as it reads', async () => {
      expect(await after({ attempts: 2 }, { countsAttempt: false })).toMatchObject({ attempts: 2 });
    });

    it.each([
      [
        'a contact',
        { contact: { phones: ['1', '2'], name: '$name' } },
        { contact: { phones: ['1', '2'], name: '$name', next_phone_index: 1 } },
        false,
      ],
      [
        'a contact with fewer numbers than there were, which begins anew,',
        { contact: { phones: ['1'] } },
        { contact: { phones: ['1'], next_phone_index: 0 } },
        false,
      ],
      ['no contact (flat, the first generation)', { rut: '1-9' }, { rut: '1-9', phone_index: 1 }, true],
      ['contact: null', { contact: null }, { contact: null, phone_index: 1 }, false],
      ['contact: a text', { contact: 'Ana' }, { contact: 'Ana', phone_index: 1 }, false],
      ['contact: an array', { contact: [{ a: 1 }] }, { contact: [{ a: 1 }], phone_index: 1 }, false],
    ])('%s keeps its shape', async (_, stored, end, without) => {
      const doc = await after(stored);
      expect(doc).toMatchObject(end);
      expect('contact' in doc).toBe(!without);
      expect('phone_index' in doc).toBe('phone_index' in end);
    });

    it('a text with a dollar, a dot or an operator in it is stored as it is', async () => {
      const id = await held();
      const result = { transcript: '$attempts', 'a.b': 1, $set: { x: 1 }, nested: { $cond: ['$x'] } };
      await world.store.jobs.settle(
        id,
        TOKEN,
        { ...NEXT, lastError: '$$NOW' },
        { payment_promise: '$batch_id', ignored: undefined },
        result,
      );
      expect(await read(id)).toMatchObject({ call_result: result, last_error: '$$NOW', payment_promise: '$batch_id' });
    });

    it('bad lines gather, each once, whatever stood there', async () => {
      expect((await after({ bad_lines: ['a'] }, { badLine: 'b' }))['bad_lines'].toSorted()).toEqual(['a', 'b']);
      expect(await after({ bad_lines: ['a'] }, { badLine: 'a' })).toMatchObject({ bad_lines: ['a'] });
      expect(await after({ bad_lines: 'nonsense' }, { badLine: 'b' })).toMatchObject({ bad_lines: ['b'] });
      expect(await after({}, {})).not.toHaveProperty('bad_lines');
    });

    it('a call ends the counting of refusals and of owners that went down', async () => {
      const doc = await after({ refusals: 2, rescues: 2, foreign: true });
      for (const gone of ['refusals', 'rescues', 'foreign']) expect(doc).not.toHaveProperty(gone);
    });
  });

  describe('P2: a job given back without a call', () => {
    const after = async (more: Document, release: Partial<Release>): Promise<Document> => {
      const id = await held(more);
      expect((await world.store.jobs.release(id, TOKEN, { ...RELEASE, ...release })).matched).toBe(1);
      const doc = await read(id);
      expect(doc).not.toHaveProperty('lease_token');
      expect(doc).toMatchObject({ attempts: 1 });
      return doc;
    };

    it.each([
      ['missing', undefined, null],
      ['null', null, null],
      ['a date', FUTURE, FUTURE],
      ['a text with a dollar', '$now', '$now'],
      ['an array', [FUTURE], [FUTURE]],
    ])('keeps its place when its due time was %s', async (_, dueBefore, end) => {
      expect((await after({}, { dueAt: undefined, dueBefore }))['reserved_until']).toEqual(end);
    });

    const OLD = new Date(0);
    it.each([
      ['failed', {}, { status: 'failed' }, ['completed_at', 'failed_at', 'finished_at']],
      ['cancelled', {}, { status: 'cancelled' }, ['finished_at']],
      ['cancelled by request', { cancel_requested: true }, {}, ['finished_at']],
      ['suspended', {}, { status: 'suspended' }, []],
      ['given back', {}, {}, []],
      ['ended by others', { status: 'cancelled' }, { status: 'failed' }, []],
    ] as const)('tells when it ended, as a call would: %s', async (_, more, release, dated) => {
      const doc = await after({ ...more, next_try_at: OLD, finished_at: OLD }, release);
      const told = ['completed_at', 'failed_at', 'finished_at'].filter((name) => Number(doc[name] ?? 0) > 0);
      expect([told, doc['next_try_at']]).toEqual([dated, dated.length > 0 ? undefined : OLD]);
    });

    it('waits until the time it is given, with the reason, or for ever in another status', async () => {
      expect(await after({ last_error: 'before' }, { dueAt: FUTURE, lastError: '$closed' })).toMatchObject({
        status: 'pending',
        reserved_until: FUTURE,
        last_error: '$closed',
      });
      expect(await after({ last_error: 'before' }, { dueAt: FUTURE })).toMatchObject({ last_error: 'before' });
      expect(await after({}, { status: 'suspended', dueAt: null, suspendReason: 'unreadable' })).toMatchObject({
        status: 'suspended',
        reserved_until: null,
        suspend_reason: 'unreadable',
      });
      expect(await after({}, { status: 'failed', dueAt: FUTURE })).toMatchObject({ status: 'failed', reserved_until: null });
    });

    it('gives way to what was asked for, and to a status of others', async () => {
      expect(await after({ cancel_requested: ASKED }, {})).toMatchObject({ status: 'cancelled' });
      expect(await after({ suspend_requested: ASKED }, {})).toMatchObject({ status: 'suspended', suspend_reason: 'operator' });
      expect(await after({ status: 'cancelled', reserved_until: null }, { dueAt: FUTURE })).toMatchObject({
        status: 'cancelled',
        reserved_until: null,
      });
    });

    it('counts refusals when it was refused, and keeps the count of owners that went down when a rescuer gives it back', async () => {
      expect(await after({ refusals: 1 }, { refused: true })).toMatchObject({ refusals: 2 });
      expect(await after({ refusals: 'x' }, { refused: true })).toMatchObject({ refusals: 1 });
      expect(await after({ refusals: 1 }, {})).toMatchObject({ refusals: 1 });
      expect(await after({ rescues: 2, foreign: true }, { keepRescues: true })).toMatchObject({ rescues: 2 });
      expect(await after({ rescues: 2 }, {})).not.toHaveProperty('rescues');
    });
  });

  describe('P1, P2: a rescuer takes first', () => {
    const take = (token = newId(), foreignToo = true): ReturnType<typeof world.store.jobs.takeExpired> =>
      world.store.jobs.takeExpired(token, 'runner-b', LEASE_MS, new Date(), foreignToo);

    it('one of many, and counts the owner that went down', async () => {
      const id = await held({ reserved_until: inMs(-1), rescues: 'x' });
      const taken = await Promise.all(Array.from({ length: 10 }, () => take()));
      expect(taken.filter((one) => one !== null)).toHaveLength(1);
      expect(await read(id)).toMatchObject({ rescues: 1, foreign: false, worker_id: 'runner-b' });
    });

    it('not before the database says so, whatever the rescuer believes the time is', async () => {
      await held({ reserved_until: inMs(5_000) });
      expect(await world.store.jobs.takeExpired(newId(), 'runner-b', LEASE_MS, inMs(3_600_000), true)).toBeNull();
    });

    it.each([
      ['missing', {}, true],
      ['null, as a model of another program writes it', { lease_token: null }, true],
      ['a number', { lease_token: 7 }, true],
      ['ours', { lease_token: 'ours' }, false],
      ['ours, taken from an old worker by a rescuer that went down', { lease_token: 'ours', foreign: true }, true],
    ])('a token that is %s tells whose call it may be', async (_, fields, foreign) => {
      await put({ status: 'in_progress', reserved_until: inMs(-1), ...fields });
      expect(await take()).toMatchObject({ foreign });
    });

    it('leaves to an old worker what carries no token of ours', async () => {
      await put({ status: 'in_progress', reserved_until: inMs(-1), worker_id: 'bot-1' });
      await put({ status: 'in_progress', reserved_until: inMs(-1), worker_id: 'bot-1', lease_token: null });
      expect(await take(newId(), false)).toBeNull();
      expect(await take()).not.toBeNull();
    });

    it('blind to batch, account and queue', async () => {
      await held({ batch_id: 'unknown', account_id: 7, queue: ['x'], reserved_until: inMs(-1_000) });
      expect(await take()).not.toBeNull();
    });
  });
});
