/** One chaos run: a database, a provider, a campaign, daemons and a rival; faults for a while, then peace, then the books are closed. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { Db, Document } from 'mongodb';
import { openEmbedded } from '../../src/embedded/open.js';
import { startSimulator } from '../../src/simulator/server.js';
import { endWritesOfClosedSockets } from '../../src/store/sockets.js';
import { openDatabaseWay } from './database-way.js';
import { planCampaign } from './campaign.js';
import type { Campaign, JobFacts } from './campaign.js';
import { readDocuments } from './evidence.js';
import type { Evidence } from './evidence.js';
import { startFleet } from './fleet.js';
import type { Ended } from './fleet.js';
import { createInjector } from './injector.js';
import { judge } from './invariants.js';
import type { Finding } from './finding.js';
import { API_KEY, DAEMON_ENV, SPEED } from './options.js';
import type { ChaosOptions } from './options.js';
import { createRival, patiently } from './rival.js';
import { planFaults } from './schedule.js';
import { underWay } from './under-way.js';
import { watchWrites } from './durability.js';

export interface ChaosReport {
  readonly seed: string;
  /** How long faults were injected. */
  readonly minutes: number;
  readonly seconds: number;
  readonly dials: number;
  readonly jobs: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly findings: Finding[];
  readonly evidence: Evidence;
}

const DB = 'chaos';
/** So much of the time for faults is used to let jobs arrive; the rest keeps retries busy. */
const ARRIVAL_SHARE = 0.75;
const WAVES_PER_SECOND = 2;

export const runChaos = async (options: ChaosOptions, say: (line: string) => void): Promise<ChaosReport> => {
  endWritesOfClosedSockets();
  const started = performance.now();
  const out = resolve(options.out);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), 'speechai-chaos-'));
  const engine = await openEmbedded(directory, { onProgress: say });
  const client = await new MongoClient(engine.uri, { serverSelectionTimeoutMS: 5_000, writeConcern: { w: 1, journal: true } }).connect();
  const db = client.db(DB);
  const simulator = await startSimulator({ seed: options.seed, speed: SPEED, key: API_KEY, ledgerFile: join(out, 'provider.jsonl') });
  const asSet = options.elections > 0;
  const ways = await Promise.all(Array.from({ length: options.daemons }, () => openDatabaseWay(engine.uri, asSet)));
  const writes = watchWrites(ways, asSet ? 'w:majority, j:true on a replica set' : 'w:1, j:true on a standalone');
  const schedule = planFaults(options);
  const campaign = planCampaign(options.seed, options.jobs, new Date());
  const inserted: JobFacts[] = [];
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();

  await db.collection('accounts').insertMany(campaign.accounts.map((one) => ({ ...one })));
  await db.collection('batches').insertMany(campaign.batches.map((one) => ({ ...one })));
  const rival = createRival(db, campaign, () => inserted);
  const env = (slot: number): Record<string, string> => ({
    ...DAEMON_ENV,
    MONGO_URI: ways[slot]?.uri ?? '',
    MONGO_DB: DB,
    RETELL_BASE_URL: simulator.url,
  });
  const fleet = startFleet({ entry: options.entry, out: join(out, 'logs'), env, lives: schedule.lives });
  const injector = createInjector({
    fleet, ways, simulator, rival,
    killEngine: () => process.kill(engine.pid(), 'SIGKILL'),
  }); // prettier-ignore

  try {
    const arriving = arrive(db, campaign, inserted, options.minutes * 60_000 * ARRIVAL_SHARE);
    const beat = setInterval(() => {
      const dials = simulator.ledger().filter((entry) => entry.event === 'dial').length;
      say(`${clock(started)}  ${inserted.length} jobs, ${dials} dials, ${fleet.ended().length} processes ended`);
    }, 15_000);
    await injector.run(schedule.faults);
    await arriving;
    say(`${clock(started)}  the last fault was injected; finishing without faults`);
    await injector.heal();
    await rival.heal();
    await fleet.heal();
    const leftOver = await untilQuiet(db, campaign.neverDial, () => simulator.liveCalls().length, options.settleMs);
    clearInterval(beat);
    say(`${clock(started)}  ${leftOver ?? 'all is quiet'}; closing the books`);
    await fleet.stop();

    const evidence: Evidence = {
      ledger: simulator.ledger(),
      liveAtEnd: simulator.liveCalls().length,
      documents: await patiently(() => readDocuments(db)),
      planned: new Set(schedule.faults.map(({ kind }) => kind)),
      campaign,
      jobs: inserted,
      closures: rival.closures,
      disturbed: rival.disturbed,
      bought: rival.bought,
      highestLimit: rival.highestLimit(),
      ended: fleet.ended(),
      logs: fleet.logs(),
      writes: writes(),
      witnessLagMs: Math.round(lag.max / 1e6),
      leftOver,
    };
    writeFileSync(join(out, 'documents.json'), JSON.stringify(evidence.documents));
    return {
      seed: options.seed,
      minutes: options.minutes,
      seconds: Math.round((performance.now() - started) / 1_000),
      dials: evidence.ledger.filter((entry) => entry.event === 'dial').length,
      jobs: inserted.length,
      statuses: tally(evidence.documents.jobs.map((job) => String(job['status']))),
      faults: {
        ...injector.counts(),
        ...(asSet ? { 'election: answers given to a retry': ways.reduce((sum, way) => sum + way.repeatedAnswers(), 0) } : {}),
        ...endings(fleet.ended()),
        'frozen at a fail point': fleet.frozenAtPoints(),
      },
      findings: [...judge(evidence), faultsHit(evidence.planned, injector.counts())],
      evidence,
    };
  } finally {
    lag.disable();
    await fleet.stop();
    await Promise.all(ways.map((way) => way.close()));
    await simulator.close();
    await client.close();
    await engine.close();
    await rm(directory, { recursive: true, force: true });
  }
};

