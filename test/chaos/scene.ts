/** A stage for one piece of choreography: a database of its own, a provider, a few jobs, daemons that are led step by step; judged as a chaos run is. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ObjectId, MongoClient } from 'mongodb';
import type { Db, Document } from 'mongodb';
import { startSimulator } from '../../src/simulator/server.js';
import type { Simulator } from '../../src/simulator/server.js';
import { eventually } from '../support/eventually.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { inheritedEnv, processState } from '../support/processes.js';
import { accountDocument, batchDocument } from './campaign.js';
import type { JobFacts } from './campaign.js';
import { watchWrites } from './durability.js';
import type { WatchedWrites } from './durability.js';
import { readDocuments } from './evidence.js';
import type { Finding } from './finding.js';
import type { Ended } from './fleet.js';
import { judge } from './invariants.js';
import { API_KEY, DAEMON_ENV } from './options.js';
import type { Closure } from './rival.js';
import { underWay } from './under-way.js';

export interface Actor {
  readonly proxy: FaultProxy;
  readonly ended: Promise<void>;
  /** Stopped by its fail point, or by us. */
  frozen(): Promise<void>;
  wake(): void;
  kill(): Promise<void>;
  /** Its log has such a line, now or later. */
  says(text: string): Promise<void>;
}

export interface Scene {
  readonly db: Db;
  readonly simulator: Simulator;
  job(phone: string): Promise<JobFacts>;
  daemon(options?: { failPoint?: string; env?: Readonly<Record<string, string>> }): Promise<Actor>;
  dials(): number;
  dialled(count: number): Promise<void>;
  /** From now on nothing may be dialled; the answer ends that. */
  pause(): Promise<() => Promise<void>>;
}

export interface SceneOptions {
  readonly name: string;
  readonly entry: string;
  readonly mongoUri: string;
  readonly out: string;
  readonly settleMs: number;
}

const BATCH = 'open-0';
const DURABLE = 'w:1, j:true on a standalone';

