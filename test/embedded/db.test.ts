import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { matching } from '../support/matchers.js';
import { isRunning, runScript } from '../support/processes.js';
import type { Script } from '../support/processes.js';

const PROGRAM = fileURLToPath(new URL('./db-command.ts', import.meta.url));

const servedSchema = z.object({ uri: z.string(), pid: z.number(), provider: z.string(), directory: z.string() });

describe('speechai db', () => {
  let directory: string;
  const scripts: Script[] = [];
  const run = (args: string[], env: NodeJS.ProcessEnv = {}): Script => {
    const script = runScript(PROGRAM, args, { ...process.env, ...env });
    scripts.push(script);
    return script;
  };
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'speechai-db-'));
  });
  afterEach(async () => {
    for (const script of scripts.splice(0)) {
      script.kill('SIGTERM');
      await script.ended;
    }
    await rm(directory, { recursive: true, force: true });
  });

  it('serve prints the URI first, serves other processes, and leaves no engine behind', async () => {
    const serve = run(['db', 'serve', '--dir', directory, '--json']);
    const told = servedSchema.parse(JSON.parse(await serve.line()));
    expect(told).toMatchObject({ directory, provider: matching(/engine|mongod/) });
    const client = await new MongoClient(told.uri).connect();
    await client.db('d').collection('c').insertOne({ seen: true });
    await client.close();

    const ping = run(['db', 'ping', '--json'], { MONGO_URI: `embedded:${directory}` });
    expect(JSON.parse(await ping.line())).toMatchObject({
      uri: told.uri,
      version: matching(/^\d+\.\d+/),
      kind: matching(/^(standalone|replica set)/),
    });
    expect(await ping.ended).toBe(0);
    expect(isRunning(told.pid)).toBe(true);

    serve.kill('SIGTERM');
    expect(await serve.ended).toBe(0);
    expect(isRunning(told.pid)).toBe(false);
    expect(serve.errors()).toContain(told.provider);
  });

  it('serve takes the folder of MONGO_URI, prints a bare URI, and exits 130 on Ctrl-C', async () => {
    const serve = run(['db', 'serve'], { MONGO_URI: `embedded:${directory}` });
    expect(await serve.line()).toMatch(/^mongodb:\/\//);
    await expect.poll(() => serve.errors()).toContain(directory);
    serve.kill('SIGINT');
    expect(await serve.ended).toBe(130);
  });

  it('ping says in one sentence that nothing answers, without the password, and exits 75', async () => {
    const ping = run(['db', 'ping'], { MONGO_URI: 'mongodb://me:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=200' });
    expect(await ping.ended).toBe(75);
    expect(ping.errors()).toMatch(/^DB_UNREACHABLE: MongoDB does not answer at mongodb:\/\/me:\*+@127\.0\.0\.1:1/);
    expect(ping.errors()).not.toContain('hunter2');
    expect(ping.errors().trim().split('\n')).toHaveLength(1);
  });
});
