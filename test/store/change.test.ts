/** P1, P3, P5: a change that many ask for is one write, and each of them learns what became of his own document. */

import { ObjectId, type Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createChange, own, type Change } from '../../src/store/change.js';
import type { StoredId } from '../../src/store/connection.js';
import type { StoreWorld } from './support.js';
import { openStoreWorld } from './support.js';

interface Values {
  readonly owner: string;
  readonly text: string;
}

const MEGABYTE = 1024 * 1024;

describe('a change', () => {
  let world: StoreWorld;
  let change: Change<Values>;
  const collection = () => world.database.db.collection<Document & { _id: StoredId }>('jobs');
  const put = (ids: readonly unknown[]): Promise<unknown> =>
    collection().insertMany(ids.map((id) => ({ _id: id as StoredId, owner: `of ${String(id)}`, n: 0 })));
  const ask = (id: unknown, more: Partial<Values> = {}): Promise<boolean | string> =>
    change(id as StoredId, { owner: `of ${String(id)}`, text: `$${String(id)}`, ...more }).catch(() => 'failed');
  const all = (ids: readonly unknown[]): Promise<(boolean | string)[]> => Promise.all(ids.map((id) => ask(id)));
  const upTo = (count: number): string[] => Array.from({ length: count }, (_, n) => `id-${n}`);

  beforeAll(async () => {
    world = await openStoreWorld();
    change = createChange<Values>(world.store.connection, {
      collection: 'jobs',
      where: (values) => ({ owner: { $in: values.map(({ owner }) => owner) } }),
      stages: [{ $replaceWith: { $cond: [{ $eq: ['$n', 0] }, { $mergeObjects: ['$$ROOT', { n: 1, text: own('text') }] }, '$$ROOT'] } }],
      fields: ['text'],
      shows: (doc, { text }) => doc['text'] === text,
    });
  });
  beforeEach(() => collection().deleteMany({}));
  afterEach(() => world.proxy.clear());
  afterAll(() => world.close());

  it('of one or of many is one write; each document gets its own values, and nothing besides', async () => {
    await put(upTo(41));
    world.proxy.resetCounts();
    expect(await ask('id-40')).toBe(true);
    expect(await all(upTo(40))).toEqual(upTo(40).map(() => true));
    expect({ find: 0, ...world.proxy.counts() }).toMatchObject({ update: 2, find: 0 });
    for (const doc of await collection().find({}).toArray()) {
      expect(doc).toEqual({ _id: doc._id, owner: `of ${String(doc._id)}`, n: 1, text: `$${String(doc._id)}` });
    }
  });

  it('tells who was not changed, and only them', async () => {
    await put(upTo(6));
    await collection().updateOne({ _id: 'id-1' }, { $set: { owner: 'another' } });
    await collection().updateOne({ _id: 'id-2' }, { $set: { n: 2 } });
    await collection().deleteOne({ _id: 'id-3' });
    expect(await all(upTo(6))).toEqual([true, false, false, false, true, true]);
    expect(await collection().countDocuments({ text: { $exists: true } })).toBe(3);
  });

  it.each(['reset-after', 'reset-before'] as const)('asked for again after %s, it is made once and told so', async (fault) => {
    await put(upTo(5));
    world.proxy.add({ command: 'update', fault });
    expect(await all(upTo(5))).toEqual(upTo(5).map(() => 'failed'));
    world.proxy.clear();
    expect(await all(upTo(5))).toEqual(upTo(5).map(() => true));
    expect(await collection().countDocuments({ n: 1 })).toBe(5);
  });

  it('is told as made to nobody where it may not last', async () => {
    await put(upTo(3));
    world.proxy.add({ command: 'update', fault: 'write-concern-error', code: 64, times: 5 });
    expect(await all(upTo(3))).toEqual(['failed', 'failed', 'failed']);
    world.proxy.clear();
    expect(await all(upTo(3))).toEqual([true, true, true]);
  });

  it('P7: values that no document can hold fail alone, and those that fill a statement go in several', { timeout: 60_000 }, async () => {
    await put(upTo(5));
    const large = 'x'.repeat(5 * MEGABYTE);
    const sizes = [large, 'x'.repeat(17 * MEGABYTE), large, 'small', large];
    const told = await Promise.all(sizes.map((text, n) => ask(`id-${n}`, { text })));
    expect(told).toEqual([true, 'failed', true, true, true]);
    expect(await collection().countDocuments({ n: 1 })).toBe(4);
  });

  it('P7: a document with no room left fails alone', { timeout: 60_000 }, async () => {
    await put(upTo(3));
    await collection().updateOne({ _id: 'id-1' }, { $set: { filler: 'x'.repeat(16 * MEGABYTE - 60) } });
    expect(await all(upTo(3))).toEqual([true, 'failed', true]);
  });

  it('P3: asked for twice of one document with other values, it is one of them, whole', async () => {
    await put(upTo(2));
    const told = await Promise.all([ask('id-0', { text: 'first' }), ask('id-1'), ask('id-0', { text: 'second' })]);
    expect(told.toSorted()).toEqual([false, true, true]);
    const text = told[0] === true ? 'first' : 'second';
    expect(await collection().findOne({ _id: 'id-0' })).toMatchObject({ n: 1, text });
  });

  it('finds its documents by ids of any kind', async () => {
    const hex = '0123456789abcdef01234567';
    const ids = [hex, new ObjectId(hex), 7, 7.5, { a: 1, b: [2] }, true, '', new Date(7)];
    await put(ids);
    expect(await all(ids)).toEqual(ids.map(() => true));
    for (const id of ids) {
      expect(await collection().findOne({ _id: id as StoredId })).toMatchObject({ n: 1, text: `$${String(id)}` });
    }
  });

  it('of more than fit into one write is several', async () => {
    await put(upTo(450));
    world.proxy.resetCounts();
    expect(await all(upTo(450))).toEqual(upTo(450).map(() => true));
    expect(world.proxy.counts()).toMatchObject({ update: 3 });
  });
});
