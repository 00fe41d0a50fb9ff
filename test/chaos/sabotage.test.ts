/** Each safety can still be taken out of the program as it is compiled today, and the loss of three of them is noticed. All: `npm run chaos -- --sabotage all`. */

import { describe, expect, inject, it } from 'vitest';
import { builtProgram } from '../support/build.js';
import { breachTexts, experiment, proofOf } from './experiment.js';
import { SABOTAGES, sabotagedBuild } from './sabotage.js';

const OUT = 'out/chaos/sabotage-test';

it.each(SABOTAGES)('the text of the safety is where it was: %s', async (sabotage) => {
  await builtProgram();
  expect(() => sabotagedBuild(sabotage, `${OUT}/patched/${sabotage}`)).not.toThrow();
});

describe.concurrent('the harness notices, and finds nothing on the untouched program', () => {
  it.each(['no-reconcile', 'plain-increment-charge', 'majority-on-standalone'] as const)('%s', { timeout: 240_000 }, async (sabotage) => {
    await builtProgram();
    const both = { sabotage, mongoUri: inject('mongoUri'), out: OUT };
    expect(breachTexts(await experiment({ ...both, control: true }))).toEqual([]);
    const found = breachTexts(await experiment({ ...both, control: false }));
    expect(proofOf(sabotage, found), found.join('\n')).toBeDefined();
  });
});

it.each(SABOTAGES)('a program that merely falls over is no proof: %s', (sabotage) => {
  const fallen = [
    'P2 all is finished in time: 1 jobs open',
    'P7 no daemon ends by itself: daemon 0 ended by itself: 1',
    'P2 no live call left at the end: 1',
  ];
  expect(proofOf(sabotage, fallen)).toBeUndefined();
});
