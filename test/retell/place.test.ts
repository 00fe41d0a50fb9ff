import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Retell } from '../../src/retell/client.js';
import type { RetellOptions } from '../../src/retell/client.js';
import { closedPort, json, startHttp, startTcp } from '../support/http.js';
import type { Answer, HttpServer, TcpServer } from '../support/http.js';
import { clientFor, memoryLog, ORDER, settled } from './support.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function http(answer: Answer, overrides: Partial<RetellOptions> = {}): Promise<{ server: HttpServer; retell: Retell }> {
  const server = await startHttp(answer);
  const retell = clientFor(server.url, overrides);
  open.push(server, retell);
  return { server, retell };
}

async function tcp(
  onData?: Parameters<typeof startTcp>[0],
  overrides: Partial<RetellOptions> = {},
): Promise<{ server: TcpServer; retell: Retell }> {
  const server = await startTcp(onData);
  const retell = clientFor(server.url, overrides);
  open.push(server, retell);
  return { server, retell };
}

const containing = (text: string): unknown => expect.stringContaining(text);
const yes = (): boolean => true;
const CREATED = { call_id: 'call_1', call_status: 'registered', to_number: ORDER.to };
const postsIn = (text: string): number => text.split('POST /v2/create-phone-call').length - 1;

describe('what is sent', () => {
  test('the order under the names the provider knows, with strings only and its limits kept', async () => {
    const { server, retell } = await http((_request, response) => json(response, 201, CREATED));
    const reply = await retell.place({ ...ORDER, ringMs: 1, maxDurationMs: 9e9 }, yes);
    expect(reply).toMatchObject({ kind: 'placed', call: { callId: 'call_1', live: true, talking: false } });
    const [request] = server.received;
    expect(request).toMatchObject({ method: 'POST', path: '/v2/create-phone-call' });
    expect(request?.headers['authorization']).toBe('Bearer key_secret');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      from_number: ORDER.from,
      to_number: ORDER.to,
      override_agent_id: 'agent_1',
      agent_override: { agent: { ring_duration_ms: 5_000, max_call_duration_ms: 7_200_000 } },
      metadata: ORDER.metadata,
      retell_llm_dynamic_variables: ORDER.variables,
    });
  });

  test('no agent where none is given, and a base URL may have a path', async () => {
    const server = await startHttp((_request, response) => json(response, 201, CREATED));
    const retell = clientFor(`${server.url}/proxy/`);
    open.push(server, retell);
    await retell.place({ ...ORDER, agentId: null }, yes);
    expect(server.received[0]?.path).toBe('/proxy/v2/create-phone-call');
    expect(JSON.parse(server.received[0]?.body ?? '')).not.toHaveProperty('override_agent_id');
  });
});

