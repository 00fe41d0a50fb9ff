import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { impliedBatch, readBatch } from '../../src/domain/read-batch.js';
import { batchDoc } from './samples.js';

const settings = (value: unknown) => readBatch(batchDoc(value)).settings;
const problems = (value: unknown) => readBatch(batchDoc(value)).problems;
const NINE_TO_SIX = { from: 540, to: 1080 };

describe('hours', () => {
  test.each([
    ['flat', { allowed_hours: { start: '09:00', end: '18:00' }, days_of_week: [1, 2] }],
    ['nested', { allowed_call_hours: { start: '09:00', end: '18:00' }, days_of_week: ['1', '2'] }],
    ['with names', { allowed_hours: { start: '9:00', end: '18:00:00' }, days_of_week: ['lunes', 'Tue'] }],
    ['as a JSON text', JSON.stringify({ allowed_hours: { start: '09:00', end: '18:00' }, days_of_week: '1,2' })],
    ['per weekday', { allowed_hours: { mon: [{ start: '09:00', end: '18:00' }], 2: ['09:00-18:00'] } }],
    [
      'in two spans that touch',
      {
        allowed_hours: [
          { start: '13:00', end: '18:00' },
          { start: '09:00', end: '13:00' },
        ],
        days_of_week: [1, 2],
      },
    ],
    [
      'both spellings, narrowed',
      { allowed_hours: { start: '08:00', end: '18:00' }, allowed_call_hours: { start: '09:00', end: '20:00' }, days_of_week: [1, 2] },
    ],
  ])('%s: Monday and Tuesday from nine to six', (_, value) => {
    expect(problems(value)).toEqual([]);
    expect(settings(value).week).toEqual([[], [NINE_TO_SIX], [NINE_TO_SIX], [], [], [], [], []]);
  });

  test.each([[0], [7], ['0'], ['7'], ['domingo'], ['Sunday'], ['dom']])('Sunday is written %j', (day) => {
    const { week } = settings({ days_of_week: [day] });
    expect(week?.map((spans) => spans.length)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test.each(['miércoles', 'miercoles', 'MIÉRCOLES', 'wed', 3, '3'])('Wednesday is written %j', (day) => {
    expect(settings({ days_of_week: [day] }).week?.[3]).toEqual([{ from: 0, to: 1440 }]);
  });

  test('a span over midnight goes on into the next day, from Sunday into Monday', () => {
    const { week } = settings({ allowed_hours: { start: '22:00', end: '06:00' }, days_of_week: [5, 7] });
    expect(week?.[5]).toEqual([{ from: 1320, to: 1440 }]);
    expect(week?.[6]).toEqual([{ from: 0, to: 360 }]);
    expect(week?.[7]).toEqual([{ from: 1320, to: 1440 }]);
    expect(week?.[1]).toEqual([{ from: 0, to: 360 }]);
  });

  test('two spans a day, and an end at 24:00', () => {
    const { week } = settings({
      allowed_hours: [
        { start: '09:00', end: '13:00' },
        { start: '20:00', end: '24:00' },
      ],
    });
    expect(week?.[4]).toEqual([
      { from: 540, to: 780 },
      { from: 1200, to: 1440 },
    ]);
  });

  test.each([[null], [undefined], [{}], [''], [{ allowed_hours: null, days_of_week: null }], [{ days_of_week: [] }]])(
    '%j restricts nothing',
    (value) => {
      expect(problems(value)).toEqual([]);
      expect(settings(value).week).toBeNull();
    },
  );

  test.each([
    [{ allowed_hours: '9-18' }],
    [{ allowed_hours: { start: '25:00', end: '26:00' } }],
    [{ allowed_hours: { start: '09:60', end: '18:00' } }],
    [{ allowed_hours: { start: '9', end: '18' } }],
    [{ allowed_hours: { start: '9am', end: '6pm' } }],
    [{ allowed_hours: { start: 9, end: 18 } }],
    [{ allowed_hours: { start: '09:00', end: '09:00' } }],
    [{ allowed_hours: { start: '24:00', end: '06:00' } }],
    [{ allowed_hours: { begin: '09:00', end: '18:00' } }],
    [{ allowed_hours: 5 }],
    [{ allowed_hours: { mon: 'all day' } }],
    [{ allowed_hours: { mon: [{ start: '09:00', end: '18:00' }], someday: [] } }],
    [{ allowed_hours: [] }],
    [{ allowed_call_hours: '9-18' }],
    [{ days_of_week: [8] }],
    [{ days_of_week: [1.5] }],
    [{ days_of_week: ['mon-fri'] }],
    [{ days_of_week: {} }],
    [{ timezone: 'Santiago' }],
    [{ timezone: '-03:00' }],
    [{ timezone: 5 }],
    [{ max_attempts: 'many' }],
    [{ max_attempts: 0 }],
    [{ retry_delay_hours: -1 }],
    [{ ring_timeout: 'x' }],
    [{ ring_timeout: 0 }],
    [{ max_concurrent_calls: 0 }],
    [{ max_calls_per_day: 'few' }],
    [{ retry_settings: 'often' }],
    [{ holidays: 'christmas' }],
    [{ closed_dates: ['2026-02-30'] }],
    ['{not json'],
    [['09:00']],
    [7],
  ])('P4: %j is not understood and closes the batch', (value) => {
    expect(problems(value).length).toBeGreaterThan(0);
  });
});

describe('other settings', () => {
  test('seconds, hours and counts, also in texts and nested', () => {
    expect(
      settings({
        ring_timeout: '20',
        max_call_duration: 240,
        max_concurrent_calls: '4',
        max_calls_per_day: 100,
        retry_settings: { max_attempts: '5', retry_delay_hours: 0.5 },
      }),
    ).toMatchObject({
      ringTimeoutMs: 20_000,
      maxDurationMs: 240_000,
      maxConcurrentCalls: 4,
      maxCallsPerDay: 100,
      maxAttempts: 5,
      retryDelayMs: 1_800_000,
    });
    expect(settings({ retry_settings: { hours_between_attempts: 2 } }).retryDelayMs).toBe(7_200_000);
  });

  test("ring and duration stay within the provider's bounds", () => {
    expect(settings({ ring_timeout: 1, max_call_duration: 5 })).toMatchObject({ ringTimeoutMs: 5_000, maxDurationMs: 60_000 });
    expect(settings({ ring_timeout: 900, max_call_duration: 1e9 })).toMatchObject({ ringTimeoutMs: 300_000, maxDurationMs: 7_200_000 });
  });

  test.each([
    [1, 1],
    [4, 4],
    [9, 4],
    ['baja', 1],
    ['normal', 2],
    ['high', 3],
    ['URGENTE', 4],
    [undefined, 1],
    ['?', 1],
  ])('priority %j is weight %i', (priority, weight) => {
    expect(readBatch(batchDoc(null, { priority })).priority).toBe(weight);
  });

  test('closed dates and holidays', () => {
    expect(settings({ closed_dates: ['2026-12-24'], holidays: true })).toMatchObject({ closedDates: ['2026-12-24'], holidays: 'account' });
    expect(settings({ holidays: 'CL' }).holidays).toBe('cl');
    expect(settings({ holidays: ['2026-12-24'] })).toMatchObject({ closedDates: ['2026-12-24'], holidays: null });
  });

  test('caller numbers of its own', () => {
    expect(readBatch(batchDoc({ from_numbers: ['+56600100200'] })).fromNumbers).toEqual(['+56600100200']);
    expect(readBatch(batchDoc(null, { from_number: '+56600100200, +56600100201' })).fromNumbers).toHaveLength(2);
    expect(readBatch(batchDoc(null, { from_number: '600100200' })).problems).toHaveLength(1);
  });
});

describe('state', () => {
  test.each([
    [{ is_active: true }, 'running'],
    [{ is_active: false }, 'paused'],
    [{ is_active: undefined }, 'paused'],
    [{ is_active: null }, 'paused'],
    [{ is_active: 'yes' }, 'paused'],
    [{ is_active: 1 }, 'paused'],
    [{ is_active: 'true' }, 'paused'],
    [{ is_active: true, state: 'draining' }, 'draining'],
    [{ is_active: false, state: 'draining' }, 'paused'],
    [{ is_active: true, state: 'cancelled' }, 'cancelled'],
    [{ is_active: false, state: 'completed' }, 'completed'],
    [{ is_active: false, state: 'running' }, 'paused'],
  ])('%j is %s', (more, state) => {
    expect(readBatch(batchDoc(null, more)).state).toBe(state);
  });

  test('P4: a state nobody knows closes the batch', () => {
    expect(readBatch(batchDoc(null, { state: 'half' })).problems).toHaveLength(1);
    expect(readBatch(batchDoc(null, { end_at: 'soon' })).problems).toHaveLength(1);
  });

  test.each([[1], ['true'], ['yes'], [0], [{}]])('P4: is_active %j is said to be neither true nor false', (is_active) => {
    expect(readBatch(batchDoc(null, { is_active })).problems).toEqual([expect.stringMatching(/^is_active is .*, neither true nor false$/)]);
  });

  test.each([[true], [false], [null], [undefined]])('is_active %j is no problem', (is_active) => {
    expect(readBatch(batchDoc(null, { is_active })).problems).toEqual([]);
  });

  test.each([[undefined], [42], [null]])('P4: no job names a batch whose batch_id is %j', (batch_id) => {
    expect(readBatch(batchDoc(null, { _id: 'x', batch_id })).problems).toHaveLength(1);
  });

  test.each([
    [
      'a time on the wall clock',
      { start_at: '2026-11-20T15:00:00', end_at: '2026-11-20 18:00' },
      '2026-11-20T18:00:00.000Z',
      '2026-11-20T21:00:00.000Z',
    ],
    ['a day', { start_at: '2026-11-20', end_at: '2026-11-20' }, '2026-11-20T03:00:00.000Z', '2026-11-21T03:00:00.000Z'],
    [
      'an offset',
      { start_at: '2026-11-20T15:00:00Z', end_at: '2026-11-20T15:00:00-01:00' },
      '2026-11-20T15:00:00.000Z',
      '2026-11-20T16:00:00.000Z',
    ],
    ['a date', { start_at: new Date('2026-11-20T15:00:00Z'), end_at: null }, '2026-11-20T15:00:00.000Z', undefined],
  ])('begins and ends, written as %s', (_, more, startAt, endAt) => {
    const batch = readBatch(batchDoc({ timezone: 'America/Santiago' }, more));
    expect([batch.startAt?.toISOString(), batch.endAt?.toISOString(), batch.problems]).toEqual([startAt, endAt, []]);
  });

  test('P4: a time whose zone nobody knows closes the batch', () => {
    expect(readBatch(batchDoc(null, { start_at: '2026-11-20T15:00:00' })).problems).toHaveLength(1);
    expect(readBatch(batchDoc(null, { start_at: '2026-11-20T15:00:00Z' })).problems).toEqual([]);
  });

  test('zones of its contacts are a hint: what is none closes nothing', () => {
    const zones = (value: unknown) => {
      const { contactZones, problems } = readBatch({ batch_id: 'b', is_active: true, contact_zones: value });
      expect(problems).toEqual([]);
      return contactZones;
    };
    expect(zones(['America/Punta_Arenas', 7, 'no zone at all', null, 'Pacific/Easter'])).toEqual([
      'America/Punta_Arenas',
      'Pacific/Easter',
    ]);
    for (const none of [undefined, null, {}, 7, [], [[]]]) expect(zones(none)).toEqual([]);
  });

  test('the implied batch restricts nothing', () => {
    expect(impliedBatch('acc-1')).toMatchObject({ id: null, account: 'acc-1', state: 'running', problems: [] });
  });
});

const KEYS = [
  'allowed_hours',
  'allowed_call_hours',
  'days_of_week',
  'timezone',
  'retry_settings',
  'max_attempts',
  'ring_timeout',
  'holidays',
  'closed_dates',
  'priority',
];
const hours = fc.oneof(
  fc.anything(),
  fc.record({ start: fc.anything(), end: fc.anything() }),
  fc.dictionary(fc.constantFrom('mon', '2', 'x'), fc.anything()),
);
const anySettings = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...KEYS), hours));

test('P7: any batch is read; what is not closed has a week in order', () => {
  fc.assert(
    fc.property(anySettings, fc.anything(), (value, other) => {
      readBatch(other);
      const batch = readBatch(batchDoc(value, { priority: other, state: other, start_at: other, from_numbers: other, rules: other }));
      for (const spans of batch.settings.week ?? []) {
        for (const [i, span] of spans.entries()) {
          expect(span.from).toBeGreaterThanOrEqual(i === 0 ? 0 : (spans[i - 1]?.to ?? 0));
          expect(span.from).toBeLessThan(span.to);
          expect(span.to).toBeLessThanOrEqual(1440);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});
