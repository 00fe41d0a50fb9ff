import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Week } from '../../src/domain/batch.js';
import { readWeek } from '../../src/domain/week.js';
import { isOpen, localDate, nextClose, nextOpen, startOfDay, startOfWeek } from '../../src/domain/windows.js';

const SANTIAGO = 'America/Santiago';
const BUENOS_AIRES = 'America/Argentina/Buenos_Aires';
const MINUTE = 60_000;

const week = (hours: unknown, days: unknown = null): Week => {
  const reading = readWeek(hours, days, 'hours', 'days');
  if (reading.week === null) throw new Error(reading.problems.join());
  return reading.week;
};
const at = (iso: string) => new Date(iso);
const iso = (date: Date | null) => date?.toISOString() ?? null;
const NINE_TO_SIX = week({ start: '09:00', end: '18:00' }, [1, 2, 3, 4, 5]);

test.each([
  // Winter -04, summer -03
  ['2026-07-15T12:59:59.999Z', SANTIAGO, false],
  ['2026-07-15T13:00:00Z', SANTIAGO, true],
  ['2026-07-15T21:59:59.999Z', SANTIAGO, true],
  ['2026-07-15T22:00:00Z', SANTIAGO, false],
  ['2026-01-14T12:00:00Z', SANTIAGO, true],
  ['2026-01-14T11:59:59Z', SANTIAGO, false],
  ['2026-01-14T21:00:00Z', SANTIAGO, false],
  // Buenos Aires stays at -03
  ['2026-07-15T12:00:00Z', BUENOS_AIRES, true],
  ['2026-07-15T21:00:00Z', BUENOS_AIRES, false],
  // Saturday
  ['2026-07-18T15:00:00Z', SANTIAGO, false],
])('Monday to Friday from nine to six at %s in %s: %s', (moment, zone, open) => {
  expect(isOpen(NINE_TO_SIX, zone, at(moment))).toBe(open);
});

describe('days on which the clock of Santiago jumps (2025 to 2027)', () => {
  // Forward at 24:00 of a Saturday in September: Sunday begins at 01:00.
  test.each(['2025-09-07', '2026-09-06', '2027-09-05'])('%s has no hour from 00:00 to 01:00', (date) => {
    const night = week({ start: '00:00', end: '01:00' });
    const noon = at(`${date}T15:00:00Z`);
    expect(iso(startOfDay(noon, SANTIAGO))).toBe(`${date}T04:00:00.000Z`);
    expect(isOpen(night, SANTIAGO, at(`${date}T04:00:00Z`))).toBe(false);
    // The next such hour is on Monday.
    expect(iso(nextOpen(night, SANTIAGO, at(`${date}T04:00:00Z`)))).toBe(
      iso(new Date(at(`${date}T03:00:00Z`).getTime() + 24 * 60 * MINUTE)),
    );
  });

  test.each(['2025-09-07', '2026-09-06', '2027-09-05'])('%s: nine is an hour earlier in UTC than the day before', (date) => {
    const daily = week({ start: '09:00', end: '18:00' });
    expect(iso(nextOpen(daily, SANTIAGO, at(`${date}T04:00:00Z`)))).toBe(`${date}T12:00:00.000Z`);
    expect(iso(nextClose(daily, SANTIAGO, at(`${date}T12:00:00Z`)))).toBe(`${date}T21:00:00.000Z`);
  });

  // Back at 24:00 of a Saturday in April: the hour from 23:00 comes twice.
  test.each([
    ['2025-04-05', '2025-04-06'],
    ['2026-04-04', '2026-04-05'],
    ['2027-04-03', '2027-04-04'],
  ])('%s has the hour from 23:00 twice', (date, next) => {
    const late = week({ start: '23:00', end: '23:30' });
    const states = [0, 29, 30, 59, 60, 89, 90, 119].map((minutes) =>
      isOpen(late, SANTIAGO, new Date(at(`${next}T02:00:00Z`).getTime() + minutes * MINUTE)),
    );
    expect(states).toEqual([true, true, false, false, true, true, false, false]);
    expect(localDate(at(`${next}T03:59:59Z`), SANTIAGO)).toBe(date);
    expect(iso(startOfDay(at(`${next}T12:00:00Z`), SANTIAGO))).toBe(`${next}T04:00:00.000Z`);
    // Open through both passes, it is one stretch of two hours.
    const evening = week({ start: '23:00', end: '24:00' }, [6]);
    expect(iso(nextClose(evening, SANTIAGO, at(`${next}T02:00:00Z`)))).toBe(`${next}T04:00:00.000Z`);
  });

  test('nine after the clock went back is an hour later in UTC', () => {
    const daily = week({ start: '09:00', end: '18:00' });
    expect(iso(nextOpen(daily, SANTIAGO, at('2026-04-05T04:00:00Z')))).toBe('2026-04-05T13:00:00.000Z');
  });
});

test.each([2025, 2026, 2027])('Buenos Aires never jumps in %i', (year) => {
  for (let day = 0; day < 365; day += 1) {
    const noon = new Date(Date.UTC(year, 0, 1 + day, 15));
    expect(startOfDay(noon, BUENOS_AIRES).getTime()).toBe(Date.UTC(year, 0, 1 + day, 3));
  }
});

test('closed dates are passed over, also when the clock jumps on the day after', () => {
  const daily = week({ start: '09:00', end: '18:00' });
  expect(iso(nextOpen(daily, SANTIAGO, at('2026-09-05T13:00:00Z'), new Set(['2026-09-05', '2026-09-06'])))).toBe(
    '2026-09-07T12:00:00.000Z',
  );
});

