import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { NextStep } from '../../src/domain/call.js';
import { callResult, jobFields, parseAmount, resultDocument } from '../../src/domain/call-result.js';
import { classify, lostOutcome } from '../../src/domain/outcomes.js';
import { ENDED, job, reading, SEEN, table } from './fixtures-calls.js';

const disposition = { qualification: 'hot', score: 3, outcome: 'promise', sentiment: 'positive', rules: [] };
const extras = { attemptId: 'att_1', disposition, costCents: 13.93 };
const raw = {
  call_id: 'call_1',
  call_status: 'ended',
  start_timestamp: 1,
  end_timestamp: 2,
  transcript: 'User: hola',
  recording_url: 'https://r/1.wav',
  public_log_url: 'https://l/1',
  call_cost: { combined_cost: '13.93', total_duration_seconds: 76, product_costs: [] },
};
const talked = reading({ raw, analysis: { call_successful: true }, collected: { fecha_pago_cliente: '2026-03-20' } });
const outcomeOf = (call = talked) => classify(call, { stopReason: null, seenEndedAt: SEEN }, table);

describe('jobs.call_result', () => {
  test('has the shape the front end and the aggregations read', () => {
    expect(callResult(talked, outcomeOf(), extras, SEEN)).toEqual({
      success: true,
      status: 'ended',
      summary: {
        call_status: 'ended',
        disconnection_reason: 'user_hangup',
        duration_ms: 75_700,
        start_timestamp: 1,
        end_timestamp: 2,
        recording_url: 'https://r/1.wav',
        recording_multi_channel_url: null,
        public_log_url: 'https://l/1',
        transcript: 'User: hola',
        call_cost: { combined_cost: 13.93, total_duration_seconds: 76, product_costs: [] },
        call_analysis: { call_successful: true },
        collected_dynamic_variables: { fecha_pago_cliente: '2026-03-20' },
      },
      details: raw,
      timestamp: SEEN,
      call_id: 'call_1',
      call_status: 'ended',
      duration_ms: 75_700,
      call_cost: { combined_cost: 13.93, total_duration_seconds: 76 },
      attempt_id: 'att_1',
      outcome_class: 'answered',
      outcome_reason: 'user_hangup',
      reached: 'conversation',
      qualification: 'hot',
      qualification_score: 3,
      disposition: 'promise',
      sentiment: 'positive',
    });
  });

  test('a call that was never found still has every path, as numbers', () => {
    expect(callResult(null, lostOutcome(SEEN), { ...extras, costCents: 0 }, SEEN)).toMatchObject({
      success: false,
      status: 'unknown',
      summary: { call_status: null, transcript: null },
      details: {},
      call_id: null,
      duration_ms: 0,
      call_cost: { combined_cost: 0, total_duration_seconds: 0 },
    });
  });

  test('P5: shows what was charged, whatever the provider asks', () => {
    const charged = { ...extras, costCents: 7 };
    const shown = { combined_cost: 7 };
    expect(callResult(reading({ costCents: null }), outcomeOf(), charged, SEEN)).toMatchObject({ call_cost: shown });
    expect(callResult(talked, outcomeOf(), charged, SEEN)).toMatchObject({ call_cost: shown, summary: { call_cost: shown }, details: raw });
  });

  property.prop([fc.dictionary(fc.constantFrom('call_cost', 'transcript', 'start_timestamp'), fc.jsonValue())])(
    'P7: whatever the reply held, the costs are numbers',
    (hostile) => {
      const result = callResult(reading({ raw: hostile, costCents: null }), outcomeOf(), extras, SEEN);
      const numbers = [(result['call_cost'] as { combined_cost: unknown }).combined_cost];
      const summary = result['summary'] as { call_cost?: { combined_cost: unknown } };
      if (summary.call_cost !== undefined) numbers.push(summary.call_cost.combined_cost);
      for (const number of numbers) expect(number).toBeTypeOf('number');
    },
  );
});

function step(status: NextStep['status'], dueAt: Date | null = null): NextStep {
  return {
    status,
    phoneIndex: 0,
    dueAt,
    countsAttempt: true,
    countsTransient: false,
    badLine: null,
    suspendReason: null,
    lastError: status === 'failed' ? 'no_answer' : null,
    why: 'x',
  };
}

