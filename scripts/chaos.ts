/** `npm run chaos`: real daemons, a real database engine, a simulated provider, and everything that can go wrong between them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { copyBuild } from '../test/chaos/build.js';
import { auditDemos } from '../test/chaos/demos.js';
import { DEFAULTS } from '../test/chaos/options.js';
import { runHostile } from '../test/chaos/hostile-run.js';
import { asJson, breachesOf, BREACHED, describe, tableOf } from '../test/chaos/report.js';
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
Exit code: 0 all promises were kept (every sabotage was found), 3 one was not, 1 the run itself failed.`;

const DEMOS = 20;

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' }, minutes: { type: 'string' }, daemons: { type: 'string' }, jobs: { type: 'string' }, elections: { type: 'string' }, out: { type: 'string' },
      settle: { type: 'string' }, demos: { type: 'string' }, sabotage: { type: 'string' }, hostile: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' },
    },
  }); // prettier-ignore
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values.sabotage !== undefined) return sabotage(values.sabotage, values.out ?? join('out', 'chaos', 'sabotage'), values.json === true);
  if (values.hostile === true) return hostile(Number(values.seed ?? 1), values.out ?? join('out', 'chaos', 'hostile'));
  const seed = values.seed ?? Math.random().toString(36).slice(2, 8);
  const out = values.out ?? join('out', 'chaos', seed);
  const number = (given: string | undefined, otherwise: number): number => (given === undefined ? otherwise : Number(given));
  const report = await runChaos(
    {
      seed,
      out,
      entry: copyBuild(join('out', 'chaos-builds', seed)),
      minutes: number(values.minutes, DEFAULTS.minutes),
      daemons: number(values.daemons, DEFAULTS.daemons),
      jobs: number(values.jobs, DEFAULTS.jobs),
      elections: number(values.elections, DEFAULTS.elections),
      settleMs: number(values.settle, DEFAULTS.settleMs / 1_000) * 1_000,
    },
    (line) => console.error(line),
  );
  const demos = number(values.demos, DEMOS);
  if (demos > 0) report.findings.push(await auditDemos(demos, join(out, 'demos'), (line) => console.error(line)));
  mkdirSync(out, { recursive: true });
  const text = describe(report);
  writeFileSync(join(out, 'report.json'), asJson(report));
  writeFileSync(join(out, 'report.txt'), `${text}\n`);
  console.log(values.json === true ? asJson(report) : text);
  return breachesOf(report) === 0 ? 0 : BREACHED;
};

const hostile = async (seed: number, out: string): Promise<number> => {
  const engine = await openTestEngine();
  try {
    const entry = copyBuild(join('out', 'chaos-builds', 'hostile'));
    const findings = await runHostile({ seed, count: 1_000, entry, mongoUri: engine.uri, out, withinMs: 180_000 });
    console.log(tableOf(findings));
    return breachesOf({ findings }) === 0 ? 0 : BREACHED;
  } finally {
    await engine.close();
  }
};

const sabotage = async (wanted: string, out: string, json: boolean): Promise<number> => {
  const names = SABOTAGES.filter((name) => wanted === 'all' || wanted === name);
  if (names.length === 0) throw new Error(`there is no sabotage called ${wanted}`);
  const verdicts = await runExperiments(names, out, (line) => console.error(line));
  writeFileSync(join(out, 'sabotage.json'), `${JSON.stringify(verdicts, null, 2)}\n`);
  console.log(json ? JSON.stringify(verdicts, null, 2) : describeVerdicts(verdicts));
  return verdicts.every(isProven) ? 0 : BREACHED;
};

// Sockets that a fault left half-open would keep this process alive for minutes.
process.exit(await main());
