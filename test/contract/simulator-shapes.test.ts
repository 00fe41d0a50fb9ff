/** The simulator's bodies are bodies of the official SDK's types: checked by the compiler where they are typed, at run time where they are words. */
import type Retell from 'retell-sdk';
import { describe, expect, it } from 'vitest';
import type { AgentBody, CallBody, ConcurrencyBody, PhoneNumberBody } from '../../src/simulator/bodies.js';
import type { ListPage } from '../../src/simulator/listing.js';
import { PATTERNS } from '../../src/simulator/patterns.js';
import type { CallCost } from '../../src/simulator/tariff.js';
import { HOUR_MS, dial, list, read, request, simulate } from '../simulator/support.js';

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
export const asSdkCall = (body: CallBody): SdkCall => {
  const { call_status: _status, disconnection_reason: _reason, call_cost: _cost, ...rest } = body;
  return { ...rest, call_status: 'ended' } satisfies SdkCall;
};
const asSdkItem = (body: CallBody): Retell.CallListResponse.V3PhoneCallResponse => {
  const {
    call_status: _status,
    disconnection_reason: _reason,
    call_cost: _cost,
    transcript: _text,
    transcript_object: _words,
    ...rest
  } = body;
  return { ...rest, call_status: 'ended' } satisfies Retell.CallListResponse.V3PhoneCallResponse;
};
/** A call that never connected costs nothing and says no more than that, whatever the SDK's type promises. */
export const asSdkCost = (cost: Required<CallCost>): SdkCall['call_cost'] => cost satisfies SdkCall['call_cost'];
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

/** Which fields the SDK's type promises always, and which it allows: the compiler refuses a table that differs from the type. */
type Presence<T> = { readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? 'sometimes' : 'always' };

const ITEM: Presence<Retell.CallListResponse.V3PhoneCallResponse> = {
  agent_id: 'always',
  agent_version: 'always',
  call_id: 'always',
  call_status: 'always',
  call_type: 'always',
  direction: 'always',
  from_number: 'always',
  to_number: 'always',
  agent_name: 'sometimes',
  agent_tag: 'sometimes',
  call_analysis: 'sometimes',
  call_cost: 'sometimes',
  collected_dynamic_variables: 'sometimes',
  custom_sip_headers: 'sometimes',
  data_storage_setting: 'sometimes',
  disconnection_reason: 'sometimes',
  duration_ms: 'sometimes',
  end_timestamp: 'sometimes',
  knowledge_base_retrieved_contents_url: 'sometimes',
  latency: 'sometimes',
  llm_token_usage: 'sometimes',
  metadata: 'sometimes',
  opt_in_signed_url: 'sometimes',
  public_log_url: 'sometimes',
  recording_multi_channel_url: 'sometimes',
  recording_url: 'sometimes',
  retell_llm_dynamic_variables: 'sometimes',
  scrubbed_recording_multi_channel_url: 'sometimes',
  scrubbed_recording_url: 'sometimes',
  start_timestamp: 'sometimes',
  telephony_identifier: 'sometimes',
  transfer_destination: 'sometimes',
  transfer_end_timestamp: 'sometimes',
};
const CALL: Presence<SdkCall> = {
  ...ITEM,
  scrubbed_transcript_with_tool_calls: 'sometimes',
  transcript: 'sometimes',
  transcript_object: 'sometimes',
  transcript_with_tool_calls: 'sometimes',
};
const COST: Presence<NonNullable<SdkCall['call_cost']>> = {
  combined_cost: 'always',
  product_costs: 'always',
  total_duration_seconds: 'always',
  total_duration_unit_price: 'always',
};
const ANALYSIS: Presence<NonNullable<SdkCall['call_analysis']>> = {
  call_successful: 'sometimes',
  call_summary: 'sometimes',
  custom_analysis_data: 'sometimes',
  in_voicemail: 'sometimes',
  user_sentiment: 'sometimes',
};

/** What a body that came over the wire has too much, too little, or as null. */
function misfits(body: unknown, presence: Readonly<Record<string, 'always' | 'sometimes'>>): string[] {
  const sent = new Map(Object.entries(body as object));
  return [
    ...[...sent].filter(([key]) => !(key in presence)).map(([key]) => `${key} is none of the SDK's`),
    ...[...sent].filter(([, value]) => value === null).map(([key]) => `${key} is null`),
    ...Object.keys(presence)
      .filter((key) => presence[key] === 'always' && !sent.has(key))
      .map((key) => `${key} is missing`),
  ];
}

describe('bodies on the wire', () => {
  it.each(PATTERNS.map((pattern) => [pattern.digits, pattern] as const))('a call to ...%s fits the SDK at every moment', async (digits) => {
    const simulator = await simulate();
    const extra = { metadata: { attempt_id: 'a' }, retell_llm_dynamic_variables: { nombre: 'Ana' }, custom_sip_headers: { 'X-A': 'b' } };
    const callId = await dial(simulator, `+56911112${digits}`, extra);
    for (const waitMs of [0, 1_000, 25_000, 3 * HOUR_MS]) {
      simulator.advance(waitMs);
      const call = await read(simulator, callId);
      expect(misfits(call, CALL)).toEqual([]);
      const [item] = (await list(simulator)).body['items'] as Record<string, unknown>[];
      expect(misfits(item, ITEM)).toEqual([]);
      if (call['call_analysis'] !== undefined) expect(misfits(call['call_analysis'], ANALYSIS)).toEqual([]);
      if (call['start_timestamp'] === undefined) continue;
      if (call['call_cost'] !== undefined) expect(misfits(call['call_cost'], COST)).toEqual([]);
    }
  });

  it('the concurrency fits as well', async () => {
    const concurrency: Presence<Retell.ConcurrencyRetrieveResponse> = {
      base_concurrency: 'sometimes',
      concurrency_burst_enabled: 'sometimes',
      concurrency_burst_limit: 'sometimes',
      concurrency_limit: 'sometimes',
      concurrency_purchase_limit: 'sometimes',
      current_concurrency: 'sometimes',
      purchased_concurrency: 'sometimes',
      remaining_purchase_limit: 'sometimes',
      reserved_inbound_concurrency: 'sometimes',
    };
    expect(misfits((await request(await simulate(), 'GET', '/get-concurrency')).body, concurrency)).toEqual([]);
  });
});

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
});
