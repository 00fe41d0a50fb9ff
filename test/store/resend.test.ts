/**
 * P1, P3, P5: every write of the protocol under everything a connection and a server can do to it. Whoever was not answered sends again;
 * the end must be the same as if the first time had been answered.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NextStep } from '../../src/domain/call.js';
import type { Store } from '../../src/store/store.js';
import type { Fault } from '../support/fault-proxy-rules.js';
import type { StoreWorld } from './support.js';
import { account, DIAL_WITHIN_MS, inMs, insist, intentFor, LEASE_MS, NAMES, newId, openStoreWorld, question, strayOf } from './support.js';

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['the reply is lost with the connection', { fault: 'reset-after' }],
  ['the connection is reset before the server sees it', { fault: 'reset-before' }],
  ['the connection is half-open and the server has done it', { fault: 'silent', side: 'after' }],
  ['the connection is half-open and the server never sees it', { fault: 'silent' }],
  ['a write conflict', { fault: 'error', code: 112 }],
  ['no primary any more', { fault: 'error', code: 10107 }],
  ['the primary stepped down', { fault: 'error', code: 189 }],
  ['the server shuts down, the write was done', { fault: 'error', code: 91, side: 'after' }],
  ['the write concern was not met in time', { fault: 'write-concern-error', code: 64 }],
];

/** These do not cost the driver its connections, so that each write can be tried alone. */
const QUICK_FAULTS: readonly (readonly [string, Fault])[] = [
  ['an error although the write was done', { fault: 'error', code: 112, side: 'after' }],
  ['an unmet write concern', { fault: 'write-concern-error', code: 64 }],
];

const WRITES = ['update', 'bulkWrite', 'findAndModify', 'insert'];

const NEXT: NextStep = {
  status: 'pending',
  phoneIndex: 1,
  dueAt: new Date(1_900_000_000_000),
  countsAttempt: true,
  countsTransient: true,
  badLine: 'bad',
  suspendReason: null,
  lastError: 'busy',
  why: 'busy',
};
const SETTLEMENT = {
  outcome: { class: 'busy', reason: 'dial_busy', success: false, reached: 'rang', endedAt: new Date(1_800_000_000_000), durationMs: 0 },
  cost: { micros: 250, ms: 900, final: true },
  next: NEXT,
  result: { call_status: 'not_connected' },
  jobFields: { last_called: 'x' },
} as const;
const RELEASE = { status: 'pending', dueAt: null, dueBefore: null, suspendReason: null, lastError: 'later', refused: true } as const;
const HELD = { micros: 100, ms: 1_000 };
const COUNTS = [{ key: 'a:2026-11-21', max: 5 }];

interface Act {
  readonly name: string;
  readonly collection: 'attempts' | 'jobs' | 'ledgers' | 'results';
  prepare(store: Store, id: string): Promise<unknown>;
  act(store: Store, id: string): Promise<unknown>;
  /** What the answer must say however often it was sent; absent: a second sending may tell that nothing was left to do. */
  readonly answer?: unknown;
}

const intended = (store: Store, id: string): Promise<unknown> => store.attempts.intend(intentFor(id), LEASE_MS, DIAL_WITHIN_MS);
const recorded = async (store: Store, id: string): Promise<void> => {
  await intended(store, id);
  await store.attempts.recordCall(id, `call-${id}`);
};
const settled = async (store: Store, id: string): Promise<void> => {
  await recorded(store, id);
  await store.attempts.settle(id, 'runner-a', SETTLEMENT);
};
const held = (store: Store, id: string): Promise<unknown> => store.ledgers.hold(account({ account_id: id }), `t${id}`, HELD, COUNTS);
const claimed = (store: Store, id: string): Promise<unknown> =>
  store.connection.collection('jobs').insertOne({
    _id: id,
    batch_id: `batch-${id}`,
    status: 'in_progress',
    lease_token: `t${id}`,
    attempts: 1,
    rescues: 1,
    contact: { phones: ['1', '2'], next_phone_index: 0 },
    reserved_until: inMs(LEASE_MS),
  });
