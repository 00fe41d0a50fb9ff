import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { OutcomeClass, StopReason } from '../../src/domain/call.js';
import { classify, lostOutcome, OUTCOME_CLASSES, unreadableOutcome } from '../../src/domain/outcomes.js';
import { ENDED, reading, SEEN, table, unconnected } from './fixtures-calls.js';

const alone = { stopReason: null, seenEndedAt: SEEN };

const DOCUMENTED: Record<string, OutcomeClass> = {
  user_hangup: 'answered',
  agent_hangup: 'answered',
  call_transfer: 'answered',
  transfer_bridged: 'answered',
  transfer_cancelled: 'answered',
  call_take_over: 'answered',
  inactivity: 'no_answer',
  max_duration_reached: 'no_answer',
  voicemail_reached: 'voicemail',
  ivr_reached: 'voicemail',
  dial_no_answer: 'no_answer',
  user_declined: 'no_answer',
  dial_busy: 'busy',
  invalid_destination: 'bad_number',
  dial_failed: 'dial_failed',
  marked_as_spam: 'caller_id',
  network_blocked: 'caller_id',
  telephony_provider_unavailable: 'transient',
  concurrency_limit_reached: 'transient',
  error_retell: 'transient',
  error_asr: 'transient',
  error_unknown: 'transient',
  error_no_audio_received: 'transient',
  registered_call_timeout: 'transient',
  sip_routing_error: 'transient',
  error_llm_websocket_lost_connection: 'transient',
  error_llm_websocket_runtime: 'transient',
  error_llm_websocket_corrupt_payload: 'transient',
  no_valid_payment: 'account',
  scam_detected: 'account',
  telephony_provider_permission_denied: 'account',
  error_llm_websocket_open: 'account',
  credit_exhausted: 'account',
  budget_reached: 'account',
  user_requested_dnc: 'no_contact',
  manual_stopped: 'operator',
  no_concurrency_fallback: 'transient',
  error_user_not_joined: 'transient',
  error_of_next_year: 'transient',
  dial_forbidden: 'dial_failed',
  something_new: 'unknown',
  '': 'unknown',
};

describe('what a disconnection reason means', () => {
  test.each(Object.entries(DOCUMENTED))('%s is %s when nobody is known to have spoken', (reason, expected) => {
    expect(classify(unconnected(reason), alone, table)).toMatchObject({ class: expected, reason });
  });

  test.each(['inactivity', 'max_duration_reached', null])(
    '%s without a transcript is an answered call where its analysis says that it succeeded',
    (reason) => {
      const said = (call_successful: boolean) =>
        classify(reading({ reason, userSpoke: null, analysis: { call_successful } }), alone, table);
      expect(said(true)).toMatchObject({ class: 'answered', success: true });
      expect(said(false).class).not.toBe('answered');
      expect(classify(reading({ reason, userSpoke: false, analysis: { call_successful: true } }), alone, table).class).not.toBe('answered');
    },
  );

  test.each(['inactivity', 'max_duration_reached'])('%s is a conversation only where the person spoke', (reason) => {
    expect(classify(reading({ reason, userSpoke: true }), alone, table)).toMatchObject({ class: 'answered', reached: 'conversation' });
    expect(classify(reading({ reason, userSpoke: false }), alone, table)).toMatchObject({ class: 'no_answer', reached: 'answered' });
    expect(classify(reading({ reason, userSpoke: null }), alone, table)).toMatchObject({ class: 'no_answer' });
  });

  test.each(['user_hangup', 'agent_hangup', 'inactivity', 'dial_no_answer', 'something_new'])(
    '%s with in_voicemail is a voicemail',
    (reason) => {
      expect(classify(reading({ reason, inVoicemail: true }), alone, table)).toMatchObject({
        class: 'voicemail',
        reached: 'answered',
        success: false,
      });
    },
  );

  test('voicemail_reached is a voicemail also where in_voicemail says no', () => {
    expect(classify(reading({ reason: 'voicemail_reached', inVoicemail: false }), alone, table).class).toBe('voicemail');
  });

  test.each(['invalid_destination', 'user_requested_dnc', 'no_valid_payment'])('in_voicemail does not soften %s', (reason) => {
    expect(classify(reading({ reason, inVoicemail: true }), alone, table).class).toBe(DOCUMENTED[reason]);
  });

  test.each([
    ['not_connected', false, 'no_answer'],
    ['error', false, 'transient'],
    ['ended', true, 'answered'],
    ['ended', false, 'unknown'],
    ['brand_new_status', true, 'unknown'],
  ] as const)('no reason and status %s (spoke: %s) is %s', (status, userSpoke, expected) => {
    expect(classify(reading({ status, reason: null, userSpoke }), alone, table)).toMatchObject({
      class: expected,
      reason: `status:${status}`,
    });
  });
});

test.each(['constructor', 'toString', '__proto__'])(
  'P7: a reason named like a property of every object (%s) is one nobody knows',
  (reason) => {
    const plain = { ...table, reasons: { '*': { class: 'unknown', ifSilent: null } as const } };
    expect(classify(reading({ reason }), alone, plain)).toMatchObject({ class: 'unknown', reason });
  },
);

