import { expect, test } from 'vitest';
import fc from 'fast-check';
import type { Ledger } from '../../src/domain/account.js';
import { callCost, estimate } from '../../src/domain/money.js';
import { readAccount } from '../../src/domain/read-account.js';
import { POLICY, accountDoc } from './samples.js';

const MAX = 600_000;
const credit = (balance: number, more = {}) => readAccount(accountDoc({ credit_balance: balance, ...more }));
const minutes = (bought: number, more = {}) => readAccount(accountDoc({ plan_type: 'minutes_based', minutes_purchased: bought, ...more }));
const ledger = (more: Partial<Ledger>): Ledger => ({ usedMicros: 0, usedMs: 0, heldMicros: 0, heldMs: 0, counts: {}, ...more });
const ok = (micros: number, ms: number, maxDurationMs: number) => ({ kind: 'ok', estimate: { micros, ms }, maxDurationMs });

test.each([
  ['plenty: the longest call is held', credit(100), null, ok(1_520_000, 0, MAX)],
  ['less than that for each of ten lines: a tenth is held, and the call cut to it', credit(10), null, ok(1_000_000, 0, 392_000)],
  ['two lines: half of it', credit(1.9, { max_concurrent_calls: 2 }), null, ok(950_000, 0, 372_000)],
  ['less than a usual call for each line: a usual call, setup and three minutes', credit(1), null, ok(470_000, 0, 180_000)],
  ['less than the hold: all of it is held, and the call cut', credit(0.32), null, ok(320_000, 0, 120_000)],
  ['one minute exactly', credit(0.17), null, ok(170_000, 0, 60_000)],
  ['less than a minute', credit(0.1699), null, { kind: 'out' }],
  ['less than a minute because others hold it', credit(1), ledger({ heldMicros: 900_000 }), { kind: 'held' }],
  ['used up', credit(1), ledger({ usedMicros: 1_000_000 }), { kind: 'out' }],
  ['the ledger, not the document, says what was used', credit(1, { credit_used: 1 }), ledger({}), ok(470_000, 0, 180_000)],
  ['without a ledger the document does', credit(1, { credit_used: 1 }), null, { kind: 'out' }],
  ['minutes: the longest call is held', minutes(1_000), null, ok(0, MAX, MAX)],
  ['minutes: a part for each line', minutes(50), null, ok(0, 300_000, 300_000)],
  ['minutes: three at least', minutes(10), null, ok(0, 180_000, 180_000)],
  ['minutes: what is left is held', minutes(2.5), null, ok(0, 150_000, 150_000)],
  ['minutes: less than one', minutes(0.9), null, { kind: 'out' }],
  ['minutes: held by others', minutes(3), ledger({ heldMs: 180_000 }), { kind: 'held' }],
  ['unlimited', readAccount(accountDoc({ plan_type: 'unlimited', credit_balance: 0 })), ledger({ usedMicros: 5 }), ok(0, 0, MAX)],
  ['P4: no plan that is known', readAccount(accountDoc({ plan_type: 'gold' })), null, { kind: 'unknown_plan' }],
])('%s', (_, account, held, answer) => {
  expect(estimate(account, held, null, POLICY, MAX)).toEqual(answer);
});

test('at the last check a call keeps the hold that it has, and lasts as long as that pays for', () => {
  const own = { micros: 470_000, ms: 0 };
  expect(estimate(credit(5), ledger({ heldMicros: 470_000 }), own, POLICY, MAX)).toEqual(ok(470_000, 0, 180_000));
  expect(estimate(credit(0.4), ledger({ heldMicros: 470_000 }), own, POLICY, MAX)).toEqual(ok(400_000, 0, 152_000));
  expect(estimate(credit(0.5), ledger({ heldMicros: 470_000 }), null, POLICY, MAX)).toEqual({ kind: 'held' });
});

