/** Claim latency with a thousand or a million jobs waiting, nine in ten of them in paused batches (P9). */
import { createDatabaseTime } from '../../src/store/time.js';
import { createJobs } from '../../src/store/jobs.js';
import { createIndexes } from '../../src/store/indexes.js';
import { connect } from '../../src/store/connection.js';
import { createWriter } from '../../src/store/writer.js';
import { createClock } from '../../src/telemetry/clock.js';
import { newToken } from '../../src/runner/ids.js';
import { median, percentile, round } from './figures.js';
import { spread, type Bench } from './report.js';
import { seedCampaign, settingsFor, type World } from './world.js';

interface ClaimFigures {
  readonly waiting: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CLAIMS = 1_000;
const WARM_UP = 100;

interface Crowd {
  readonly waiting: number;
  measure(): Promise<ClaimFigures>;
  close(): Promise<void>;
}

/** One database with so many jobs waiting. */
async function crowdOf(world: World, waiting: number): Promise<Crowd> {
  const name = `bench_claims_${waiting}`;
  const paused = Array.from({ length: 9 }, (_, n) => ({ id: `paused-${n}`, active: false, share: 0.1 }));
  await seedCampaign(world.database(name), waiting, [{ id: 'open', active: true, share: 0.1 }, ...paused]);
  const clock = createClock();
  const connection = await connect({ ...settingsFor(world, name).database, uri: world.uri });
  await createIndexes(connection);
  const jobs = createJobs(connection, createWriter(connection));
  const time = await createDatabaseTime(connection, clock);
  return {
    waiting,
    measure: async () => {
      const took: number[] = [];
      for (let n = 0; n < WARM_UP + CLAIMS; n += 1) {
        const token = newToken(time.now());
        const started = performance.now();
        const claimed = await jobs.claim({ batch: 'open', kind: 'new', token, worker: 'bench', leaseMs: 60_000, bound: time.now() });
        took.push(performance.now() - started);
        // Given back at once, so that the thousandth claim meets the same crowd as the first.
        if (claimed === null) throw new Error('nothing could be claimed');
        await jobs.release(claimed._id, token, { status: 'pending', dueAt: null, dueBefore: null, suspendReason: null, lastError: null });
      }
      const warm = took.slice(WARM_UP);
      return { waiting, p50Ms: percentile(warm, 50), p99Ms: percentile(warm, 99) };
    },
    close: async () => {
      await connection.close();
      await world.database(name).dropDatabase();
    },
  };
}

/** The crowds are there side by side and asked in turn, so that a busy moment of the machine meets all of them. */
export async function claims({ world, quick, report }: Bench): Promise<void> {
  const crowds: Crowd[] = [];
  const rounds: ClaimFigures[][] = [];
  try {
    for (const size of quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000]) crowds.push(await crowdOf(world, size));
    for (let n = 0; n < (quick ? 3 : 5); n += 1) {
      const figures: ClaimFigures[] = [];
      for (const crowd of crowds) figures.push(await crowd.measure());
      rounds.push(figures);
    }
  } finally {
    for (const crowd of crowds) await crowd.close();
  }
  report.keep('claims', rounds);
  const bars = crowds.map(({ waiting }, n) => {
    const own = rounds.flatMap((round) => round[n] ?? []);
    const p99 = median(own.map((figures) => figures.p99Ms));
    const ratios = rounds.map((round) => (round[n]?.p99Ms ?? Number.NaN) / (round[0]?.p99Ms ?? Number.NaN));
    const value = `${round(median(own.map((figures) => figures.p50Ms)))} / ${round(p99)} ms`;
    const name = `claim among ${waiting.toLocaleString('en')} waiting, p50 / p99`;
    if (n === 0) report.note(name, value);
    else report.note(name, `${value}, p99 ratio ${spread(ratios)}`, ['<= 1.5 x p99 at 1,000', median(ratios) <= 1.5]);
    return { label: waiting.toLocaleString('en'), value: p99 };
  });
  report.plot('claims', 'Claim p99 by jobs waiting, 90 % in paused batches', 'ms', bars);
}
