/** A small world for a daemon to live in: a database of its own, a simulated Retell, an account, a batch, jobs; and the end of it, with its books closed. */

import { mkdirSync, writeFileSync } from 'node:fs';
import type { Db, Document } from 'mongodb';
import type { SimulatorOptions } from '../../src/simulator/options.js';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { startSimulator } from '../../src/simulator/server.js';
import type { Simulator } from '../../src/simulator/server.js';
import { closeBooks, FINAL, readRecords, underWay } from './books.js';
import type { Records } from './books.js';
import { startDaemon } from './daemon.js';
import type { Daemon } from './daemon.js';
import { eventually } from './eventually.js';
import { openTestDatabase } from './mongo.js';

export interface WorldOptions {
  readonly simulator?: SimulatorOptions;
  /** Settings of every daemon of this world. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface DaemonSpec {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** `before:place:2`, `after:intend:1:stop` (src/runner/failpoints.ts). */
  readonly failPoint?: string;
  /** Another way to the same database: a fault proxy. */
  readonly mongoUri?: string;
}

export interface JobSpec {
  /** Last three digits of each of its numbers: what the simulator makes of the call. */
  readonly patterns?: readonly string[];
  /** Whole numbers instead. */
  readonly phones?: readonly string[];
  readonly fields?: Document;
}

export interface World {
  readonly db: Db;
  readonly mongoUri: string;
  readonly simulator: Simulator;
  account(fields?: Document): Promise<void>;
  batch(fields?: Document): Promise<void>;
  /** Inserts jobs and answers with their `job_id`s. */
  jobs(specs: readonly JobSpec[]): Promise<string[]>;
  /** Something private that must not be in any output. */
  secret(text: string): void;
  daemon(spec?: DaemonSpec): Promise<Daemon>;
  job(id: string): Promise<Document>;
  /** A call placed behind the daemons' back; resolves with its id. */
  ring(to: string, metadata?: Document): Promise<string>;
  records(): Promise<Records>;
  dials(): LedgerEntry[];
  /** Resolves when the simulator's ledger has an entry that fits, now or later. */
  entry(fits: (entry: LedgerEntry) => boolean): Promise<LedgerEntry>;
  dialled(count: number): Promise<void>;
  /** Nothing is under way any more: no lease, no hold, every picture painted. With `all`, every job is final as well. */
  quiet(all?: boolean, withinMs?: number): Promise<Records>;
  /** What is wrong with the records; empty is right. */
  books(): Promise<string[]>;
  /** Private texts found in what the daemons wrote (P8). */
  leaks(): string[];
  readonly daemons: readonly Daemon[];
}

export const API_KEY = 'key_e2e_7d1f0c5ab93e48';
export const FROM_NUMBER = '+56600000001';

/** Short times, so that what takes minutes in life takes seconds here; each of them is still several times what it must cover. */
export const QUICK: Readonly<Record<string, string>> = {
  ENV: 'testing',
  LOG_LEVEL: 'DEBUG',
  LOG_FORMAT: 'json',
  RETELL_API_KEY: API_KEY,
  RETELL_AGENT_ID: 'agent_e2e',
  RETELL_FROM_NUMBER: FROM_NUMBER,
  RETELL_TIMEOUT_SECONDS: '1.5',
  WORKER_COUNT: '8',
  CALLS_PER_SECOND: '500',
  MAX_CONCURRENT_CALLS: '1000',
  LEASE_SECONDS: '2',
  DIAL_WITHIN_MS: '900',
  RECONCILE_WINDOW_SECONDS: '2',
  CLAIM_POLL_SECONDS: '0.2',
  BATCH_REFRESH_SECONDS: '0.3',
  CALL_POLLING_INTERVAL: '0.2',
  ANALYSIS_WAIT_SECONDS: '3',
  RETRY_DELAY_MINUTES: '0.005',
  NO_ANSWER_RETRY_MINUTES: '0.005',
  TRANSIENT_RETRY_MINUTES: '0.002',
  MIN_REDIAL_MINUTES: '0.001',
  SHUTDOWN_GRACE_SECONDS: '2',
};

/** A wait for what never comes must end with a reason before its test ends without one. */
const PATIENCE_MS = 60_000;

let numbers = 10_000;
/** A number of its own whose last digits say how the call goes (src/simulator/patterns.ts). */
export const phoneThat = (pattern: string): string => {
  numbers += 1;
  return `+569${numbers}${pattern}`;
};

const NAMES = ['Zoraida Quilaleo', 'Evaristo Ñancupil', 'Hermenegilda Trafipán', 'Baldovino Coñuecar'];

export const withWorld = async (title: string, options: WorldOptions, body: (world: World) => Promise<void>): Promise<void> => {
  const world = await openWorld(options);
  try {
    await body(world);
    const leaks = world.leaks();
    if (leaks.length > 0) throw new Error(`P8: the daemons wrote ${leaks.length} private texts, the first in: ${leaks[0]}`);
  } catch (error) {
    mkdirSync('out/e2e', { recursive: true });
    const file = `out/e2e/${title.replace(/[^a-z0-9]+/gi, '-').slice(0, 80)}.log`;
    const witness = world.simulator.ledger().map((entry) => JSON.stringify(entry));
    writeFileSync(file, [...world.daemons.map((daemon) => daemon.output()), ...witness].join('\n'));
    if (error instanceof Error) error.message += `\n(what the daemons said: ${file})`;
    throw error;
  } finally {
    await world.close();
  }
};