/** Runs the choreography, lets everything come to its end, and closes the books. */
export const playScene = async (options: SceneOptions, play: (scene: Scene) => Promise<void>): Promise<Finding[]> => {
  const { name, entry, mongoUri, out } = options;
  mkdirSync(out, { recursive: true });
  const client = await new MongoClient(mongoUri).connect();
  const database = `scene_${name.replace(/-/g, '_')}_${new ObjectId().toHexString().slice(-6)}`;
  const db = client.db(database);
  const simulator = await startSimulator({ seed: name, speed: 60, key: API_KEY });
  const proxies: FaultProxy[] = [];
  const watches: (() => WatchedWrites)[] = [];
  const children = new Map<ChildProcess, Ended['cause']>();
  const ended: Ended[] = [];
  const logs: string[] = [];
  const jobs: JobFacts[] = [];
  const closures: Closure[] = [];

  const daemon: Scene['daemon'] = async ({ failPoint, env = {} } = {}) => {
    const proxy = await startFaultProxy(mongoUri);
    proxies.push(proxy);
    watches.push(watchWrites([proxy], DURABLE));
    const log = join(out, `${name}-${logs.length}.log`);
    const slot = logs.push(log) - 1;
    const file = openSync(log, 'w');
    const child = spawn(process.execPath, [entry, 'run', '--wait', '30'], {
      env: {
        ...inheritedEnv(), ...DAEMON_ENV, MONGO_URI: proxy.uri, MONGO_DB: database, RETELL_BASE_URL: simulator.url,
        ...(failPoint === undefined ? {} : { SPEECHAI_TEST_FAIL_POINT: failPoint }), ...env,
      },
      stdio: ['ignore', file, file],
    }); // prettier-ignore
    closeSync(file);
    children.set(child, failPoint === undefined ? null : 'fail point');
    const gone = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        ended.push({ slot, life: 0, log, cause: children.get(child) ?? null, code, signal, stoppedWithinMs: null });
        children.delete(child);
        resolve();
      });
    });
    return {
      proxy,
      ended: gone,
      frozen: async () => void (await eventually(() => processState(child.pid), (state) => (state === 'T' ? null : `daemon ${slot} of ${name} is ${state ?? 'gone'}, not stopped`))), // prettier-ignore
      wake: () => void child.kill('SIGCONT'),
      kill: () => {
        children.set(child, 'kill');
        child.kill('SIGKILL');
        return gone;
      },
      says: async (text) => void (await eventually(() => readFileSync(log, 'utf8'), (said) => (said.includes(text) ? null : `daemon ${slot} of ${name} has not said "${text}"`))), // prettier-ignore
    };
  };
  const dials = (): number => simulator.ledger().filter((entryOf) => entryOf.event === 'dial').length;
  const scene: Scene = {
    db,
    simulator,
    daemon,
    dials,
    job: async (phone) => {
      const facts: JobFacts = {
        id: new ObjectId(),
        ref: `job-${jobs.length}`,
        account: 'acc-rich',
        batch: BATCH,
        phones: [phone],
        maxAttempts: 3,
      };
      jobs.push(facts);
      await db.collection<Document>('jobs').insertOne({
        _id: facts.id, job_id: facts.ref, account_id: facts.account, batch_id: BATCH, status: 'pending', attempts: 0, max_attempts: 3, created_at: new Date(),
        reserved_until: null, contact: { name: 'Contacto', phones: [phone], next_phone_index: 0 }, payload: { debt_amount: 1_000 },
      }); // prettier-ignore
      return facts;
    },
    // From the start of a process to its first call: what is waited for is an event, however slow the machine.
    dialled: async (count) =>
      void (await eventually(dials, (seen) => (seen >= count ? null : `${seen} dials in ${name}, not ${count}`), 60_000)),
    pause: async () => {
      await db.collection('batches').updateOne({ batch_id: BATCH }, { $set: { is_active: false } });
      const closure: Closure = { batch: BATCH, why: 'paused', fromMs: Date.now(), toMs: null };
      closures.push(closure);
      return async () => {
        closure.toMs = Date.now();
        await db.collection('batches').updateOne({ batch_id: BATCH }, { $set: { is_active: true } });
      };
    },
  };

  try {
    await db.collection('accounts').insertOne(accountDocument('acc-rich', 1_000));
    await db.collection('batches').insertOne(batchDocument(BATCH, 'acc-rich', null, 1));
    await play(scene);
    simulator.clearFaults();
    simulator.setSpeed(200);
    const look = (): Promise<string | null> => underWay(db, new Set(), simulator.liveCalls().length);
    const leftOver = await eventually(look, (missing) => missing, options.settleMs).then(() => null, (error: unknown) => String(error)); // prettier-ignore
    await endAll(children);
    return judge({
      ledger: simulator.ledger(), liveAtEnd: simulator.liveCalls().length, documents: await readDocuments(db), campaign: { neverDial: new Set() }, jobs, closures, planned: new Set(),
      disturbed: new Map(), bought: [{ account: 'acc-rich', atMs: 0, dollars: 1_000 }], highestLimit: 3, ended, logs, witnessLagMs: 250, leftOver,
      writes: { durable: DURABLE, seen: watches.reduce((sum, watch) => sum + watch().seen, 0), weak: watches.flatMap((watch) => watch().weak) },
    }); // prettier-ignore
  } finally {
    await endAll(children);
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await simulator.close();
    await db.dropDatabase().catch(() => undefined);
    await client.close();
  }
};

const endAll = async (children: Map<ChildProcess, Ended['cause']>): Promise<void> => {
  await Promise.all(
    [...children.keys()].map((child) => {
      children.set(child, 'kill');
      const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
      child.kill('SIGKILL');
      return gone;
    }),
  );
};
