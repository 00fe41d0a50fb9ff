/** A chaos run of half a minute with a fixed seed. `npm run chaos` runs longer ones; a failing seed is repeated with `--seed`. */

import { expect, it } from 'vitest';
import { builtProgram } from '../support/build.js';
import { copyBuild } from './build.js';
import { DEFAULTS } from './options.js';
import { breachesOf, describe as describeReport } from './report.js';
import { runChaos } from './run.js';
import { planFaults } from './schedule.js';

it('the same seed plans the same faults at the same times, another seed others', () => {
  const plan = (seed: string): string => JSON.stringify(planFaults({ seed, minutes: 5, daemons: 3, elections: 4 }));
  expect(plan('a')).toBe(plan('a'));
  expect(plan('a')).not.toBe(plan('b'));
});

it('P1 to P8 are kept while everything fails', { timeout: 240_000 }, async () => {
  await builtProgram();
  const report = await runChaos(
    { ...DEFAULTS, seed: 'npm test', out: 'out/chaos/test', entry: copyBuild('out/chaos-builds/test'), minutes: 0.4, daemons: 2, jobs: 80 },
    () => undefined,
  );
  expect(breachesOf(report), describeReport(report)).toBe(0);
  // It was no stroll: something was dialled, killed, frozen and cut off.
  expect(report.dials).toBeGreaterThan(30);
  for (const kind of ['kill', 'freeze', 'db-stop', 'engine-kill', 'pause', 'replace'])
    expect(report.faults[kind] ?? 0, `${kind}: ${JSON.stringify(report.faults)}`).toBeGreaterThan(0);
});
