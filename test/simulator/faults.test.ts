import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { create, dial, list, request, simulate } from './support.js';
import type { FaultSpec } from '../../src/simulator/faults.js';

const outcomeOf = async (asked: Promise<{ readonly status: number }>): Promise<number | 'broken'> => {
  try {
    return (await asked).status;
  } catch {
    return 'broken';
  }
};

describe('faults around a create', () => {
  it.each([
    ['a', { kind: 'a' }, 'broken', 0],
    ['b', { kind: 'accept-drop' }, 'broken', 1],
    ['c', { kind: 'accept-500' }, 500, 1],
    ['e', { kind: 'accept-truncate' }, 'broken', 1],
    ['429 with Retry-After', { kind: 'status', status: 429, retryAfterSeconds: 2 }, 429, 0],
    ['402', { kind: 'status', status: 402 }, 402, 0],
    ['an HTML 502', { kind: 'html502' }, 502, 0],
    ['an HTML 502 after accepting', { kind: 'html502', accept: true }, 502, 1],
    ['an empty 500', { kind: 'empty500' }, 500, 0],
    ['a body that is no JSON, after accepting', { kind: 'not-json', accept: true }, 201, 1],
    ['an outage by 503', { kind: 'outage' }, 503, 0],
    ['an outage by reset', { kind: 'outage', how: 'reset' }, 'broken', 0],
  ] as [string, FaultSpec, number | 'broken', number][])('%s', async (_name, spec, seen, dials) => {
    const simulator = await simulate();
    simulator.addFault({ ...spec, times: 1 });
    expect(await outcomeOf(create(simulator, '+56911112900'))).toBe(seen);
    expect(simulator.figures().dials).toBe(dials);
    expect(await outcomeOf(create(simulator, '+56911112901'))).toBe(201);
    expect(simulator.figures().dials).toBe(dials + 1);
  });

  it('d: accepts, and answers after the client gave up', async () => {
    const simulator = await simulate();
    simulator.addFault({ kind: 'accept-late', delayMs: 60_000 });
    const client = new AbortController();
    simulator.onEntry((entry) => {
      if (entry.event === 'dial') client.abort();
    });
    const gaveUp = fetch(`${simulator.url}/v2/create-phone-call`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: JSON.stringify({ from_number: '+56225550000', to_number: '+56911112900' }),
      signal: client.signal,
    });
    await expect(gaveUp).rejects.toThrow(/abort/);
    expect(simulator.figures().dials).toBe(1);
  });

  it('slow: dials even when the client has left by then', async () => {
    const simulator = await simulate();
    const dialled = new Promise<void>((resolve) => {
      simulator.onEntry((entry) => {
        if (entry.event === 'dial') resolve();
      });
    });
    simulator.addFault({ kind: 'slow', delayMs: 60 });
    const gaveUp = fetch(`${simulator.url}/v2/create-phone-call`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: JSON.stringify({ from_number: '+56225550000', to_number: '+56911112900' }),
      signal: AbortSignal.timeout(30),
    });
    await expect(gaveUp).rejects.toThrow(/timeout/);
    expect(simulator.figures().dials).toBe(0);
    await dialled;
    expect(simulator.figures().dials).toBe(1);
  });

  it('writes errors in each shape the provider was seen to use', async () => {
    const simulator = await simulate();
    const shapes = {
      message: /^{"status":"error","message":"m"}$/,
      error_message: /^{"error_message":"m"}$/,
      text: /^m$/,
      none: /^$/,
    } as const;
    for (const shape of ['message', 'error_message', 'text', 'none'] as const) {
      simulator.clearFaults();
      simulator.addFault({ kind: 'status', status: 500, message: 'm', shape });
      expect((await create(simulator, '+56911112900')).text).toMatch(shapes[shape]);
    }
  });
});

describe('choosing requests', () => {
  it('by path, number, count and chance; the chance does not depend on the order of arrival', async () => {
    const simulator = await simulate();
    simulator.addFault({ kind: 'status', path: '/v3/list-calls', skip: 1, times: 1 });
    expect([(await list(simulator)).status, (await list(simulator)).status, (await list(simulator)).status]).toEqual([200, 503, 200]);
    simulator.addFault({ kind: 'status', to: '77' });
    expect((await create(simulator, '+56911112277')).status).toBe(503);
    await dial(simulator, '+56911112278');

    const numbers = Array.from({ length: 40 }, (_, n) => `+569111130${String(n).padStart(2, '0')}`);
    const hits = async (order: readonly string[]): Promise<string[]> => {
      const another = await simulate();
      another.addFault({ kind: 'status', probability: 0.5 });
      const hit: string[] = [];
      for (const to of order) if ((await create(another, to)).status === 503) hit.push(to);
      return hit.sort();
    };
    const forwards = await hits(numbers);
    expect(forwards.length).toBeGreaterThan(8);
    expect(forwards.length).toBeLessThan(32);
    expect(await hits(numbers.toReversed())).toEqual(forwards);
  });

  it('a 429 by fault carries the Retry-After of the switch, unless the fault has its own', async () => {
    const simulator = await simulate({ switches: { retryAfterSeconds: 7 } });
    const retryAfter = async (spec: FaultSpec): Promise<string | null> => {
      simulator.addFault({ ...spec, times: 1 });
      return (await create(simulator, '+56911112900')).headers.get('retry-after');
    };
    expect(await retryAfter({ kind: 'status', status: 429 })).toBe('7');
    expect(await retryAfter({ kind: 'status', status: 429, retryAfterSeconds: 2 })).toBe('2');
    expect(await retryAfter({ kind: 'status', status: 503 })).toBeNull();
  });

  it('an outage can take the port away and give it back', async () => {
    const simulator = await simulate();
    const fault = simulator.addFault({ kind: 'outage', how: 'refused' });
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 5 }).toBe('broken');
    await expect(fetch(`${simulator.url}/_sim/figures`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    simulator.removeFault(fault.id);
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 5 }).toBe(201);
    simulator.addFault({ kind: 'outage', how: 'refused', forMs: 30 });
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 5 }).toBe('broken');
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 5 }).toBe(201);
  });
});

