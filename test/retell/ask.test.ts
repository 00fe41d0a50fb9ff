import { afterEach, describe, expect, test } from 'vitest';
import type { Retell, RetellOptions } from '../../src/retell/client.js';
import { json, startHttp } from '../support/http.js';
import type { Answer, HttpServer } from '../support/http.js';
import { clientFor, fakeClock, memoryLog, POLICY } from './support.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(answer: Answer, overrides: Partial<RetellOptions> = {}): Promise<{ server: HttpServer; retell: Retell }> {
  const server = await startHttp(answer);
  const retell = clientFor(server.url, overrides);
  open.push(server, retell);
  return { server, retell };
}

interface ListBody {
  filter_criteria: Record<string, unknown> & { call_id?: { value: string[] } };
  limit: number;
  pagination_key?: string;
}
const bodyOf = (text: string): ListBody => JSON.parse(text) as ListBody;

describe('read', () => {
  const CALL = { call_id: 'call_1', call_status: 'ongoing', start_timestamp: 1_790_000_000_000 };

  test('a call, by its path', async () => {
    const { server, retell } = await start((_request, response) => json(response, 200, CALL));
    expect(await retell.read('call_1')).toMatchObject({ kind: 'call', call: { callId: 'call_1', talking: true } });
    expect(server.received[0]).toMatchObject({ method: 'GET', path: '/v2/get-call/call_1' });
  });

  const answers: [number, unknown, string, number][] = [
    [404, { message: 'gone' }, 'absent', 1],
    [422, { error_message: 'gone' }, 'absent', 1],
    [401, {}, 'account', 1],
    [402, {}, 'account', 1],
    [403, {}, 'account', 1],
    [500, {}, 'unavailable', 3],
    [502, 'html', 'unavailable', 3],
    [429, {}, 'unavailable', 3],
    [418, {}, 'unavailable', 1],
    [200, { hello: 1 }, 'unavailable', 1],
    [200, { ...CALL, call_id: 'call_other' }, 'unavailable', 1],
  ];
  test.each(answers)('P7 %i %j is %s after %i requests', async (status, body, kind, requests) => {
    const { server, retell } = await start((_request, response) => json(response, status, body));
    expect((await retell.read('call_1')).kind).toBe(kind);
    expect(server.received).toHaveLength(requests);
  });

  test('asked again as its policy says, honouring Retry-After where that is longer', async () => {
    const clock = fakeClock(true);
    const { retell } = await start(
      (_request, response, index) => {
        if (index === 0) json(response, 503, {}, { 'retry-after': '2' });
        else if (index === 1) response.destroy();
        else json(response, 200, CALL);
      },
      { clock },
    );
    expect((await retell.read('call_1')).kind).toBe('call');
    expect(clock.slept).toEqual([2_000, 200]);
  });

  test('a longer wait than the policy allows is left to the caller', async () => {
    const { server, retell } = await start((_request, response) => json(response, 503, {}, { 'retry-after': '3600' }));
    expect(await retell.read('call_1')).toMatchObject({ kind: 'unavailable', retryAfterMs: 600_000 });
    expect(server.received).toHaveLength(1);
  });

  test('no faster than its limit', async () => {
    const clock = fakeClock(true);
    const { retell } = await start((_request, response) => json(response, 200, CALL), {
      clock,
      limits: { read: { perSecond: 2, burst: 2 } },
    });
    for (let i = 0; i < 4; i += 1) await retell.read('call_1');
    expect(clock.slept).toEqual([500, 500]);
  });

  test('a 429 holds back the other questions of its kind too', async () => {
    const clock = fakeClock(true);
    const { retell } = await start(
      (_request, response, index) => {
        if (index === 0) json(response, 429, {}, { 'retry-after': '3' });
        else json(response, 200, CALL);
      },
      { clock, read: { ...POLICY, tries: 1 } },
    );
    expect(await retell.read('call_1')).toMatchObject({ kind: 'unavailable', retryAfterMs: 3_000 });
    expect(clock.slept).toEqual([]);
    expect((await retell.read('call_1')).kind).toBe('call');
    expect(clock.slept).toEqual([3_000]);
  });

  test('a signal and close() both end it', async () => {
    const { server, retell } = await start(() => {});
    const stop = new AbortController();
    const first = retell.read('call_1', stop.signal);
    await server.arrived(1);
    stop.abort();
    expect((await first).kind).toBe('unavailable');
    const second = retell.read('call_1', new AbortController().signal);
    await server.arrived(2);
    await retell.close();
    expect((await second).kind).toBe('unavailable');
    expect(server.received).toHaveLength(2);
  });

  test('P8 the log line has the template of the path and the id in a field of its own', async () => {
    const log = memoryLog();
    const { retell } = await start(
      (_request, response) => json(response, 200, { ...CALL, to_number: '+56911112222', transcript: 'User: si' }),
      { log },
    );
    await retell.read('call_1');
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]?.fields).toMatchObject({ method: 'GET', path: '/v2/get-call/:call_id', call_id: 'call_1', status: 200 });
    expect(JSON.stringify(log.lines)).not.toMatch(/56911112222|User/);
  });
});

