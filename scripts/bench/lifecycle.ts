/** Jobs per second: a plain driver loop (claim + complete, nothing else), the whole protocol, and the peer that users know, in turn on the same engine. */
import { loadRulebook } from '../../src/config/rulebook.js';
import { assemble } from '../../src/runner/assemble.js';
import type { Journal } from '../../src/domain/ports.js';
import { openStore } from '../../src/store/store.js';
import { createClock } from '../../src/telemetry/clock.js';
import { within } from './daemons.js';
import { median, round, type Bar } from './figures.js';
import { agendaLoop } from './peer.js';
import { spread, type Bench } from './report.js';
import { instantRetell, seedCampaign, settingsFor, SILENT, type World } from './world.js';

const PATIENCE_MS = 300_000;

/** The loop that everything is a ratio of: the same claim, then done. Same write concern, same concurrency. */
async function plainLoop(world: World, jobs: number, concurrency: number): Promise<number> {
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

/** From the first claim, as the loop above, to the last attempt whose lease is gone: start-up is another measure. */
async function wholeProtocol(world: World, jobs: number, concurrency: number): Promise<number> {
  const db = world.database('bench_whole');
  await seedCampaign(db, jobs);
  const clock = createClock();
  // The provider's calls are over at once: what is waited for their being looked at is none of the protocol's cost.
  const settings = settingsFor(world, 'bench_whole', { WORKER_COUNT: String(concurrency), CALL_POLLING_INTERVAL: '0.02' });
  const opened = await openStore({ ...settings.database, uri: world.uri }, clock);
  let started = Number.NaN;
  const store: typeof opened = {
    ...opened,
    jobs: {
      ...opened.jobs,
      claim: (question) => {
        if (Number.isNaN(started)) started = performance.now();
        return opened.jobs.claim(question);
      },
    },
  };
  let settled = 0;
  let allSettled: () => void = () => undefined;
  const last = new Promise<void>((resolve) => (allSettled = resolve));
  const journal: Journal = {
    write: (event) => {
      if (event === 'settled' && (settled += 1) === jobs) allSettled();
    },
  };
  const { daemon } = await assemble({
    settings,
    rulebook: loadRulebook(null),
    fingerprint: 'bench',
    version: 'bench',
    clock,
    log: SILENT,
    journal,
    store,
    simulatorUrl: null,
    retell: instantRetell(),
  });
  await daemon.start();
  await within(PATIENCE_MS, last, 'not every job was settled');
  // The database is asked only now: a count of the finished, ten times a second, is work for the engine too.
  const leased = (): Promise<number> => db.collection('call_attempts').countDocuments({ lease_until: { $exists: true } });
  for (const until = performance.now() + PATIENCE_MS; (await leased()) > 0; await clock.sleep(5))
    if (performance.now() > until) throw new Error('not every attempt was let go');
  const rate = jobs / ((performance.now() - started) / 1000);
  await daemon.stop('bench');
  await store.close();
  return rate;
}

interface Round {
  readonly plain: number;
  readonly whole: number;
  readonly agenda: number;
  readonly agendaErrors: number;
}

/** Interleaved rounds: a machine that slows down slows all three. */
export async function lifecycle({ world, quick, report }: Bench): Promise<void> {
  const jobs = quick ? 1_000 : 3_000;
  const bars: Bar[] = [];
  for (const concurrency of [20, 200]) {
    const rounds: Round[] = [];
    for (let n = 0; n < (quick ? 3 : 5); n += 1) {
      const plain = await plainLoop(world, jobs, concurrency);
      const whole = await wholeProtocol(world, jobs, concurrency);
      const agenda = await agendaLoop(world, jobs, concurrency);
      rounds.push({ plain, whole, agenda: agenda.rate, agendaErrors: agenda.errors });
    }
    report.keep(`lifecycle_${concurrency}`, rounds);
    const [plain, whole, agenda] = [
      median(rounds.map((one) => one.plain)),
      median(rounds.map((one) => one.whole)),
      median(rounds.map((one) => one.agenda)),
    ];
    const ratios = rounds.map((one) => one.whole / one.plain);
    const held = median(ratios) >= 0.5;
    report.note(
      `whole lifecycle / plain loop, ${concurrency} in flight`,
      `${spread(ratios)}; ${round(whole)} against ${round(plain)} jobs/s`,
      concurrency === 200 ? ['>= 0.5', held] : null,
    );
    const peer = rounds.map((one) => one.agenda / one.plain);
    report.note(`agenda, claim and complete only / plain loop, ${concurrency} in flight`, `${spread(peer)}; ${round(agenda)} jobs/s`);
    const against = rounds.map((one) => one.whole / one.agenda);
    report.note(
      `whole lifecycle / agenda, ${concurrency} in flight`,
      spread(against),
      concurrency === 200 ? ['> 1', median(against) > 1] : null,
    );
    bars.push(
      { label: `plain loop, ${concurrency}`, value: plain },
      { label: `agenda, claim and complete, ${concurrency}`, value: agenda },
      { label: `whole protocol, ${concurrency}`, value: whole },
    );
  }
  report.plot('lifecycle', 'Jobs per second, claim to settled', 'jobs/s', bars);
}
