/** Everything at once: 2,000 jobs under every kind of rule, three daemons, and an audit that knows nothing of the program's own rules (P4). */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import type { ScriptStep } from '../../src/simulator/script.js';
import { underWay } from '../support/books.js';
import { eventually } from '../support/eventually.js';
import { withWorld, type World } from '../support/world.js';
import { callsOf, type Call, type Evidence } from './campaign/evidence.js';
import { HOUSE_RULES, makePlan, MARGIN_SECONDS, suppressionDocs, type Plan } from './campaign/plan.js';
import { RULES, unaccounted } from './campaign/rules.js';

const MIN_REDIAL_MS = 1_500;
const MAX_CONCURRENT = 32;
const TRANSIENT_RETRIES = 1;

it(
  'P2, P4, P5: of 2,000 jobs under mixed rules no call breaks one of them, and every job is finished, waits for a known time or is set aside with a reason',
  { timeout: 150_000 },
  () => {
    // The simulator starts before anything is planned; it looks at its script when it is dialled.
    const script: Record<string, ScriptStep[]> = {};
    const folder = mkdtempSync(join(tmpdir(), 'speechai-campaign-'));
    return withWorld('campaign', { simulator: { speed: 500, script }, env: environment(folder) }, async (world) => {
      await houseRules(folder);
      const daemons = await Promise.all([['--queue', 'north,default'], ['--queue', 'south'], []].map((args) => world.daemon({ args })));
      await Promise.all(daemons.map(({ ready }) => ready));
      const plan = makePlan(Date.now(), script);
      await insert(world, plan);
      const evidence = await atRest(world, plan);

      for (const [name, rule] of Object.entries(RULES)) expect([name, ...rule(evidence)]).toEqual([name]);
      expect(world.simulator.check({ concurrency: MAX_CONCURRENT })).toEqual([]);
      expect(await world.books()).toEqual([]);
      expectRichness(evidence);
      expectAttention(evidence);
    }).finally(() => rmSync(folder, { recursive: true, force: true }));
  },
);

const environment = (folder: string): Record<string, string> => ({
  SPEECHAI_CONFIG_DIR: folder,
  LOG_LEVEL: 'INFO',
  WORKER_COUNT: '40',
  MAX_CONCURRENT_CALLS: String(MAX_CONCURRENT),
  LEASE_SECONDS: '10',
  DIAL_WITHIN_MS: '3000',
  RETELL_TIMEOUT_SECONDS: '5',
  CLOSING_MARGIN_SECONDS: String(MARGIN_SECONDS),
  TRANSIENT_RETRIES: String(TRANSIENT_RETRIES),
  MIN_REDIAL_MINUTES: String(MIN_REDIAL_MS / 60_000),
});

const houseRules = async (folder: string): Promise<void> => {
  for (const part of ['rules', 'holidays']) await cp(join('config', part), join(folder, part), { recursive: true });
  mkdirSync(join(folder, 'rules'), { recursive: true });
  writeFileSync(join(folder, 'rules', 'house.json'), JSON.stringify(HOUSE_RULES));
};

/** Jobs last: daemons find everything there. */
const insert = async ({ db }: World, plan: Plan): Promise<void> => {
  await db.collection<Document>('accounts').insertMany([...plan.accounts]);
  await db.collection<Document>('suppressions').insertMany(suppressionDocs(plan.suppressions));
  await db.collection<Document>('batches').insertMany([...plan.batches]);
  await db.collection<Document>('jobs').insertMany(plan.jobs.map((job) => ({ ...job })));
};

/** Resolves when nothing is under way and every job has a reason to be where it is. */
const atRest = async (world: World, plan: Plan): Promise<Evidence> => {
  const { db } = world;
  let evidence: Evidence | null = null;
  await eventually(
    async () => {
      if (world.simulator.liveCalls().length > 0) return 'calls are under way';
      if ((await db.collection('jobs').countDocuments({ status: 'in_progress' }, { limit: 1 })) > 0) return 'jobs are in progress';
      const records = await world.records();
      const runners = await db.collection<Document>('runners').find({}).toArray();
      evidence = {
        plan,
        calls: callsOf(plan, world.simulator.ledger()),
        left: records.jobs,
        atMs: Date.now(),
        queuesOf: new Map(runners.map((runner) => [String(runner['_id']), runner['queues'] as string[]])),
        settings: { minRedialMs: MIN_REDIAL_MS, maxConcurrent: MAX_CONCURRENT, transientRetries: TRANSIENT_RETRIES },
      };
      const waits = unaccounted(evidence);
      return underWay(records) ?? (waits.length === 0 ? null : `${waits.length}: ${waits.slice(0, 3).join('; ')}`);
    },
    (missing) => missing,
    120_000,
  );
  if (evidence === null) throw new Error('nothing was seen');
  return evidence;
};

