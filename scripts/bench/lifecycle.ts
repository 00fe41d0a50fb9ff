/** Jobs per second: a plain driver loop (claim + complete, nothing else) against the whole protocol, in turn on the same engine. */
import { loadRulebook } from '../../src/config/rulebook.js';
import { assemble } from '../../src/runner/assemble.js';
import { openStore } from '../../src/store/store.js';
import { createClock } from '../../src/telemetry/clock.js';
import { instantRetell, NO_JOURNAL, seedCampaign, settingsFor, SILENT, type World } from './world.js';

/** The loop that everything is a ratio of: the same claim, then done. Same write concern, same concurrency. */
export async function plainLoop(world: World, jobs: number, concurrency: number): Promise<number> {
  const db = world.database('bench_plain');
  await seedCampaign(db, jobs);
  const collection = db.collection('jobs', { writeConcern: { w: 1, journal: true } });
  await collection.createIndex({ batch_id: 1, status: 1, reserved_until: 1, _id: 1 }, {}, {});
  const started = performance.now();
  const worker = async (): Promise<void> => {
    for (;;) {
      const job = await collection.findOneAndUpdate(
        { batch_id: 'b1', status: 'pending', reserved_until: null },
        { $set: { status: 'in_progress' } },
      );
      if (job === null) return;
      await collection.updateOne({ _id: job._id }, { $set: { status: 'done' } });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return jobs / ((performance.now() - started) / 1000);
}

export async function wholeProtocol(world: World, jobs: number, concurrency: number): Promise<number> {
  const db = world.database('bench_whole');
  await seedCampaign(db, jobs);
  const clock = createClock();
  const settings = settingsFor(world, 'bench_whole', { WORKER_COUNT: String(concurrency), CALL_POLLING_INTERVAL: '0.05' });
  const store = await openStore({ ...settings.database, uri: world.uri }, clock);
  const { daemon } = await assemble({
    settings, rulebook: loadRulebook(null), fingerprint: 'bench', version: 'bench', clock, log: SILENT, journal: NO_JOURNAL, store, simulatorUrl: null, retell: instantRetell(),
  }); // prettier-ignore
  const started = performance.now();
  await daemon.start();
  const finished = async (): Promise<number> =>
    db.collection('call_attempts').countDocuments({ state: 'settled', lease_until: { $exists: false } });
  while ((await finished()) < jobs) await clock.sleep(100);
  const rate = jobs / ((performance.now() - started) / 1000);
  await daemon.stop('bench');
  await store.close();
  return rate;
}
