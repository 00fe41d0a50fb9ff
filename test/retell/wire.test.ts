import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { afterEach, expect, test } from 'vitest';
import type { Wire } from '../../src/retell/wire.js';
import { createWire } from '../../src/retell/wire.js';
import { startTcp } from '../support/http.js';
import { settled } from './support.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function wireTo(url: string, connect: buildConnector.connector): Wire {
  const wire = createWire({ baseUrl: url, headers: {}, connections: 1, keepAliveMs: 2_000, connectTimeoutMs: 1_000, connect });
  open.push(wire);
  return wire;
}

const POST = { method: 'POST' as const, path: '/v2/create-phone-call', body: '{}', timeoutMs: 1_000 };

test('P1 while the connection is slow to come the guard is not asked; once it is there, a no means no byte', async () => {
  const server = await startTcp();
  open.push(server);
  const connect = buildConnector({});
  let letConnect = (): void => {};
  const wire = wireTo(server.url, (options, callback) => {
    letConnect = () => connect(options, callback);
  });
  const asked: string[] = [];
  let phase = 'connecting';
  const reply = wire.send({
    ...POST,
    mayStillSend: () => {
      asked.push(phase);
      return false;
    },
  });
  await settled();
  expect(asked).toEqual([]);
  phase = 'connected';
  letConnect();
  expect(await reply).toEqual({ kind: 'dropped' });
  expect(asked).toEqual(['connected']);
  await settled();
  expect(server.connections()).toBe(1);
  expect(server.bytes()).toBe(0);
});

test('P1 when the library means to write a request again, it is stopped', async () => {
  const server = await startTcp();
  open.push(server);
  const connect = buildConnector({});
  const sockets: Socket[] = [];
  const wire = wireTo(server.url, (options, callback) =>
    connect(options, (...result) => {
      if (result[1] !== null) sockets.push(result[1]);
      callback(...result);
    }),
  );
  let asked = 0;
  const reply = wire.send({ ...POST, mayStillSend: () => (asked += 1) > 0 });
  await server.firstByte;
  // This code makes the library believe that it closed the connection itself, whereupon it writes what was under way again.
  sockets[0]?.destroy(Object.assign(new Error('idle'), { code: 'UND_ERR_INFO' }));
  expect(await reply).toMatchObject({ kind: 'broken', status: null });
  await settled();
  await settled();
  expect(sockets).toHaveLength(2);
  expect(asked).toBe(1);
  expect(server.text().split('POST').length - 1).toBe(1);
});

test('a signal ends a request before and after it is sent', async () => {
  const server = await startTcp();
  open.push(server);
  const wire = wireTo(server.url, buildConnector({}));
  expect(await wire.send({ ...POST, signal: AbortSignal.abort() })).toMatchObject({ kind: 'unsent' });
  const stop = new AbortController();
  const reply = wire.send({ ...POST, signal: stop.signal });
  await server.firstByte;
  stop.abort();
  expect(await reply).toMatchObject({ kind: 'broken' });
});
