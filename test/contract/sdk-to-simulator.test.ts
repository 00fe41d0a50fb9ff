/** The official SDK, retries off, works against the simulator on every path the daemon uses, and its errors are the provider's. */
import Retell from 'retell-sdk';
import { describe, expect, it } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/options.js';
import type { Simulator } from '../../src/simulator/server.js';
import { FROM, HOUR_MS, simulate } from '../simulator/support.js';

async function both(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; sdk: Retell }> {
  const simulator = await simulate(options);
  return { simulator, sdk: new Retell({ apiKey: 'key_1', baseURL: simulator.url, maxRetries: 0, timeout: 2_000 }) };
}

const ORDER = { from_number: FROM, to_number: '+56911112900' } satisfies Retell.CallCreatePhoneCallParams;

describe('the SDK against the simulator', () => {
  it('places a call and follows it to its end', async () => {
    const { simulator, sdk } = await both();
    const placed = await sdk.call.createPhoneCall({
      ...ORDER,
      override_agent_id: 'agent_1',
      agent_override: { agent: { ring_duration_ms: 40_000, max_call_duration_ms: 600_000 } },
      metadata: { attempt_id: 'a1' },
      retell_llm_dynamic_variables: { nombre: 'Ana', monto_total: '$ 120.000' },
    });
    expect(placed).toMatchObject({ call_status: 'registered', agent_id: 'agent_1', metadata: { attempt_id: 'a1' } });
    simulator.advance(HOUR_MS);
    const ended = await sdk.call.retrieve(placed.call_id);
    expect(ended).toMatchObject({
      call_status: 'ended',
      disconnection_reason: 'agent_hangup',
      collected_dynamic_variables: { monto_pago_cliente: '120000' },
      call_analysis: { call_successful: true },
    });
    expect(ended.call_cost?.combined_cost).toBeGreaterThan(0);
    expect(ended.transcript).toContain('Ana');
  });

  it('lists by metadata, by number and by ids, page by page', async () => {
    const { sdk } = await both();
    const placed: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      placed.push((await sdk.call.createPhoneCall({ ...ORDER, to_number: `+5691111000${n}`, metadata: { attempt_id: `a${n}` } })).call_id);
    }
    const byAttempt = await sdk.call.list({
      filter_criteria: { metadata: [{ key: 'attempt_id', type: 'string', op: 'eq', value: 'a3' }] },
    });
    expect(byAttempt.items.map((item) => item.call_id)).toEqual([placed[3]]);
    const byNumber = await sdk.call.list({ filter_criteria: { to_number: { type: 'string', op: 'eq', value: '+56911110002' } } });
    expect(byNumber.items.map((item) => item.call_id)).toEqual([placed[2]]);
    const first = await sdk.call.list({
      filter_criteria: { call_id: { type: 'enum', op: 'in', value: placed } },
      limit: 3,
      include_total: true,
    });
    expect(first).toMatchObject({ has_more: true, total: 5, pagination_key: expect.any(String) });
    const rest = await sdk.call.list({
      filter_criteria: { call_id: { type: 'enum', op: 'in', value: placed } },
      limit: 3,
      ...(first.pagination_key === undefined ? {} : { pagination_key: first.pagination_key }),
    });
    expect(new Set([...first.items, ...rest.items].map((item) => item.call_id))).toEqual(new Set(placed));
    expect(rest.has_more).toBe(false);
  });

  it('stops a live call', async () => {
    const { simulator, sdk } = await both();
    const { call_id: callId } = await sdk.call.createPhoneCall(ORDER);
    simulator.advance(21_000);
    await sdk.call.stop(callId);
    expect(await sdk.call.retrieve(callId)).toMatchObject({ call_status: 'ended', disconnection_reason: 'manual_stopped' });
  });

  it('reads concurrency, agent, numbers and the key', async () => {
    const { sdk } = await both({ concurrency: 20, agents: ['agent_1'], numbers: [FROM] });
    expect(await sdk.concurrency.retrieve()).toMatchObject({ current_concurrency: 0, concurrency_limit: 20 });
    expect(await sdk.agent.retrieve('agent_1')).toMatchObject({ agent_id: 'agent_1' });
    expect((await sdk.phoneNumber.list()).items.map((item) => item.phone_number)).toEqual([FROM]);
    expect(await sdk.phoneNumber.retrieve(FROM)).toMatchObject({ phone_number: FROM });
    expect(await sdk.identity.retrieve()).toMatchObject({ api_key_name: expect.any(String), org_name: expect.any(String) });
  });

  it.each([
    ['400', { kind: 'status', status: 400 }, Retell.BadRequestError],
    ['401', { kind: 'status', status: 401 }, Retell.AuthenticationError],
    ['402', { kind: 'status', status: 402 }, Retell.APIError],
    ['422', { kind: 'status', status: 422 }, Retell.UnprocessableEntityError],
    ['429', { kind: 'status', status: 429, retryAfterSeconds: 1 }, Retell.RateLimitError],
    ['500 after accepting', { kind: 'accept-500' }, Retell.InternalServerError],
    ['an HTML 502', { kind: 'html502' }, Retell.InternalServerError],
    ['an empty 500', { kind: 'empty500' }, Retell.InternalServerError],
    ['a reset', { kind: 'accept-drop' }, Retell.APIConnectionError],
  ] as const)('takes %s for what it is', async (_what, fault, error) => {
    const { simulator, sdk } = await both();
    simulator.addFault(fault);
    await expect(sdk.call.createPhoneCall(ORDER)).rejects.toBeInstanceOf(error);
  });

  it('takes the simulator’s own refusals for what they are', async () => {
    const { simulator, sdk } = await both({ key: 'key_1', concurrency: 1, agents: ['agent_1'] });
    await expect(sdk.call.retrieve('call_unknown')).rejects.toBeInstanceOf(Retell.UnprocessableEntityError);
    await expect(sdk.call.createPhoneCall({ ...ORDER, to_number: '123' })).rejects.toBeInstanceOf(Retell.BadRequestError);
    await expect(sdk.call.createPhoneCall({ ...ORDER, override_agent_id: 'x' })).rejects.toBeInstanceOf(Retell.UnprocessableEntityError);
    await sdk.call.createPhoneCall(ORDER);
    await expect(sdk.call.createPhoneCall({ ...ORDER, to_number: '+56911112901' })).rejects.toBeInstanceOf(Retell.RateLimitError);
    const stranger = new Retell({ apiKey: 'key_2', baseURL: simulator.url, maxRetries: 0 });
    await expect(stranger.concurrency.retrieve()).rejects.toBeInstanceOf(Retell.AuthenticationError);
  });

  it('gives up on a late reply, and the call is there all the same', async () => {
    const { simulator } = await both();
    simulator.addFault({ kind: 'accept-late', delayMs: 60_000 });
    const hasty = new Retell({ apiKey: 'key_1', baseURL: simulator.url, maxRetries: 0, timeout: 40 });
    await expect(hasty.call.createPhoneCall(ORDER)).rejects.toBeInstanceOf(Retell.APIConnectionTimeoutError);
    expect(simulator.figures().dials).toBe(1);
  });
});