describe('listByIds', () => {
  test('a thousand per request, only those asked for', async () => {
    const { server, retell } = await start((request, response) => {
      const ids = bodyOf(request.body).filter_criteria.call_id?.value ?? [];
      json(response, 200, {
        items: [...ids.map((call_id) => ({ call_id, call_status: 'ongoing' })), { call_id: 'stranger' }],
        has_more: false,
      });
    });
    const ids = Array.from({ length: 2_500 }, (_, index) => `call_${index}`);
    const reply = await retell.listByIds([...ids, 'call_0']);
    expect(reply.kind === 'calls' && reply.calls.map((call) => call.callId)).toEqual(ids);
    expect(reply).toMatchObject({ complete: true });
    const bodies = server.received.map((request) => bodyOf(request.body));
    expect(bodies.map((body) => body.filter_criteria.call_id?.value.length)).toEqual([1000, 1000, 500]);
    expect(bodies[0]).toMatchObject({ limit: 1000, filter_criteria: { call_id: { type: 'enum', op: 'in' } } });
    expect(server.received[0]).toMatchObject({ method: 'POST', path: '/v3/list-calls' });
  });

  test('nothing to ask is nothing asked', async () => {
    const { server, retell } = await start(() => {});
    expect(await retell.listByIds([])).toEqual({ kind: 'calls', calls: [], complete: true });
    expect(server.received).toHaveLength(0);
  });

  test('an outage on the way keeps what was found, as incomplete; a refused account is said at once', async () => {
    const failing =
      (status: number): Answer =>
      (request, response, index) => {
        const ids = bodyOf(request.body).filter_criteria.call_id?.value ?? [];
        if (index === 0) json(response, 200, { items: ids.map((call_id) => ({ call_id })), has_more: false });
        else json(response, status, {});
      };
    const ids = Array.from({ length: 1_001 }, (_, index) => `call_${index}`);
    const outage = await start(failing(500));
    expect(await outage.retell.listByIds(ids)).toMatchObject({ kind: 'calls', complete: false });
    const refused = await start(failing(401));
    expect((await refused.retell.listByIds(ids)).kind).toBe('account');
  });
});

