/** Claim latency with ten or a million jobs waiting, nine in ten of them in paused batches (P9). */
import { createDatabaseTime } from '../../src/store/time.js';
import { createJobs } from '../../src/store/jobs.js';
import { createIndexes } from '../../src/store/indexes.js';
import { connect } from '../../src/store/connection.js';
import { createWriter } from '../../src/store/writer.js';
import { createClock } from '../../src/telemetry/clock.js';
import { newToken } from '../../src/runner/ids.js';
import { percentile } from './figures.js';
import { seedCampaign, settingsFor, type World } from './world.js';

export interface ClaimFigures {
  readonly waiting: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CLAIMS = 1_000;

export async function claimLatency(world: World, waiting: number): Promise<ClaimFigures> {
  const name = `bench_claims_${waiting}`;
  const paused = Array.from({ length: 9 }, (_, n) => ({ id: `paused-${n}`, active: false, share: 0.1 }));
  await seedCampaign(world.database(name), waiting, [{ id: 'open', active: true, share: 0.1 }, ...paused]);
  const clock = createClock();
  const connection = await connect({ ...settingsFor(world, name).database, uri: world.uri });
  await createIndexes(connection);
  const jobs = createJobs(connection, createWriter(connection));
  const time = await createDatabaseTime(connection, clock);
  const took: number[] = [];
  for (let n = 0; n < CLAIMS; n += 1) {
    const token = newToken(time.now());
    const started = performance.now();
    const claimed = await jobs.claim({
      batch: 'open',
      kind: 'new',

      token,
      worker: 'bench',
      leaseMs: 60_000,
      bound: time.now(),
    });
    took.push(performance.now() - started);
    // Given back at once, so that the thousandth claim meets the same crowd as the first.
    if (claimed === null) throw new Error('nothing could be claimed');
    await jobs.release(claimed._id, token, { status: 'pending', dueAt: null, dueBefore: null, suspendReason: null, lastError: null });
  }
  await connection.close();
  await world.database(name).dropDatabase();
  const warm = took.slice(CLAIMS / 10);
  return { waiting, p50Ms: percentile(warm, 50), p99Ms: percentile(warm, 99) };
}
