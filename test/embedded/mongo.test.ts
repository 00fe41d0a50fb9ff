import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, withoutReplicaSet } from '../support/mongo.js';
import type { TestDatabase } from '../support/mongo.js';

describe('the MongoDB of a test run', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());

  it('is a real one: unique partial indexes, pipeline updates and $$NOW', async () => {
    const jobs = database.db.collection('jobs');
    await jobs.createIndex({ lock: 1 }, { unique: true, partialFilterExpression: { lock: { $type: 'string' } } }, {});
    await jobs.insertMany([{ n: 1 }, { n: 2 }, { lock: 'a' }], { writeConcern: { w: 1, journal: true } });
    await expect(jobs.insertOne({ lock: 'a' })).rejects.toMatchObject({ code: 11000 });
    const claimed = await jobs.findOneAndUpdate(
      { n: 1 },
      [{ $set: { until: { $dateAdd: { startDate: '$$NOW', unit: 'second', amount: 2 } } } }],
      {
        returnDocument: 'after',
      },
    );
    expect(claimed?.['until']).toBeInstanceOf(Date);
  });

  it('takes one bulk write over several collections and answers each item', async () => {
    const namespaces = ['a', 'b'].map((name) => `${database.name}.${name}`);
    const result = await database.client.bulkWrite(
      namespaces.map((namespace) => ({ namespace, name: 'insertOne' as const, document: { x: 1 } })),
      { verboseResults: true },
    );
    expect(result.insertedCount).toBe(2);
    expect(result.insertResults?.size).toBe(2);
  });

  it('gives each file a database of its own', async () => {
    const other = await openTestDatabase();
    expect(other.name).not.toBe(database.name);
    await other.drop();
  });
});

describe.skipIf(withoutReplicaSet('what only a set has'))('the MongoDB of a test run, where it is a replica set', () => {
  it('acknowledges by majority and tells changes as they happen', async () => {
    const database = await openTestDatabase();
    const changes = database.db.collection('jobs').watch();
    // The cursor opens with its first question; an insert before that would be missed.
    await changes.tryNext();
    await database.db.collection('jobs').insertOne({ n: 1 }, { writeConcern: { w: 'majority', journal: true } });
    expect(await changes.next()).toMatchObject({ operationType: 'insert' });
    await changes.close();
    await database.drop();
  });
});
