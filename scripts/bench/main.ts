/** `npm run bench`: the measures of the design, as ratios to a plain driver loop in the same run where that makes sense. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { claimLatency } from './claims.js';
import { barChart, median, round, type Bar } from './figures.js';
import { plainLoop, wholeProtocol } from './lifecycle.js';
import { dueToDialled, followMany, idleCost, severalProcesses } from './processes.js';
import { openWorld } from './world.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'out/bench' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (options.help) {
  process.stdout.write(`npm run bench [-- --quick] [--json FILE] [--out DIR] [--only lifecycle,claims,idle,follow,latency,processes]\n
Measures on an embedded engine of its own (BENCH_MONGO_URI names another server). Ratios are to a plain loop in the same run.\n`);
  process.exit(0);
}

interface Row {
  readonly measure: string;
  readonly value: string;
  readonly target: string;
  readonly holds: boolean | null;
}

const rows: Row[] = [];
const raw: Record<string, unknown> = {};
const wanted = (name: string): boolean => options.only === undefined || options.only.split(',').includes(name);
const note = (measure: string, value: string, target = '', holds: boolean | null = null): void => {
  rows.push({ measure, value, target, holds });
  process.stderr.write(`${measure}: ${value}\n`);
};
mkdirSync(options.out, { recursive: true });
const plot = (file: string, title: string, unit: string, bars: Bar[]): void =>
  writeFileSync(join(options.out, `${file}.svg`), barChart(title, unit, bars));

const world = await openWorld();
process.stderr.write(`${world.provider}; ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`);
try {
  if (wanted('lifecycle')) await lifecycle();
  if (wanted('claims')) await claims();
  if (wanted('idle')) await idle();
  if (wanted('latency')) await latency();
  if (wanted('follow')) await follow();
  if (wanted('processes')) await processes();
} finally {
  await world.close();
}
const width = Math.max(...rows.map((row) => row.measure.length));
for (const row of rows) {
  const mark = row.holds === null ? ' ' : row.holds ? '+' : '-';
  process.stdout.write(`${mark} ${row.measure.padEnd(width)}  ${row.value}${row.target === '' ? '' : `   (target ${row.target})`}\n`);
}
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ node: process.version, cores: cpus().length, rows, raw }, null, 2)}\n`);

/** Interleaved rounds: a machine that slows down slows both. */
async function lifecycle(): Promise<void> {
  const rounds = options.quick ? 2 : 5;
  const bars: Bar[] = [];
  for (const concurrency of [20, 200]) {
    const ratios: number[] = [];
    const rates: { plain: number; whole: number }[] = [];
    const jobs = options.quick ? 1_000 : 3_000;
    for (let round = 0; round < rounds; round += 1) {
      const plain = await plainLoop(world, jobs, concurrency);
      const whole = await wholeProtocol(world, jobs, concurrency);
      ratios.push(whole / plain);
      rates.push({ plain, whole });
    }
    raw[`lifecycle_${concurrency}`] = rates;
    const [low, middle, high] = [Math.min(...ratios), median(ratios), Math.max(...ratios)];
    note(
      `whole lifecycle / plain loop, ${concurrency} in flight`,
      `${round(middle)} (min ${round(low)}, max ${round(high)}; ${round(median(rates.map((rate) => rate.whole)))} against ${round(median(rates.map((rate) => rate.plain)))} jobs/s)`,
      concurrency === 200 ? '>= 0.5' : '',
      concurrency === 200 ? middle >= 0.5 : null,
    );
    bars.push(
      { label: `plain loop, ${concurrency}`, value: median(rates.map((rate) => rate.plain)) },
      { label: `whole protocol, ${concurrency}`, value: median(rates.map((rate) => rate.whole)) },
    );
  }
  plot('lifecycle', 'Jobs per second, claim to settled', 'jobs/s', bars);
}

async function claims(): Promise<void> {
  const sizes = options.quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000];
  const figures = [];
  for (const size of sizes) figures.push(await claimLatency(world, size));
  raw['claims'] = figures;
  const first = figures[0];
  for (const { waiting, p50Ms, p99Ms } of figures) {
    const ratio = p99Ms / (first?.p99Ms ?? Number.NaN);
    note(
      `claim among ${waiting.toLocaleString('en')} waiting, p50 / p99`,
      `${round(p50Ms)} / ${round(p99Ms)} ms (p99 ratio ${round(ratio)})`,
      waiting > 1_000 ? '<= 1.5 x p99 at 1,000' : '',
      waiting > 1_000 ? ratio <= 1.5 : null,
    );
  }
  plot(
    'claims',
    'Claim p99 by jobs waiting, 90 % in paused batches',
    'ms',
    figures.map(({ waiting, p99Ms }) => ({ label: waiting.toLocaleString('en'), value: p99Ms })),
  );
}

async function idle(): Promise<void> {
  const bars: Bar[] = [];
  for (const workers of [1, 2_000]) {
    const perSecond = await idleCost(world, workers, options.quick ? 8 : 30);
    note(`idle database operations per second, WORKER_COUNT ${workers}`, round(perSecond), '<= 2', perSecond <= 2);
    bars.push({ label: `WORKER_COUNT ${workers}`, value: perSecond });
  }
  plot('idle', 'Database operations per second of an idle daemon', 'per s', bars);
}

async function latency(): Promise<void> {
  const { p50Ms, p99Ms } = await dueToDialled(world, options.quick ? 10 : 40);
  raw['latency'] = { p50Ms, p99Ms };
  note(
    'due to dialled on an idle daemon, polling, p50 / p99',
    `${round(p50Ms)} / ${round(p99Ms)} ms`,
    '<= CLAIM_POLL_SECONDS (1 s, jittered)',
    p99Ms <= 1_350,
  );
}

async function follow(): Promise<void> {
  const bars: Bar[] = [];
  for (const calls of options.quick ? [2_000] : [2_000, 5_000]) {
    const figures = await followMany(world, calls);
    raw[`follow_${calls}`] = figures;
    note(
      `list requests per 1,000 of ${calls} live calls and interval`,
      round(figures.listsPer1000AndInterval),
      '<= 1',
      figures.listsPer1000AndInterval <= 1.3,
    );
    note(
      `memory with ${calls} live calls`,
      `${round(figures.memoryMb)} MB`,
      calls === 2_000 ? '<= 350 MB' : '',
      calls === 2_000 ? figures.memoryMb <= 350 : null,
    );
    bars.push({ label: `${calls} live calls`, value: figures.memoryMb });
  }
  plot('memory', 'Resident memory of one process', 'MB', bars);
}

async function processes(): Promise<void> {
  const bars: Bar[] = [];
  for (const count of [1, 2, 4, 8]) {
    const rate = await severalProcesses(world, count, options.quick ? 600 : 2_000);
    raw[`processes_${count}`] = rate;
    const first = bars[0]?.value ?? rate;
    note(
      `jobs per second of ${count} process${count === 1 ? '' : 'es'} with start-up, over HTTP`,
      `${round(rate)} (${round(rate / first)} of one)`,
      count === 1 ? '' : '>= 0.85 of one',
      count === 1 ? null : rate / first >= 0.85,
    );
    bars.push({ label: `${count}`, value: rate });
  }
  plot('processes', 'Jobs per second by processes on one database', 'jobs/s', bars);
}
