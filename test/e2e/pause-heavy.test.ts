/** The operator's pause in the middle of the heaviest dialling the machine gives: when the command has returned, it is over (P4). */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { builtProgram } from '../support/build.js';
import { eventually } from '../support/eventually.js';
import { phoneThat, QUICK, withWorld, type World } from '../support/world.js';

const JOBS = 6_000;
const DIAL_WITHIN_MS = 2_000;

it('P4: when `batch pause` has returned, no further call of the batch is placed, however many were', { timeout: 90_000 }, () =>
  withWorld('pause heavy', { simulator: { instant: true }, env: ENVIRONMENT }, async (world) => {
    await world.account({ plan_type: 'unlimited' });
    await world.batch();
    await world.batch({ batch_id: 'batch-2' });
    await insert(world, 'batch-1', JOBS);
    await Promise.all([world.daemon(), world.daemon()]);
    await world.dialled(300);

    const told = await pause(world, 'batch-1');
    const seen = world.simulator.ledger().length;
    expect(told).toContain('no further call of it can be placed by anyone');
    const before = dialsIn(world, 'batch-1');
    const lastMs = Date.parse(before.at(-1)?.at ?? '');
    const inLastSecond = before.filter(({ at }) => Date.parse(at) > lastMs - 1_000).length;
    console.info(`paused at ${inLastSecond} dials per second, after ${before.length} dials`);

    // The other batch is dialled to its end: both daemons had every chance.
    await insert(world, 'batch-2', 100);
    await eventually(() => dialsIn(world, 'batch-2').length, (dialled) => (dialled === 100 ? null : `${dialled} of 100 dialled`)); // prettier-ignore
    await world.quiet(false);
    expect(dialsIn(world, 'batch-1', world.simulator.ledger().slice(seen))).toEqual([]);
    // Heavy enough to mean something, on a machine that others use too; and there was much more to dial.
    expect(inLastSecond).toBeGreaterThan(10);
    expect(await world.db.collection('jobs').countDocuments({ batch_id: 'batch-1', status: 'pending', attempts: 0 })).toBeGreaterThan(100);
    expect(world.simulator.check()).toEqual([]);
  }),
);

const ENVIRONMENT = {
  LOG_LEVEL: 'WARN',
  LOG_LEVELS: 'journal:warn',
  WORKER_COUNT: '60',
  CALLS_PER_SECOND: '5000',
  MAX_CONCURRENT_CALLS: '1000',
  LEASE_SECONDS: '10',
  DIAL_WITHIN_MS: String(DIAL_WITHIN_MS),
  // Longer than the test: what daemons know of the batch is not what makes a pause certain.
  BATCH_REFRESH_SECONDS: '60',
};

const insert = async ({ db }: World, batch_id: string, count: number): Promise<void> => {
  const jobs = Array.from({ length: count }, (_, n): Document => ({
    job_id: `${batch_id}-${n}`, account_id: 'acc-1', batch_id, status: 'pending', attempts: 0, max_attempts: 1, created_at: new Date(),
    contact: { name: 'Contacto', dni: '', phones: [phoneThat('901')], next_phone_index: 0 }, payload: {},
  })); // prettier-ignore
  await db.collection<Document>('jobs').insertMany(jobs);
};

const dialsIn = (world: World, batch: string, entries: readonly LedgerEntry[] = world.simulator.ledger()): LedgerEntry[] =>
  entries.filter(({ event, metadata }) => event === 'dial' && (metadata as Document)['batch_id'] === batch);

/** The command as a process of its own; resolves with what it said when it has ended. */
const pause = async (world: World, batch: string): Promise<string> => {
  const env = { PATH: process.env['PATH'] ?? '', ...QUICK, ...ENVIRONMENT, MONGO_URI: world.mongoUri, MONGO_DB: world.db.databaseName, RETELL_BASE_URL: world.simulator.url }; // prettier-ignore
  const { stderr } = await promisify(execFile)(process.execPath, [await builtProgram(), 'batch', 'pause', batch, '--reason', 'test'], {
    env,
  });
  return stderr;
};
