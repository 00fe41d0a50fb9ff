/** Each safety can still be taken out of the program as it is compiled today, and the loss of three of them is noticed. All: `npm run chaos -- --sabotage all`. */

import { describe, expect, inject, it } from 'vitest';
import { builtProgram } from '../support/build.js';
import { breachTexts, experiment } from './experiment.js';
import { SABOTAGES, sabotagedBuild } from './sabotage.js';

const OUT = 'out/chaos/sabotage-test';

it.each(SABOTAGES)('the text of the safety is where it was: %s', async (sabotage) => {
  await builtProgram();
  expect(() => sabotagedBuild(sabotage, `${OUT}/patched/${sabotage}`)).not.toThrow();
});

describe.concurrent('the harness notices, and finds nothing on the untouched program', () => {
  it.each(['no-reconcile', 'plain-increment-charge', 'majority-on-standalone'] as const)('%s', { timeout: 120_000 }, async (sabotage) => {
    await builtProgram();
    const both = { sabotage, mongoUri: inject('mongoUri'), out: OUT };
    expect(breachTexts(await experiment({ ...both, control: true }))).toEqual([]);
    expect(breachTexts(await experiment({ ...both, control: false }))).not.toEqual([]);
  });
});
