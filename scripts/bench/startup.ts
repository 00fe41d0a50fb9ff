/** How long the program takes until it is ready, and until it has printed its help: as processes, the machine's cache warm. */
import { startSimulator } from '../../src/simulator/server.js';
import { environment, runToEnd, startDaemon } from './daemons.js';
import { median } from './figures.js';
import { spread, type Bench } from './report.js';
import { seedCampaign } from './world.js';

const DATABASE = 'bench_startup';

export async function startup({ world, quick, report }: Bench): Promise<void> {
  await seedCampaign(world.database(DATABASE), 0);
  const simulator = await startSimulator({ instant: true });
  const env = environment(world.uri, DATABASE, simulator.url);
  const ready: number[] = [];
  const help: number[] = [];
  try {
    // The first start makes the indexes and fills the cache: it is not counted.
    for (let n = 0; n < (quick ? 4 : 10); n += 1) {
      const started = performance.now();
      const daemon = startDaemon(env);
      await daemon.ready;
      if (n > 0) ready.push((performance.now() - started) / 1000);
      await daemon.stop();
      const { seconds } = await runToEnd(['--help'], env);
      if (n > 0) help.push(seconds);
    }
  } finally {
    await simulator.close();
  }
  report.keep('startup', { ready, help });
  report.note('`speechai run` until it is ready, a server there, s', spread(ready));
  report.note('`speechai --help`, s', spread(help), ['<= 0.2 s', median(help) <= 0.2]);
  report.plot('startup', 'Seconds from the start of the process', 's', [
    { label: 'run, until ready', value: median(ready) },
    { label: '--help', value: median(help) },
  ]);
}