/** A fault that met nobody proves nothing. */
const faultsHit = (planned: ReadonlySet<string>, hits: Readonly<Record<string, number>>): Finding => ({
  promise: 'faults',
  name: 'each kind that was planned hit at least once',
  checked: planned.size,
  planned: true,
  breaches: [...planned].filter((kind) => (hits[kind] ?? 0) === 0).map((kind) => ({ text: `no fault of the kind ${kind} hit anything` })),
});

/** In waves, so that there is work for as long as there are faults. */
const arrive = async (db: Db, { jobs, documentOf }: Campaign, inserted: JobFacts[], withinMs: number): Promise<void> => {
  const waves = Math.max(1, Math.round((withinMs / 1_000) * WAVES_PER_SECOND));
  const size = Math.ceil(jobs.length / waves);
  for (let at = 0; at < jobs.length; at += size) {
    const wave = jobs.slice(at, at + size);
    // Ordered by _id and repeated as a whole: what arrived before its reply was lost is passed over.
    const ops = wave.map((job) => ({
      updateOne: { filter: { _id: job.id }, update: { $setOnInsert: documentOf(job, new Date()) }, upsert: true },
    }));
    await patiently(() => db.collection<Document>('jobs').bulkWrite(ops, { ordered: false }));
    inserted.push(...wave);
    await delay(withinMs / waves);
  }
};

const untilQuiet = async (db: Db, neverDial: ReadonlySet<string>, live: () => number, withinMs: number): Promise<string | null> => {
  const started = performance.now();
  for (;;) {
    const missing = await patiently(() => underWay(db, neverDial, live()));
    if (missing === null) return null;
    if (performance.now() - started > withinMs) return `after ${Math.round(withinMs / 1_000)} s still: ${missing}`;
    await delay(250);
  }
};

const ENDINGS = {
  kill: 'ended by kill -9',
  term: 'ended by SIGTERM',
  'fail point': 'ended by kill -9 at a fail point',
  start: 'gave up at its start, database away',
} as const;

const endings = (ended: readonly Ended[]): Record<string, number> =>
  tally(ended.map((one) => (one.cause === null ? 'ended by itself' : ENDINGS[one.cause])));

const tally = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

const clock = (started: number): string => `${String(Math.round((performance.now() - started) / 1_000)).padStart(4)} s`;
