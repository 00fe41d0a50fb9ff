/** P1, P2, P9: claims of one moment are one look and one grouped write, and each is as good as a claim asked alone. */

import { BSON, Long, MaxKey, Timestamp } from 'mongodb';
import type { Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.js';
import { isRefusal } from '../../src/store/writer.js';
import type { StoreWorld } from './support.js';
import { inMs, LEASE_MS, openStoreWorld, question } from './support.js';

describe('claims of one moment', () => {
  let world: StoreWorld;
  const jobs = () => world.database.db.collection('jobs');
  const put = (docs: readonly Document[]): Promise<unknown> =>
    jobs().insertMany(docs.map((doc, n) => ({ n, batch_id: 'batch-1', status: 'pending', ...doc })));
  const many = (count: number): Document[] => Array.from({ length: count }, () => ({}));
  const claim = (store: Store, count: number): Promise<(Document | null)[]> =>
    Promise.all(Array.from({ length: count }, () => store.jobs.claim(question())));
  const numbers = (docs: readonly (Document | null)[]): number[] => docs.flatMap((doc) => (doc === null ? [] : [Number(doc['n'])]));
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
  const sorted = (all: readonly number[]): number[] => all.toSorted((a, b) => a - b);

  const isLook = (command: { document(): Document }): boolean => command.document()['limit'] !== undefined;

  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(() => jobs().deleteMany({}));
  afterEach(() => world.proxy.clear());
  afterAll(() => world.close());

  it('P9: forty cost one look and one write, and leave the rest with nothing when thirty were due', async () => {
    await put(many(30));
    world.proxy.resetCounts();
    const got = await claim(world.store, 40);
    expect(sorted(numbers(got))).toEqual(upTo(30));
    expect({ findAndModify: 0, ...world.proxy.counts() }).toMatchObject({ find: 1, update: 1, findAndModify: 0 });
    const stored = await jobs().find({}).toArray();
    expect(new Set(stored.map((doc) => doc['lease_token'] as string)).size).toBe(30);
    for (const doc of stored) {
      expect(doc).toMatchObject({ status: 'in_progress', worker_id: 'runner-a' });
      expect(Number(doc['reserved_until']) - Number(doc['started_at'])).toBe(LEASE_MS);
    }
  });

  it('one alone is a find and an update in one', async () => {
    await put(many(1));
    world.proxy.resetCounts();
    expect(numbers(await claim(world.store, 1))).toEqual([0]);
    expect({ find: 0, update: 0, ...world.proxy.counts() }).toMatchObject({ findAndModify: 1, find: 0, update: 0 });
  });

  it('P1: of two processes that look at the same jobs, each job goes to one, and none is left', async () => {
    await put(many(60));
    const seen = world.proxy.add({ command: 'find', collection: 'jobs', fault: 'hold', side: 'after' });
    const late = claim(world.store, 40);
    await seen.hit;
    const early = await claim(world.rival, 30);
    seen.release();
    expect(sorted(numbers([...early, ...(await late)]))).toEqual(upTo(60));
  });

  /** A look that is held until a rival has taken what it saw. */
  const lose = async (count: number): Promise<(Document | null)[]> => {
    const seen = world.proxy.add({ command: 'find', collection: 'jobs', fault: 'hold', side: 'after' });
    const late = claimPart(count, 0);
    await seen.hit;
    await claim(world.rival, count);
    seen.release();
    return late;
  };
  /** Claims whose tokens look at the part that lies at so much of the whole. */
  let asked = 0;
  const claimPart = (count: number, share: number): Promise<(Document | null)[]> => {
    const part = Math.floor(share * 0x1_00_00).toString(16).padStart(4, '0'); // prettier-ignore
    return Promise.all(Array.from({ length: count }, () => world.store.jobs.claim(question({ token: `${(asked += 1)}-${part}` }))));
  };

  it('P1, P9: who lost its jobs to another process looks once more for all of them, and looks elsewhere for a while', async () => {
    await put(many(2_000));
    world.proxy.resetCounts();
    expect(new Set(numbers(await lose(20))).size).toBe(20);
    await lose(20);
    await lose(20);
    // The rival asks behind the proxy.
    expect({ findAndModify: 0, ...world.proxy.counts() }).toMatchObject({ findAndModify: 0 });
    const parts = [];
    for (const share of [0.99, 0, 0.5]) parts.push(numbers(await claimPart(20, share)));
    // 120 are taken. Eight parts: the last begins behind 140 others; then none is passed over; then seven parts, of which the fourth.
    expect(parts.map((part) => Math.min(...part))).toEqual([260, 120, 200]);
    for (let n = 0; n < 30; n += 1) await claimPart(2, 0);
    const left = await jobs().find({ status: 'pending' }).sort({ n: 1 }).limit(1).toArray();
    // Nothing was lost for long: the oldest come first again, whatever the token.
    expect(numbers(await claimPart(1, 0.99))).toEqual(numbers(left));
  });

  it('P2: who looks elsewhere still finds the last jobs that are due', async () => {
    await put(many(60));
    await lose(20);
    // Behind the first of two parts there is nothing any more.
    expect(numbers(await claimPart(20, 0.99))).toHaveLength(20);
    expect(await jobs().countDocuments({ status: 'pending' })).toBe(0);
  });

  it('P2: when the second look fails, those that have their job keep it', async () => {
    await put(many(60));
    const seen = world.proxy.add({ command: 'find', collection: 'jobs', fault: 'hold', side: 'after' });
    const late = Promise.allSettled(Array.from({ length: 40 }, () => world.store.jobs.claim(question())));
    await seen.hit;
    await claim(world.rival, 10);
    world.proxy.add({ command: 'find', collection: 'jobs', fault: 'error', code: 13, nth: 2 });
    seen.release();
    const got = (await late).flatMap((one) => (one.status === 'fulfilled' && one.value !== null ? [one.value] : []));
    expect(got).toHaveLength(30);
  });

  it('P2: when one of those that ask alone fails, the others are not told so before theirs is written', async () => {
    await put(many(20));
    const first = world.proxy.add({ command: 'find', collection: 'jobs', where: isLook, fault: 'hold', side: 'after' });
    const late = Promise.allSettled(Array.from({ length: 3 }, () => world.store.jobs.claim(question())));
    await first.hit;
    await claim(world.rival, 3);
    const second = world.proxy.add({ command: 'find', collection: 'jobs', where: isLook, fault: 'hold', side: 'after' });
    first.release();
    await second.hit;
    await claim(world.rival, 17);
    await put(many(3));
    world.proxy.add({ command: 'findAndModify', fault: 'error', code: 13 });
    const slow = world.proxy.add({ command: 'findAndModify', fault: 'delay', delayMs: 150, side: 'before', times: 2 });
    second.release();
    await slow.hit;
    const got = (await late).map((one) => (one.status === 'fulfilled' ? numbers([one.value]).length : one.status));
    expect(got.toSorted()).toEqual([1, 1, 'rejected']);
    expect(await jobs().countDocuments({ status: 'in_progress' })).toBe(20 + 2);
  });

  it('P9: what is new and what is a retry see the same jobs; nobody takes one twice or loses it to himself', async () => {
    await put(Array.from({ length: 40 }, () => ({ reserved_until: new Date(0) })));
    world.proxy.resetCounts();
    const kinds = ['new', 'retry'] as const;
    const got = await Promise.all(Array.from({ length: 40 }, (_, n) => world.store.jobs.claim(question({ kind: kinds[n % 2] ?? 'new' }))));
    expect(sorted(numbers(got))).toEqual(upTo(40));
    // Two looks where one has done its taking before the other begins, else three.
    expect({ findAndModify: 0, ...world.proxy.counts() }).toMatchObject({ findAndModify: 0 });
    expect(world.proxy.counts()['find']).toBeLessThanOrEqual(3);
  });

  it('P4: what changed between the look and the write is not taken as it was seen', async () => {
    await put(many(8));
    const seen = world.proxy.add({ command: 'find', collection: 'jobs', fault: 'hold', side: 'after' });
    const asked = claim(world.store, 8);
    await seen.hit;
    await jobs().updateOne({ n: 0 }, { $set: { status: 'cancelled' } });
    await jobs().updateOne({ n: 1 }, { $set: { reserved_until: inMs(3_600_000) } });
    await jobs().updateOne({ n: 2 }, { $set: { status: 'suspended' } });
    await jobs().updateOne({ n: 3 }, { $set: { reserved_until: inMs(-1_000) } });
    await jobs().deleteOne({ n: 4 });
    seen.release();
    // The fourth is due all the same: whoever lost it as it was asks again, and gets it as it is.
    expect(sorted(numbers(await asked))).toEqual([3, 5, 6, 7]);
    expect(await jobs().countDocuments({ status: 'in_progress' })).toBe(4);
  });

  it('P2: a due time of any kind is taken by the group as by one', async () => {
    const odd: unknown[] = [
      undefined,
      null,
      '2031-01-01',
      inMs(-1_000),
      [inMs(-1_000), inMs(-2_000)],
      [],
      1_900_000_000_000,
      Number.NaN,
      Timestamp.fromBits(1, 2_000_000_000),
      new MaxKey(),
      Long.fromString('9007199254740993'),
      { at: 1 },
      true,
      '$$NOW',
    ];
    await put(odd.map((due) => (due === undefined ? {} : { reserved_until: due })));
    expect(sorted(numbers(await claim(world.store, odd.length + 2)))).toEqual(upTo(odd.length));
  });

  it('P7: names of any kind in a document do not keep it from the group, and stay as they are', async () => {
    const odd = [
      { $where: 1 },
      { $set: { status: 'done' } },
      { 'a.b': 1 },
      { '': 1 },
      { contact: { $ref: 1, 'c.d': [{ $x: 2 }] } },
      { rescued_from: 'x' },
    ];
    await put(odd);
    world.proxy.resetCounts();
    expect(sorted(numbers(await claim(world.store, odd.length)))).toEqual(upTo(odd.length));
    expect({ findAndModify: 0, ...world.proxy.counts() }).toMatchObject({ update: 1, findAndModify: 0 });
    const stored = await jobs().find({}).sort({ n: 1 }).toArray();
    for (const [n, doc] of stored.entries()) {
      if (n < odd.length - 1) expect(doc).toMatchObject({ ...odd[n], status: 'in_progress' });
      else expect(doc).not.toHaveProperty('rescued_from');
    }
  });

  it('P2: when the answer to the write is lost, each claim is found by its token', async () => {
    await put(many(6));
    world.proxy.add({ command: 'update', fault: 'reset-after', times: 3 });
    const asked = upTo(6).map(() => question());
    const told = await Promise.allSettled(asked.map((one) => world.store.jobs.claim(one)));
    world.proxy.clear();
    expect(told.every((one) => one.status === 'rejected')).toBe(true);
    const found = await Promise.all(asked.map(({ token }) => world.rival.jobs.byToken(token)));
    expect(sorted(numbers(found))).toEqual(upTo(6));
  });

  it('questions for other batches and other kinds of work are groups of their own', async () => {
    await put(many(10).map((_, n) => ({ batch_id: n < 5 ? 'batch-1' : 'batch-2', status: n % 5 === 0 ? 'scheduled' : 'pending' })));
    const got = await Promise.all(
      upTo(10).map((n) =>
        world.store.jobs.claim(question({ batch: n < 5 ? 'batch-1' : 'batch-2', kind: n % 5 === 0 ? 'scheduled' : 'new' })),
      ),
    );
    for (const [n, doc] of got.entries()) {
      expect(doc).toMatchObject({ batch_id: n < 5 ? 'batch-1' : 'batch-2', status: n % 5 === 0 ? 'scheduled' : 'pending' });
    }
  });

  it('P2, P7: a job filled to the last byte takes no lease; it is failed, and the others are claimed', { timeout: 60_000 }, async () => {
    await put(many(4));
    const own = await jobs().findOne({ n: 0 });
    const room = 16 * 1024 * 1024 - BSON.calculateObjectSize(own ?? {}) - 'filler'.length - 7;
    await jobs().updateOne({ n: 0 }, { $set: { filler: 'x'.repeat(room) } });
    const refused = await world.store.jobs.claim(question()).catch((error: unknown) => error);
    expect(isRefusal(refused)).toBe(true);
    const together = await Promise.allSettled(upTo(3).map(() => world.store.jobs.claim(question())));
    expect(together.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(await world.store.jobs.failFull(question())).toMatchObject({ _id: own?._id });
    expect(await jobs().findOne({ n: 0 }, { projection: { status: 1 } })).toMatchObject({ status: 'failed' });
    expect(await world.store.jobs.failFull(question())).toBeNull();
    expect(numbers(await claim(world.store, 2))).toEqual([3]);
  });
});