describe('listByAttempt', () => {
  const mine = (call_id: string, extra: object = {}): object => ({ call_id, metadata: { attempt_id: 'T' }, ...extra });

  test('asks by metadata alone and reads every page', async () => {
    const { server, retell } = await start((request, response) => {
      const { pagination_key: key } = bodyOf(request.body);
      if (key === undefined) json(response, 200, { items: [mine('a')], has_more: true, pagination_key: 'k1' });
      else json(response, 200, { items: [mine('b'), mine('a')], has_more: false });
    });
    const reply = await retell.listByAttempt('T');
    expect(reply).toMatchObject({ kind: 'calls', complete: true });
    expect(reply.kind === 'calls' && reply.calls.map((call) => call.callId)).toEqual(['a', 'b']);
    expect(bodyOf(server.received[0]?.body ?? '').filter_criteria).toEqual({
      metadata: [{ key: 'attempt_id', type: 'string', op: 'eq', value: 'T' }],
    });
  });

  const silences: [string, unknown, boolean | 'unavailable'][] = [
    ['an empty end', { items: [], has_more: false }, true],
    ['an empty page without has_more', { items: [] }, true],
    ['more without a key', { items: [], has_more: true }, false],
    ['an item that cannot be read', { items: [{ status: 'x' }], has_more: false }, false],
    ['no items', { has_more: false }, 'unavailable'],
    ['a bare array, as older versions answer', [], true],
    ['items that are no list', { items: {}, has_more: false }, 'unavailable'],
    ['an error that says 200', { status: 'error', message: 'x' }, 'unavailable'],
    ['another shape', { calls: [] }, 'unavailable'],
  ];
  test.each(silences)('P1 an empty answer is proof only when it is whole: %s', async (_name, body, expected) => {
    const { retell } = await start((_request, response) => json(response, 200, body));
    const reply = await retell.listByAttempt('T');
    expect(reply).toMatchObject(expected === 'unavailable' ? { kind: 'unavailable' } : { kind: 'calls', calls: [], complete: expected });
  });

  test('P1 a fault on a later page, and a cursor that comes back, are no complete answer', async () => {
    const fault = await start((_request, response, index) => {
      if (index === 0) json(response, 200, { items: [mine('a')], has_more: true, pagination_key: 'k' });
      else json(response, 500, {});
    });
    expect(await fault.retell.listByAttempt('T')).toMatchObject({ kind: 'calls', calls: [{ callId: 'a' }], complete: false });
    const circle = await start((_request, response) => json(response, 200, { items: [], has_more: true, pagination_key: 'k' }));
    expect(await circle.retell.listByAttempt('T')).toEqual({ kind: 'calls', calls: [], complete: false });
    expect(circle.server.received).toHaveLength(2);
  });

  test("P1 a filter that is not honoured never brings somebody else's call", async () => {
    const { retell } = await start((_request, response) =>
      json(response, 200, { items: [{ call_id: 'x', metadata: { attempt_id: 'U' } }, mine('a')], has_more: false }),
    );
    expect(await retell.listByAttempt('T')).toMatchObject({ complete: true, calls: [{ callId: 'a' }] });
  });

  test('a list without metadata is looked through call by call; one that cannot be read leaves it incomplete', async () => {
    const { retell } = await start((request, response) => {
      if (request.path === '/v3/list-calls')
        json(response, 200, { items: [{ call_id: 'a' }, { call_id: 'b' }, { call_id: 'c' }], has_more: false });
      else if (request.path.endsWith('/a')) json(response, 200, mine('a'));
      else if (request.path.endsWith('/b')) json(response, 200, { call_id: 'b', metadata: { attempt_id: 'U' } });
      else json(response, 404, {});
    });
    expect(await retell.listByAttempt('T')).toMatchObject({ kind: 'calls', calls: [{ callId: 'a' }], complete: false });
  });

  test('P1 a provider that keeps no metadata: a call to the number since the intent is the one looked for, no other is', async () => {
    const at = Date.UTC(2026, 10, 21, 12);
    const calls = [
      { call_id: 'ours', to_number: '+56911112222', start_timestamp: at + 1_000 },
      { call_id: 'ringing', to_number: '+56911112222', call_status: 'registered' },
      { call_id: 'busy yesterday', to_number: '+56911112222', call_status: 'not_connected', disconnection_reason: 'dial_busy' },
      { call_id: 'earlier', to_number: '+56911112222', start_timestamp: at - 1_000 },
      { call_id: 'elsewhere', to_number: '+56911113333', start_timestamp: at + 1_000 },
      ...Array.from({ length: 30 }, (_, n) => ({ call_id: `other-${n}`, to_number: '+56911114444', start_timestamp: at + 1_000 })),
      { call_id: 'marked', to_number: '+56911112222', start_timestamp: at + 1_000, metadata: {} },
    ];
    const { retell } = await start((request, response) => {
      if (request.path === '/v3/list-calls') json(response, 200, { items: calls.toReversed(), has_more: false });
      else
        json(
          response,
          200,
          calls.find(({ call_id: id }) => request.path.endsWith(`/${encodeURIComponent(id)}`)),
        );
    });
    const found = async (...unmarked: [] | [{ to: string; since: Date }]): Promise<unknown> => {
      const reply = await retell.listByAttempt('T', undefined, ...unmarked);
      return reply.kind === 'calls' && reply.complete && reply.calls.map(({ callId }) => callId);
    };
    expect(await found({ to: '+56911112222', since: new Date(at) })).toEqual(['ringing', 'ours']);
    // By their metadata alone there are too many to be read.
    expect(await found()).toBe(false);
  });
});

