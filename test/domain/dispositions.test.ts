import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { CallReading } from '../../src/domain/call.js';
import type { DispositionTable } from '../../src/domain/dispositions.js';
import { dispose, isSubject } from '../../src/domain/dispositions.js';
import { classify } from '../../src/domain/outcomes.js';
import { dispositions, reading, SEEN, table } from './fixtures-calls.js';

function disposed(change: Partial<CallReading>, rules: DispositionTable = dispositions) {
  const call = reading(change);
  return dispose(call, classify(call, { stopReason: null, seenEndedAt: SEEN }, table), rules);
}

const custom = (data: unknown, rest: Record<string, unknown> = {}) => ({ analysis: { ...rest, custom_analysis_data: data } });

describe('the packaged rules', () => {
  test.each<[string, Partial<CallReading>, string, string, string]>([
    ['a promised date', { collected: { fecha_pago_cliente: '2026-03-20' } }, 'promise', 'hot', 'unknown'],
    ['a promised amount', { collected: { monto_pago_cliente: 150_000 } }, 'promise', 'hot', 'unknown'],
    ['a promise in the analysis', custom({ payment_promise: 'Sí' }), 'promise', 'hot', 'unknown'],
    ['no date', { collected: { fecha_pago_cliente: 'Ninguna', monto_pago_cliente: 0 } }, 'talked', 'neutral', 'unknown'],
    ['no amount', { collected: { monto_pago_cliente: '0' } }, 'talked', 'neutral', 'unknown'],
    ['another time', custom({ callback_time: '2026-03-20 18:00' }), 'callback', 'neutral', 'unknown'],
    ['an empty promise', { collected: { fecha_pago_cliente: ' None ' } }, 'talked', 'neutral', 'unknown'],
    ['an appointment', custom({ appointment_date: 'Friday' }), 'appointment', 'hot', 'unknown'],
    ['a callback', { collected: { callback_at: '2026-03-12 18:00' } }, 'callback', 'neutral', 'unknown'],
    ['not interested', custom({ interested: false }, { user_sentiment: 'Neutral' }), 'not_interested', 'cold', 'neutral'],
    ['interested', custom({ interested: 'yes' }, { user_sentiment: 'Positive' }), 'follow_up', 'hot', 'positive'],
    ['the wrong person', custom({ wrong_party: true, payment_promise: true }), 'wrong_person', 'cold', 'unknown'],
    ['aim reached', { analysis: { call_successful: true, user_sentiment: 'Positive' } }, 'follow_up', 'hot', 'positive'],
    ['aim missed, displeased', { analysis: { call_successful: false, user_sentiment: 'Negative' } }, 'not_interested', 'cold', 'negative'],
    ['aim missed, indifferent', { analysis: { call_successful: false, user_sentiment: 'Neutral' } }, 'talked', 'neutral', 'neutral'],
    ['no analysis yet', {}, 'talked', 'neutral', 'unknown'],
    ['no more calls', { reason: 'user_requested_dnc' }, 'no_contact', 'cold', 'negative'],
    ['a mailbox that promised', { inVoicemail: true, collected: { fecha_pago_cliente: 'x' } }, 'voicemail', 'cold', 'unknown'],
    ['nobody', { reason: 'dial_no_answer' }, 'not_reached', 'cold', 'unknown'],
    ['a dead number', { reason: 'invalid_destination' }, 'bad_number', 'cold', 'unknown'],
    ['a fault', { reason: 'error_retell' }, 'failed', 'cold', 'unknown'],
  ])('%s', (_what, change, outcome, qualification, sentiment) => {
    expect(disposed(change)).toMatchObject({ outcome, qualification, sentiment, score: dispositions.qualifications[qualification] });
  });

  test('hot is 3, neutral 2, cold 1', () => {
    expect(dispositions.qualifications).toEqual({ hot: 3, neutral: 2, cold: 1 });
  });

  test('the rules that decided are named', () => {
    expect(disposed({ collected: { fecha_pago_cliente: 'x' }, analysis: { user_sentiment: 'positive' } }).rules).toEqual([
      'promised a payment date',
      'pleased',
    ]);
  });

  property.prop([fc.anything(), fc.object()])('P7: any analysis is given known answers', (data, collected) => {
    const answer = disposed({ ...custom(data), collected });
    expect(dispositions.outcomes).toContain(answer.outcome);
    expect(dispositions.sentiments).toContain(answer.sentiment);
    expect(Object.keys(dispositions.qualifications)).toContain(answer.qualification);
  });
});

describe('conditions', () => {
  const withRule = (when: DispositionTable['rules'][number]['when']): DispositionTable => ({
    ...dispositions,
    rules: [{ name: 'it', when, set: { outcome: 'promise' } }],
  });

  test.each([
    [{ 'custom.color': 'Rojo' }, { color: ' rójo ' }, true],
    [{ 'custom.color': ['azul', 'rojo'] }, { color: 'rojo' }, true],
    [{ 'custom.color': 'rojo' }, { color: ['rojo'] }, false],
    [{ 'custom.n': 3 }, { n: '3' }, true],
    [{ 'custom.ok': false }, {}, false],
    [{ 'custom.ok': false }, { ok: 'no' }, true],
    [{ 'custom.x': { present: false } }, { x: 'n/a' }, true],
    [{ 'custom.x': { present: false } }, { x: false }, false],
    [{ 'custom.toString': { present: true } }, {}, false],
    [{ 'custom.a': 1, 'custom.b': 1 }, { a: 1, b: 2 }, false],
  ])('%j on %j: %s', (when, data, matches) => {
    expect(disposed(custom(data), withRule(when)).outcome === 'promise').toBe(matches);
  });

  test.each([
    ['class', true],
    ['custom.anything', true],
    ['custom.', false],
    ['sentimnt', false],
    ['constructor', false],
  ])('%s may be asked for: %s', (key, expected) => {
    expect(isSubject(key)).toBe(expected);
  });
});