describe('a port that somebody else took during an outage', () => {
  it('is tried for until it can be had, and is said once', async () => {
    const troubles: string[] = [];
    const simulator = await simulate({ onTrouble: (why) => troubles.push(why) });
    const fault = simulator.addFault({ kind: 'outage', how: 'refused' });
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 5 }).toBe('broken');
    const thief = createServer((socket) => socket.destroy()).listen(simulator.port, '127.0.0.1');
    await once(thief, 'listening');
    simulator.removeFault(fault.id);
    await expect.poll(() => troubles, { interval: 5 }).toEqual([expect.stringContaining('EADDRINUSE')]);
    simulator.addFault({ kind: 'outage', how: 'refused', forMs: 10 });
    thief.close();
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 20, timeout: 5_000 }).toBe(201);
  });

  it('does not keep the simulator from closing', async () => {
    const simulator = await simulate();
    simulator.addFault({ kind: 'outage', how: 'refused' });
    await expect.poll(() => outcomeOf(create(simulator, '+56911112900')), { interval: 5 }).toBe('broken');
    const thief = createServer().listen(simulator.port, '127.0.0.1');
    await once(thief, 'listening');
    simulator.clearFaults();
    await simulator.close();
    thief.close();
  });
});

describe('control over HTTP', () => {
  it.each([
    ['without an end', {}, /forMs[\s\S]*closes these paths too|closes these paths too[\s\S]*forMs/],
    ['for some requests', { forMs: 50, times: 3 }, /leave times out/],
    ['after some requests', { forMs: 50, skip: 3 }, /leave skip out/],
    ['for some paths', { forMs: 50, path: '/v2' }, /leave path out/],
  ])('refuses to close its own port %s', async (_what, more, why) => {
    const simulator = await simulate();
    const answered = await request(simulator, 'POST', '/_sim/faults', { kind: 'outage', how: 'refused', ...more }, '');
    expect(answered.status).toBe(400);
    expect(String(answered.body['error'])).toMatch(why);
    expect(simulator.faults()).toEqual([]);
    expect((await create(simulator, '+56911112900')).status).toBe(201);
  });

  it('adds, lists and removes faults, and says what is wrong with one', async () => {
    const simulator = await simulate();
    const added = await request(simulator, 'POST', '/_sim/faults', { kind: 'c', times: 2 }, '');
    expect(added).toMatchObject({ status: 201, body: { kind: 'accept-500', times: 2 } });
    expect((await request(simulator, 'POST', '/_sim/faults', { kind: 'earthquake' }, '')).status).toBe(400);
    expect(simulator.faults()).toHaveLength(1);
    expect((await request(simulator, 'DELETE', `/_sim/faults/${String(added.body['id'])}`, undefined, '')).status).toBe(204);
    expect(simulator.faults()).toEqual([]);
  });

  it('moves the clock, changes switches, shows ledger, figures, checks, requests, and resets', async () => {
    const simulator = await simulate({ switches: { keepRequests: 5 } });
    await dial(simulator, '+56911112930', { metadata: { attempt_id: 'a' } });
    await request(simulator, 'POST', '/_sim/clock', { advanceMs: 60_000 }, '');
    await dial(simulator, '+56911112930', { metadata: { attempt_id: 'a' } });
    expect((await request(simulator, 'GET', '/_sim/figures', undefined, '')).body).toMatchObject({ dials: 2, outcomes: { dial_busy: 1 } });
    expect((await request(simulator, 'GET', '/_sim/check', undefined, '')).body).toMatchObject({ violations: [{ rule: 'double_dial' }] });
    expect(JSON.parse((await request(simulator, 'GET', '/_sim/ledger?event=dial&attempt=a', undefined, '')).text)).toHaveLength(2);
    expect(JSON.parse((await request(simulator, 'GET', '/_sim/requests', undefined, '')).text)).toHaveLength(2);
    expect((await request(simulator, 'PATCH', '/_sim/switches', { hideRegistered: true }, '')).body).toMatchObject({
      hideRegistered: true,
      keepRequests: 5,
    });
    for (const wrong of [{ colour: 1 }, { latencyMs: [200, 20] }]) {
      expect((await request(simulator, 'PATCH', '/_sim/switches', wrong, '')).status).toBe(400);
    }
    expect((await request(simulator, 'POST', '/_sim/reset', undefined, '')).status).toBe(204);
    expect(simulator.figures()).toMatchObject({ dials: 0, live: 0, requests: {} });
    expect(simulator.switches().hideRegistered).toBe(true);
    expect((await request(simulator, 'GET', '/_sim/nothing', undefined, '')).status).toBe(404);
  });
});