test('listByNumber leaves out what began before, keeps what never began and what is to another number not', async () => {
  const since = new Date(1_790_000_000_000);
  const to_number = '+56911112222';
  const { server, retell } = await start((_request, response) =>
    json(response, 200, {
      items: [
        { call_id: 'old', to_number, start_timestamp: 1_789_999_999_999 },
        { call_id: 'new', to_number, start_timestamp: 1_790_000_000_000 },
        { call_id: 'never', to_number, call_status: 'not_connected' },
        { call_id: 'other', to_number: '+56933334444' },
      ],
      has_more: false,
    }),
  );
  const reply = await retell.listByNumber(to_number, since);
  expect(reply.kind === 'calls' && reply.calls.map((call) => call.callId)).toEqual(['new', 'never']);
  expect(bodyOf(server.received[0]?.body ?? '').filter_criteria).toEqual({ to_number: { type: 'string', op: 'eq', value: to_number } });
});

describe('stop', () => {
  test.each([
    [204, 'stopped'],
    [200, 'stopped'],
    [404, 'absent'],
    [422, 'absent'],
    [401, 'account'],
  ])('%i is %s, one request without a body', async (status, kind) => {
    const { server, retell } = await start((_request, response) => {
      response.writeHead(status);
      response.end();
    });
    expect((await retell.stop('call_1')).kind).toBe(kind);
    expect(server.received).toHaveLength(1);
    expect(server.received[0]).toMatchObject({ method: 'POST', path: '/v2/stop-call/call_1', body: '' });
  });

  test('is asked again when the answer is lost', async () => {
    const { server, retell } = await start((_request, response, index) => {
      if (index === 0) response.destroy();
      else {
        response.writeHead(204);
        response.end();
      }
    });
    expect(await retell.stop('call_1')).toEqual({ kind: 'stopped' });
    expect(server.received).toHaveLength(2);
  });
});

describe('concurrency', () => {
  const table: [object, object][] = [
    [
      { current_concurrency: 3, concurrency_limit: 20 },
      { kind: 'headroom', free: 17, limit: 20, current: 3 },
    ],
    [
      { current_concurrency: '3', concurrency_limit: 20, reserved_inbound_concurrency: 5 },
      { kind: 'headroom', free: 12 },
    ],
    [
      { current_concurrency: 25, concurrency_limit: 20, concurrency_burst_enabled: true, concurrency_burst_limit: 60 },
      { free: 35, limit: 60 },
    ],
    [
      { current_concurrency: 25, concurrency_limit: 20, concurrency_burst_enabled: false, concurrency_burst_limit: 60 },
      { free: 0, limit: 20 },
    ],
    [{ concurrency_limit: 20 }, { kind: 'unknown' }],
  ];
  test.each(table)('%j', async (body, expected) => {
    const { retell } = await start((_request, response) => json(response, 200, body));
    expect(await retell.concurrency()).toMatchObject(expected);
  });
  test('unknown when it cannot be asked', async () => {
    const { retell } = await start((_request, response) => json(response, 500, {}), { read: { ...POLICY, tries: 1 } });
    expect((await retell.concurrency()).kind).toBe('unknown');
  });
});

test.each([
  [200, 'ok'],
  [401, 'account'],
  [500, 'unavailable'],
] as const)('a probe at a provider that knows no such path asks for a list: %i says %s', async (status, expected) => {
  const { server, retell } = await start((request, response) =>
    json(response, request.path === '/get-api-key-info' ? 404 : status, { items: [], has_more: false }),
  );
  expect(await retell.probe()).toBe(expected);
  expect(server.received.map((request) => request.path)).toEqual(['/get-api-key-info', '/v3/list-calls']);
});

test.each([
  [200, 'ok'],
  [401, 'account'],
  [500, 'unavailable'],
  [429, 'unavailable'],
] as const)('a probe that gets %i says %s, with one request', async (status, expected) => {
  const { server, retell } = await start((_request, response) => json(response, status, {}));
  expect(await retell.probe()).toBe(expected);
  expect(server.received.map((request) => request.path)).toEqual(['/get-api-key-info']);
});
