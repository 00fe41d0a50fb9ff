/** The replies' shapes. Fields that have no value yet are left out, never null: that is how the provider says it. */
import type { SimulatedCall } from './call.js';
import { NO_COST, costOf } from './tariff.js';
import type { CallCost } from './tariff.js';
import { analysisOf, collectedOf, linesOf, transcriptOf } from './talk.js';
import type { CallAnalysis } from './talk.js';

export interface CallBody {
  readonly call_id: string;
  readonly call_type: 'phone_call';
  readonly direction: 'outbound';
  readonly agent_id: string;
  readonly agent_version: number;
  readonly agent_name: string;
  readonly from_number: string;
  readonly to_number: string;
  readonly call_status: string;
  readonly metadata?: unknown;
  readonly retell_llm_dynamic_variables?: Record<string, string>;
  readonly custom_sip_headers?: Record<string, string>;
  readonly start_timestamp?: number;
  readonly end_timestamp?: number;
  readonly duration_ms?: number;
  readonly disconnection_reason?: string;
  readonly transcript?: string;
  readonly transcript_object?: { role: 'agent' | 'user'; content: string; words: { word: string; start: number; end: number }[] }[];
  readonly recording_url?: string;
  readonly public_log_url?: string;
  readonly collected_dynamic_variables?: Record<string, string>;
  readonly call_analysis?: CallAnalysis;
  readonly call_cost?: CallCost;
  readonly latency?: { e2e: { p50: number; p90: number; min: number; max: number; num: number; values: number[] } };
}

/** `transcript: false` for lists, which carry none. */
export function callBody(call: SimulatedCall, seed: string, include: { readonly transcript: boolean }): CallBody {
  const { request } = call;
  const base: CallBody = {
    call_id: call.id,
    call_type: 'phone_call',
    direction: 'outbound',
    agent_id: request.agentId,
    agent_version: request.agentVersion,
    agent_name: 'Simulated agent',
    from_number: request.from,
    to_number: request.to,
    call_status: call.status,
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(request.variables === null ? {} : { retell_llm_dynamic_variables: { ...request.variables } }),
    ...(request.sipHeaders === null ? {} : { custom_sip_headers: { ...request.sipHeaders } }),
    ...(call.startedAtMs === null ? {} : { start_timestamp: call.startedAtMs }),
  };
  if (call.live) return base;
  const connected = call.startedAtMs !== null;
  const lines = connected && include.transcript ? linesOf(call, seed) : [];
  const collected = collectedOf(call, seed);
  return {
    ...base,
    duration_ms: call.durationMs,
    ...(connected && call.endedAtMs !== null ? { end_timestamp: call.endedAtMs } : {}),
    ...(call.reason === null ? {} : { disconnection_reason: call.reason }),
    ...(include.transcript ? { transcript: transcriptOf(lines) } : {}),
    ...(include.transcript && connected ? { transcript_object: lines.map((line) => ({ ...line, words: [] })) } : {}),
    public_log_url: `https://recordings.invalid/${call.id}/log.txt`,
    ...(connected ? { recording_url: `https://recordings.invalid/${call.id}/recording.wav` } : {}),
    ...(collected === null ? {} : { collected_dynamic_variables: collected }),
    ...(call.analysed ? { call_analysis: analysisOf(call, seed) } : {}),
    ...(call.outcome.cost ? { call_cost: connected ? costOf(call.durationMs, call.outcome.costCents) : NO_COST } : {}),
    ...(connected ? { latency: { e2e: { p50: 900, p90: 1400, min: 600, max: 1700, num: 3, values: [600, 900, 1700] } } } : {}),
  };
}

export interface AgentBody {
  readonly agent_id: string;
  readonly version: number;
  readonly agent_name: string;
  readonly is_published: boolean;
  readonly language: 'es-419';
  readonly voice_id: string;
  readonly response_engine: { readonly type: 'retell-llm'; readonly llm_id: string; readonly version: number };
  readonly max_call_duration_ms: number;
  readonly ring_duration_ms: number;
  readonly last_modification_timestamp: number;
}

export function agentBody(agentId: string, version: number): AgentBody {
  return {
    agent_id: agentId,
    version,
    agent_name: 'Simulated agent',
    is_published: true,
    language: 'es-419',
    voice_id: '11labs-Adrian',
    response_engine: { type: 'retell-llm', llm_id: 'llm_simulated', version: 0 },
    max_call_duration_ms: 3_600_000,
    ring_duration_ms: 30_000,
    last_modification_timestamp: 1_750_000_000_000,
  };
}

export interface PhoneNumberBody {
  readonly phone_number: string;
  readonly phone_number_pretty: string;
  readonly phone_number_type: 'custom';
  readonly nickname: string;
  readonly outbound_agents: { agent_id: string; weight: number; agent_version: number }[];
  readonly last_modification_timestamp: number;
}

export function phoneNumberBody(number: string, agentId: string): PhoneNumberBody {
  return {
    phone_number: number,
    phone_number_pretty: number,
    phone_number_type: 'custom',
    nickname: 'Simulated number',
    outbound_agents: [{ agent_id: agentId, weight: 1, agent_version: 0 }],
    last_modification_timestamp: 1_750_000_000_000,
  };
}

export interface ConcurrencyBody {
  readonly current_concurrency: number;
  readonly concurrency_limit: number;
  readonly base_concurrency: number;
  readonly purchased_concurrency: number;
  readonly concurrency_purchase_limit: number;
  readonly remaining_purchase_limit: number;
  readonly concurrency_burst_enabled: boolean;
  readonly concurrency_burst_limit: number;
  readonly reserved_inbound_concurrency: number;
}

export function concurrencyBody(current: number, limit: number): ConcurrencyBody {
  return {
    current_concurrency: current,
    concurrency_limit: limit,
    base_concurrency: limit,
    purchased_concurrency: 0,
    concurrency_purchase_limit: 0,
    remaining_purchase_limit: 0,
    concurrency_burst_enabled: false,
    concurrency_burst_limit: 0,
    reserved_inbound_concurrency: 0,
  };
}
