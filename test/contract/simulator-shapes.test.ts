/** The simulator's bodies are bodies of the official SDK's types: checked by the compiler where they are typed, at run time where they are words. */
import type Retell from 'retell-sdk';
import { describe, expect, it } from 'vitest';
import type { AgentBody, CallBody, ConcurrencyBody, PhoneNumberBody } from '../../src/simulator/bodies.js';
import type { ListPage } from '../../src/simulator/listing.js';
import { PATTERNS } from '../../src/simulator/patterns.js';

type SdkCall = Retell.PhoneCallResponse;
type SdkReason = NonNullable<SdkCall['disconnection_reason']>;

/** Fields of ours that the SDK does not know: none. */
type Strange<Ours, Theirs> = Exclude<keyof Ours, keyof Theirs>;
type None<T extends never> = T;
export type NoStrangeFields = None<
  | Strange<CallBody, SdkCall>
  | Strange<AgentBody, Retell.AgentResponse>
  | Strange<PhoneNumberBody, Retell.PhoneNumberResponse>
  | Strange<ConcurrencyBody, Retell.ConcurrencyRetrieveResponse>
  | Strange<ListPage, Retell.CallListResponse>
>;

/** Statuses and reasons are plain strings in the simulator, which can also say unknown ones; the rest must fit as it is. */
const asSdkCall = (body: CallBody): SdkCall => {
  const { call_status: _status, disconnection_reason: _reason, ...rest } = body;
  return { ...rest, call_status: 'ended' } satisfies SdkCall;
};
const asSdkItem = (body: CallBody): Retell.CallListResponse.V3PhoneCallResponse => {
  const { call_status: _status, disconnection_reason: _reason, transcript: _text, transcript_object: _words, ...rest } = body;
  return { ...rest, call_status: 'ended' } satisfies Retell.CallListResponse.V3PhoneCallResponse;
};
export const asSdkPage = (page: ListPage): Retell.CallListResponse =>
  ({ ...page, items: page.items.map(asSdkItem) }) satisfies Retell.CallListResponse;
export const asSdkAgent = (body: AgentBody): Retell.AgentResponse => body satisfies Retell.AgentResponse;
export const asSdkNumber = (body: PhoneNumberBody): Retell.PhoneNumberResponse => body satisfies Retell.PhoneNumberResponse;
export const asSdkConcurrency = (body: ConcurrencyBody): Retell.ConcurrencyRetrieveResponse =>
  body satisfies Retell.ConcurrencyRetrieveResponse;

/** All reasons of the SDK: the compiler refuses this object when one is missing or none of its own. */
const SDK_REASONS = {
  user_hangup: true,
  agent_hangup: true,
  call_transfer: true,
  voicemail_reached: true,
  ivr_reached: true,
  inactivity: true,
  max_duration_reached: true,
  concurrency_limit_reached: true,
  no_concurrency_fallback: true,
  no_valid_payment: true,
  scam_detected: true,
  dial_busy: true,
  dial_failed: true,
  dial_no_answer: true,
  invalid_destination: true,
  telephony_provider_permission_denied: true,
  telephony_provider_unavailable: true,
  sip_routing_error: true,
  marked_as_spam: true,
  user_declined: true,
  error_llm_websocket_open: true,
  error_llm_websocket_lost_connection: true,
  error_llm_websocket_runtime: true,
  error_llm_websocket_corrupt_payload: true,
  error_no_audio_received: true,
  error_asr: true,
  error_retell: true,
  error_unknown: true,
  error_user_not_joined: true,
  registered_call_timeout: true,
  transfer_bridged: true,
  transfer_cancelled: true,
  manual_stopped: true,
  call_take_over: true,
} satisfies Record<SdkReason, true>;

const SDK_STATUSES = { registered: true, not_connected: true, ongoing: true, ended: true, error: true } satisfies Record<
  SdkCall['call_status'],
  true
>;

/** In none of the SDK's types, and yet to be borne: newer than the SDK, or invented to see that nothing breaks. */
const BEYOND_THE_SDK = [
  'network_blocked',
  'credit_exhausted',
  'budget_reached',
  'user_requested_dnc',
  'caller_abducted',
  'error_cosmic_ray',
  'dial_misrouted',
];

describe('words the simulator uses', () => {
  it('has a number for every reason of the SDK', () => {
    const ours = new Set(PATTERNS.map((pattern) => pattern.reason));
    expect(Object.keys(SDK_REASONS).filter((reason) => !ours.has(reason))).toEqual([]);
  });

  it('goes beyond the SDK only where it means to', () => {
    const beyond = PATTERNS.map((pattern) => pattern.reason).filter((reason) => !(reason in SDK_REASONS));
    expect(new Set(beyond)).toEqual(new Set(BEYOND_THE_SDK));
    expect(PATTERNS.filter((pattern) => !(pattern.status in SDK_STATUSES)).map((pattern) => pattern.name)).toEqual(['unknown_status']);
  });

  it('passes a body on unchanged', () => {
    const body: CallBody = {
      call_id: 'call_1',
      call_type: 'phone_call',
      direction: 'outbound',
      agent_id: 'agent',
      agent_version: 0,
      agent_name: 'Agent',
      from_number: '+1',
      to_number: '+2',
      call_status: 'ended',
    };
    expect(asSdkCall(body)).toEqual(body);
  });
});