describe('calls we ended ourselves', () => {
  const cases: [StopReason, string | null, boolean | null, OutcomeClass, string][] = [
    ['max_duration', 'manual_stopped', true, 'answered', 'stopped:max_duration'],
    ['max_duration', 'manual_stopped', null, 'answered', 'stopped:max_duration'],
    ['max_duration', null, false, 'no_answer', 'stopped:max_duration'],
    ['max_duration', 'user_hangup', true, 'answered', 'user_hangup'],
    ['ring_timeout', 'manual_stopped', null, 'no_answer', 'stopped:ring_timeout'],
    ['ring_timeout', 'invalid_destination', null, 'bad_number', 'invalid_destination'],
    ['ring_timeout', 'user_hangup', true, 'answered', 'user_hangup'],
    ['operator', 'manual_stopped', true, 'operator', 'stopped:operator'],
    ['operator', 'dial_no_answer', null, 'operator', 'stopped:operator'],
    ['operator', 'user_requested_dnc', true, 'no_contact', 'user_requested_dnc'],
    ['operator', 'user_hangup', true, 'answered', 'user_hangup'],
    ['stray', 'manual_stopped', true, 'operator', 'stopped:stray'],
  ];
  test.each(cases)('stopped for %s, provider says %s (spoke: %s): %s', (stopReason, reason, userSpoke, expected, said) => {
    expect(classify(reading({ reason, userSpoke }), { stopReason, seenEndedAt: SEEN }, table)).toMatchObject({
      class: expected,
      reason: said,
    });
  });

  test('a mailbox that talked to its limit is a voicemail', () => {
    const mailbox = reading({ reason: 'manual_stopped', inVoicemail: true });
    expect(classify(mailbox, { stopReason: 'max_duration', seenEndedAt: SEEN }, table).class).toBe('voicemail');
  });
});

describe('success, end and duration', () => {
  test.each([
    ['user_hangup', { call_successful: true }, true],
    ['user_hangup', { call_successful: false }, false],
    ['user_hangup', { call_successful: 'true' }, false],
    ['user_hangup', null, false],
    ['voicemail_reached', { call_successful: true }, false],
    ['dial_busy', { call_successful: true }, false],
  ])('%s with analysis %j: success %s', (reason, analysis, success) => {
    expect(classify(reading({ reason, analysis }), alone, table).success).toBe(success);
  });

  test.each([
    ['the end of the call', ENDED, ENDED],
    ['when it was seen, where it never connected', null, SEEN],
    ['when it was seen, where the end lies ahead', new Date('2026-03-11T00:00:00Z'), SEEN],
    ['when it was seen, where seconds were sent for milliseconds', new Date(1_773_154_800), SEEN],
    ['when it was seen, where the end is no date', new Date(Number.NaN), SEEN],
  ])('delays count from %s', (_what, endedAt, expected) => {
    expect(classify(reading({ endedAt }), alone, table).endedAt).toEqual(expected);
  });

  test.each([
    [{ durationMs: 5_000 }, 5_000],
    [{ durationMs: null }, 75_700],
    [{ durationMs: null, startedAt: null }, 0],
    [{ durationMs: -3 }, 0],
    [{ durationMs: Number.NaN }, 0],
  ])('duration of %j is %d ms', (change, expected) => {
    expect(classify(reading(change), alone, table).durationMs).toBe(expected);
  });

  test('a lost call and an unreadable one are never successes', () => {
    expect(lostOutcome(SEEN)).toMatchObject({ class: 'lost', success: false, endedAt: SEEN, reached: 'placed' });
    expect(unreadableOutcome(SEEN)).toMatchObject({ class: 'unreadable', success: false, endedAt: SEEN, reached: 'rang', durationMs: 0 });
  });

  test('P5: what was seen of a call before it could not be read any more counts', () => {
    const at = (minutes: number): Date => new Date(SEEN.getTime() - minutes * 60_000);
    const ongoing = reading({
      status: 'ongoing',
      live: true,
      talking: true,
      startedAt: at(20),
      endedAt: null,
      durationMs: null,
      userSpoke: true,
    });
    const outcome = unreadableOutcome(SEEN, { reading: ongoing, at: at(5) }, 3_600_000);
    expect(outcome).toMatchObject({ class: 'unreadable', success: false, reached: 'conversation', durationMs: 15 * 60_000 });
    // No longer than it can have been, whatever the provider's clock says.
    const ancient = { ...ongoing, startedAt: new Date(0) };
    expect(unreadableOutcome(SEEN, { reading: ancient, at: at(5) }, 600_000).durationMs).toBe(600_000);
    const ringing = { ...ongoing, talking: false, startedAt: null, userSpoke: null };
    expect(unreadableOutcome(SEEN, { reading: ringing, at: at(5) })).toMatchObject({ reached: 'rang', durationMs: 0 });
  });
});

property.prop([
  fc.oneof(fc.string(), fc.constantFrom(...Object.keys(DOCUMENTED), '__proto__', 'constructor', 'toString', 'error_', '*')),
  fc.string(),
  fc.option(fc.boolean()),
  fc.option(fc.boolean()),
  fc.option(fc.constantFrom<StopReason>('max_duration', 'ring_timeout', 'operator', 'stray')),
])('P7: every reason string at all yields an outcome', (reason, status, userSpoke, inVoicemail, stopReason) => {
  const result = classify(reading({ reason, status, userSpoke, inVoicemail }), { stopReason, seenEndedAt: SEEN }, table);
  expect(OUTCOME_CLASSES).toContain(result.class);
  expect(result.endedAt.getTime()).toBeLessThanOrEqual(SEEN.getTime());
});