describe('the other fields of the job', () => {
  const fields = (next: NextStep, call = talked) => jobFields({ reading: call, outcome: outcomeOf(call), next, now: SEEN });

  test('a finished call tells when it ended and how long it took', () => {
    expect(fields(step('done'))).toEqual({
      is_calling: false,
      call_ended_at: ENDED,
      call_duration_seconds: 76,
      last_attempt_result: 'ended',
      last_error: null,
      next_try_at: null,
      call_id: 'call_1',
      finished_at: SEEN,
      completed_at: SEEN,
      fecha_pago_cliente: '2026-03-20',
    });
  });

  test.each([
    ['done', ['completed_at', 'finished_at']],
    ['completed', ['completed_at', 'finished_at']],
    ['failed', ['completed_at', 'failed_at', 'finished_at']],
    ['cancelled', ['finished_at']],
    ['suspended', []],
    ['pending', []],
  ] as const)('%s sets the end times %j', (status, names) => {
    const set = Object.keys(fields(step(status))).filter((name) => /^(completed|failed|finished)_at$/.test(name));
    expect(set.sort()).toEqual(names);
  });

  test('a retry says when, for the reports', () => {
    expect(fields(step('pending', SEEN)).next_try_at).toEqual(SEEN);
  });

  test('without a reading there is no call id to write over the known one', () => {
    const lost = jobFields({ reading: null, outcome: lostOutcome(SEEN), next: step('pending'), now: SEEN });
    expect(lost).not.toHaveProperty('call_id');
    expect(lost).toMatchObject({ last_attempt_result: 'lost', call_duration_seconds: 0 });
  });

  test.each([
    [
      { fecha_pago_cliente: ' 2026-03-20 ', monto_pago_cliente: '$ 150.000' },
      { fecha_pago_cliente: '2026-03-20', monto_pago_cliente: 150_000 },
    ],
    [{ fecha_pago_cliente: '', monto_pago_cliente: 'todo' }, {}],
    [{ fecha_pago_cliente: 'None', monto_pago_cliente: null }, {}],
    [{ fecha_pago_cliente: 20260320, monto_pago_cliente: 0 }, {}],
    [{ fecha_pago_cliente: 'No aplica.', monto_pago_cliente: '0' }, {}],
    [{ fecha_pago_cliente: 'ningúna', monto_pago_cliente: '$ 0' }, {}],
    [null, {}],
  ])('the promise in %j becomes %j', (collected, expected) => {
    const all = fields(step('done'), reading({ collected }));
    const promise = Object.fromEntries(Object.entries(all).filter(([name]) => name.endsWith('_pago_cliente')));
    expect(promise).toEqual(expected);
  });
});

describe('amounts as people and agents write them', () => {
  test.each([
    ['$ 150.000', 150_000],
    ['150000.0', 150_000],
    ['150000', 150_000],
    ['150,000', 150_000],
    ['150.000,50', 150_000.5],
    ['150,000.50', 150_000.5],
    ['1.234.567', 1_234_567],
    ['$1,234,567.89', 1_234_567.89],
    ['12,5', 12.5],
    ['12.50', 12.5],
    ['150.000 pesos', 150_000],
    ['CLP 99.990', 99_990],
    ['150 mil', 150_000],
    ['1,5 mil', 1_500],
    ['150.000.', 150_000],
    [104_050, 104_050],
    ['', null],
    ['-5', null],
    ['mil', null],
    ['1.23.456', null],
    ['1.234,567.8', null],
    ['12 o 15', null],
    ['20%', null],
    ['1e5', null],
    [Number.POSITIVE_INFINITY, null],
    [true, null],
    [{}, null],
  ])('%j is %s', (written, expected) => {
    expect(parseAmount(written)).toBe(expected);
  });

  property.prop([fc.oneof(fc.string(), fc.stringMatching(/^[\d.,$ ]{1,20}$/))])('P7: any text is a finite number or none', (text) => {
    const amount = parseAmount(text);
    expect(amount === null || Number.isFinite(amount)).toBe(true);
  });
});

test('call_results keeps the older shape and finds the job and the attempt', () => {
  const result = callResult(talked, outcomeOf(), extras, SEEN);
  const { contact } = job();
  const given = {
    attemptId: 'att_1',
    jobRef: 'job_1',
    account: 'acc-1',
    batch: 'batch-1',
    phoneUsed: '+56911112222',
    outcome: outcomeOf(),
    result,
  };
  expect(resultDocument({ ...given, contact })).toEqual({
    job_id: 'job_1',
    attempt_id: 'att_1',
    account_id: 'acc-1',
    batch_id: 'batch-1',
    contact: { name: 'Ana Prueba', dni: '12345678K', phone_used: '+56911112222' },
    call_data: result,
    call_status: 'ended',
    duration_ms: 75_700,
    is_successful: true,
  });
  expect(resultDocument({ ...given, contact: null, outcome: null })).toMatchObject({
    contact: { phone_used: '+56911112222' },
    is_successful: false,
  });
});