test('P4: calls that all talk as long as they may never cost more than was bought, in whatever order they begin and end', () => {
  const step = fc.record({ ends: fc.boolean(), pick: fc.nat(), talk: fc.double({ min: 0, max: 1, noNaN: true }) });
  const plans = fc.record({ bought: fc.integer({ min: 0, max: 5_000_000 }), lines: fc.integer({ min: 1, max: 20 }), holdMinutes: fc.integer({ min: 0, max: 12 }) });
  fc.assert(
    fc.property(plans, fc.array(step, { maxLength: 60 }), ({ bought, lines, holdMinutes }, steps) => {
      const account = credit(bought / 1e6, { max_concurrent_calls: lines });
      const live: { micros: number; maxDurationMs: number }[] = [];
      let used = 0;
      for (const { ends, pick, talk } of steps) {
        const heldMicros = live.reduce((sum, call) => sum + call.micros, 0);
        if (ends) {
          const [call] = live.splice(pick % Math.max(1, live.length), 1);
          // Most talk to the very end: that is when it could go wrong.
          if (call !== undefined) used += callCost({ durationMs: call.maxDurationMs * (talk > 0.5 ? 1 : talk), costCents: null, answered: true }, account.tariff, 'tariff').micros;
        } else if (live.length < lines) {
          const answer = estimate(account, ledger({ usedMicros: used, heldMicros }), null, { ...POLICY, holdMinutes }, MAX);
          if (answer.kind === 'ok') live.push({ micros: answer.estimate.micros, maxDurationMs: answer.maxDurationMs });
        }
        expect(used).toBeLessThanOrEqual(bought);
      }
    }),
  );
}); // prettier-ignore

test('P4: by the tariff, no call costs more than what was left', () => {
  const dollars = fc.integer({ min: 0, max: 3_000_000 });
  fc.assert(
    fc.property(
      dollars,
      dollars,
      dollars,
      fc.integer({ min: 0, max: 500_000 }),
      fc.integer({ min: 60_000, max: 7_200_000 }),
      fc.double({ min: 0, max: 30, noNaN: true }),
      (bought, used, held, perMinute, longest, holdMinutes) => {
        const account = credit(bought / 1e6, { cost_per_minute: perMinute / 1e6 });
        const answer = estimate(account, ledger({ usedMicros: used, heldMicros: held }), null, { ...POLICY, holdMinutes }, longest);
        if (answer.kind !== 'ok') return;
        const left = bought - used - held;
        const worst = callCost({ durationMs: answer.maxDurationMs, costCents: null, answered: true }, account.tariff, 'tariff').micros;
        expect(answer.estimate.micros).toBeLessThanOrEqual(left);
        expect(worst).toBeLessThanOrEqual(left);
        expect(answer.maxDurationMs).toBeGreaterThanOrEqual(60_000);
        expect(answer.maxDurationMs).toBeLessThanOrEqual(longest);
        expect(Number.isSafeInteger(answer.estimate.micros)).toBe(true);
      },
    ),
  );
});

const TARIFF = { perMinuteMicros: 150_000, setupMicros: 20_000, failedMicros: 10_000 };

test.each([
  [
    "the provider's cents, turned to dollars once",
    { durationMs: 75_700, costCents: 13.93, answered: true },
    'provider',
    { micros: 139_300, ms: 75_700, provisional: false },
  ],
  ['a free call of the provider', { durationMs: 0, costCents: 0, answered: false }, 'provider', { micros: 0, ms: 0, provisional: false }],
  [
    'no price yet: the tariff, for the time being',
    { durationMs: 60_000, costCents: null, answered: true },
    'provider',
    { micros: 170_000, ms: 60_000, provisional: true },
  ],
  ['by the tariff', { durationMs: 90_000, costCents: 99, answered: true }, 'tariff', { micros: 245_000, ms: 90_000, provisional: false }],
  [
    'a failed call by the tariff',
    { durationMs: null, costCents: null, answered: false },
    'tariff',
    { micros: 10_000, ms: 0, provisional: false },
  ],
  [
    'a negative price is none',
    { durationMs: -5, costCents: -1, answered: false },
    'provider',
    { micros: 10_000, ms: 0, provisional: true },
  ],
] as const)('P5: cost of %s', (_, call, source, cost) => {
  expect(callCost(call, TARIFF, source)).toEqual(cost);
});
