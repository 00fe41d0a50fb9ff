/** Real daemons as processes: idle cost, throughput of several, many live calls followed by one, and the time from due to dialled. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startSimulator } from '../../src/simulator/server.js';
import { startFaultProxy } from '../../test/support/fault-proxy.js';
import { percentile } from './figures.js';
import { seedCampaign, type World } from './world.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

interface Daemon {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly lines: string[];
  stop(): Promise<void>;
}

function startDaemon(uri: string, database: string, retell: string, more: Record<string, string>): Daemon {
  const env = {
    PATH: process.env['PATH'] ?? '', ENV: 'testing', MONGO_URI: uri, MONGO_DB: database, RETELL_BASE_URL: retell, RETELL_API_KEY: 'key_bench', LOG_LEVEL: 'INFO',
    RETELL_AGENT_ID: 'agent_bench', RETELL_FROM_NUMBER: '+56600000001', CALLS_PER_SECOND: '1000', MAX_CONCURRENT_CALLS: '10000', LEASE_SECONDS: '120', ...more,
  }; // prettier-ignore
  const child = spawn(process.execPath, [MAIN, 'run'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const lines: string[] = [];
  let rest = '';
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    isReady = resolve;
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code} before it was ready`)));
  });
  child.stdout?.on('data', (data: Buffer) => {
    const parts = (rest + data.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      if (line.includes('"msg":"ready"')) isReady();
    }
  });
  return {
    child,
    ready,
    lines,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
        child.kill('SIGTERM');
      }),
  };
}

/** Database commands per second of a daemon with nothing to do. */
export async function idleCost(world: World, workers: number, seconds: number): Promise<number> {
  await seedCampaign(world.database('bench_idle'), 0);
  const proxy = await startFaultProxy(world.uri);
  const simulator = await startSimulator({ instant: true });
  const daemon = startDaemon(proxy.uri, 'bench_idle', simulator.url, {
    WORKER_COUNT: String(workers),
    CLAIM_POLL_SECONDS: '1',
    BATCH_REFRESH_SECONDS: '2',
  });
  try {
    await daemon.ready;
    await sleep(2_000);
    proxy.resetCounts();
    await sleep(seconds * 1_000);
    const work = Object.entries(proxy.counts()).filter(([name]) => !/^(hello|ismaster|isMaster|ping)$/.test(name));
    return work.reduce((sum, [, n]) => sum + n, 0) / seconds;
  } finally {
    await daemon.stop();
    await proxy.close();
    await simulator.close();
  }
}

/** Jobs per second of so many processes on one database, against a simulator that ends calls at once. */
export async function severalProcesses(world: World, processes: number, jobs: number): Promise<number> {
  const db = world.database('bench_processes');
  await seedCampaign(db, jobs);
  const simulator = await startSimulator({ instant: true });
  const daemons = Array.from({ length: processes }, () =>
    startDaemon(world.uri, 'bench_processes', simulator.url, {
      WORKER_COUNT: '100',
      CALL_POLLING_INTERVAL: '0.1',
      CLAIM_POLL_SECONDS: '0.2',
      CALLS_PER_SECOND: '1000',
      LOG_LEVEL: 'ERROR',
      LOG_LEVELS: 'runner:info',
    }),
  );
  try {
    const started = performance.now();
    const finished = (): Promise<number> => db.collection('jobs').countDocuments({ status: 'done' });
    while ((await finished()) < jobs) {
      await sleep(50);
      if (performance.now() - started > 180_000) throw new Error('the daemons did not finish');
    }
    return jobs / ((performance.now() - started) / 1000);
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await simulator.close();
  }
}

export interface FollowFigures {
  readonly calls: number;
  readonly listsPer1000AndInterval: number;
  readonly memoryMb: number;
}

