/** Several daemons on one database: what they lose to each other. */
import { startSimulator } from '../../src/simulator/server.js';
import { environment, sleep, startDaemon } from './daemons.js';
import { median, round } from './figures.js';
import { spread, type Bench } from './report.js';
import { seedCampaign, type World } from './world.js';

const DATABASE = 'bench_processes';
const PATIENCE_MS = 600_000;

/** A process runs for weeks; its first three thousand calls cost it two to five times as much as those after, until its code is compiled. */
const WARM_UP = 3_000;

/** So many more than are counted: as many are under way at the end of the count as were at its beginning. */
const MORE = 500;

/** All in one batch, and all processes at work while the clock runs: from when the warm-up's jobs are done. */
async function jobsPerSecond(world: World, processes: number, jobs: number): Promise<number> {
  const db = world.database(DATABASE);
  const warm = WARM_UP * processes;
  await seedCampaign(db, warm + jobs + MORE * processes, [{ id: 'b1', active: false, share: 1 }]);
  const simulator = await startSimulator({ instant: true });
  // Calls end at once and are seen at the next poll.
  const env = environment(world.uri, DATABASE, simulator.url, { WORKER_COUNT: '400', CALL_POLLING_INTERVAL: '0.5' });
  const daemons = Array.from({ length: processes }, () => startDaemon(env));
  const until = performance.now() + PATIENCE_MS;
  const done = async (least: number): Promise<number> => {
    for (;;) {
      const count = await db.collection('jobs').countDocuments({ batch_id: 'b1', status: 'done' });
      if (count >= least) return count;
      if (performance.now() > until) throw new Error('the daemons did not finish');
      await sleep(50);
    }
  };
  try {
    await Promise.all(daemons.map((daemon) => daemon.ready));
    await db.collection('batches').updateOne({ batch_id: 'b1' }, { $set: { is_active: true } });
    const before = await done(warm);
    const started = performance.now();
    const after = await done(warm + jobs);
    return (after - before) / ((performance.now() - started) / 1000);
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await simulator.close();
  }
}

/** Interleaved, each round's ratio to its own single process. */
export async function processes({ world, quick, report }: Bench): Promise<void> {
  const counts = [1, 2, 4, 8];
  const rounds: number[][] = [];
  for (let round = 0; round < (quick ? 1 : 3); round += 1) {
    const rates: number[] = [];
    for (const count of counts) rates.push(await jobsPerSecond(world, count, quick ? 4_000 : 8_000));
    rounds.push(rates);
  }
  report.keep('processes', { counts, rounds });
  const bars = counts.map((count, n) => {
    const rates = rounds.map((round) => round[n] ?? Number.NaN);
    const ratios = rounds.map((round) => (round[n] ?? Number.NaN) / (round[0] ?? Number.NaN));
    const name = `jobs per second of ${count} process${count === 1 ? '' : 'es'}, over HTTP`;
    if (count === 1) report.note(name, spread(rates));
    else report.note(name, `${round(median(rates))}, of one: ${spread(ratios)}`, ['>= 0.85 of one', median(ratios) >= 0.85]);
    return { label: `${count}`, value: median(rates) };
  });
  report.plot('processes', 'Jobs per second by processes on one database', 'jobs/s', bars);
}
