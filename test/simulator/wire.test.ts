/** What does not depend on any endpoint: methods, addresses and bodies as they come off the wire. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Simulator } from '../../src/simulator/server.js';
import { create, request, simulate } from './support.js';

/** As it is typed, which `fetch` would not send. */
function statusLine(simulator: Simulator, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(simulator.port, '127.0.0.1', () =>
      socket.write(`${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n`),
    );
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('end', () => resolve(answer.split('\r\n')[0] ?? ''));
    socket.on('error', reject);
  });
}

describe('requests as they come', () => {
  it('answers 413 to a body that is too large, and goes on', async () => {
    const simulator = await simulate();
    const answered = await create(simulator, '+56911112900', { metadata: 'x'.repeat(3_000_000) });
    expect(answered).toMatchObject({ status: 413, body: { message: expect.any(String) } });
    expect(simulator.figures().dials).toBe(0);
    expect((await create(simulator, '+56911112900')).status).toBe(201);
  });

  it.each([
    ['GET //', 404],
    ['GET //x', 404],
    ['OPTIONS *', 404],
    ['GET http://127.0.0.1/get-concurrency', 200],
    ['GET http://[', 400],
    ['GET /v2/get-call/%', 422],
  ])('%s is answered %i', async (line, status) => {
    expect(await statusLine(await simulate(), line)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('answers HEAD as GET, without the body', async () => {
    const simulator = await simulate();
    const asked = await request(simulator, 'GET', '/get-concurrency');
    const head = await request(simulator, 'HEAD', '/get-concurrency');
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers.get('content-length')).toBe(String(asked.text.length));
    expect((await request(simulator, 'HEAD', '/v3/list-calls')).status).toBe(404);
    expect((await request(simulator, 'HEAD', '/_sim/figures')).status).toBe(200);
  });
});
