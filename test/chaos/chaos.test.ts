/** A chaos run of half a minute with a fixed seed. `npm run chaos` runs longer ones; a failing seed is repeated with `--seed`. */

import { expect, it } from 'vitest';
import { builtProgram } from '../support/build.js';
import { copyBuild } from './build.js';
import { chaosNumbers } from './arguments.js';
import { DEFAULTS } from './options.js';
import type { Finding } from './finding.js';
import { breachesOf, describe as describeReport, emptyOf, hasFailed } from './report.js';
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
  expect(hasFailed(report), describeReport(report)).toBe(false);
  // It was no stroll: something was dialled, killed, frozen and cut off.
  expect(report.dials).toBeGreaterThan(30);
});

it.each<[string, Partial<Finding>, number, boolean]>([
  ['all held', {}, 2, false],
  ['one did not hold', { breaches: [{ text: 'it rang twice' }] }, 0.4, true],
  ['one looked at nothing in a full run', { checked: 0 }, 1, true],
  ['one looked at nothing in a short run', { checked: 0 }, 0.4, false],
  ['one looked at nothing in a short run that had something for it', { checked: 0, planned: true }, 0.4, true],
])('a run fails by what it found, and by what it did not look at: %s', (_, more, minutes, failed) => {
  const finding: Finding = { promise: 'P1', name: 'one dial', checked: 3, breaches: [], ...more };
  expect(hasFailed({ findings: [finding], minutes })).toBe(failed);
  expect(emptyOf({ findings: [finding], minutes }).length + breachesOf({ findings: [finding] }) > 0).toBe(failed);
});

it.each([
  [{ jobs: '0' }, /--jobs/],
  [{ jobs: 'abc' }, /--jobs/],
  [{ jobs: '1.5' }, /--jobs/],
  [{ minutes: 'x' }, /--minutes/],
  [{ minutes: '0' }, /--minutes/],
  [{ daemons: '-1' }, /--daemons/],
  [{ elections: '' }, /--elections/],
  [{ settle: 'Infinity' }, /--settle/],
])('a run of nothing is refused with a sentence: %o', (given, says) => {
  expect(() => chaosNumbers(given)).toThrow(says);
});

it('numbers that are not given are the usual ones', () => {
  expect(chaosNumbers({ minutes: '0.5', elections: '0' })).toEqual({
    minutes: 0.5,
    daemons: 3,
    jobs: 600,
    elections: 0,
    settleMs: 120_000,
    demos: 20,
  });
});
