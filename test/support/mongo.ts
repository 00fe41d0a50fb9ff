/** The database of a test file: one of its own on the run's server, so that files cannot disturb each other. */

import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { Db, MongoClientOptions } from 'mongodb';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly uri: string;
  readonly name: string;
  readonly client: MongoClient;
  readonly db: Db;
  /** Drops the database and closes the client. */
  drop(): Promise<void>;
}

export const testMongoUri = (): string => inject('mongoUri');

export const openTestDatabase = async (options: MongoClientOptions = {}): Promise<TestDatabase> => {
  const uri = testMongoUri();
  const name = `speechai_test_${randomBytes(6).toString('hex')}`;
  const client = await new MongoClient(uri, options).connect();
  const db = client.db(name);
  return {
    uri,
    name,
    client,
    db,
    drop: async () => {
      await db.dropDatabase().catch(() => undefined);
      await client.close();
    },
  };
};

/** The embedded engine stands alone: no transactions, no change streams, no failover. */
export const hasReplicaSet = (): boolean => inject('mongoReplicaSet');

/** Says aloud what is skipped where there is no replica set: `describe.skipIf(withoutReplicaSet('transactions'))(...)`. Its tests count as skipped. */
export const withoutReplicaSet = (what: string): boolean => {
  if (hasReplicaSet()) return false;
  console.warn(`SKIPPED, no replica set here: ${what} (TEST_MONGO_URI=mongodb://.../?replicaSet=NAME runs it)`);
  return true;
};
