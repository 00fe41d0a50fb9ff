/** Several daemons on one database: what they lose to each other. */
import { startSimulator } from '../../src/simulator/server.js';
import { environment, sleep, startDaemon } from './daemons.js';
import { median, round } from './figures.js';
import { spread, type Bench } from './report.js';
import { seedCampaign, type World } from './world.js';

const DATABASE = 'bench_processes';
const PATIENCE_MS = 180_000;

/** From the first dial to the last job done: the daemons have started before the batch is opened. */
async function jobsPerSecond(world: World, processes: number, jobs: number): Promise<number> {
  const db = world.database(DATABASE);
  await seedCampaign(db, jobs, [{ id: 'b1', active: false, share: 1 }]);
  const simulator = await startSimulator({ instant: true });
  const env = environment(world.uri, DATABASE, simulator.url, {
    WORKER_COUNT: '100',
    CALL_POLLING_INTERVAL: '0.1',
    CLAIM_POLL_SECONDS: '0.2',
    BATCH_REFRESH_SECONDS: '0.2',
  });
  const daemons = Array.from({ length: processes }, () => startDaemon(env));
  try {
    await Promise.all(daemons.map((daemon) => daemon.ready));
    const firstDial = new Promise<number>((resolve, reject) => {
      setTimeout(() => reject(new Error('the daemons did not begin')), PATIENCE_MS).unref();
      const off = simulator.onEntry((entry) => {
        if (entry.event !== 'dial') return;
        off();
        resolve(performance.now());
      });
    });
    await db.collection('batches').updateOne({ batch_id: 'b1' }, { $set: { is_active: true } });
    const started = await firstDial;
    const done = (): Promise<number> => db.collection('jobs').countDocuments({ batch_id: 'b1', status: 'done' });
    while ((await done()) < jobs) {
      await sleep(50);
      if (performance.now() - started > PATIENCE_MS) throw new Error('the daemons did not finish');
    }
    return jobs / ((performance.now() - started) / 1000);
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
    for (const count of counts) rates.push(await jobsPerSecond(world, count, quick ? 600 : 2_000));
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