/** One process with so many calls that do not end, all adopted from a predecessor that died. */
export async function followMany(world: World, calls: number): Promise<FollowFigures> {
  const db = world.database('bench_follow');
  await seedCampaign(db, 0);
  const simulator = await startSimulator({ speed: 0 });
  const ids = await placeAll(simulator.url, calls);
  await db.collection('call_attempts').insertMany(ids.map((callId, n) => liveAttempt(callId, n)));
  // A call that still rings is rightly left out of a list: these talk.
  simulator.advance(20_000);
  const intervalSeconds = 2;
  const daemon = startDaemon(world.uri, 'bench_follow', simulator.url, {
    WORKER_COUNT: '1',
    CALL_POLLING_INTERVAL: String(intervalSeconds),
    POLL_TIMEOUT_SECONDS: '3600',
    CALL_MAX_DURATION_MINUTES: '120',
  });
  try {
    await daemon.ready;
    await sleep(4_000);
    const before = lists(simulator.figures());
    await sleep(intervalSeconds * 5 * 1_000);
    const asked = lists(simulator.figures()) - before;
    return { calls, listsPer1000AndInterval: asked / 5 / (calls / 1_000), memoryMb: residentMb(daemon.child.pid ?? 0) };
  } finally {
    await daemon.stop();
    await simulator.close();
  }
}

async function placeAll(url: string, calls: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < calls; n += 100) {
    const replies = await Promise.all(
      Array.from({ length: Math.min(100, calls - n) }, async (_, k) => {
        const body = JSON.stringify({
          from_number: '+56600000001',
          to_number: `+569${String(n + k).padStart(6, '0')}900`,
          metadata: { attempt_id: attemptId(n + k) },
        });
        const reply = await fetch(`${url}/v2/create-phone-call`, {
          method: 'POST',
          body,
          headers: { authorization: 'Bearer key_bench', 'content-type': 'application/json' },
        });
        return (await reply.json()) as { call_id: string };
      }),
    );
    ids.push(...replies.map((reply) => reply.call_id));
  }
  return ids;
}

const attemptId = (n: number): string => `000000000000bench${String(n).padStart(8, '0')}`;

function liveAttempt(callId: string, n: number): { _id: never } {
  const now = new Date();
  const document = {
    _id: attemptId(n), job: attemptId(n), job_ref: `job_${n}`, account: 'acc-bench', batch: 'b1', runner: 'gone', workspace: 'bench', state: 'live', open: true, at: now,
    placed_at: now, dial_by: now, lease_until: new Date(now.getTime() - 1_000), locks: [`job:${n}`, `slot:${n}`], to_number: '+569', from_number: '+56600000001', line: String(n),
    person: null, phone_index: 0, ring_ms: 30_000, max_duration_ms: 7_200_000, estimate: { micros: 0, ms: 0 }, counts: [], timezone: 'America/Santiago', call_id: callId,
  }; // prettier-ignore
  return document as unknown as { _id: never };
}

function lists(figures: { requests?: Readonly<Record<string, number>> }): number {
  return Object.entries(figures.requests ?? {}).reduce((sum, [path, n]) => (path.includes('list-calls') ? sum + n : sum), 0);
}

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;
}

/** From a job's insertion to its dial at the provider, on an idle daemon. */
export async function dueToDialled(world: World, samples: number): Promise<{ p50Ms: number; p99Ms: number }> {
  const db = world.database('bench_latency');
  await seedCampaign(db, 0);
  const simulator = await startSimulator({ instant: true });
  const daemon = startDaemon(world.uri, 'bench_latency', simulator.url, {
    WORKER_COUNT: '50',
    CLAIM_POLL_SECONDS: '1',
    CALL_POLLING_INTERVAL: '1',
  });
  const took: number[] = [];
  try {
    await daemon.ready;
    for (let n = 0; n < samples; n += 1) {
      await sleep(100 + Math.random() * 1_000);
      const dialled = new Promise<number>((resolve) => {
        const off = simulator.onEntry((entry) => {
          if (entry.event !== 'dial') return;
          off();
          resolve(performance.now());
        });
      });
      const inserted = performance.now();
      await db.collection('jobs').insertOne({
        job_id: `late_${n}`, account_id: 'acc-bench', batch_id: 'b1', status: 'pending', attempts: 0, max_attempts: 1,
        contact: { name: 'Late', dni: String(n), phones: [`+5691${String(n).padStart(5, '0')}900`], next_phone_index: 0 }, payload: { debt_amount: 1, due_date: '' },
      }); // prettier-ignore
      took.push((await dialled) - inserted);
    }
    return { p50Ms: percentile(took, 50), p99Ms: percentile(took, 99) };
  } finally {
    await daemon.stop();
    await simulator.close();
  }
}
