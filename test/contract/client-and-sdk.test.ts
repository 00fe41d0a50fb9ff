/** What our client sends is what the official SDK would send for the same wish: both are recorded by the simulator and compared. */
import Retell from 'retell-sdk';
import { expect, it, onTestFinished } from 'vitest';
import type { CallOrder, Retell as Client } from '../../src/retell/client.js';
import type { KeptRequest } from '../../src/simulator/exchange.js';
import type { Simulator } from '../../src/simulator/server.js';
import { clientFor } from '../retell/support.js';
import { FROM, simulate } from '../simulator/support.js';

const ORDER: CallOrder = {
  from: FROM,
  to: '+56911112900',
  agentId: 'agent_1',
  ringMs: 35_000,
  maxDurationMs: 600_000,
  variables: { nombre: 'Ana' },
  metadata: { job_id: 'j1', attempt_id: 'a1', batch_id: 'b1', runner: 'r1' },
};

const SDK_ORDER = {
  from_number: FROM,
  to_number: '+56911112900',
  override_agent_id: 'agent_1',
  agent_override: { agent: { ring_duration_ms: 35_000, max_call_duration_ms: 600_000 } },
  metadata: { job_id: 'j1', attempt_id: 'a1', batch_id: 'b1', runner: 'r1' },
  retell_llm_dynamic_variables: { nombre: 'Ana' },
} satisfies Retell.CallCreatePhoneCallParams;

const ids = { type: 'enum', op: 'in', value: ['call_1', 'call_2'] } as const;
const attempt = { key: 'attempt_id', type: 'string', op: 'eq', value: 'a1' } as const;
const number = { type: 'string', op: 'eq', value: '+56911112900' } as const;

/** Bodies as far as the SDK's types know them: the compiler holds the right side, the comparison below holds the left one to it. */
const WISHES: readonly [string, (client: Client) => Promise<unknown>, (sdk: Retell) => Promise<unknown>][] = [
  ['place a call', (client) => client.place(ORDER, () => true), (sdk) => sdk.call.createPhoneCall(SDK_ORDER)],
  ['read a call', (client) => client.read('call_1'), (sdk) => sdk.call.retrieve('call_1')],
  [
    'list by ids',
    (client) => client.listByIds(['call_1', 'call_2']),
    (sdk) => sdk.call.list({ filter_criteria: { call_id: { ...ids, value: [...ids.value] } }, limit: 1000 }),
  ],
  [
    'list by attempt',
    (client) => client.listByAttempt('a1'),
    (sdk) => sdk.call.list({ filter_criteria: { metadata: [attempt] }, limit: 1000 }),
  ],
  [
    'list by number',
    (client) => client.listByNumber('+56911112900', new Date(0)),
    (sdk) => sdk.call.list({ filter_criteria: { to_number: number }, limit: 1000 }),
  ],
  ['stop a call', (client) => client.stop('call_1'), (sdk) => sdk.call.stop('call_1')],
  ['ask for the concurrency', (client) => client.concurrency(), (sdk) => sdk.concurrency.retrieve()],
  ['ask whether the key is good', (client) => client.probe(), (sdk) => sdk.identity.retrieve()],
];

async function recorded(simulator: Simulator, send: () => Promise<unknown>): Promise<KeptRequest> {
  const before = simulator.requests().length;
  // Unknown calls are refused; only what was sent matters here.
  await send().catch(() => undefined);
  const sent = simulator.requests().slice(before);
  expect(sent).toHaveLength(1);
  const [only] = sent;
  if (only === undefined) throw new Error('nothing was sent');
  return only;
}

it.each(WISHES)('%s: client and SDK send the same', async (_wish, ask, askSdk) => {
  const simulator = await simulate({ switches: { keepRequests: 100 } });
  const client = clientFor(simulator.url, { apiKey: 'key_1' });
  onTestFinished(() => client.close());
  const sdk = new Retell({ apiKey: 'key_1', baseURL: simulator.url, maxRetries: 0 });

  const ours = await recorded(simulator, () => ask(client));
  const theirs = await recorded(simulator, () => askSdk(sdk));
  expect(ours.method).toBe(theirs.method);
  expect(ours.path).toBe(theirs.path);
  expect(ours.headers['authorization']).toBe(theirs.headers['authorization']);
  expect(ours.body === '' ? null : JSON.parse(ours.body)).toEqual(theirs.body === '' ? null : JSON.parse(theirs.body));
  // What a request without a body calls its content says nothing.
  expect(ours.body === '' ? null : ours.headers['content-type']).toBe(theirs.body === '' ? null : theirs.headers['content-type']);
});

it('our client understands what the simulator answers, to the end of a call', async () => {
  const simulator = await simulate();
  const client = clientFor(simulator.url);
  onTestFinished(() => client.close());
  const placed = await client.place(ORDER, () => true);
  if (placed.kind !== 'placed') throw new Error(placed.kind);
  expect(placed.call).toMatchObject({ live: true, talking: false, toNumber: ORDER.to });
  simulator.advance(21_000);
  expect(await client.listByAttempt('a1')).toMatchObject({
    complete: true,
    calls: [{ callId: placed.call.callId, live: true, talking: true }],
  });
  simulator.advance(3_600_000);
  expect(await client.read(placed.call.callId)).toMatchObject({
    kind: 'call',
    call: { live: false, reason: 'agent_hangup', userSpoke: true, inVoicemail: false, analysis: { call_successful: true } },
  });
  expect(await client.stop('call_unknown')).toMatchObject({ kind: 'absent' });
});