const nothing = (): Promise<void> => Promise.resolve();

const ACTS: readonly Act[] = [
  { name: 'intend', collection: 'attempts', prepare: nothing, act: intended },
  {
    name: 'recordCall',
    collection: 'attempts',
    prepare: intended,
    act: (store, id) => store.attempts.recordCall(id, `call-${id}`),
    answer: 'recorded',
  },
  {
    name: 'markUnknown',
    collection: 'attempts',
    prepare: intended,
    act: (store, id) => store.attempts.markUnknown(id, 'runner-a', 60_000),
  },
  {
    name: 'markEnded',
    collection: 'attempts',
    prepare: recorded,
    act: (store, id) => store.attempts.markEnded(id, 'runner-a', [`job:${id}`]),
  },
  { name: 'markStopping', collection: 'attempts', prepare: recorded, act: (store, id) => store.attempts.markStopping(id, 'max_duration') },
  {
    name: 'settle an attempt',
    collection: 'attempts',
    prepare: recorded,
    act: (store, id) => store.attempts.settle(id, 'runner-a', SETTLEMENT),
  },
  { name: 'annul', collection: 'attempts', prepare: intended, act: (store, id) => store.attempts.annul(id, 'why') },
  {
    name: 'finish',
    collection: 'attempts',
    prepare: settled,
    act: (store, id) => store.attempts.finish(id, 'runner-a', new Date(1_900_000_000_000)),
  },
  { name: 'finish for good', collection: 'attempts', prepare: settled, act: (store, id) => store.attempts.finish(id, 'runner-a', null) },
  {
    name: 'result of a call',
    collection: 'results',
    prepare: nothing,
    act: (store, id) => store.books.result(id, { duration_ms: 1 }, new Date(1_700_000_000_000)),
  },
  {
    name: 'finalCost',
    collection: 'attempts',
    prepare: settled,
    act: (store, id) => store.attempts.finalCost(id, { micros: 5, ms: 6, final: true }),
  },
  {
    name: 'insertStray',
    collection: 'attempts',
    prepare: nothing,
    act: (store, id) => store.attempts.insertStray({ ...strayOf(`call-${id}`), _id: id }, LEASE_MS),
  },
  { name: 'hold', collection: 'ledgers', prepare: nothing, act: held, answer: 'held' },
  {
    name: 'hold in a ledger that is there',
    collection: 'ledgers',
    prepare: (store, id) => store.ledgers.hold(account({ account_id: id }), 'other', HELD, COUNTS),
    act: held,
    answer: 'held',
  },
  {
    name: 'hold for a stray',
    collection: 'ledgers',
    prepare: nothing,
    act: (store, id) => store.ledgers.holdAnyway(id, `stray:${id}`, HELD),
  },
  {
    name: 'charge provisionally',
    collection: 'ledgers',
    prepare: held,
    act: (store, id) => store.ledgers.charge(id, `t${id}`, { micros: 70, ms: 700, final: false }),
  },
  {
    name: 'charge',
    collection: 'ledgers',
    prepare: held,
    act: (store, id) => store.ledgers.charge(id, `t${id}`, { micros: 70, ms: 700, final: true }),
  },
  { name: 'cancel a hold', collection: 'ledgers', prepare: held, act: (store, id) => store.ledgers.cancel(id, `t${id}`, COUNTS) },
  { name: 'release a job', collection: 'jobs', prepare: claimed, act: (store, id) => store.jobs.release(id, `t${id}`, RELEASE) },
  {
    name: 'settle a job',
    collection: 'jobs',
    prepare: claimed,
    act: (store, id) => store.jobs.settle(id, `t${id}`, NEXT, { last_called: '$x' }, { transcript: '$y' }),
  },
  {
    name: 'settle an ordinary job',
    collection: 'jobs',
    prepare: claimed,
    act: (store, id) =>
      store.jobs.settle(id, `t${id}`, { ...NEXT, countsTransient: false, badLine: null }, { last_called: '$x' }, { transcript: '$y' }),
  },
  { name: 'pass a job on', collection: 'jobs', prepare: claimed, act: (store, id) => store.jobs.passOn(id, `t${id}`, `u${id}`) },
];