test('an opening must last as long as asked', () => {
  expect(iso(nextOpen(NINE_TO_SIX, SANTIAGO, at('2026-11-18T20:59:00Z'), undefined, MINUTE))).toBe('2026-11-18T20:59:00.000Z');
  expect(iso(nextOpen(NINE_TO_SIX, SANTIAGO, at('2026-11-18T20:59:00.001Z'), undefined, MINUTE))).toBe('2026-11-19T12:00:00.000Z');
  expect(nextOpen(week({ start: '09:00', end: '09:01' }), SANTIAGO, at('2026-11-18T15:00:00Z'), undefined, 2 * MINUTE)).toBeNull();
});

test('what is open round the clock never closes, and needs no margin', () => {
  const always = week({ start: '00:00', end: '24:00' });
  expect(nextClose(always, SANTIAGO, at('2026-04-04T12:00:00Z'))).toBeNull();
  expect(iso(nextOpen(null, SANTIAGO, at('2026-04-05T02:59:59Z'), undefined, 60 * MINUTE))).toBe('2026-04-05T02:59:59.000Z');
});

test('a span over midnight is one stretch', () => {
  const night = week({ start: '22:00', end: '06:00' }, [5]);
  expect(iso(nextClose(night, BUENOS_AIRES, at('2026-11-21T01:30:00Z')))).toBe('2026-11-21T09:00:00.000Z');
  expect(isOpen(night, BUENOS_AIRES, at('2026-11-21T08:59:00Z'))).toBe(true);
  expect(isOpen(night, BUENOS_AIRES, at('2026-11-22T08:59:00Z'))).toBe(false);
});

test('the week begins on Monday', () => {
  expect(iso(startOfWeek(at('2026-11-22T23:00:00Z'), SANTIAGO))).toBe('2026-11-16T03:00:00.000Z');
  expect(iso(startOfWeek(at('2026-11-22T23:00:00Z'), SANTIAGO, 1))).toBe('2026-11-23T03:00:00.000Z');
});

/** The oracle: the wall clock as another library part (Intl) shows it, one minute at a time. */
const clocks = new Map<string, Intl.DateTimeFormat>();
function oracle(spans: Week, zone: string, ms: number, closed: ReadonlySet<string>): boolean {
  const clock =
    clocks.get(zone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  clocks.set(zone, clock);
  const parts = Object.fromEntries(clock.formatToParts(ms).map(({ type, value }) => [type, value]));
  const day = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(parts['weekday'] ?? '');
  const minute = Number(parts['hour']) * 60 + Number(parts['minute']);
  return (
    !closed.has(`${parts['year']}-${parts['month']}-${parts['day']}`) &&
    (spans[day] ?? []).some(({ from, to }) => from <= minute && minute < to)
  );
}

const JUMPS = [
  '2025-04-06T04:00Z',
  '2025-09-07T04:00Z',
  '2026-04-05T04:00Z',
  '2026-09-06T04:00Z',
  '2027-04-04T04:00Z',
  '2027-09-05T04:00Z',
  '2026-03-08T10:00Z',
  '2026-10-03T15:30Z',
];
const ZONES = [SANTIAGO, BUENOS_AIRES, 'America/Punta_Arenas', 'Pacific/Easter', 'America/Los_Angeles', 'Australia/Lord_Howe'];
const time = fc
  .integer({ min: 0, max: 96 })
  .map((quarters) => `${String(Math.floor(quarters / 4)).padStart(2, '0')}:${String((quarters % 4) * 15).padStart(2, '0')}`);
const anyWeek = fc
  .record({
    hours: fc.array(fc.record({ start: time, end: time }), { minLength: 1, maxLength: 3 }),
    days: fc.uniqueArray(fc.integer({ min: 0, max: 7 })),
  })
  .map(({ hours, days }) => readWeek(hours, days, 'hours', 'days'))
  .filter(({ week: read, problems }) => read !== null && problems.length === 0)
  .map(({ week: read }) => read ?? []);

test('P4: agrees with the wall clock, minute by minute, over days on which it jumps', () => {
  fc.assert(
    fc.property(
      anyWeek,
      fc.constantFrom(...ZONES),
      fc.constantFrom(...JUMPS),
      fc.integer({ min: -30 * 60, max: 30 * 60 }),
      fc.boolean(),
      (spans, zone, jump, minutes, closeOne) => {
        const start = Date.parse(jump) + minutes * MINUTE;
        const closed = new Set(closeOne ? [localDate(new Date(start), zone)] : []);
        let firstOpen: number | null = null;
        let firstClosed: number | null = null;
        for (let ms = start; ms < start + 6 * 60 * MINUTE; ms += MINUTE) {
          const open = oracle(spans, zone, ms, closed);
          expect(isOpen(spans, zone, new Date(ms), closed)).toBe(open);
          if (open) firstOpen ??= ms;
          else firstClosed ??= ms;
        }
        const end = start + 6 * 60 * MINUTE;
        const agrees = (found: Date | null, expected: number | null) =>
          expected === null ? found === null || found.getTime() >= end : found?.getTime() === expected;
        expect(agrees(nextOpen(spans, zone, new Date(start), closed), firstOpen)).toBe(true);
        expect(agrees(nextClose(spans, zone, new Date(start), closed), firstClosed)).toBe(true);
      },
    ),
    { numRuns: 150 },
  );
});
