import { MongoClient, MongoNetworkError, MongoServerError } from 'mongodb';
import type { Collection } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startFaultProxy } from './fault-proxy.js';
import type { FaultProxy } from './fault-proxy.js';
import { openTestDatabase } from './mongo.js';
import type { TestDatabase } from './mongo.js';

interface Item {
  readonly _id: number;
  n?: number;
}

describe('the fault proxy', () => {
  let database: TestDatabase;
  let proxy: FaultProxy;
  let client: MongoClient;
  let items: Collection<Item>;
  /** Reads beside the proxy: what the server really holds. */
  const stored = async (): Promise<number[]> => {
    const found = await database.db.collection<Item>('items').find().sort({ _id: 1 }).toArray();
    return found.map((item) => item._id);
  };

  beforeAll(async () => {
    database = await openTestDatabase();
    proxy = await startFaultProxy(database.uri);
    client = await new MongoClient(proxy.uri, {
      retryWrites: false,
      retryReads: false,
      serverSelectionTimeoutMS: 2_000,
      heartbeatFrequencyMS: 500,
      // The driver rests this long (500 ms by default) before it looks at a server again after an error.
      minHeartbeatFrequencyMS: 10,
    }).connect();
    items = client.db(database.name).collection('items');
  });
  afterEach(async () => {
    proxy.clear();
    await database.db.collection('items').deleteMany({});
  });
  afterAll(async () => {
    await client.close();
    await proxy.close();
    await database.drop();
  });

  it('lets everything else pass, large documents and cursors included', async () => {
    const big = 'x'.repeat(700_000);
    await database.db.collection('large').insertMany(Array.from({ length: 5 }, (_, n) => ({ n, big })));
    const found = await client.db(database.name).collection('large').find().batchSize(2).toArray();
    expect(found.map((each) => each['big'] === big)).toEqual([true, true, true, true, true]);
    await client.db(database.name).collection('large').insertOne({ big });
    expect(await database.db.collection('large').countDocuments()).toBe(6);
  });

  it('counts commands by name, a client bulk write as one', async () => {
    proxy.resetCounts();
    await items.insertOne({ _id: 1 });
    await items.updateOne({ _id: 1 }, { $set: { n: 1 } });
    await client.bulkWrite<Record<string, Item>>([
      { namespace: `${database.name}.items`, name: 'insertOne', document: { _id: 2 } },
      { namespace: `${database.name}.others`, name: 'insertOne', document: { _id: 2 } },
    ]);
    expect(proxy.counts()).toMatchObject({ insert: 1, update: 1, bulkWrite: 1 });
    proxy.resetCounts();
    expect(proxy.counts()['insert']).toBeUndefined();
  });

  it('resets before the server sees the command', async () => {
    const rule = proxy.add({ command: 'insert', fault: 'reset-before' });
    await expect(items.insertOne({ _id: 1 })).rejects.toBeInstanceOf(MongoNetworkError);
    expect((await rule.hit).collection).toBe('items');
    expect(await stored()).toEqual([]);
    await items.insertOne({ _id: 2 });
    expect(await stored()).toEqual([2]);
  });

  it('resets after the server did the write, so that the client cannot know', async () => {
    proxy.add({ command: 'insert', fault: 'reset-after' });
    await expect(items.insertOne({ _id: 1 })).rejects.toBeInstanceOf(MongoNetworkError);
    expect(await stored()).toEqual([1]);
  });

  it.each([10107, 189, 91, 112, 11600])('answers error %i itself', async (code) => {
    proxy.add({ command: 'insert', fault: 'error', code });
    const error: unknown = await items.insertOne({ _id: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MongoServerError);
    expect(error).toMatchObject({ code });
    expect(await stored()).toEqual([]);
    await items.insertOne({ _id: 1 });
  });

  it('answers an error after the server did the write', async () => {
    proxy.add({ command: 'insert', fault: 'error', code: 91, side: 'after', labels: ['RetryableWriteError'] });
    const error = await items.insertOne({ _id: 1 }).catch((thrown: unknown) => thrown);
    expect(error instanceof MongoServerError && error.hasErrorLabel('RetryableWriteError')).toBe(true);
    expect(await stored()).toEqual([1]);
  });

  it('turns a good answer into an unmet write concern', async () => {
    proxy.add({ command: 'insert', fault: 'write-concern-error', code: 64 });
    await expect(items.insertOne({ _id: 1 })).rejects.toMatchObject({ code: 64 });
    expect(await stored()).toEqual([1]);
  });

  it('delays a command', async () => {
    proxy.add({ command: 'insert', fault: 'delay', delayMs: 40 });
    const startedMs = performance.now();
    await items.insertOne({ _id: 1 });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(38);
  });

  it('holds a command before the server, or its answer, until it is released', async () => {
    const before = proxy.add({ command: 'insert', fault: 'hold' });
    const first = items.insertOne({ _id: 1 });
    await before.hit;
    expect(await stored()).toEqual([]);
    before.release();
    await first;

    const after = proxy.add({ command: 'update', fault: 'hold', side: 'after' });
    const second = items.updateOne({ _id: 1 }, { $set: { n: 7 } });
    await after.hit;
    await expect.poll(() => database.db.collection<Item>('items').findOne({ _id: 1 })).toMatchObject({ n: 7 });
    after.release();
    expect((await second).modifiedCount).toBe(1);
  });

  it('goes silent on one connection: the client waits until its own timeout, others go on', async () => {
    const rule = proxy.add({ command: 'insert', fault: 'silent', side: 'after' });
    const given = AbortSignal.timeout(45);
    const waiting = items.insertOne({ _id: 1 }).then(
      () => 'answered',
      () => 'cut off',
    );
    await rule.hit;
    await items.insertOne({ _id: 2 });
    const heard = await Promise.race([waiting, new Promise((resolve) => given.addEventListener('abort', () => resolve('nothing')))]);
    expect(heard).toBe('nothing');
    expect(await stored()).toEqual([1, 2]);
    proxy.resetAll();
    expect(await waiting).toBe('cut off');
  });

  it('is gone from a command on until it listens again', async () => {
    proxy.add({ command: 'insert', fault: 'refuse' });
    await expect(items.insertOne({ _id: 1 })).rejects.toBeInstanceOf(MongoNetworkError);
    expect(proxy.connections()).toBe(0);
    const later = items.insertOne({ _id: 2 });
    await proxy.startListening();
    await later;
    expect(await stored()).toEqual([2]);
  });

  it('stops and starts as a database does', async () => {
    await items.insertOne({ _id: 1 });
    await proxy.stopListening();
    const impatient = new MongoClient(proxy.uri, { serverSelectionTimeoutMS: 40 });
    await expect(impatient.connect()).rejects.toThrow(/ECONNREFUSED/);
    await impatient.close();
    await proxy.startListening();
    expect(await items.countDocuments()).toBe(1);
  });

  it('picks by collection, by predicate, from the nth match on, as often as said', async () => {
    const others = client.db(database.name).collection<Item>('others');
    await others.deleteMany({});
    const rule = proxy.add({ command: 'insert', collection: 'items', nth: 2, times: 2, fault: 'error', code: 112 });
    const outcomes: string[] = [];
    for (let id = 1; id <= 4; id += 1) {
      await others.insertOne({ _id: id });
      outcomes.push(
        await items.insertOne({ _id: id }).then(
          () => 'ok',
          () => 'failed',
        ),
      );
    }
    expect(outcomes).toEqual(['ok', 'failed', 'failed', 'ok']);
    expect(rule.hits()).toBe(2);

    proxy.add({
      command: 'insert',
      where: (command) => JSON.stringify(command.document()['documents']).includes('99'),
      fault: 'error',
      code: 112,
    });
    await items.insertOne({ _id: 98 });
    await expect(items.insertOne({ _id: 99 })).rejects.toMatchObject({ code: 112 });
  });

  it('finds a collection inside a client bulk write', async () => {
    proxy.add({ command: 'bulkWrite', collection: 'second', fault: 'reset-after' });
    const write = (collection: string): Promise<unknown> =>
      client.bulkWrite<Record<string, Item>>([
        { namespace: `${database.name}.items`, name: 'insertOne', document: { _id: collection.length } },
        { namespace: `${database.name}.${collection}`, name: 'insertOne', document: { _id: 1 } },
      ]);
    await write('third');
    await expect(write('second')).rejects.toBeInstanceOf(MongoNetworkError);
    expect(await stored()).toEqual([5, 6]);
  });

  it('fails reads and cursors by their own names', async () => {
    await items.insertMany(Array.from({ length: 5 }, (_, n) => ({ _id: n })));
    proxy.add({ command: 'getMore', collection: 'items', fault: 'reset-before' });
    await expect(items.find().batchSize(2).toArray()).rejects.toBeInstanceOf(MongoNetworkError);
    proxy.add({ command: 'find', fault: 'error', code: 189 });
    await expect(items.findOne()).rejects.toMatchObject({ code: 189 });
  });

  it('clear() lets go of what is held', async () => {
    const rule = proxy.add({ command: 'insert', fault: 'hold' });
    const held = items.insertOne({ _id: 1 });
    await rule.hit;
    proxy.clear();
    await held;
    expect(await stored()).toEqual([1]);
  });
});
