/** Reads the body of create-phone-call as strictly as the provider does. */
import type { PlaceRequest } from './call.js';

export type CreateReading =
  | { readonly kind: 'place'; readonly request: PlaceRequest }
  | { readonly kind: 'invalid'; readonly status: 400 | 422; readonly why: string };

export interface Workspace {
  /** null: any E.164 number may call. */
  readonly numbers: readonly string[] | null;
  /** null: any agent. */
  readonly agents: readonly string[] | null;
}

export const DEFAULT_AGENT = 'agent_simulated';

export const E164 = /^\+[1-9]\d{6,14}$/;
const METADATA_LIMIT_BYTES = 50_000;
const RING_DEFAULT_MS = 30_000;
const MAX_DURATION_DEFAULT_MS = 3_600_000;

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (why: string, status: 400 | 422 = 400): CreateReading => ({ kind: 'invalid', status, why });

export function readCreate(content: unknown, workspace: Workspace): CreateReading {
  if (!isFields(content)) return invalid('body must be object');
  const { from_number: from, to_number: to, metadata } = content;
  if (typeof from !== 'string') return invalid("body must have required property 'from_number'");
  if (typeof to !== 'string') return invalid("body must have required property 'to_number'");
  const unchecked = content['ignore_e164_validation'] ?? false;
  if (typeof unchecked !== 'boolean') return invalid('body/ignore_e164_validation must be boolean');
  if (!E164.test(to)) return invalid(`to_number ${to} is not a valid E.164 number`);
  // Numbers of a telephony of one's own may look like anything; whom they call may not.
  if (!unchecked && !E164.test(from)) return invalid(`from_number ${from} is not a valid E.164 number`);
  if (metadata !== undefined && Buffer.byteLength(JSON.stringify(metadata)) > METADATA_LIMIT_BYTES)
    return invalid('metadata must be at most 50kB');

  const variables = strings(content['retell_llm_dynamic_variables']);
  if (variables === 'invalid') return invalid('body/retell_llm_dynamic_variables values must be string');
  const sipHeaders = strings(content['custom_sip_headers']);
  if (sipHeaders === 'invalid') return invalid('body/custom_sip_headers values must be string');

  const { agent_override: override = {} } = content;
  if (!isFields(override)) return invalid('body/agent_override must be object');
  const { agent: settings = {} } = override;
  if (!isFields(settings)) return invalid('body/agent_override/agent must be object');
  const { ring_duration_ms: ringLimitMs = RING_DEFAULT_MS, max_call_duration_ms: maxDurationMs = MAX_DURATION_DEFAULT_MS } = settings;
  if (!isWithin(ringLimitMs, 5_000, 300_000)) return invalid('body/agent_override/agent/ring_duration_ms must be 5000 to 300000');
  if (!isWithin(maxDurationMs, 60_000, 7_200_000))
    return invalid('body/agent_override/agent/max_call_duration_ms must be 60000 to 7200000');

  const { override_agent_id: agentId = workspace.agents?.[0] ?? DEFAULT_AGENT, override_agent_version: version } = content;
  if (typeof agentId !== 'string') return invalid('body/override_agent_id must be string');
  if (version !== undefined && typeof version !== 'number' && typeof version !== 'string')
    return invalid('body/override_agent_version must be number or string');
  if (workspace.agents !== null && !workspace.agents.includes(agentId)) return invalid(`agent ${agentId} not found`, 422);
  if (workspace.numbers !== null && !workspace.numbers.includes(from)) return invalid(`from_number ${from} not found`, 422);
  return {
    kind: 'place',
    request: {
      to,
      from,
      agentId,
      agentVersion: versionOf(version),
      metadata,
      variables,
      sipHeaders,
      ringLimitMs,
      maxDurationMs,
    },
  };
}

/** A number, also written as text; a tag (`latest`, `prod`) and nothing mean the only version there is otherwise. */
export function versionOf(version: string | number | null | undefined): number {
  const given = typeof version === 'string' && version.trim() !== '' ? Number(version) : version;
  return typeof given === 'number' && Number.isInteger(given) && given >= 0 ? given : 0;
}

function strings(value: unknown): Record<string, string> | null | 'invalid' {
  if (value === undefined) return null;
  if (!isFields(value)) return 'invalid';
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : 'invalid';
}

const isWithin = (value: unknown, low: number, high: number): value is number => typeof value === 'number' && value >= low && value <= high;