describe('what a reply proves', () => {
  const table: [string, number, unknown, Record<string, string>, object][] = [
    ['another 2xx with a call', 200, CREATED, {}, { kind: 'placed' }],
    [
      '2xx about another call',
      201,
      { ...CREATED, metadata: { attempt_id: 'another' } },
      {},
      { kind: 'ambiguous', message: 'a reply about another call' },
    ],
    ['2xx without a call_id', 201, { call_status: 'registered' }, {}, { kind: 'ambiguous', httpStatus: 201 }],
    ['2xx that is no JSON', 200, 'RAW<html>', {}, { kind: 'ambiguous' }],
    [
      '400, the live shape',
      400,
      { error_message: 'bad number' },
      {},
      { kind: 'refused', refusal: 'request', message: 'HTTP 400: bad number' },
    ],
    ['404', 404, { status: 'error', message: 'no such' }, {}, { kind: 'refused', refusal: 'request', message: 'HTTP 404: no such' }],
    [
      '422, the documented shape',
      422,
      { status: 'error', message: 'no agent' },
      {},
      { kind: 'refused', refusal: 'request', httpStatus: 422 },
    ],
    ['401', 401, { error: 'who are you' }, {}, { kind: 'refused', refusal: 'account', message: 'HTTP 401: who are you' }],
    ['402', 402, '', {}, { kind: 'refused', refusal: 'account' }],
    ['403', 403, 'RAWForbidden', {}, { kind: 'refused', refusal: 'account', message: 'HTTP 403: Forbidden' }],
    ['429 with seconds', 429, {}, { 'retry-after': '7' }, { kind: 'refused', refusal: 'rate', retryAfterMs: 7_000 }],
    [
      '429 with a date',
      429,
      {},
      { 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' },
      { kind: 'refused', refusal: 'rate', retryAfterMs: 30_000 },
    ],
    ['429 with a time out of all reason', 429, {}, { 'retry-after': '1e30' }, { kind: 'refused', refusal: 'rate', retryAfterMs: 600_000 }],
    ['429 without a time', 429, {}, {}, { kind: 'refused', refusal: 'rate', retryAfterMs: null }],
    ['a redirect that says nothing was done', 308, '', { location: '/x' }, { kind: 'refused', refusal: 'unreachable' }],
    ['a redirect that may follow a call', 303, '', { location: '/x' }, { kind: 'ambiguous' }],
    ['408', 408, '', {}, { kind: 'ambiguous' }],
    ['409', 409, '', {}, { kind: 'ambiguous' }],
    ['500, empty', 500, '', {}, { kind: 'ambiguous', httpStatus: 500 }],
    ['502 from a proxy', 502, 'RAW<html>bad gateway</html>', {}, { kind: 'ambiguous', httpStatus: 502 }],
    ['503 with a call in it', 503, CREATED, {}, { kind: 'ambiguous' }],
  ];
  test.each(table)('P1 %s', async (_name, status, body, headers, expected) => {
    const { server, retell } = await http((_request, response) => {
      response.writeHead(status, headers);
      response.end(typeof body === 'string' ? body.replace(/^RAW/, '') : JSON.stringify(body));
    });
    expect(await retell.place(ORDER, yes)).toMatchObject(expected);
    expect(server.received).toHaveLength(1);
  });

  test('an error body of status "error" is never read as a call, whatever else it carries', async () => {
    const { retell } = await http((_request, response) => json(response, 422, { status: 'error', message: 'x', call_id: 'call_9' }));
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'refused', refusal: 'request' });
  });

  test('P8 no whole number and no key in the words that are kept, and none in the log', async () => {
    const log = memoryLog();
    const { retell } = await http(
      (_request, response) =>
        json(response, 400, { message: `number ${ORDER.to} (+56 9 1111 2222) refused for key_secret ${'x'.repeat(900)}` }),
      { log },
    );
    const reply = await retell.place(ORDER, yes);
    expect(reply.kind).toBe('refused');
    const words = JSON.stringify([reply, log.lines]);
    expect(words).not.toMatch(/1111 ?2222/);
    expect(words).not.toContain('key_secret');
    expect(reply.kind === 'refused' ? reply.message.length : 0).toBeLessThan(320);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({
      level: 'debug',
      fields: { method: 'POST', path: '/v2/create-phone-call', status: 400, attempt_id: 'attempt-1' },
    });
  });
});

