/** `npm run chaos`: real daemons, a real database engine, a simulated provider, and everything that can go wrong between them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chaosNumbers, MisuseError, MISUSED, seedNumber } from '../test/chaos/arguments.js';
import { copyBuild } from '../test/chaos/build.js';
import { auditDemos } from '../test/chaos/demos.js';
import { DEFAULTS } from '../test/chaos/options.js';
import { runHostile } from '../test/chaos/hostile-run.js';
import { asJson, BREACHED, describe, FULL_MINUTES, hasFailed, tableOf } from '../test/chaos/report.js';
import { openTestEngine } from '../test/support/engine.js';
import { describeVerdicts, isProven, runExperiments } from '../test/chaos/experiments.js';
import { runChaos } from '../test/chaos/run.js';
import { SABOTAGES } from '../test/chaos/sabotage.js';

const HELP = `npm run chaos [-- OPTIONS]
  --seed NAME        the same seed injects the same faults at the same times (default: a new one)
  --minutes M        how long faults are injected (${DEFAULTS.minutes})
  --daemons D        processes (${DEFAULTS.daemons})
  --jobs J           contacts to call (${DEFAULTS.jobs})
  --elections N      the database is a replica set whose members change roles so often (${DEFAULTS.elections}: a standalone)
  --out DIR          logs, report.json, report.txt (out/chaos/SEED)
  --settle SECONDS   how long the rest may take without faults (${DEFAULTS.settleMs / 1_000})
  --demos N          demos with --kill and --faults that are audited after it (20)
  --sabotage NAME    instead: take that safety out of a copy of the program and show that it is missed; "all" for each of
                     ${SABOTAGES.join(', ')}
  --hostile          instead: 1,000 documents and 1,000 replies of any shape among good jobs (--seed a number)
  --json             print the report as JSON
Exit code: 0 all promises were kept (every sabotage was found by its own promise), 3 one was not, or what had to be looked at never
happened, 2 such a run cannot be made, 1 the run itself failed.`;

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string' },
      daemons: { type: 'string' },
      jobs: { type: 'string' },
      elections: { type: 'string' },
      out: { type: 'string' },
      settle: { type: 'string' },
      demos: { type: 'string' },
      sabotage: { type: 'string' },
      hostile: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values.sabotage !== undefined) return sabotage(values.sabotage, values.out ?? join('out', 'chaos', 'sabotage'), values.json === true);
  if (values.hostile === true) return hostile(seedNumber(values.seed), values.out ?? join('out', 'chaos', 'hostile'));
  const seed = values.seed ?? Math.random().toString(36).slice(2, 8);
  const out = values.out ?? join('out', 'chaos', seed);
  const { demos, ...numbers } = chaosNumbers(values);
  const report = await runChaos(
    {
      seed,
      out,
      entry: copyBuild(join('out', 'chaos-builds', seed)),
      ...numbers,
    },
    (line) => console.error(line),
  );
  if (demos > 0) report.findings.push(await auditDemos(demos, join(out, 'demos'), (line) => console.error(line)));
  mkdirSync(out, { recursive: true });
  const text = describe(report);
  writeFileSync(join(out, 'report.json'), asJson(report));
  writeFileSync(join(out, 'report.txt'), `${text}\n`);
  console.log(values.json === true ? asJson(report) : text);
  return hasFailed(report) ? BREACHED : 0;
};

const hostile = async (seed: number, out: string): Promise<number> => {
  const engine = await openTestEngine();
  try {
    const entry = copyBuild(join('out', 'chaos-builds', 'hostile'));
    const findings = await runHostile({ seed, count: 1_000, entry, mongoUri: engine.uri, out, withinMs: 180_000 });
    console.log(tableOf(findings));
    return hasFailed({ findings, minutes: FULL_MINUTES }) ? BREACHED : 0;
  } finally {
    await engine.close();
  }
};

const sabotage = async (wanted: string, out: string, json: boolean): Promise<number> => {
  const names = SABOTAGES.filter((name) => wanted === 'all' || wanted === name);
  if (names.length === 0) throw new MisuseError(`There is no sabotage called ${wanted}; there are ${SABOTAGES.join(', ')}, and all.`);
  const verdicts = await runExperiments(names, out, (line) => console.error(line));
  writeFileSync(join(out, 'sabotage.json'), `${JSON.stringify(verdicts, null, 2)}\n`);
  console.log(json ? JSON.stringify(verdicts, null, 2) : describeVerdicts(verdicts));
  return verdicts.every(isProven) ? 0 : BREACHED;
};

// Sockets that a fault left half-open would keep this process alive for minutes.
try {
  process.exit(await main());
} catch (error) {
  const misused =
    error instanceof MisuseError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  if (!misused) throw error;
  console.error(`${error.message}\nnpm run chaos -- --help tells more.`);
  process.exit(MISUSED);
}
