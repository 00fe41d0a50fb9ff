import { expect, test } from 'vitest';
import fc from 'fast-check';
import type { PastCall } from '../../src/domain/decision.js';
import { accountDayKey, batchDayKey, callsInScope, limitReached, lookBackMs, redialableAt } from '../../src/domain/limits.js';
import { NO_PACKS, type Limit, type Packs } from '../../src/domain/rules.js';
import { called, job } from './samples.js';

const ZONE = 'America/Santiago';
const NOW = new Date('2026-11-18T15:00:00Z');
const limit = (more: Partial<Limit> = {}): Limit => ({
  scope: 'number',
  basis: 'placed',
  window: { kind: 'day' },
  max: 2,
  reason: 'a reason',
  ...more,
});
const at = (text: string, reached: PastCall['reached'] = 'rang') => called(text, reached);

test.each([
  ['under the maximum', limit(), [at('2026-11-18T12:00Z')], null],
  ['reached today, until midnight', limit(), [at('2026-11-18T12:00Z'), at('2026-11-18T13:00Z')], '2026-11-19T03:00:00.000Z'],
  ['yesterday evening is another day', limit(), [at('2026-11-18T02:59:59Z'), at('2026-11-18T13:00Z')], null],
  ['reached this week, until Monday', limit({ window: { kind: 'week' }, max: 1 }), [at('2026-11-16T03:00Z')], '2026-11-23T03:00:00.000Z'],
  ['Sunday was another week', limit({ window: { kind: 'week' }, max: 1 }), [at('2026-11-16T02:59Z')], null],
  [
    '24 hours back, until the first has left',
    limit({ window: { kind: 'rolling', hours: 24 } }),
    [at('2026-11-17T16:00Z'), at('2026-11-18T10:00Z')],
    '2026-11-18T16:00:00.000Z',
  ],
  ['exactly 24 hours ago does not count', limit({ window: { kind: 'rolling', hours: 24 }, max: 1 }), [at('2026-11-17T15:00Z')], null],
  [
    'over the maximum, until enough have left',
    limit({ window: { kind: 'rolling', hours: 24 }, max: 1 }),
    [at('2026-11-17T16:00Z'), at('2026-11-18T10:00Z')],
    '2026-11-19T10:00:00.000Z',
  ],
  ['what got less far does not count', limit({ basis: 'conversation', max: 1 }), [at('2026-11-18T12:00Z', 'answered')], null],
  ['what got as far counts', limit({ basis: 'answered', max: 1 }), [at('2026-11-18T12:00Z', 'conversation')], '2026-11-19T03:00:00.000Z'],
])('a limit %s', (_, rule, calls, until) => {
  expect(limitReached(rule, calls, NOW, ZONE)?.until?.toISOString() ?? null).toBe(until);
});

test('a maximum of nought never opens', () => {
  expect(limitReached(limit({ max: 0 }), [], NOW, ZONE)).toEqual({ count: 0, until: null });
});

test("a person's calls count on every number; unknown persons count by the line", () => {
  const ana = job();
  const phone = ana.contact.phones[0];
  if (phone === undefined) throw new Error('no phone');
  const other = { at: NOW, line: 'elsewhere', person: ana.contact.person, reached: 'rang' } as const;
  const sameLineOtherPerson = { ...called(NOW, 'rang'), person: 'somebody' };
  const sameLineUnknown = { ...called(NOW, 'rang', ana, 1), person: null };
  const all = [other, sameLineOtherPerson, sameLineUnknown];
  expect(callsInScope(all, 'person', ana.contact, phone)).toEqual([other, sameLineUnknown]);
  expect(callsInScope(all, 'number', ana.contact, phone)).toEqual([sameLineOtherPerson]);
});

test('P4: a number that rang is left alone for the minimum', () => {
  const call = at('2026-11-18T14:55Z');
  expect(redialableAt([call], call.line, NOW, 600_000)?.toISOString()).toBe('2026-11-18T15:05:00.000Z');
  expect(redialableAt([call], call.line, NOW, 300_000)).toBeNull();
  expect(redialableAt([call], 'another', NOW, 600_000)).toBeNull();
  expect(redialableAt([], call.line, NOW, 600_000)).toBeNull();
});

test('counters change at midnight of the zone, and hold no dots', () => {
  expect(accountDayKey(new Date('2026-11-18T02:59:59Z'), ZONE)).toBe('a:2026-11-17');
  expect(accountDayKey(new Date('2026-11-18T03:00:00Z'), ZONE)).toBe('a:2026-11-18');
  expect(batchDayKey('a.b$c', NOW, ZONE)).toMatch(/^b:[0-9a-f]{12}:2026-11-18$/);
});

const anyLimit = fc.record({
  scope: fc.constant('number' as const),
  basis: fc.constantFrom('placed', 'rang', 'answered', 'conversation'),
  window: fc.oneof(
    fc.constant({ kind: 'day' as const }),
    fc.constant({ kind: 'week' as const }),
    fc.integer({ min: 1, max: 200 }).map((hours) => ({ kind: 'rolling' as const, hours })),
  ),
  max: fc.integer({ min: 1, max: 4 }),
  reason: fc.constant('a reason'),
});
const pastCalls = fc.array(
  fc.record({ minutes: fc.integer({ min: 0, max: 20_000 }), reached: fc.constantFrom('placed', 'rang', 'answered', 'conversation') }),
  { maxLength: 12 },
);

test('a limit opens when it says, and not a millisecond before', () => {
  fc.assert(
    fc.property(anyLimit, pastCalls, (rule, past) => {
      const calls = past.map(({ minutes, reached }) => ({ ...called(new Date(NOW.getTime() - minutes * 60_000), 'placed'), reached }));
      const until = limitReached(rule, calls, NOW, ZONE)?.until;
      if (until === undefined || until === null) return;
      expect(until.getTime()).toBeGreaterThan(NOW.getTime());
      expect(limitReached(rule, calls, until, ZONE)).toBeNull();
      expect(limitReached(rule, calls, new Date(until.getTime() - 1), ZONE)).not.toBeNull();
    }),
    { numRuns: 500 },
  );
});

test('P4: the history that has to be known is a week at least, and longer than any rule looks back', () => {
  const rolling = (hours: number): Packs => ({
    holidays: {},
    rules: {
      one: {
        name: 'one',
        title: 'One',
        week: null,
        weekReason: '',
        holidays: false,
        holidaysReason: '',
        limits: [limit({ window: { kind: 'rolling', hours } })],
      },
    },
  });
  const day = 86_400_000;
  expect(lookBackMs(NO_PACKS, 60_000)).toBe(9 * day);
  expect(lookBackMs(rolling(24), 60_000)).toBe(9 * day);
  expect(lookBackMs(rolling(720), 60_000)).toBeGreaterThan(30 * day);
  expect(lookBackMs(NO_PACKS, 45 * day)).toBeGreaterThan(45 * day);
});
