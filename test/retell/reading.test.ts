import { fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { readCall } from '../../src/retell/reading.js';

const call = (fields: object): object => ({ call_id: 'call_1', ...fields });

describe('live or over', () => {
  const table: [object, boolean, boolean][] = [
    [{ call_status: 'registered' }, true, false],
    [{ call_status: 'ongoing' }, true, true],
    [{ call_status: 'ended' }, false, false],
    [{ call_status: 'not_connected' }, false, false],
    [{ call_status: 'error' }, false, false],
    [{ call_status: 'ENDED' }, false, false],
    [{ call_status: 'paused' }, true, false],
    [{ call_status: 'paused', start_timestamp: 1_790_000_000_000 }, true, true],
    [{ call_status: 'completed', end_timestamp: 1_790_000_060_000 }, false, false],
    [{ call_status: 'ongoing', end_timestamp: 1_790_000_060_000 }, true, true],
    [{ call_status: 'archived', disconnection_reason: 'user_hangup' }, false, false],
    [{ call_status: 'ongoing', disconnection_reason: 'user_hangup' }, true, true],
    [{}, true, false],
    [{ status: 'error', message: 'oops' }, true, false],
  ];
  test.each(table)('%j: live %s, talking %s', (fields, live, talking) => {
    expect(readCall(call(fields))).toMatchObject({ live, talking });
  });
});

test('P7: a reason or status of megabytes is cut: it would fit into no document, and the call would never be settled', () => {
  const read = readCall(call({ call_status: 'x'.repeat(4_000_000), disconnection_reason: 'y'.repeat(4_000_000) }));
  expect([read?.status.length, read?.reason?.length]).toEqual([200, 200]);
});

test('a call as it is when it is over', () => {
  const raw = call({
    call_status: 'ended',
    disconnection_reason: 'user_hangup',
    start_timestamp: 1_790_000_000_000,
    end_timestamp: '1790000060500',
    duration_ms: '60500',
    call_cost: { combined_cost: 12.5, product_costs: [] },
    call_analysis: { in_voicemail: false, call_successful: true },
    collected_dynamic_variables: { fecha_pago_cliente: '2026-12-01' },
    metadata: { attempt_id: 'T' },
    to_number: '+56911112222',
    from_number: '+56221112222',
    transcript: 'Agent: hola\nUser: si',
    something_new: { deep: [1] },
  });
  expect(readCall(raw)).toEqual({
    callId: 'call_1',
    status: 'ended',
    live: false,
    talking: false,
    reason: 'user_hangup',
    startedAt: new Date(1_790_000_000_000),
    endedAt: new Date(1_790_000_060_500),
    durationMs: 60_500,
    costCents: 12.5,
    inVoicemail: false,
    userSpoke: true,
    analysis: { in_voicemail: false, call_successful: true },
    collected: { fecha_pago_cliente: '2026-12-01' },
    metadata: { attempt_id: 'T' },
    toNumber: '+56911112222',
    fromNumber: '+56221112222',
    raw,
  });
});

test('a call that never connected has no times, costs nothing and nobody spoke', () => {
  const reading = readCall(
    call({
      call_status: 'not_connected',
      disconnection_reason: 'dial_busy',
      duration_ms: 0,
      transcript: '',
      call_cost: { combined_cost: 0 },
    }),
  );
  expect(reading).toMatchObject({
    startedAt: null,
    endedAt: null,
    durationMs: 0,
    costCents: 0,
    userSpoke: false,
    inVoicemail: null,
    analysis: null,
  });
});

test.each([
  [{}, null],
  [{ transcript: 'Agent: hello\nAgent: user: hello?' }, false],
  [{ transcript: 'Agent: hello\nUser:   ' }, false],
  [{ transcript: 'Agent: hello\n user: hi' }, true],
  [{ transcript_object: [{ role: 'agent', content: 'hello' }] }, false],
  [{ transcript_object: [{ role: 'user', content: ' ' }, null, 4] }, false],
  [{ transcript_object: [{ role: 'user', content: 'yes' }] }, true],
  [{ transcript_object: [], transcript: 'User: yes' }, true],
])('whether the person spoke: %j is %s', (fields, expected) => {
  expect(readCall(call(fields))?.userSpoke).toBe(expected);
});

test.each([
  [{ start_timestamp: 1_790_000_000_000, end_timestamp: 1_790_000_004_000 }, 4_000],
  [{ start_timestamp: 1_790_000_000, end_timestamp: 1_790_000_004_000 }, 4_000],
  [{ start_timestamp: 1_790_000_004_000, end_timestamp: 1_790_000_000_000 }, null],
  [{ duration_ms: -1 }, null],
  [{ duration_ms: 'long' }, null],
])('duration of %j is %s', (fields, expected) => {
  expect(readCall(call(fields))?.durationMs).toBe(expected);
});

test.each([[null], [[]], ['call_1'], [{}], [{ call_id: 7 }], [{ call_id: ' ' }], [{ status: 'error', message: 'x' }]])(
  '%j is no call',
  (raw) => {
    expect(readCall(raw)).toBeNull();
  },
);

const KEYS = ['call_status', 'disconnection_reason', 'start_timestamp', 'end_timestamp', 'duration_ms', 'call_cost', 'call_analysis'];
const MORE = ['collected_dynamic_variables', 'metadata', 'transcript', 'transcript_object', 'to_number', 'from_number'];
const values = fc.oneof(fc.jsonValue(), fc.constantFrom('registered', 'ended', '9e99', '-1', 1e300, -0, 8.64e15 + 1));

test('P7 no JSON makes it throw', () => {
  fc.assert(fc.property(fc.jsonValue(), (raw) => void readCall(raw)));
});

const isFigure = (figure: number | null | undefined): boolean =>
  figure === null || (figure !== undefined && figure >= 0 && Number.isFinite(figure));

test('P7 no value in any field makes it throw or gives an impossible figure', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...KEYS, ...MORE), values), (fields) => {
      const reading = readCall(call(fields));
      expect(reading?.callId).toBe('call_1');
      for (const date of [reading?.startedAt, reading?.endedAt]) expect(date?.getTime()).not.toBeNaN();
      for (const figure of [reading?.durationMs, reading?.costCents]) expect(isFigure(figure)).toBe(true);
      expect(reading?.talking === true && reading.live === false).toBe(false);
    }),
  );
});

test.each([
  [{ duration_ms: 1e300 }, { durationMs: null }],
  [{ duration_ms: 86_400_001 }, { durationMs: null }],
  [{ start_timestamp: 1_790_000_000_000, end_timestamp: 8e15 }, { durationMs: null }],
  [{ call_cost: { combined_cost: 1e300 } }, { costCents: null }],
  [
    { duration_ms: 7_200_000, call_cost: { combined_cost: 1_560 } },
    { durationMs: 7_200_000, costCents: 1_560 },
  ],
])('P5 an impossible duration or price counts as not said, or one reply would close the whole account: %j', (fields, expected) => {
  expect(readCall(call(fields))).toMatchObject(expected);
});
