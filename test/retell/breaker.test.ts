import { describe, expect, test } from 'vitest';
import type { Breaker, BreakerView } from '../../src/retell/breaker.js';
import { createBreaker, faultKindOf } from '../../src/retell/breaker.js';
import type { ProbeReply } from '../../src/retell/client.js';
import type { FakeClock } from './support.js';
import { fakeClock, memoryLog, settled } from './support.js';

interface Stage {
  readonly breaker: Breaker;
  readonly clock: FakeClock;
  readonly changes: BreakerView[];
  readonly probes: () => number;
}

function stage(answers: (ProbeReply | Error)[]): Stage {
  const clock = fakeClock();
  const changes: BreakerView[] = [];
  let probes = 0;
  const breaker = createBreaker({
    clock,
    random: () => 1,
    log: memoryLog(),
    probeDelayMs: 1_000,
    maxProbeDelayMs: 4_000,
    trialDelayMs: 300_000,
    maxTrialDelayMs: 1_000_000,
    onChange: (view) => changes.push(view),
    probe: () => {
      const answer = answers[probes] ?? 'account';
      probes += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return { breaker, clock, changes, probes: () => probes };
}

describe('breaker', () => {
  test.each([
    ['http_401', 'credential'],
    ['http_403', 'credential'],
    ['HTTP 401: no such key', 'credential'],
    ['http_402', 'payment'],
    ['no_valid_payment', 'payment'],
    ['credit_exhausted', 'payment'],
    ['budget_reached', 'payment'],
    ['scam_detected', 'conduct'],
    ['telephony_provider_permission_denied', 'conduct'],
  ])('%s is a fault of %s', (reason, kind) => {
    expect(faultKindOf(reason)).toBe(kind);
  });

  test('a refused key stops dialling until it is accepted again, asked with growing patience', async () => {
    const { breaker, clock, changes, probes } = stage(['account', new Error('down'), 'unavailable', 'ok']);
    expect(breaker.mayDial()).toBe(true);
    breaker.trip('http_401');
    breaker.trip('http_401');
    expect(breaker.mayDial()).toBe(false);
    for (const delayMs of [1_000, 2_000, 4_000]) {
      await clock.advance(delayMs);
      expect(breaker.state()).toBe('open');
    }
    expect(probes()).toBe(3);
    await clock.advance(4_000);
    expect(breaker.mayDial()).toBe(true);
    expect(probes()).toBe(4);
    expect(clock.sleeping()).toBe(0);
    expect(changes.map((view) => [view.state, view.reason])).toEqual([
      ['open', 'http_401'],
      ['closed', null],
    ]);
    breaker.trip('http_403');
    expect(breaker.mayDial()).toBe(false);
  });

  test('an unpaid account is not opened by a good key: dialling is tried again, with growing patience', async () => {
    const { breaker, clock, probes } = stage(['ok', 'ok']);
    for (const delayMs of [300_000, 600_000, 1_000_000, 1_000_000]) {
      breaker.trip('no_valid_payment');
      await clock.advance(delayMs - 1);
      expect(breaker.mayDial()).toBe(false);
      await clock.advance(1);
      expect(breaker.mayDial()).toBe(true);
    }
    expect(probes()).toBe(0);
    // It was paid, and a month later it was not again: that is a new story.
    await clock.advance(1_000_001);
    breaker.trip('http_402');
    await clock.advance(300_000);
    expect(breaker.mayDial()).toBe(true);
  });

  test('after a fault of conduct nothing is tried by itself', async () => {
    const { breaker, clock, probes } = stage(['ok']);
    breaker.trip('scam_detected');
    breaker.trip('http_402');
    await clock.advance(100_000_000);
    expect(breaker.mayDial()).toBe(false);
    expect(probes()).toBe(0);
  });

  test('the graver fault decides, in whatever order they come', async () => {
    const { breaker, clock } = stage(['ok', 'ok']);
    breaker.trip('http_401');
    breaker.trip('http_402');
    breaker.trip('http_401');
    await clock.advance(100_000);
    expect(breaker.view()).toMatchObject({ state: 'open', reason: 'http_402', kind: 'payment' });
  });

  test('a good answer that was under way when a graver fault came closes nothing', async () => {
    const clock = fakeClock();
    let answer = (_reply: ProbeReply): void => {};
    const probe = (): Promise<ProbeReply> => new Promise((resolve) => (answer = resolve));
    const breaker = createBreaker({ clock, random: () => 1, log: memoryLog(), probeDelayMs: 1_000, probe });
    breaker.trip('http_401');
    await clock.advance(1_000);
    breaker.trip('scam_detected');
    answer('ok');
    await settled();
    expect(breaker.mayDial()).toBe(false);
  });

  test('after stop() nothing is left waiting, and it stays open', async () => {
    const { breaker, clock, probes } = stage(['ok']);
    breaker.trip('http_401');
    await settled();
    breaker.stop();
    expect(clock.sleeping()).toBe(0);
    await clock.advance(100_000);
    expect(probes()).toBe(0);
    expect(breaker.mayDial()).toBe(false);
    breaker.trip('http_401');
    expect(clock.sleeping()).toBe(0);
  });
});
