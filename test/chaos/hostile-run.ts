/** One daemon, good jobs, and everything hostile at once. */

import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MongoBulkWriteError, MongoClient, ObjectId } from 'mongodb';
import type { Document } from 'mongodb';
import { startSimulator } from '../../src/simulator/server.js';
import { eventually } from '../support/eventually.js';
import { inheritedEnv } from '../support/processes.js';
import { accountDocument, batchDocument } from './campaign.js';
import type { Breach, Finding } from './finding.js';
import { spoil, spoilers, startMangler } from './hostile.js';
import { logInvariants } from './invariants-logs.js';
import { API_KEY, DAEMON_ENV } from './options.js';

export interface HostileOptions {
  readonly seed: number;
  /** Documents, and as many replies. */
  readonly count: number;
  readonly entry: string;
  readonly mongoUri: string;
  readonly out: string;
  readonly withinMs: number;
}

const GOOD = 100;
const FINISHED = ['done', 'failed', 'suspended', 'cancelled'];
/** Over what a fresh process of the program needs. */
const MEMORY_MB = 350;

/** A call whose id came mangled is known to nobody: it is closed past its longest possible duration, which this run must not have to wait for. */
const SHORT_CALLS = { POLL_TIMEOUT_SECONDS: '20', CALL_MAX_DURATION_MINUTES: '2' };