describe('P1, P3, P5: a write that was not answered is sent again', () => {
  let world: StoreWorld;
  const clean = new Map<string, unknown>();

  const end = async ({ collection }: Act, id: string): Promise<unknown> => {
    const name = NAMES[collection];
    const found = await world.database.db
      .collection(name)
      .find(collection === 'results' ? { call_id: id } : { _id: id as never })
      .toArray();
    expect(found.length).toBeLessThanOrEqual(1);
    const doc = found[0] ?? null;
    // The `_id` of a result is made from its call's. Of two sendings a ledger that was opened in between has one version more; nobody counts by it.
    const { version: _version, _id: _own, ...rest } = { version: 0, _id: null, ...doc };
    const text = JSON.stringify(rest, (_key, value: unknown) => (typeof value === 'string' && /^20\d\d-.*Z$/.test(value) ? 'date' : value));
    return JSON.parse(text.replaceAll(id, 'ID'));
  };
  const under = async (act: Act, id: string, fault: Fault): Promise<{ answer: unknown; hits: number }> => {
    const rule = world.proxy.add({
      ...fault,
      command: '*',
      where: (command) => WRITES.includes(command.name) && JSON.stringify(command.document()).includes(id),
    });
    const answer = await insist(() => act.act(world.store, id));
    rule.remove();
    return { answer, hits: rule.hits() };
  };

  beforeAll(async () => {
    // So long a half-open connection is believed in.
    world = await openStoreWorld({ socketTimeoutMs: 500 });
    for (const act of ACTS) {
      const id = newId();
      await act.prepare(world.rival, id);
      await act.act(world.rival, id);
      clean.set(act.name, await end(act, id));
    }
  });
  afterAll(() => world.close());

  it.each(FAULTS)('all together, in groups: %s', async (_, fault) => {
    const tried = ACTS.map((act) => ({ act, id: newId() }));
    for (const { act, id } of tried) await act.prepare(world.rival, id);
    const answers = await Promise.all(tried.map(({ act, id }) => under(act, id, fault)));
    world.proxy.clear();
    expect(answers.some(({ hits }) => hits > 0)).toBe(true);
    for (const [index, { act, id }] of tried.entries()) {
      expect({ act: act.name, end: await end(act, id) }).toEqual({ act: act.name, end: clean.get(act.name) });
      if (act.answer !== undefined)
        expect({ act: act.name, answer: answers[index]?.answer }).toEqual({ act: act.name, answer: act.answer });
    }
  });

  it.each(ACTS.flatMap((act) => QUICK_FAULTS.map(([title, fault]) => ({ name: act.name, act, title, fault }))))(
    '$name, alone: $title',
    async ({ act, fault }) => {
      const id = newId();
      await act.prepare(world.rival, id);
      const { answer, hits } = await under(act, id, fault);
      expect(hits).toBe(1);
      expect(await end(act, id)).toEqual(clean.get(act.name));
      expect(answer).toEqual(act.answer ?? answer);
    },
  );

  it.each([...FAULTS.slice(0, 3), ...QUICK_FAULTS])('P2: a claim: %s; the token tells whether it happened', async (_, fault) => {
    const batch = `claims-${newId()}`;
    await world.database.db.collection('jobs').insertOne({ batch_id: batch, status: 'pending' });
    const asked = question({ batch });
    world.proxy.add({ ...fault, command: 'findAndModify' });
    await expect(world.store.jobs.claim(asked)).rejects.toBeInstanceOf(Error);
    world.proxy.clear();
    const found = await insist(() => world.store.jobs.byToken(asked.token));
    const doc = await world.database.db.collection('jobs').findOne({ batch_id: batch });
    expect(doc?.['status']).toBe(found === null ? 'pending' : 'in_progress');
    expect(found === null).toBe(fault.fault === 'reset-before');
    // Whichever it was, nobody else gets it too.
    const rival = await world.rival.jobs.claim(question({ batch }));
    expect(rival === null).toBe(found !== null);
  });

  it.each([...FAULTS.slice(0, 3), ...QUICK_FAULTS])(
    'P2: claims of one moment: %s; the tokens tell whether they happened',
    async (_, fault) => {
      const batch = `claims-${newId()}`;
      await world.database.db.collection('jobs').insertMany(Array.from({ length: 5 }, () => ({ batch_id: batch, status: 'pending' })));
      const asked = Array.from({ length: 5 }, () => question({ batch }));
      world.proxy.add({ ...fault, command: 'update' });
      const told = await Promise.allSettled(asked.map((one) => world.store.jobs.claim(one)));
      world.proxy.clear();
      // An answer that says no is asked about job by job, and each is found to be taken already.
      expect(told.every(({ status }) => status === (fault.fault === 'error' ? 'fulfilled' : 'rejected'))).toBe(true);
      const found = await Promise.all(asked.map(({ token }) => insist(() => world.store.jobs.byToken(token))));
      expect(found.every((doc) => (doc === null) === (fault.fault === 'reset-before'))).toBe(true);
      const rivals = await Promise.all(asked.map(() => world.rival.jobs.claim(question({ batch }))));
      expect(rivals.every((doc) => (doc === null) === (fault.fault !== 'reset-before'))).toBe(true);
    },
  );

  it('P2: a rescue whose reply was lost keeps the job for one lease and is then taken by another', async () => {
    const { db } = world.database;
    const { insertedId } = await db
      .collection('jobs')
      .insertOne({ batch_id: 'rescues', status: 'in_progress', reserved_until: inMs(-1_000), lease_token: 'dead' });
    world.proxy.add({ command: 'findAndModify', fault: 'reset-after' });
    await expect(world.store.jobs.takeExpired('t1', 'runner-a', 30, new Date(), true)).rejects.toBeInstanceOf(Error);
    expect(await db.collection('jobs').findOne({ _id: insertedId })).toMatchObject({ lease_token: 't1', foreign: false, rescues: 1 });
    const again = await expect
      .poll(() => world.rival.jobs.takeExpired('t2', 'runner-b', LEASE_MS, inMs(1_000), true), { interval: 10 })
      .toMatchObject({ foreign: false, doc: { lease_token: 't2', rescues: 1 } })
      .then(() => world.rival.jobs.takeExpired('t3', 'runner-b', LEASE_MS, new Date(), true));
    expect(again).toBeNull();
  });

  it('P1: an attempt settled by a reply that got lost is still known as mine by its lease', async () => {
    const id = newId();
    await recorded(world.rival, id);
    world.proxy.add({ command: 'update', collection: 'call_attempts', fault: 'error', code: 112, side: 'after' });
    await expect(world.store.attempts.settle(id, 'runner-a', SETTLEMENT)).rejects.toBeInstanceOf(Error);
    expect(await world.store.attempts.settle(id, 'runner-a', SETTLEMENT)).toBe(true);
    expect(await world.store.attempts.byId(id)).toMatchObject({ runner: 'runner-a', state: 'settled', open: false });
    expect((await world.store.attempts.byId(id))?.lease_until).toBeInstanceOf(Date);
  });

  it('P1: an intent sent again leaves every byte as the first one wrote it', async () => {
    const id = newId();
    await intended(world.store, id);
    const first = await world.store.attempts.byId(id);
    await world.store.attempts.recordCall(id, 'call-1');
    const live = await world.store.attempts.byId(id);
    await intended(world.rival, id);
    expect(await world.store.attempts.byId(id)).toEqual(live);
    expect(live).toMatchObject({ at: first?.at, dial_by: first?.dial_by, state: 'live', call_id: 'call-1' });
  });
});
