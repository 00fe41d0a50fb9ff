/** Three processes and the last of something: the last money, the last call of the day, the last free line. Never one more (P4). */

import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { phoneThat, withWorld, type World } from '../support/world.js';
import { callsOf, type Evidence } from './campaign/evidence.js';
import type { Plan } from './campaign/plan.js';
import { RULES } from './campaign/rules.js';

/** Of each kind so many accounts at once: as many races in one run. */
const RACES = 4;
const JOBS_EACH = 10;
const DAILY = 3;
const LINES = 2;
/** All that the accounts below may have under way at once, and a little for the witness. */
const MAX_CONCURRENT = RACES * (1 + DAILY + LINES) + 6;

it(
  'P4: of three daemons racing for the last credit, minutes, calls of the day and free lines none gets one more',
  { timeout: 90_000 },
  () =>
    withWorld('races', { simulator: { speed: 0 }, env: ENVIRONMENT }, async (world) => {
      const plan = makePlan();
      await insert(world, plan);
      const daemons = await Promise.all([world.daemon(), world.daemon(), world.daemon()]);
      await Promise.all(daemons.map(({ ready }) => ready));

      // Time stands still at the provider: whoever got through stays on the line, and all the others try for the same.
      await start(world, { account_id: { $ne: 'witness' } });
      await dialsOf(world, (account) => account !== 'witness', RACES * (1 + DAILY + LINES));
      await start(world, { account_id: 'witness' });
      await dialsOf(world, (account) => account === 'witness', 6);
      expect(world.simulator.figures().live).toBe(MAX_CONCURRENT);
      expect(new Set(world.dials().map(({ metadata }) => (metadata as Document)['runner'])).size).toBeGreaterThan(1);

      world.simulator.setSpeed(400);
      await eventually(
        () => world.db.collection('jobs').countDocuments({ account_id: /^(lines|witness)/, status: { $ne: 'done' } }),
        (left) => (left === 0 ? null : `${left} jobs of accounts without a limit on calls are not done`),
      );
      const { jobs } = await world.quiet(false);

      const evidence: Evidence = {
        plan,
        calls: callsOf(plan, world.simulator.ledger()),
        left: jobs,
        atMs: Date.now(),
        queuesOf: new Map(),
        settings: { minRedialMs: 0, maxConcurrent: MAX_CONCURRENT, transientRetries: 5 },
      };
      for (const name of ['money', 'dailyCaps', 'concurrency', 'oneLiveCall', 'attempts']) expect([name, ...(RULES[name]?.(evidence) ?? ['no such rule'])]).toEqual([name]); // prettier-ignore
      for (let n = 0; n < RACES; n += 1)
        expect(evidence.calls.filter(({ account }) => account['account_id'] === `day-${n}`)).toHaveLength(DAILY);
      expect(await world.books()).toEqual([]);
    }),
);

const ENVIRONMENT = {
  LOG_LEVEL: 'INFO',
  WORKER_COUNT: '30',
  MAX_CONCURRENT_CALLS: String(MAX_CONCURRENT),
  BATCH_REFRESH_SECONDS: '0.05',
  CLAIM_POLL_SECONDS: '0.05',
  LEASE_SECONDS: '10',
  DIAL_WITHIN_MS: '2000',
};

/** One minute of credit and a half: a second call, be it of one minute, is more than was bought. */
const makePlan = (): Plan => {
  const kinds: Readonly<Record<string, Document>> = {
    credit: { plan_type: 'credit_based', credit_balance: 0.25 },
    day: { daily_call_limit: DAILY },
    lines: { max_concurrent_calls: LINES },
  };
  const account = (account_id: string, fields: Document): Document => ({ account_id, account_name: account_id, plan_type: 'unlimited', status: 'active', country: 'CL', credit_balance: 0, credit_used: 0, minutes_used: 0, ...fields }); // prettier-ignore
  const accounts = [
    ...Object.entries(kinds).flatMap(([kind, fields]) =>
      Array.from({ length: RACES }, (_, n) => account(`${kind}-${n}`, kind === 'credit' && n % 2 === 1 ? { plan_type: 'minutes_based', minutes_purchased: 1.5 } : fields)),
    ),
    account('witness', {}),
  ]; // prettier-ignore
  const batches = accounts.map(({ account_id }) => ({ batch_id: `of-${account_id}`, account_id, name: 'race', is_active: false, call_settings: null })); // prettier-ignore
  const jobs = batches.flatMap(({ batch_id, account_id }) =>
    Array.from({ length: JOBS_EACH }, (_, n) => ({
      job_id: `${account_id}-${n}`, account_id, batch_id, status: 'pending', attempts: 0, max_attempts: 1, created_at: new Date(),
      contact: { name: 'Contacto', dni: `${account_id}-${n}-100000`, phones: [phoneThat('901')], next_phone_index: 0 }, payload: {},
    })),
  ); // prettier-ignore
  return { accounts, batches, jobs, suppressions: [], callbacks: new Map() };
};

const insert = async ({ db }: World, { accounts, batches, jobs }: Plan): Promise<void> => {
  await db.collection<Document>('accounts').insertMany([...accounts]);
  await db.collection<Document>('batches').insertMany([...batches]);
  await db.collection<Document>('jobs').insertMany(jobs.map((job) => ({ ...job })));
};

const start = ({ db }: World, of: Document): Promise<unknown> => db.collection('batches').updateMany(of, { $set: { is_active: true } });

const dialsOf = (world: World, of: (account: string) => boolean, count: number): Promise<unknown> =>
  eventually(
    () => world.dials().filter(({ metadata }) => of(String((metadata as Document)['job_id']).replace(/-\d+$/, '').replace(/^witness.*/, 'witness'))).length,
    (dials) => (dials >= count ? null : `${dials} of ${count} dials`),
  ); // prettier-ignore
