/** What the measures run on: one engine in a folder of its own, a provider in this process that answers at once, and seeded jobs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { loadSettings } from '../../src/config/load.js';
import type { Settings } from '../../src/config/settings.js';
import type { Log } from '../../src/domain/ports.js';
import { openEmbedded } from '../../src/embedded/open.js';
import type { Retell } from '../../src/retell/client.js';
import { readCall } from '../../src/retell/reading.js';

export interface World {
  readonly uri: string;
  readonly provider: string;
  readonly client: MongoClient;
  database(name: string): Db;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const named = process.env['BENCH_MONGO_URI'];
  const folder = await mkdtemp(join(tmpdir(), 'speechai-bench-'));
  const engine =
    named === undefined ? await openEmbedded(folder) : { uri: named, provider: 'a named server', close: () => Promise.resolve() };
  const client = new MongoClient(engine.uri, { maxPoolSize: 100 });
  await client.connect();
  return {
    uri: engine.uri,
    provider: engine.provider,
    client,
    database: (name) => client.db(name),
    close: async () => {
      await client.close();
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The settings of a busy installation, through the same schema as everywhere. */
export function settingsFor(world: World, database: string, more: Record<string, string> = {}): Settings {
  const env = {
    ENV: 'testing',
    MONGO_URI: world.uri,
    MONGO_DB: database,
    RETELL_BASE_URL: 'http://127.0.0.1:9',
    RETELL_API_KEY: 'key_bench',
    RETELL_AGENT_ID: 'agent_bench',
    RETELL_FROM_NUMBER: '+56600000001',
    CALLS_PER_SECOND: '1000',
    MAX_CONCURRENT_CALLS: '1000',
    CALL_POLLING_INTERVAL: '0.05',
    WORKER_COUNT: '200',
    LEASE_SECONDS: '120',
    CLAIM_POLL_SECONDS: '1',
    ...more,
  };
  const { settings, problems } = loadSettings({ env, cwd: tmpdir() });
  if (settings === null) throw new Error(problems.map((problem) => `${problem.name}: ${problem.message}`).join('\n'));
  return settings;
}

export async function seedCampaign(
  db: Db,
  jobs: number,
  batches: { id: string; active: boolean; share: number }[] = [{ id: 'b1', active: true, share: 1 }],
): Promise<void> {
  await db.dropDatabase();
  await db.collection('accounts').insertOne({
    account_id: 'acc-bench',
    account_name: 'Bench',
    plan_type: 'unlimited',
    status: 'active',
    country: 'CL',
    daily_call_limit: 1e9,
  });
  await db.collection('batches').insertMany(
    batches.map(({ id, active }) => ({
      batch_id: id,
      account_id: 'acc-bench',
      name: id,
      is_active: active,
      priority: 1,
      call_settings: null,
    })),
  );
  let n = 0;
  for (const { id, share } of batches) {
    const count = Math.round(jobs * share);
    for (let done = 0; done < count; done += 1_000) {
      const chunk = Array.from({ length: Math.min(1_000, count - done) }, () => jobDocument(n++, id));
      await db.collection('jobs').insertMany(chunk, { ordered: false });
    }
  }
}

/** Numbers of a shape that nobody has; the last digits make the simulator answer and succeed. */
export function jobDocument(n: number, batch: string): Record<string, unknown> {
  return {
    job_id: `job_${n}`,
    account_id: 'acc-bench',
    batch_id: batch,
    status: 'pending',
    mode: 'single',
    attempts: 0,
    max_attempts: 3,
    contact: { name: `Person ${n}`, dni: String(10_000_000 + n), phones: [`+5511${String(n).padStart(6, '0')}900`], next_phone_index: 0 },
    payload: { debt_amount: 104_050, due_date: '2030-01-31', company_name: 'Bench', reference_number: '', additional_info: {} },
    created_at: new Date(),
  };
}

/** A provider without a network: every call is placed at once and is over when it is first looked at. */
export function instantRetell(): Retell {
  let n = 0;
  const ended = (callId: string): Record<string, unknown> => ({
    call_id: callId,
    call_status: 'ended',
    disconnection_reason: 'agent_hangup',
    start_timestamp: Date.now() - 60_000,
    end_timestamp: Date.now(),
    duration_ms: 60_000,
    transcript: 'Agent: Hello.\nUser: Hello.\n',
    call_analysis: { call_successful: true, user_sentiment: 'Neutral', in_voicemail: false },
    call_cost: { combined_cost: 13.9, product_costs: [], total_duration_seconds: 60 },
  });
  const reading = (raw: Record<string, unknown>) => {
    const call = readCall(raw);
    if (call === null) throw new Error('the bench made a call that nobody can read');
    return call;
  };
  return {
    place: (_, mayStillSend) =>
      Promise.resolve(
        mayStillSend()
          ? { kind: 'placed', call: reading({ call_id: `call_${(n += 1)}`, call_status: 'registered' }) }
          : { kind: 'dropped' },
      ),
    read: (callId) => Promise.resolve({ kind: 'call', call: reading(ended(callId)) }),
    listByIds: (ids) => Promise.resolve({ kind: 'calls', calls: ids.map((id) => reading(ended(id))), complete: true }),
    listByAttempt: () => Promise.resolve({ kind: 'calls', calls: [], complete: true }),
    listByNumber: () => Promise.resolve({ kind: 'calls', calls: [], complete: true }),
    stop: () => Promise.resolve({ kind: 'stopped' }),
    concurrency: () => Promise.resolve({ kind: 'unknown', message: 'not asked' }),
    probe: () => Promise.resolve('ok'),
    close: () => Promise.resolve(),
  };
}

export const SILENT: Log = { trace: none, debug: none, info: none, warn: none, error: none, fatal: none, child: () => SILENT };

function none(): void {
  // Nobody reads a benchmark's log.
}
