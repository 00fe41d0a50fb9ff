/** One engine that looks like a replica set: what the driver itself makes of it. */

import { MongoClient, MongoServerError } from 'mongodb';
import type { Collection } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './eventually.js';
import { startFaultProxySet } from './fault-proxy-set.js';
import type { FaultProxySet } from './fault-proxy-set.js';
import { hasReplicaSet, openTestDatabase } from './mongo.js';
import type { TestDatabase } from './mongo.js';

interface Item {
  _id: number;
  n?: number;
}

// A server that is a set itself needs nobody to pretend.
describe.skipIf(hasReplicaSet())('a set of two members before one engine', () => {
  let database: TestDatabase;
  let set: FaultProxySet;
  let client: MongoClient;
  let items: Collection<Item>;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await database.db.collection('items').deleteMany({});
    set = await startFaultProxySet(database.uri);
    client = await new MongoClient(set.uri, { serverSelectionTimeoutMS: 20_000 }).connect();
    items = client.db(database.name).collection<Item>('items', { writeConcern: { w: 'majority', journal: true, wtimeoutMS: 1_000 } });
  });
  afterEach(async () => {
    await client.close();
    await set.close();
  });

  const counted = async (): Promise<number | undefined> =>
    (await database.db.collection<Item>('items').findOne({ _id: 1 }, { projection: { n: 1 } }))?.n;

  /** What the driver's monitor last heard of each member. */
  const types = async (wanted: string): Promise<string> =>
    eventually(
      () => [...(known.get(client) ?? [])].map(([, type]) => type).join(' '),
      (seen) => (seen === wanted ? null : `the driver knows ${seen}`),
      9_000,
    );
  const known = new Map<MongoClient, Map<string, string>>();
  const watch = async (one: MongoClient): Promise<MongoClient> => {
    const seen = new Map<string, string>(set.members.map(({ port }) => [`127.0.0.1:${port}`, 'Unknown']));
    known.set(one, seen);
    one.on('serverDescriptionChanged', ({ address, newDescription }) => seen.set(address, newDescription.type));
    return one.connect();
  };

  it('is discovered from either member, and the driver hears of an election at once', async () => {
    await client.close();
    client = await watch(new MongoClient(`mongodb://127.0.0.1:${set.members[1].port}/?replicaSet=rs0`));
    await types('RSPrimary RSSecondary');
    const hello = await client.db('admin').command({ hello: 1 });
    expect(hello).toMatchObject({ setName: 'rs0', isWritablePrimary: true, secondary: false, ok: 1 });
    expect(hello['hosts']).toHaveLength(2);
    const startedMs = performance.now();
    expect(await set.elect({ how: 'step-down', withoutPrimaryMs: 50 })).toBe(true);
    await types('RSSecondary RSPrimary');
    // Long before it would have asked again by itself: the monitor's stream told it.
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  });

  it('writes of every kind pass, with majority and a session, to an engine that knows neither', async () => {
    await items.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }]); // prettier-ignore
    expect(await items.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: 'after' })).toEqual({ _id: 1, n: 2 });
    const bulk = await client.bulkWrite<Record<string, Item>>(
      [
        { namespace: `${database.name}.items`, name: 'updateOne', filter: { _id: 1 }, update: { $inc: { n: 1 } } },
        { namespace: `${database.name}.items`, name: 'deleteOne', filter: { _id: 2 } },
      ],
      { verboseResults: true, writeConcern: { w: 'majority', journal: true } },
    );
    expect(bulk).toMatchObject({ modifiedCount: 1, deletedCount: 1 });
    expect(await items.find({}, { readConcern: 'majority' }).toArray()).toEqual([{ _id: 1, n: 3 }]);
    expect(await items.find({}, { readPreference: 'secondary' }).toArray()).toEqual([{ _id: 1, n: 3 }]);
  });

  it('a write during an election waits for the new primary and is done once', async () => {
    await items.insertOne({ _id: 1, n: 0 });
    const election = set.elect({ how: 'step-down', unconfirmed: 0, withoutPrimaryMs: 200 });
    await eventually(set.primary, (primary) => (primary === null ? null : 'there still is a primary'));
    const written = items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    expect(set.primary()).toBeNull();
    expect((await written).modifiedCount).toBe(1);
    expect(await election).toBe(true);
    expect(set.primary()).toBe(1);
    expect(await counted()).toBe(1);
  });

  it.each(['step-down', 'cut', 'crash'] as const)(
    'what the old primary did and could not confirm is confirmed by the new one, not done again (%s)',
    async (how) => {
      await items.insertOne({ _id: 1, n: 0 });
      const done = eventually(counted, (n) => (n === 1 ? null : `n is ${n}`));
      const election = set.elect({ how, unconfirmed: done, withoutPrimaryMs: 100 });
      const found = items.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: 'after' });
      await done;
      expect(set.primary()).toBe(0);
      expect(await found).toEqual({ _id: 1, n: 1 });
      await election;
      expect(await counted()).toBe(1);
      expect(set.repeatedAnswers()).toBe(1);
    },
  );

  it('of writes that a step-down interrupts together, each is done once', async () => {
    await items.insertOne({ _id: 1, n: 0 });
    const done = eventually(counted, (n) => (n === 111 ? null : `n is ${n}`));
    const election = set.elect({ how: 'step-down', unconfirmed: done, withoutPrimaryMs: 100 });
    const update = { namespace: `${database.name}.items`, name: 'updateOne', filter: { _id: 1 }, update: { $inc: { n: 100 } } } as const;
    const writes = Promise.all([
      items.updateOne({ _id: 1 }, { $inc: { n: 1 } }),
      items.findOneAndUpdate({ _id: 1 }, { $inc: { n: 10 } }),
      client.bulkWrite<Record<string, Item>>([update]),
    ]);
    await done;
    expect(set.primary()).toBe(0);
    expect(await writes).toMatchObject([{ modifiedCount: 1 }, { _id: 1 }, { modifiedCount: 1 }]);
    await election;
    expect(await counted()).toBe(111);
    expect(set.repeatedAnswers()).toBe(3);
  });

  it('a reply that was lost on the way is given again to the retry, also when the first is still under way', async () => {
    await items.insertOne({ _id: 1, n: 0 });
    set.add({ command: 'update', fault: 'reset-after' });
    expect((await items.updateOne({ _id: 1 }, { $inc: { n: 1 } })).modifiedCount).toBe(1);
    set.clear();
    set.add({ command: 'findAndModify', fault: 'silent', side: 'after' });
    const impatient = new MongoClient(set.uri, { socketTimeoutMS: 500 });
    const found = await impatient.db(database.name).collection<Item>('items').findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }); // prettier-ignore
    expect(found).toEqual({ _id: 1, n: 1 });
    expect(await counted()).toBe(2);
    expect(set.repeatedAnswers()).toBe(2);
    set.resetAll();
    await impatient.close();
  });

  it('a write without a number is not retried: whoever sent it is told', async () => {
    await items.insertMany([{ _id: 1, n: 0 }, { _id: 2, n: 0 }]); // prettier-ignore
    const done = eventually(counted, (n) => (n === 1 ? null : `n is ${n}`));
    const election = set.elect({ how: 'step-down', unconfirmed: done, withoutPrimaryMs: 50 });
    const error: unknown = await items.updateMany({}, { $inc: { n: 1 } }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MongoServerError);
    expect(error).toMatchObject({ code: 189 });
    expect(await counted()).toBe(1);
    await election;
  });

  it('a change stream is refused for good, as a server without them does', async () => {
    const stream = items.watch();
    stream.on('change', () => undefined);
    const error = await new Promise((resolve) => stream.on('error', resolve));
    expect(error).toMatchObject({ code: 40573 });
    await stream.close();
  });

  it('after an injected error that no election followed, an announcement lets the driver go on', async () => {
    for (const rule of set.add({ command: 'insert', fault: 'error', code: 10107, labels: ['RetryableWriteError'] }))
      void rule.hit.then(() => setTimeout(set.announce, 20));
    await items.insertOne({ _id: 1 });
    expect(await database.db.collection('items').countDocuments()).toBe(1);
  });
});
