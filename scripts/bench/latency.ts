/** From a job's insertion to its dial at the provider, on an idle daemon that polls. */
import { startSimulator } from '../../src/simulator/server.js';
import { environment, sleep, startDaemon, within } from './daemons.js';
import { percentile, round } from './figures.js';
import type { Bench } from './report.js';
import { jobDocument, seedCampaign } from './world.js';

const DATABASE = 'bench_latency';
const PATIENCE_MS = 30_000;

export async function latency({ world, quick, report }: Bench): Promise<void> {
  const db = world.database(DATABASE);
  await seedCampaign(db, 0);
  const simulator = await startSimulator({ instant: true });
  const more = { WORKER_COUNT: '50', CLAIM_POLL_SECONDS: '1', CALL_POLLING_INTERVAL: '1' };
  const daemon = startDaemon(environment(world.uri, DATABASE, simulator.url, more));
  const took: number[] = [];
  try {
    await daemon.ready;
    for (let n = 0; n < (quick ? 10 : 40); n += 1) {
      await sleep(100 + Math.random() * 1_000);
      const dialled = new Promise<number>((resolve) => {
        const off = simulator.onEntry((entry) => {
          if (entry.event !== 'dial') return;
          off();
          resolve(performance.now());
        });
      });
      const inserted = performance.now();
      await db.collection('jobs').insertOne(jobDocument(n, 'b1'));
      took.push((await within(PATIENCE_MS, dialled, 'the job was not dialled')) - inserted);
    }
  } finally {
    await daemon.stop();
    await simulator.close();
  }
  // Of so few samples the slowest is all that can be said of the tail.
  const [p50, most] = [percentile(took, 50), Math.max(...took)];
  report.keep('latency', took);
  report.note('due to dialled on an idle daemon, polling, p50 / slowest', `${round(p50)} / ${round(most)} ms`, [
    '<= CLAIM_POLL_SECONDS (1 s)',
    most <= 1_000,
  ]);
  report.plot('latency', 'From due to dialled, polling once a second', 'ms', [
    { label: 'p50', value: p50 },
    { label: `slowest of ${took.length}`, value: most },
  ]);
}
