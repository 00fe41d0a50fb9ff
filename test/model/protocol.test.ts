/** The protocol walked through completely (protocol.ts), and again with one safety missing at a time: each must be missed. */

import { describe, expect, it } from 'vitest';
import { STEPS } from '../../src/runner/failpoints.js';
import { explore } from './explore.js';
import { protocol, SAFETIES } from './protocol.js';
import type { Bounds, Sabotage } from './protocol.js';

const SMALL: Bounds = { tokens: 2, crashes: 0, replacements: 0, pauses: false };

describe('the model of the call protocol', () => {
  // A process that never moves again is a dead one to all others; a crash also frees its hands for the next claim.
  it.each<[string, Bounds]>([
    ['two processes, leases that end at any moment, replies that are lost', SMALL],
    ['a process dies at any step', { ...SMALL, crashes: 1 }],
    ['a rival writes the job anew at any moment', { ...SMALL, replacements: 1 }],
    ['the batch is paused at any moment', { ...SMALL, pauses: true }],
  ])('P1 to P5 hold in every state, and all come to an end: %s', { timeout: 240_000 }, (_, bounds) => {
    const { violation, stuck, states, taken } = explore(protocol(bounds));
    expect(violation).toBeNull();
    expect(stuck).toBeNull();
    expect(states).toBeGreaterThan(10_000);

    // A hand-over is a lease that ends at once, which the model has anyway.
    const names = new Set([...taken.keys()].flatMap((name) => name.replace(/ by .*| \(.*/, '').split(', ')));
    expect(STEPS.filter((step) => !names.has(step))).toEqual(['handover']);
  });

  const WHERE: Readonly<Partial<Record<Sabotage, Bounds>>> = {
    'no-intent': { ...SMALL, tokens: 3 },
    'no-unique-index': { ...SMALL, replacements: 1 },
    'majority-on-standalone': { ...SMALL, tokens: 3 },
    'no-dial-within': { ...SMALL, pauses: true },
    'no-second-reading': { ...SMALL, pauses: true },
    'look-before-take': { ...SMALL, tokens: 3 },
    'hands-to-finished': { ...SMALL, tokens: 3, crashes: 1 },
  };

  it.each(SAFETIES)('is violated when a safety is missing: %s', { timeout: 240_000 }, (sabotage) => {
    const { violation } = explore(protocol(WHERE[sabotage] ?? SMALL, sabotage));
    expect(violation).not.toBeNull();
    // The shortest way to the harm, step by step.
    expect(violation?.story.length).toBeGreaterThan(3);
  });
});
