/** The MongoDB of a test run: one engine for all files, or the server that TEST_MONGO_URI names. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { openEmbedded } from '../../src/embedded/open.js';

export interface TestEngine {
  readonly uri: string;
  readonly replicaSet: boolean;
  readonly description: string;
  close(): Promise<void>;
}

export const openTestEngine = async (env: NodeJS.ProcessEnv = process.env): Promise<TestEngine> => {
  const given = env['TEST_MONGO_URI'];
  if (given !== undefined && given !== '') {
    return { uri: given, ...(await look(given)), close: () => Promise.resolve() };
  }
  const directory = await mkdtemp(join(tmpdir(), 'speechai-test-'));
  const engine = await openEmbedded(directory, { env, onProgress: (line) => console.error(line) });
  const seen = await look(engine.uri);
  return {
    uri: engine.uri,
    replicaSet: seen.replicaSet,
    description: `${engine.provider}, ${seen.description}`,
    close: async () => {
      await engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const look = async (uri: string): Promise<{ replicaSet: boolean; description: string }> => {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 });
  try {
    const hello = await client.db('admin').command({ hello: 1 });
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    const replicaSet = typeof hello['setName'] === 'string';
    return { replicaSet, description: `MongoDB ${String(version)}, ${replicaSet ? 'replica set' : 'standalone'}` };
  } finally {
    await client.close();
  }
};
