/** Several daemons on one database: what they lose to each other. */
import { startSimulator } from '../../src/simulator/server.js';
import { environment, sleep, startDaemon } from './daemons.js';
import { median, round } from './figures.js';
import { spread, type Bench } from './report.js';
import { seedCampaign, type World } from './world.js';

const DATABASE = 'bench_processes';
const PATIENCE_MS = 180_000;

/** A process runs for weeks; its first thousand calls cost it three times as much as those after, until its code is compiled. */
const WARM_UP = 1_000;

/** From the first dial of the measured batch to its last job done. Calls end at once and are seen at the next poll. */
async function jobsPerSecond(world: World, processes: number, jobs: number, warmUp: number): Promise<number> {
  const db = world.database(DATABASE);
  const warm = { id: 'warm', active: false, jobs: warmUp * processes };
  const measured = { id: 'measured', active: false, jobs };
  const all = warm.jobs + jobs;
  await seedCampaign(db, all, [warm, measured].map(({ id, active, jobs: own }) => ({ id, active, share: own / all }))); // prettier-ignore
  const simulator = await startSimulator({ instant: true });
  const env = environment(world.uri, DATABASE, simulator.url, { WORKER_COUNT: '400', CALL_POLLING_INTERVAL: '0.5' });
  const daemons = Array.from({ length: processes }, () => startDaemon(env));
  /** Opens a batch and sees it through. */
  const through = async (batch: string, count: number): Promise<number> => {
    const firstDial = new Promise<number>((resolve, reject) => {
      setTimeout(() => reject(new Error('the daemons did not begin')), PATIENCE_MS).unref();
      const off = simulator.onEntry((entry) => {
        if (entry.event !== 'dial') return;
        off();
        resolve(performance.now());
      });
    });
    await db.collection('batches').updateOne({ batch_id: batch }, { $set: { is_active: true } });
    const started = await firstDial;
    while ((await db.collection('jobs').countDocuments({ batch_id: batch, status: 'done' })) < count) {
      await sleep(50);
      if (performance.now() - started > PATIENCE_MS) throw new Error('the daemons did not finish');
    }
    return (performance.now() - started) / 1000;
  };
  try {
    await Promise.all(daemons.map((daemon) => daemon.ready));
    await through(warm.id, warm.jobs);
    return jobs / (await through(measured.id, jobs));
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
    for (const count of counts) rates.push(await jobsPerSecond(world, count, quick ? 2_000 : 4_000, WARM_UP));
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
