/** One process with thousands of live calls that do not end, all adopted from a predecessor that died. */
import { startSimulator } from '../../src/simulator/server.js';
import { environment, sleep, startDaemon, type ProbeFigures } from './daemons.js';
import { round } from './figures.js';
import type { Bench } from './report.js';
import { seedCampaign, type World } from './world.js';

const DATABASE = 'bench_follow';
const INTERVAL_SECONDS = 2;
const INTERVALS = 8;
/** One list per thousand calls and interval, and what one more interval makes of that. */
const MOST_LISTS = 1 + 1.5 / INTERVALS;
const ADOPTION_MS = 120_000;

interface FollowFigures extends ProbeFigures {
  readonly calls: number;
  readonly adoptedSeconds: number;
  readonly listsPerInterval: number;
  /** Everything else that was asked of the provider. */
  readonly othersPerInterval: number;
}

async function followMany(world: World, calls: number): Promise<FollowFigures> {
  const db = world.database(DATABASE);
  await seedCampaign(db, 0);
  const simulator = await startSimulator({ speed: 0 });
  const ids = await placeAll(simulator.url, calls);
  const attempts = db.collection<{ _id: string }>('call_attempts');
  await attempts.insertMany(ids.map(liveAttempt));
  // A call that still rings is rightly left out of a list: these talk.
  simulator.advance(20_000);
  const env = environment(world.uri, DATABASE, simulator.url, {
    WORKER_COUNT: '1',
    CALL_POLLING_INTERVAL: String(INTERVAL_SECONDS),
    POLL_TIMEOUT_SECONDS: '3600',
    CALL_MAX_DURATION_MINUTES: '120',
  });
  const started = performance.now();
  const daemon = startDaemon(env, { probed: true });
  try {
    await daemon.ready;
    while ((await attempts.countDocuments({ runner: 'gone' })) > 0) {
      await sleep(200);
      if (performance.now() - started > ADOPTION_MS) throw new Error('the daemon did not adopt the calls');
    }
    const adoptedSeconds = (performance.now() - started) / 1000;
    await sleep(2 * INTERVAL_SECONDS * 1_000);
    const before = requests(simulator.figures());
    daemon.resetProbe();
    await sleep(INTERVALS * INTERVAL_SECONDS * 1_000);
    const probed = await daemon.probe();
    const after = requests(simulator.figures());
    return {
      ...probed,
      calls,
      adoptedSeconds,
      listsPerInterval: (after.lists - before.lists) / INTERVALS,
      othersPerInterval: (after.others - before.others) / INTERVALS,
    };
  } finally {
    await daemon.stop();
    await simulator.close();
  }
}

function requests(figures: { requests?: Readonly<Record<string, number>> }): { lists: number; others: number } {
  let [lists, others] = [0, 0];
  for (const [path, n] of Object.entries(figures.requests ?? {})) {
    if (path.includes('list-calls')) lists += n;
    else others += n;
  }
  return { lists, others };
}

async function placeAll(url: string, calls: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < calls; n += 100) {
    const replies = await Promise.all(
      Array.from({ length: Math.min(100, calls - n) }, async (_, k) => {
        const reply = await fetch(`${url}/v2/create-phone-call`, {
          method: 'POST',
          body: JSON.stringify({
            from_number: '+56600000001',
            to_number: `+5511${String(n + k).padStart(6, '0')}900`,
            metadata: { attempt_id: attemptId(n + k) },
          }),
          headers: { authorization: 'Bearer key_bench', 'content-type': 'application/json' },
        });
        return (await reply.json()) as { call_id: string };
      }),
    );
    ids.push(...replies.map((reply) => reply.call_id));
  }
  return ids;
}

const attemptId = (n: number): string => `000000000000bench${String(n).padStart(8, '0')}`;

/** As a predecessor leaves it: live, its lease over. */
function liveAttempt(callId: string, n: number): { _id: string } & Record<string, unknown> {
  const now = new Date();
  return {
    _id: attemptId(n),
    job: attemptId(n),
    job_ref: `job_${n}`,
    account: 'acc-bench',
    batch: 'b1',
    runner: 'gone',
    workspace: 'bench',
    state: 'live',
    open: true,
    at: now,
    placed_at: now,
    dial_by: now,
    lease_until: new Date(now.getTime() - 1_000),
    locks: [`job:${n}`, `slot:${n}`],
    to_number: '+569',
    from_number: '+56600000001',
    line: String(n),
    person: null,
    phone_index: 0,
    ring_ms: 30_000,
    max_duration_ms: 7_200_000,
    estimate: { micros: 0, ms: 0 },
    counts: [],
    timezone: 'America/Santiago',
    call_id: callId,
  };
}

export async function follow({ world, report }: Bench): Promise<void> {
  const all: FollowFigures[] = [];
  for (const calls of [2_000, 5_000]) {
    const figures = await followMany(world, calls);
    all.push(figures);
    const name = `${calls.toLocaleString('en')} live calls`;
    const perThousand = figures.listsPerInterval / (calls / 1_000);
    report.note(
      `${name}: list requests per 1,000 calls and interval`,
      `${round(perThousand)} (${round(figures.listsPerInterval)} lists, ${round(figures.othersPerInterval)} others an interval)`,
      // Intervals are jittered: one more or less of them fits into the time that is looked at.
      [`<= ${round(MOST_LISTS)}`, perThousand <= MOST_LISTS],
    );
    report.note(
      `${name}: memory`,
      `${round(figures.residentMb)} MB (peak ${round(figures.peakMb)})`,
      calls === 2_000 ? ['<= 350 MB', figures.residentMb <= 350] : null,
    );
    report.note(
      `${name}: event-loop delay p50 / p99 / max`,
      [figures.delayP50Ms, figures.delayP99Ms, figures.delayMaxMs].map(round).join(' / ') + ' ms',
    );
    report.note(`${name}: adopted from a dead daemon, start-up included`, `${round(figures.adoptedSeconds)} s`);
  }
  report.keep('follow', all);
  const bars = (value: (figures: FollowFigures) => number) =>
    all.map((figures) => ({ label: `${figures.calls.toLocaleString('en')} live calls`, value: value(figures) }));
  report.plot(
    'follow-memory',
    'Resident memory of one process',
    'MB',
    bars((figures) => figures.residentMb),
  );
  report.plot(
    'follow-requests',
    'List requests per interval',
    '',
    bars((figures) => figures.listsPerInterval),
  );
  report.plot(
    'follow-delay',
    'Event-loop delay, p99',
    'ms',
    bars((figures) => figures.delayP99Ms),
  );
}