export const runHostile = async ({ seed, count, entry, mongoUri, out, withinMs }: HostileOptions): Promise<Finding[]> => {
  mkdirSync(out, { recursive: true });
  const client = await new MongoClient(mongoUri).connect();
  const database = `hostile_${new ObjectId().toHexString().slice(-8)}`;
  const db = client.db(database);
  const simulator = await startSimulator({ seed, speed: 200, key: API_KEY });
  const mangler = await startMangler(simulator.url, seed, count, '902');
  const { jobs, batches, accounts } = spoilers(seed, count);
  const phone = (n: number, digits: string): string => `+569${10_000 + n}${digits}`;
  const job = (n: number, ref: string, digits: string, batch = 'good'): Document => ({
    job_id: ref, account_id: 'acc-rich', batch_id: batch, status: 'pending', attempts: 0, max_attempts: 3, created_at: new Date(),
    contact: { name: 'Contacto', phones: [phone(n, digits)], next_phone_index: 0 }, payload: { debt_amount: 1_000 },
  }); // prettier-ignore
  let hostile = 0;
  const insert = async (name: string, good: readonly Document[], spoilt: readonly Document[]): Promise<void> => {
    await db.collection(name).insertMany([...good]);
    try {
      hostile += (await db.collection(name).insertMany([...spoilt], { ordered: false })).insertedCount;
    } catch (error) {
      // What an index refuses (two arrays in one key) must not keep the others out; anything else is no document's fault.
      if (!(error instanceof MongoBulkWriteError)) throw error;
      hostile += error.insertedCount;
    }
  };
  const log = join(out, 'hostile.log');
  const file = openSync(log, 'w');
  const child = spawn(process.execPath, [entry, 'run'], {
    env: {
      ...inheritedEnv(),
      ...DAEMON_ENV,
      ...SHORT_CALLS,
      WORKER_COUNT: '60',
      MONGO_URI: mongoUri,
      MONGO_DB: database,
      RETELL_BASE_URL: mangler.url,
    },
    stdio: ['ignore', file, file],
  });
  const ended = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(String(code ?? signal))));
  // The indexes stand before the documents come, as with a daemon that has been running for a while.
  await eventually(() => readFileSync(log, 'utf8'), (said) => (said.includes('"msg":"ready"') ? null : 'the daemon is not ready')); // prettier-ignore
  const spoiltDocuments = jobs.length + batches.length + accounts.length;
  await insert(
    'accounts',
    [accountDocument('acc-rich', 100_000)],
    accounts.map((changes, n) => spoil(accountDocument(`acc-${n}`, 100), changes)),
  );
  await insert(
    'batches',
    [batchDocument('good', 'acc-rich', null, 1), ...accounts.map((_, n) => batchDocument(`of-acc-${n}`, `acc-${n}`, null, 1))],
    batches.map((changes, n) => spoil(batchDocument(`batch-${n}`, 'acc-rich', {}, 1), changes)),
  );
  await insert(
    'jobs',
    [
      ...Array.from({ length: GOOD }, (_, n) => job(n, `good-${n}`, '900')),
      ...Array.from({ length: Math.ceil(count * 0.8) }, (_, n) => job(10_000 + n, `mangled-${n}`, '902')),
      ...batches.map((_, n) => job(40_000 + n, `of-batch-${n}`, '901', `batch-${n}`)),
      ...accounts.map((_, n) => ({ ...job(50_000 + n, `of-acc-${n}`, '901', `of-acc-${n}`), account_id: `acc-${n}` })),
    ],
    jobs.map((changes, n) => spoil(job(20_000 + n, `bad-${n}`, '901'), changes)),
  );

  const memoryMb: number[] = [];
  const watch = setInterval(() => memoryMb.push(...residentMb(child.pid)), 500);

  try {
    const own = { job_id: { $regex: /^(good|mangled)-/ }, status: { $nin: FINISHED } };
    // Nothing stays in anybody's hands, however it is spoilt.
    let relenting = false;
    const look = async (): Promise<number> => {
      // From the first spoilt reply on: on a slow machine the first call may come late.
      if (mangler.mangled() > 0 && !relenting) setTimeout(() => mangler.relent(), Math.min(25_000, withinMs / 4)).unref();
      relenting ||= mangler.mangled() > 0;
      return (
        (await db.collection('jobs').countDocuments({ $or: [own, { status: 'in_progress' }] })) +
        (await db.collection('call_attempts').countDocuments({ lease_until: { $exists: true } }))
      );
    };
    const late = await eventually(look, (left) => (left === 0 ? null : `${left} jobs and calls are not finished`), withinMs).then(() => null, (error: unknown) => String(error)); // prettier-ignore
    const alive = child.exitCode === null && child.signalCode === null;
    const all = await db.collection<Document>('jobs').find({}).toArray();
    child.kill('SIGTERM');
    const end = await ended;
    const good = all.filter((one) => String(one['job_id']).startsWith('good-'));
    const said = readFileSync(log, 'utf8');
    const aside = groupLines(said);
    const most = Math.max(0, ...memoryMb);
    const asideTwice = [...aside].filter(([, times]) => times > 1).map(([id]): Breach => ({ text: `${id} was set aside more than once` }));
    return [
      { promise: 'P7', name: 'good jobs end well', checked: good.length, breaches: good.filter((one) => one['status'] !== 'done').map((one) => ({ text: `${one['job_id']} is ${one['status']}` })) },
      { promise: 'P2', name: 'what was met with mangled replies ends, nothing is left in progress', checked: mangler.mangled(), breaches: late === null ? [] : [{ text: late }] },
      { promise: 'P7', name: 'most hostile documents are let in', checked: hostile, breaches: hostile > spoiltDocuments / 2 ? [] : [{ text: `${hostile} of ${spoiltDocuments}` }] },
      { promise: 'P7', name: 'hostile documents are set aside once', checked: aside.size, breaches: asideTwice },
      { promise: 'P7', name: 'the daemon stays, and stops when asked', checked: 1, breaches: alive && end === '0' ? [] : [{ text: `alive ${alive}, ended with ${end}` }] },
      { promise: 'P7', name: `memory stays below ${MEMORY_MB} MB`, checked: memoryMb.length, breaches: most < MEMORY_MB ? [] : [{ text: `${Math.round(most)} MB` }] },
      ...logInvariants({ logs: [log] }),
    ]; // prettier-ignore
  } finally {
    clearInterval(watch);
    child.kill('SIGKILL');
    await ended;
    await mangler.close();
    await simulator.close();
    await db.dropDatabase().catch(() => undefined);
    await client.close();
  }
};

/** How often each job was set aside. */
const groupLines = (said: string): Map<string, number> => {
  const times = new Map<string, number>();
  for (const line of said.split('\n')) {
    const id = line.includes('"event":"set_aside"') ? /"job_id":"([^"]*)"/.exec(line)?.[1] : undefined;
    if (id !== undefined) times.set(id, (times.get(id) ?? 0) + 1);
  }
  return times;
};

/** Nothing where it cannot be read: that is no reading, and not one of nothing. */
const residentMb = (pid: number | undefined): number[] => {
  try {
    const megabytes = (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4_096) / 1e6;
    return Number.isFinite(megabytes) ? [megabytes] : [];
  } catch {
    return [];
  }
};
