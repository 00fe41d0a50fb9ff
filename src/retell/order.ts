/** The body of a create: the provider's own field names (`agent_id` and `ring_timeout` are none, it would ignore them without a word). */
export interface CallOrder {
  readonly from: string;
  readonly to: string;
  /** null: the agent bound to the caller's number. */
  readonly agentId: string | null;
  readonly ringMs: number;
  readonly maxDurationMs: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const RING_MS = { least: 5_000, most: 300_000 };
const DURATION_MS = { least: 60_000, most: 7_200_000 };

/** Out of range the whole call would be refused, for a figure nobody meant as a reason not to call. */
const within = (value: number, range: { least: number; most: number }): number =>
  Math.round(Math.min(range.most, Math.max(range.least, value)));

export function orderBody(order: CallOrder): Record<string, unknown> {
  return {
    from_number: order.from,
    to_number: order.to,
    ...(order.agentId === null ? {} : { override_agent_id: order.agentId }),
    agent_override: {
      agent: {
        ring_duration_ms: within(order.ringMs, RING_MS),
        max_call_duration_ms: within(order.maxDurationMs, DURATION_MS),
      },
    },
    metadata: order.metadata,
    retell_llm_dynamic_variables: order.variables,
  };
}