/** An audit of a campaign in which nothing happened would find nothing. */
const expectRichness = ({ calls, left, plan }: Evidence): void => {
  const callsIn = (batch: string | undefined): number => calls.filter(({ job }) => job['batch_id'] === batch).length;
  const leftIn = (batch: string, status: string): number =>
    left.filter((job) => job['batch_id'] === batch && job['status'] === status).length;
  expect(plan.jobs).toHaveLength(2_000);
  expect(calls.length).toBeGreaterThan(350);
  for (const batch of ['flat-closed', 'nested-closed', 'other-days', 'malformed', 'not-started', 'ended', 'paused', 'inactive-account', 'unknown-plan']) expect([batch, callsIn(batch)]).toEqual([batch, 0]); // prettier-ignore
  expect(callsIn('daily-cap')).toBe(25);
  expect(leftIn('daily-cap', 'pending')).toBeGreaterThan(0);
  for (const batch of ['flat-open', 'nested-open']) expect([batch, callsIn(batch) > 0]).toEqual([batch, true]);
  // How many it had by then is the machine's affair.
  expect(leftIn('closing', 'pending')).toBeGreaterThan(0);
  expect(leftIn('starts-later', 'done')).toBe(30);
  expect(leftIn('callbacks', 'done')).toBe(12);
  expect(leftIn('callbacks', 'pending')).toBe(4);
  expect(leftIn('suppressed', 'failed')).toBe(20);
  expect(callsIn('shared') + callsIn('shared-too')).toBeGreaterThan(20);
};

/** Each rule must notice when it is broken: evidence that was tampered with is found out. */
const expectAttention = (evidence: Evidence): void => {
  const { calls, plan } = evidence;
  const of = (batch: string): Call => calls.find(({ job }) => job['batch_id'] === batch) ?? raise(`no call of ${batch}`);
  // On a slow machine a first call may have ended after the near times; the far ones are hours ahead.
  const agreed = calls.find(({ job, endMs }) => (plan.callbacks.get(String(job['job_id'])) ?? 0) > endMs + 60_000) ?? raise('nothing was agreed for later'); // prettier-ignore
  const batch = (id: string): Document => plan.batches.find((each) => each['batch_id'] === id) ?? raise(`no batch ${id}`);
  const again = (call: Call, more: Partial<Call> = {}): Call => ({ ...call, id: 'again', ...more });
  const broken: Readonly<Record<string, readonly Call[]>> = {
    windows: [again(of('flat-open'), { batch: batch('flat-closed') })],
    doors: [again(of('flat-open'), { batch: batch('paused') })],
    dailyCaps: [again(of('daily-cap'))],
    oneLiveCall: [again(of('flat-open'))],
    concurrency: Array.from({ length: 9 }, () => again(of('nested-open'))),
    redial: [again(of('flat-open'), { atMs: of('flat-open').atMs + 5 })],
    retryDelay: [again(of('next-day-retries'), { atMs: of('next-day-retries').atMs + 60_000 })],
    attempts: Array.from({ length: 4 }, () => again(of('flat-open'), { reason: 'dial_busy' })),
    money: [again(of('flat-open'), { costCents: 2_200 })],
    suppressed: [again(of('suppressed'), { to: plan.suppressions[0]?.phone ?? '' })],
    callbacks: [again(agreed, { atMs: agreed.endMs + 100 })],
    queues: [again(of('flat-open'), { runner: [...evidence.queuesOf].find(([, queues]) => queues.includes('south'))?.[0] ?? '' })],
    house: Array.from({ length: 2 }, (_, n) => again(of('house'), { atMs: of('house').atMs + n + 1 })),
  };
  for (const [name, more] of Object.entries(broken)) {
    const tampered = { ...evidence, calls: [...calls, ...more].toSorted((a, b) => a.atMs - b.atMs) };
    expect([name, RULES[name]?.(tampered).length ?? 0]).not.toEqual([name, 0]);
  }
  const idle = { ...evidence, left: evidence.left.map((job) => ({ ...job, status: 'pending', reserved_until: null, next_try_at: null })) };
  expect(unaccounted(idle).length).toBeGreaterThan(100);
};

const raise = (why: string): never => {
  throw new Error(why);
};
