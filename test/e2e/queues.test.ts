/** One process for first calls, another for retries: each serves its own, and work that nobody serves waits, which is said aloud. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { speechai } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { API_KEY, FROM_NUMBER, withWorld, type World } from '../support/world.js';

const ROUTES = { default: 'calls', rules: [{ queue: 'retries', when: { work: 'retry' } }] };
const JOBS = 12;

it('`run --queue calls` and `run --queue retries` each serve only their own, and what nobody serves is told', { timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'speechai-queues-'));
  writeFileSync(join(folder, 'routes.json'), JSON.stringify(ROUTES));
  return withWorld('queues', { env: { SPEECHAI_CONFIG_DIR: folder, LEASE_SECONDS: '5' } }, async (world) => {
    await world.account();
    await world.batch();
    const [first = ''] = await world.jobs(Array.from({ length: JOBS }, () => ({ patterns: ['930'] })));
    const calls = await world.daemon({ args: ['--queue', 'calls'] });

    await settled(world, JOBS);
    // All of them are due again, and the only daemon does not serve them.
    await eventually(() => waiting(world), (due) => (due === JOBS ? null : `${due} of ${JOBS} are due again`)); // prettier-ignore
    const told = await Promise.all([ask(world, folder, 'explain', 'job', first), ask(world, folder, 'batch', 'show', 'batch-1'), ask(world, folder, 'runner', 'list')]); // prettier-ignore
    for (const text of told) expect(text).toContain('No daemon at work serves queue "retries"');
    expect(world.dials()).toHaveLength(JOBS);

    const retries = await world.daemon({ args: ['--queue', 'retries'] });
    await settled(world, 2 * JOBS);
    const [named = ''] = await world.jobs([{ fields: { queue: 'retries' } }]);
    await eventually(() => world.job(named), (job) => (job['status'] === 'done' ? null : `it is ${job['status']}`)); // prettier-ignore
    const served = await ask(world, folder, 'explain', 'job', first);
    expect(served).toMatch(/Queue "retries" is served by /);
    await world.quiet();

    const placedBy = new Map(world.dials().map((dial) => [dial, (dial.metadata as Document)['runner']]));
    const by = (pid: number): LedgerEntry[] => [...placedBy].filter(([, runner]) => String(runner).includes(`-${pid}-`)).map(([dial]) => dial); // prettier-ignore
    expect(by(calls.pid).map(({ dial }) => dial)).toEqual(Array.from({ length: JOBS }, () => 1));
    expect(by(retries.pid)).toHaveLength(2 * JOBS + 1);
    expect(await world.books()).toEqual([]);
  }).finally(() => rmSync(folder, { recursive: true, force: true }));
});

const settled = (world: World, calls: number): Promise<number> =>
  eventually(
    () => world.db.collection('call_attempts').countDocuments({ state: 'settled', lease_until: { $exists: false } }),
    (done) => (done >= calls ? null : `${done} of ${calls} calls are settled`),
  );

const waiting = ({ db }: World): Promise<number> => db.collection('jobs').countDocuments({ status: 'pending', attempts: { $gt: 0 }, reserved_until: { $lt: new Date() } }); // prettier-ignore

/** Both streams of a command that must succeed. */
const ask = async (world: World, folder: string, ...args: string[]): Promise<string> => {
  const env = { ENV: 'testing', MONGO_URI: world.mongoUri, MONGO_DB: world.db.databaseName, RETELL_BASE_URL: world.simulator.url, RETELL_API_KEY: API_KEY, RETELL_AGENT_ID: 'agent_e2e', RETELL_FROM_NUMBER: FROM_NUMBER, SPEECHAI_CONFIG_DIR: folder, LEASE_SECONDS: '5' }; // prettier-ignore
  const { code, out, err } = await speechai(env, ...args);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  return out + err;
};
