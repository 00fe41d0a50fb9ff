/** The protocol walked through completely (protocol.ts), and again with one safety missing at a time: each must be missed, by its own promise. */

import { describe, expect, it } from 'vitest';
import { STEPS } from '../../src/runner/failpoints.js';
import { explore } from './explore.js';
import { machine } from './machine.js';
import { PROTOCOL } from './protocol.js';
import type { Row } from './protocol.js';
import { SMALL, WITHOUT } from './sabotages.js';
import type { Bounds, Stage } from './state.js';

describe('the model of the call protocol', () => {
  // In each: two claims, rescues without number, leases that end at any moment, replies that are lost. A process that never moves again is a
  // dead one to all others; a crash also frees its hands for the next claim.
  it.each<[string, Partial<Bounds>]>([
    ['a process dies at any step', { crashes: 1 }],
    ['a process is asked to stop at any step', { stops: 1 }],
    ['a rival writes the job anew at any moment', { replacements: 1 }],
    ['the batch is paused at any moment', { pauses: true }],
    ['a job that brings down two owners is set aside', { rescues: 2 }],
  ])('P1 to P5 hold in every state, and all come to an end: %s', { timeout: 240_000 }, (_, more) => {
    const bounds = { ...SMALL, ...more };
    const { violation, stuck, states, taken } = explore(machine(bounds));
    expect(violation).toBeNull();
    expect(stuck).toBeNull();
    expect(states).toBeGreaterThan(100_000);
    // Every step of the program was taken: what is never enabled is not proved.
    expect(STEPS.filter((step) => !taken.has(step))).toEqual(['decide', ...(bounds.stops > 0 ? [] : ['handover'])]);
  });

  it.each(Object.entries(WITHOUT))('is violated when a safety is missing: %s', { timeout: 120_000 }, (_, { changes, bounds, expects }) => {
    const { violation } = explore(machine({ ...SMALL, ...bounds }, changes));
    expect(violation?.what).toBe(expects);
    // The shortest way to the harm, step by step.
    expect(violation?.story.length).toBeGreaterThan(3);
  });

  it.each<[string, Stage, (row: Row) => boolean]>([
    ['no job is rescued', 'idle', ({ to }) => to === 'taken'],
    ['no attempt is adopted', 'idle', ({ says }) => says?.startsWith('adopts') === true],
    ['a call that was never placed is looked for for ever', 'unknown', ({ step }) => step === 'settle'],
  ])('P2: something is stuck where %s', { timeout: 240_000 }, (_, stage, left) => {
    const { violation, stuck } = explore(
      machine({ ...SMALL, claims: 1, crashes: 1 }, { table: { [stage]: PROTOCOL[stage].filter((row) => !left(row)) } }),
    );
    expect({ violation, isStuck: stuck !== null }).toEqual({ violation: null, isStuck: true });
  });
});