const openWorld = async ({ simulator: simulatorOptions, env = {} }: WorldOptions): Promise<World & { close(): Promise<void> }> => {
  const database = await openTestDatabase();
  const { db } = database;
  const simulator = await startSimulator({ seed: 'e2e', speed: 400, key: API_KEY, ...simulatorOptions });
  const daemons: Daemon[] = [];
  const secrets = new Set<string>([API_KEY]);
  let jobCount = 0;

  const keepSecret = (phone: string): void => {
    secrets.add(phone);
    secrets.add(phone.replace(/^\+/, ''));
    secrets.add(phone.replace(/^\+\d\d/, ''));
  };
  keepSecret(FROM_NUMBER);

  const entry: World['entry'] = (fits) =>
    new Promise((resolve, reject) => {
      const known = simulator.ledger().find(fits);
      if (known !== undefined) {
        resolve(known);
        return;
      }
      const timer = setTimeout(() => {
        end();
        reject(new Error(`after ${PATIENCE_MS} ms the simulator's ledger still has no such entry among ${simulator.ledger().length}`));
      }, PATIENCE_MS);
      const end = simulator.onEntry((one) => {
        if (!fits(one)) return;
        clearTimeout(timer);
        end();
        resolve(one);
      });
    });
  const dials = (): LedgerEntry[] => simulator.ledger().filter((one) => one.event === 'dial');

  const insertJobs: World['jobs'] = async (specs) => {
    const docs = specs.map(({ patterns = ['900'], phones, fields }) => {
      jobCount += 1;
      const numbersOfJob = phones ?? patterns.map(phoneThat);
      const name = NAMES[jobCount % NAMES.length] ?? '';
      const dni = `${17_230_000 + jobCount}-K`;
      for (const phone of numbersOfJob) keepSecret(phone);
      secrets.add(name);
      secrets.add(dni);
      return {
        job_id: `job-${String(jobCount).padStart(3, '0')}`,
        account_id: 'acc-1',
        batch_id: 'batch-1',
        status: 'pending',
        attempts: 0,
        max_attempts: 3,
        created_at: new Date(),
        contact: { name, dni, phones: numbersOfJob, next_phone_index: 0 },
        payload: { debt_amount: 125_000, due_date: '2026-12-01', company_name: 'Cobranzas del Sur' },
        ...fields,
      };
    });
    if (docs.length > 0) await db.collection<Document>('jobs').insertMany(docs);
    return docs.map((doc) => String(doc['job_id' as keyof typeof doc]));
  };

  return {
    db,
    mongoUri: database.uri,
    simulator,
    daemons,
    account: async (fields) => {
      const account = {
        account_id: 'acc-1',
        account_name: 'Cuenta de prueba',
        plan_type: 'credit_based',
        status: 'active',
        country: 'CL',
        credit_balance: 10_000,
        credit_used: 0,
        minutes_used: 0,
        ...fields,
      };
      await db.collection('accounts').insertOne(account);
    },
    batch: async (fields) => {
      const batch = {
        batch_id: 'batch-1',
        account_id: 'acc-1',
        name: 'Campaña de prueba',
        is_active: true,
        created_at: new Date(),
        call_settings: null,
        ...fields,
      };
      await db.collection('batches').insertOne(batch);
    },
    jobs: insertJobs,
    secret: (text) => void secrets.add(text),
    daemon: async ({ env: own = {}, args = [], failPoint, mongoUri } = {}) => {
      const daemon = await startDaemon({
        args,
        env: {
          ...QUICK,
          ...env,
          ...own,
          MONGO_URI: mongoUri ?? database.uri,
          MONGO_DB: database.name,
          RETELL_BASE_URL: simulator.url,
          ...(failPoint === undefined ? {} : { SPEECHAI_TEST_FAIL_POINT: failPoint }),
        },
      });
      daemons.push(daemon);
      return daemon;
    },
    job: async (id) => (await db.collection('jobs').findOne({ job_id: id })) ?? {},
    ring: async (to, metadata) => {
      const response = await fetch(`${simulator.url}/v2/create-phone-call`, {
        method: 'POST',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ from_number: FROM_NUMBER, to_number: to, ...(metadata === undefined ? {} : { metadata }) }),
      });
      const body: unknown = await response.json();
      if (typeof body === 'object' && body !== null && 'call_id' in body) return String(body.call_id);
      throw new Error(`the simulator placed nothing: ${response.status}`);
    },
    records: () => readRecords(db),
    dials,
    entry,
    dialled: async (count) => {
      await entry(() => dials().length >= count);
    },
    quiet: async (all = true, withinMs) => {
      // One small question while work goes on; all records only when there may be nothing left to wait for.
      const unfinished = { status: all ? { $nin: FINAL } : 'in_progress' };
      await eventually(
        () =>
          db
            .collection('jobs')
            .find(unfinished, { limit: 5, projection: { job_id: 1, status: 1, last_error: 1 } })
            .toArray(),
        (jobs) =>
          jobs.length === 0 ? null : jobs.map((job) => `${job['job_id']} is ${job['status']} (${job['last_error'] ?? ''})`).join(', '),
        withinMs,
      );
      return eventually(() => readRecords(db), underWay, withinMs);
    },
    books: async () => closeBooks(await readRecords(db), simulator),
    leaks: () => {
      const private_ = [...secrets].filter((secret) => secret.length > 4);
      return daemons.flatMap((daemon) => daemon.output().split('\n').filter((line) => private_.some((secret) => line.includes(secret)))); // prettier-ignore
    },
    close: async () => {
      for (const daemon of daemons) if (!daemon.hasEnded()) daemon.signal('SIGKILL');
      await Promise.all(daemons.map((daemon) => daemon.ended));
      await simulator.close();
      await database.drop();
    },
  };
};
