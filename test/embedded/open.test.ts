import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTicksOf } from '../../src/embedded/lock.js';
import { openEmbedded } from '../../src/embedded/open.js';
import type { Embedded } from '../../src/embedded/open.js';
import { containing } from '../support/matchers.js';
import { isRunning, runScript } from '../support/processes.js';
import type { Script } from '../support/processes.js';

const OWNER = fileURLToPath(new URL('./owner.ts', import.meta.url));
const JOURNALED = { writeConcern: { w: 1, journal: true } };

const toldSchema = z.object({ pid: z.number(), uri: z.string() });
type Told = z.infer<typeof toldSchema>;

/** What the owner script says in its next line. */
const told = async (script: Script): Promise<Told> => toldSchema.parse(JSON.parse(await script.line()));

describe('the embedded database', () => {
  let directory: string;
  const opened: Embedded[] = [];
  const scripts: Script[] = [];
  const clients: MongoClient[] = [];

  const open = async (folder = directory): Promise<Embedded> => {
    const engine = await openEmbedded(folder);
    opened.push(engine);
    return engine;
  };
  const startOwner = async (): Promise<{ script: Script; told: Told }> => {
    const script = runScript(OWNER, [directory]);
    scripts.push(script);
    return { script, told: await told(script) };
  };
  const clientOf = (uri: string): MongoClient => {
    const client = new MongoClient(uri, { minHeartbeatFrequencyMS: 20, heartbeatFrequencyMS: 500, serverSelectionTimeoutMS: 5_000 });
    clients.push(client);
    return client;
  };
  const gone = async (pid: number, withinMs: number): Promise<void> => {
    await expect.poll(() => isRunning(pid), { timeout: withinMs, interval: 20 }).toBe(false);
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'speechai-embedded-'));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    for (const script of scripts.splice(0)) {
      script.kill();
      await script.ended;
    }
    const pids = opened.map((engine) => engine.pid());
    await Promise.all(opened.splice(0).map((engine) => engine.close()));
    for (const pid of pids) await gone(pid, 2_000);
    await rm(directory, { recursive: true, force: true });
  });

  it('keeps data over a restart, and is gone once its last user has closed it', async () => {
    const first = await open();
    await clientOf(first.uri).db('d').collection('c').insertOne({ kept: true });
    await first.close();
    expect(isRunning(first.pid())).toBe(false);
    expect(await readdir(join(directory, 'run'))).toEqual(['database.sock']);

    const second = await open();
    expect(second.uri).toBe(first.uri);
    expect(await clientOf(second.uri).db('d').collection('c').countDocuments({ kept: true })).toBe(1);
  });

  it('is one engine for all who open the folder at the same time', async () => {
    const [a, b, c, other] = await Promise.all([open(), open(), open(), startOwner()]);
    expect(new Set([a.pid(), b.pid(), c.pid(), other.told.pid]).size).toBe(1);
    expect(new Set([a.uri, b.uri, c.uri, other.told.uri]).size).toBe(1);
    await Promise.all([a.close(), b.close(), c.close()]);
    expect(isRunning(other.told.pid)).toBe(true);
  });

  it('dies within 2 s of the kill -9 of its last owner, not of an earlier one', async () => {
    const [one, two] = await Promise.all([startOwner(), startOwner()]);
    one.script.kill('SIGKILL');
    await one.script.ended;
    await clientOf(one.told.uri).db('admin').command({ ping: 1 });
    expect(isRunning(two.told.pid)).toBe(true);
    two.script.kill('SIGKILL');
    await gone(two.told.pid, 2_000);
    expect(await readdir(directory)).not.toContain('engine.lock');
  });

  it('is started again when it dies, for all its owners, at the same URI, with every journaled write', async () => {
    const mine = await open();
    const { script, told: before } = await startOwner();
    const items = clientOf(mine.uri).db('d').collection('c');
    await items.insertOne({ n: 1 }, JOURNALED);
    process.kill(before.pid, 'SIGKILL');
    expect(JSON.parse(await script.line())).toMatchObject({ line: containing('gone') });
    // A short outage like any other: the driver tries a read twice, the caller has to try as long as it takes.
    await expect.poll(() => items.countDocuments({ n: 1 }).catch(() => 'away'), { timeout: 10_000 }).toBe(1);
    await items.insertOne({ n: 2 }, JOURNALED);
    const back = await told(script);
    expect(back.pid).not.toBe(before.pid);
    await expect.poll(() => mine.pid()).toBe(back.pid);
  });

  it.each([
    ['of a process that is gone', () => ({ pid: 2 ** 22 + 1, startTicks: '1' })],
    ['of a number that another process has by now', () => ({ pid: process.pid, startTicks: '1' })],
    ['that is garbage', () => ({ pid: 'x' })],
  ])('is not stopped by a lock file %s', async (_, holder) => {
    const lock = { startTicks: null, provider: 'x', uri: 'x', ownersSocket: join(directory, 'run', 'owners.sock'), ...holder() };
    await writeFile(join(directory, 'engine.lock'), JSON.stringify(lock));
    const startedMs = performance.now();
    const engine = await open();
    // An engine that does not answer is waited for much longer.
    expect(performance.now() - startedMs).toBeLessThan(12_000);
    expect(JSON.parse(await readFile(join(directory, 'engine.lock'), 'utf8'))).toMatchObject({
      pid: engine.pid(),
      startTicks: startTicksOf(engine.pid()),
    });
  });

  it('serves a folder whose path is too long for a socket', async () => {
    const long = join(directory, 'a-very-long-name-'.repeat(10));
    const engine = await open(long);
    expect(Buffer.byteLength(decodeURIComponent(engine.uri.slice('mongodb://'.length).split('/?')[0] ?? ''))).toBeLessThan(107);
    await clientOf(engine.uri).db('d').collection('c').insertOne({});
    expect(await readdir(join(long, 'engine'))).toContain('WiredTiger');
  });

  it('says in one sentence why a folder cannot be used', async () => {
    await writeFile(join(directory, 'file'), '');
    await expect(open(join(directory, 'file'))).rejects.toMatchObject({ code: 'EMBEDDED_DIRECTORY', exitCode: 78 });
    // There Node's own recursive mkdir turns in a circle for ever.
    if (process.platform === 'linux') await expect(open('/proc/nope/data')).rejects.toMatchObject({ code: 'EMBEDDED_DIRECTORY' });
  });

  it('says what it waits for, and gives up on an engine that hangs', async () => {
    const { told: first } = await startOwner();
    const said: string[] = [];
    process.kill(first.pid, 'SIGSTOP');
    try {
      await expect(openEmbedded(directory, { onProgress: (line) => said.push(line) })).rejects.toMatchObject({
        code: 'EMBEDDED_BUSY',
        exitCode: 75,
        message: containing(`process ${String(first.pid)}`),
      });
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    expect(said).toEqual([containing(`held by process ${String(first.pid)}`)]);
    expect((await open()).pid()).toBe(first.pid);
  }, 30_000);

  it('says why the engine does not start, and lets nothing run on', async () => {
    await writeFile(join(directory, 'engine'), 'not a folder');
    await expect(open()).rejects.toMatchObject({ code: 'EMBEDDED_START', message: containing('engine.log') });
  });
});
