/** `npm run bench`: the measures of the design, as ratios to a plain driver loop in the same run where that makes sense. */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { claims } from './claims.js';
import { follow } from './follow.js';
import { idle } from './idle.js';
import { importing } from './importing.js';
import { latency } from './latency.js';
import { lifecycle } from './lifecycle.js';
import { processes } from './processes.js';
import { createReport, table, type Bench } from './report.js';
import { startup } from './startup.js';
import { openWorld } from './world.js';

const MEASURES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  lifecycle,
  claims,
  idle,
  latency,
  follow,
  processes,
  import: importing,
  startup,
};
const NAMES = Object.keys(MEASURES).join(',');

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'out/bench' },
    only: { type: 'string', default: NAMES },
    strict: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (options.help) {
  process.stdout.write(`npm run bench [-- --quick] [--strict] [--json FILE] [--out DIR] [--only ${NAMES}]\n
Measures on an embedded engine of its own (BENCH_MONGO_URI names another server). Ratios are to a plain loop in the same run.
--quick takes a few minutes and leaves out what needs a million jobs. A picture of each measure goes to DIR (out/bench).
Exit codes: 0 measured, whether or not the targets hold; 1 a measure failed; 2 unknown measure; 3 with --strict, a target was missed.\n`);
  process.exit(0);
}
const chosen = options.only.split(',');
const unknown = chosen.filter((name) => MEASURES[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`There is no measure ${unknown.join(', ')}. There are ${NAMES}.\n`);
  process.exit(2);
}

const report = createReport(options.out);
const world = await openWorld();
const machine = { provider: world.provider, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version };
process.stderr.write(`${machine.provider}; ${machine.cores} cores, ${machine.memoryGb} GiB, Node ${machine.node}\n`);
try {
  for (const name of chosen) await MEASURES[name]?.({ world, quick: options.quick, report });
} catch (error) {
  // What was measured before is shown all the same: a full run takes long.
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
} finally {
  await world.close();
}
process.stdout.write(table(report.rows));
if (options.json !== undefined) {
  const document = { ...machine, quick: options.quick, rows: report.rows, raw: report.raw };
  writeFileSync(options.json, `${JSON.stringify(document, null, 2)}\n`);
}
if (options.strict && process.exitCode === undefined && report.rows.some(({ holds }) => holds === false)) process.exitCode = 3;
// The peer leaves a timer of minutes behind, and nothing more is to be done here.
process.stdout.write('', () => process.exit());
