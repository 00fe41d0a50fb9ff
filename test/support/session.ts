/** What a command is given, over a test database and, where asked for, a simulated Retell whose time stands still until it is moved. */
import { tmpdir } from 'node:os';
import type { Db, Document } from 'mongodb';
import { loadSettings } from '../../src/config/load.js';
import type { Session } from '../../src/cli/session.js';
import { createRetell } from '../../src/retell/client.js';
import { workspaceOf } from '../../src/runner/ids.js';
import { policyOf } from '../../src/runner/policy.js';
import { startSimulator } from '../../src/simulator/server.js';
import type { Simulator } from '../../src/simulator/server.js';
import { createIndexes } from '../../src/store/indexes.js';
import { openStore } from '../../src/store/store.js';
import { createClock } from '../../src/telemetry/clock.js';
import type { Log } from '../../src/domain/ports.js';
import { openTestDatabase } from './mongo.js';

export interface TestSession {
  readonly session: Session;
  readonly db: Db;
  readonly simulator: Simulator;
  readonly workspace: string;
  /** The environment with which a process of the program works on the same database and Retell. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export const API_KEY = 'key_session_4f81';
const SILENT: Log = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
  child: () => SILENT,
};

export const openTestSession = async (more: Readonly<Record<string, string>> = {}): Promise<TestSession> => {
  const [database, simulator] = await Promise.all([openTestDatabase(), startSimulator({ seed: 'session', speed: 0 })]);
  const env = {
    ENV: 'testing',
    MONGO_URI: database.uri,
    MONGO_DB: database.name,
    RETELL_BASE_URL: simulator.url,
    RETELL_API_KEY: API_KEY,
    RETELL_AGENT_ID: 'agent_session',
    RETELL_FROM_NUMBER: '+56600000001',
    ...more,
  };
  const loaded = loadSettings({ env, cwd: tmpdir() });
  const { settings } = loaded;
  if (settings === null) throw new Error(JSON.stringify(loaded.problems));
  const clock = createClock();
  const store = await openStore(settings.database, clock);
  await createIndexes(store.connection);
  const { apiKey, baseUrl, timeoutMs } = settings.retell;
  const { retellRead: read, retellList: list, retellStop: stop } = settings.retries;
  const limits = { read: OPEN, list: OPEN, stop: OPEN };
  const retell = createRetell({ baseUrl, apiKey, timeoutMs, read, list, stop, clock, random: () => 0.5, log: SILENT, limits });
  const workspace = workspaceOf(baseUrl, apiKey);
  return {
    session: {
      loaded: { ...loaded, settings },
      store,
      clock,
      policy: policyOf(settings),
      by: 'ana@desk',
      retell: () => Promise.resolve({ retell, workspace }),
    },
    db: database.db,
    simulator,
    workspace,
    env,
    close: async () => {
      await retell.close();
      await store.close();
      await simulator.close();
      await database.drop();
    },
  };
};

const OPEN = { perSecond: 5_000, burst: 5_000 };

export const jobDocument = (id: string, more: Document = {}): Document => ({
  job_id: id,
  account_id: 'acc-1',
  batch_id: 'batch-1',
  status: 'pending',
  attempts: 0,
  max_attempts: 3,
  contact: { name: 'Ana Prueba', dni: '12345678K', phones: ['+56911112222'], next_phone_index: 0 },
  payload: { debt_amount: 1000, due_date: '' },
  created_at: new Date('2026-11-20T12:00:00Z'),
  ...more,
});

/** What a daemon does to the batch meanwhile. */
export const claimNext = (session: Session, kind: 'new' | 'retry' = 'new', token = 't1'): Promise<Document | null> =>
  session.store.jobs.claim({
    batch: 'batch-1',
    kind,
    lane: { name: 'all', queues: null, work: 'both' },
    token,
    worker: 'worker-1',
    leaseMs: 60_000,
    bound: session.store.time.now(),
  });

/** A call at the simulated provider that rings until it is stopped: its time stands still. */
export const placeCall = async ({ session }: TestSession, attempt: string, to = '+56911112222'): Promise<string> => {
  const { retell } = await session.retell();
  const reply = await retell.place(
    { from: '+56600000001', to, agentId: null, ringMs: 30_000, maxDurationMs: 600_000, variables: {}, metadata: { attempt_id: attempt } },
    () => true,
  );
  if (reply.kind !== 'placed') throw new Error(`not placed: ${JSON.stringify(reply)}`);
  return reply.call.callId;
};

/** An open attempt of a live call, as a daemon would have left it. */
export const attemptDocument = ({ workspace }: TestSession, job: unknown, ref: string, more: Document = {}): Document => ({
  _id: 't1',
  job,
  job_ref: ref,
  account: 'acc-1',
  batch: 'batch-1',
  runner: 'host-1-abcd',
  workspace,
  state: 'live',
  open: true,
  lease_until: new Date(Date.now() + 60_000),
  at: new Date(),
  dial_by: new Date(),
  locks: [`job:${ref}`],
  to_number: '+56911112222',
  from_number: '+56600000001',
  line: 'line-hash',
  person: null,
  phone_index: 0,
  ring_ms: 30_000,
  max_duration_ms: 600_000,
  estimate: { micros: 0, ms: 0 },
  counts: [],
  timezone: 'America/Santiago',
  ...more,
});
