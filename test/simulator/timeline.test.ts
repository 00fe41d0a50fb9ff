import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createTimeline } from '../../src/simulator/timeline.js';
import { handClock } from './support.js';

describe('simulated time', () => {
  it.prop([fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 100 })])(
    'runs events in the order of their time, then of their planning',
    (delays) => {
      const timeline = createTimeline(handClock(), 0);
      const ran: number[] = [];
      delays.forEach((delay, index) => timeline.plan(delay, () => ran.push(index)));
      timeline.advance(50);
      const expected = delays.map((delay, index) => ({ delay, index })).sort((a, b) => a.delay - b.delay || a.index - b.index);
      expect(ran).toEqual(expected.map(({ index }) => index));
    },
  );

  it('runs faster than the clock, changes speed midway, and plans from an event’s own moment', () => {
    const clock = handClock();
    const timeline = createTimeline(clock, 100);
    const seen: [string, number][] = [];
    const note = (name: string) => (): void => {
      seen.push([name, timeline.nowMs()]);
    };
    timeline.plan(5_000, () => {
      note('first')();
      timeline.plan(1_000, note('after first'));
    });
    timeline.plan(60_000, note('last'));
    clock.pass(50);
    expect(seen).toEqual([['first', 5_000]]);
    clock.pass(10);
    expect(seen.at(-1)).toEqual(['after first', 6_000]);
    timeline.setSpeed(0);
    clock.pass(1_000_000);
    expect(seen).toHaveLength(2);
    timeline.setSpeed(10);
    clock.pass(5_399);
    expect(seen).toHaveLength(2);
    clock.pass(1);
    expect(seen.at(-1)).toEqual(['last', 60_000]);
  });
});
