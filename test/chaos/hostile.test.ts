/** Generated documents and replies in a small number; `npm run chaos -- --hostile` takes 1,000 of each. By hand: test/e2e/hostile.test.ts. */

import { expect, inject, it } from 'vitest';
import { builtProgram } from '../support/build.js';
import { copyBuild } from './build.js';
import { breachTexts } from './experiment.js';
import { runHostile } from './hostile-run.js';
import { emptyOf, FULL_MINUTES } from './report.js';

it('P7, P8: documents and replies of any shape among good jobs', { timeout: 300_000 }, async () => {
  await builtProgram();
  const entry = copyBuild('out/chaos-builds/hostile-test');
  const findings = await runHostile({
    seed: 7,
    count: 120,
    entry,
    mongoUri: inject('mongoUri'),
    out: 'out/chaos/hostile-test',
    withinMs: 200_000,
  });
  expect(breachTexts(findings)).toEqual([]);
  expect(emptyOf({ findings, minutes: FULL_MINUTES })).toEqual([]);
  expect(findings.find((finding) => finding.name.includes('mangled'))?.checked).toBeGreaterThan(20);
});