describe('P1 one POST, whatever the connection does', () => {
  test('a server that takes the request and resets: ambiguous, one POST', async () => {
    const { server, retell } = await tcp((socket, soFar) => {
      if (soFar.includes('job_1')) socket.resetAndDestroy();
    });
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'ambiguous', httpStatus: null });
    await settled();
    expect(postsIn(server.text())).toBe(1);
    expect(server.connections()).toBe(1);
  });

  test('a kept connection that is reset under the second request: ambiguous, that request was sent once', async () => {
    const body = JSON.stringify(CREATED);
    const { server, retell } = await tcp((socket, soFar) => {
      if (postsIn(soFar) === 1)
        socket.write(`HTTP/1.1 201 Created\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n${body}`);
      else socket.resetAndDestroy();
    });
    expect((await retell.place(ORDER, yes)).kind).toBe('placed');
    await settled();
    let asked = 0;
    const reply = await retell.place(ORDER, () => (asked += 1) > 0);
    expect(reply).toMatchObject({ kind: 'ambiguous' });
    expect(server.connections()).toBe(1);
    expect(postsIn(server.text())).toBe(2);
    expect(asked).toBe(1);
  });

  test('a kept connection the server closed meanwhile is not written to', async () => {
    const body = JSON.stringify(CREATED);
    const { server, retell } = await tcp((socket) =>
      socket.end(`HTTP/1.1 201 Created\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n${body}`),
    );
    expect((await retell.place(ORDER, yes)).kind).toBe('placed');
    await settled();
    await settled();
    expect((await retell.place(ORDER, yes)).kind).toBe('placed');
    expect(server.connections()).toBe(2);
    expect(postsIn(server.text())).toBe(2);
  });

  test('no reply in time: ambiguous after the deadline, one POST', async () => {
    const { server, retell } = await tcp(undefined, { timeoutMs: 40 });
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'ambiguous', message: containing('no reply within 40 ms') });
    expect(postsIn(server.text())).toBe(1);
  });

  test('a reply that trickles for ever does not outlive the deadline', async () => {
    const { retell } = await tcp((socket) => socket.write('HTTP/1.1 201 Created\r\ncontent-length: 900\r\n\r\n{"call_id"'), {
      timeoutMs: 40,
    });
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'ambiguous', httpStatus: 201 });
  });

  test('a reply cut in its body is no proof, a refusal cut in its body is one', async () => {
    const cut = (status: string) => (socket: Socket) => socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 900\r\n\r\n{"call_id":"call_1"`);
    const first = await tcp(cut('201 Created'));
    expect(await first.retell.place(ORDER, yes)).toMatchObject({ kind: 'ambiguous', httpStatus: 201 });
    const second = await tcp(cut('401 Unauthorized'));
    expect(await second.retell.place(ORDER, yes)).toMatchObject({ kind: 'refused', refusal: 'account' });
  });

  test('a reply larger than any call is not read to its end', async () => {
    const { retell } = await http((_request, response) => {
      response.writeHead(201, { 'content-length': String(33 * 1024 * 1024) });
      response.write('{');
    });
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'ambiguous', message: containing('too large') });
  });

  test('nor one that never says how large it is', async () => {
    const { retell } = await http((_request, response) => {
      response.writeHead(201);
      for (let megabytes = 0; megabytes < 33; megabytes += 1) response.write(' '.repeat(1024 * 1024));
      response.end(JSON.stringify(CREATED));
    });
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'ambiguous', message: containing('too large') });
  });

  test('closing the client while a create is under way leaves it ambiguous', async () => {
    const { server, retell } = await tcp();
    const reply = retell.place(ORDER, yes);
    await server.firstByte;
    await retell.close();
    expect(await reply).toMatchObject({ kind: 'ambiguous' });
  });
});

describe('P1 proof that nothing was sent', () => {
  test('a refused connection', async () => {
    const retell = clientFor(`http://127.0.0.1:${await closedPort()}`);
    open.push(retell);
    let asked = 0;
    const reply = await retell.place(ORDER, () => (asked += 1) > 0);
    expect(reply).toMatchObject({ kind: 'refused', refusal: 'unreachable', httpStatus: null });
    expect(asked).toBe(0);
  });

  test('a name that does not resolve', async () => {
    const retell = clientFor('http://no-such-host.invalid');
    open.push(retell);
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'refused', refusal: 'unreachable' });
  });

  test('a TLS handshake that never ends: only the greeting crossed the line', async () => {
    const server = await startTcp();
    const retell = clientFor(`https://127.0.0.1:${server.port}`, { timeoutMs: 40 });
    open.push(server, retell);
    expect(await retell.place(ORDER, yes)).toMatchObject({ kind: 'refused', refusal: 'unreachable' });
    expect(server.text()).not.toContain('POST');
  });

  test('the guard says no: dropped, the connection was there, not a byte went over it', async () => {
    const { server, retell } = await tcp();
    expect(await retell.place(ORDER, () => false)).toEqual({ kind: 'dropped' });
    await server.firstConnection;
    await settled();
    expect(server.bytes()).toBe(0);
  });

  test('a guard that throws is a no', async () => {
    const { server, retell } = await tcp();
    const guard = (): boolean => {
      throw new Error('no clock');
    };
    expect(await retell.place(ORDER, guard)).toEqual({ kind: 'dropped' });
    expect(server.bytes()).toBe(0);
  });

  test('behind a saturated pool the guard is asked when the connection is free, not before', async () => {
    const held: { end(): void }[] = [];
    const { server, retell } = await http(
      (_request, response) => {
        held.push({ end: () => json(response, 201, CREATED) });
      },
      { connections: 1 },
    );
    const first = retell.place(ORDER, yes);
    await server.arrived(1);
    let inTime = true;
    let asked = 0;
    const guard = (): boolean => {
      asked += 1;
      return inTime;
    };
    const second = retell.place(ORDER, guard);
    await settled();
    expect(asked).toBe(0);
    inTime = false;
    held[0]?.end();
    expect((await first).kind).toBe('placed');
    expect(await second).toEqual({ kind: 'dropped' });
    expect(asked).toBe(1);
    await settled();
    expect(server.received).toHaveLength(1);

    // The pool is of use afterwards.
    const third = retell.place(ORDER, yes);
    await server.arrived(2);
    held[1]?.end();
    expect((await third).kind).toBe('placed');
  });

  test('given up while it waited for a connection: nothing is sent when one comes free', async () => {
    const held: { end(): void }[] = [];
    const { server, retell } = await http((_request, response) => void held.push({ end: () => json(response, 201, CREATED) }), {
      connections: 1,
      timeoutMs: 45,
    });
    // At the same moment, so that the first does not give its connection up while the second could still use it.
    const first = retell.place(ORDER, yes);
    let asked = 0;
    const second = retell.place(ORDER, () => (asked += 1) > 0);
    await server.arrived(1);
    expect(await second).toMatchObject({ kind: 'refused', refusal: 'unreachable' });
    held[0]?.end();
    await first;
    await settled();
    await settled();
    expect(server.received).toHaveLength(1);
    expect(asked).toBe(0);
  });
});
