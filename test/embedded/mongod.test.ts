import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/embedded/open.js';
import type { Embedded } from '../../src/embedded/open.js';
import { openTestDatabase } from '../support/mongo.js';
import type { TestDatabase } from '../support/mongo.js';
import { isRunning } from '../support/processes.js';

const PROGRAM = fileURLToPath(new URL('./fake-mongod.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));

/** These show how mongod is started and found again, against a program that stands for it: no MongoDB server can be had everywhere. */
describe('a mongod as the embedded database', () => {
  let folder: string;
  let database: TestDatabase;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'speechai-mongod-'));
    database = await openTestDatabase();
    const upstream = decodeURIComponent(/^mongodb:\/\/([^/]+)/.exec(database.uri)?.[1] ?? '');
    const mongod = join(folder, 'mongod');
    const script = [
      '#!/bin/sh',
      // mongodb-memory-server asks for the version before each start.
      'if [ "$1" = --version ]; then echo "db version v8.2.6"; exit; fi',
      `echo $$ > ${folder}/pid`,
      `export FAKE_MONGOD_UPSTREAM=${upstream}`,
      `exec ${process.execPath} --import ${TSX} ${PROGRAM} "$@"`,
    ];
    await writeFile(mongod, `${script.join('\n')}\n`);
    await chmod(mongod, 0o755);
    env = { ...process.env, MONGOMS_SYSTEM_BINARY: mongod };
  });
  afterAll(async () => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const mongodPid = async (): Promise<number> => Number(await readFile(join(folder, 'pid'), 'utf8'));
  const insert = async (engine: Embedded, client: MongoClient): Promise<void> => {
    await client.db(database.name).collection('c').insertOne({ through: engine.provider });
  };

  it('is a replica set of one at an address of its own, found again after a restart and after its death', async () => {
    const first = await openEmbedded(join(folder, 'data'), { env });
    expect(first.provider).toContain('mongod at');
    expect(first.uri).toMatch(/^mongodb:\/\/127\.0\.0\.1:\d+\/\?replicaSet=speechai$/);
    const client = await new MongoClient(first.uri, { minHeartbeatFrequencyMS: 20 }).connect();
    await insert(first, client);
    await first.close();
    expect(isRunning(await mongodPid())).toBe(false);

    const lines: string[] = [];
    const second = await openEmbedded(join(folder, 'data'), { env, onGone: (line) => lines.push(line) });
    expect(second.uri).toBe(first.uri);
    process.kill(await mongodPid(), 'SIGKILL');
    await expect.poll(() => lines.at(-1), { timeout: 15_000 }).toMatch(/back/);
    await expect.poll(() => insert(second, client).then(() => 'ok', String), { timeout: 5_000 }).toBe('ok');
    await client.close();
    await second.close();
    expect(isRunning(await mongodPid())).toBe(false);
    expect(await database.db.collection('c').countDocuments()).toBe(2);
  });
});
