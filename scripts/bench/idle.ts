/** What a daemon with nothing to do asks of its database, however many loops wait (P9). */
import { startSimulator } from '../../src/simulator/server.js';
import { startFaultProxy } from '../../test/support/fault-proxy.js';
import { environment, sleep, startDaemon } from './daemons.js';
import { round, type Bar } from './figures.js';
import type { Bench } from './report.js';
import { seedCampaign, type World } from './world.js';

const DATABASE = 'bench_idle';
/** The driver's own watch over its connection, not questions of ours. */
const MONITORING = /^(hello|ismaster|isMaster|ping)$/;

async function operationsPerSecond(world: World, workers: number, seconds: number): Promise<number> {
  await seedCampaign(world.database(DATABASE), 0);
  const proxy = await startFaultProxy(world.uri);
  const simulator = await startSimulator({ instant: true });
  const more = { WORKER_COUNT: String(workers), CLAIM_POLL_SECONDS: '1', BATCH_REFRESH_SECONDS: '2' };
  const daemon = startDaemon(environment(proxy.uri, DATABASE, simulator.url, more));
  try {
    await daemon.ready;
    await sleep(2_000);
    proxy.resetCounts();
    await sleep(seconds * 1_000);
    const work = Object.entries(proxy.counts()).filter(([name]) => !MONITORING.test(name));
    return work.reduce((sum, [, n]) => sum + n, 0) / seconds;
  } finally {
    await daemon.stop();
    await proxy.close();
    await simulator.close();
  }
}

export async function idle({ world, quick, report }: Bench): Promise<void> {
  const bars: Bar[] = [];
  for (const workers of [1, 2_000]) {
    const perSecond = await operationsPerSecond(world, workers, quick ? 8 : 30);
    report.note(`idle database operations per second, WORKER_COUNT ${workers}`, round(perSecond), ['<= 2', perSecond <= 2]);
    bars.push({ label: `WORKER_COUNT ${workers}`, value: perSecond });
  }
  report.keep('idle', bars);
  report.plot('idle', 'Database operations per second of an idle daemon', 'per s', bars);
}
