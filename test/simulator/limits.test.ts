import { describe, expect, it } from 'vitest';
import { HOUR_MS, create, dial, handClock, list, read, request, simulate } from './support.js';

describe('limits', () => {
  it('refuses a call over the concurrency with 429, and takes it when one has ended', async () => {
    const simulator = await simulate({ concurrency: 2 });
    await dial(simulator, '+56911110001');
    await dial(simulator, '+56911110002');
    expect((await request(simulator, 'GET', '/get-concurrency')).body).toMatchObject({ current_concurrency: 2, concurrency_limit: 2 });
    expect((await create(simulator, '+56911110003')).status).toBe(429);
    simulator.advance(HOUR_MS);
    expect((await create(simulator, '+56911110003')).status).toBe(201);
    expect(simulator.figures()).toMatchObject({ dials: 3, peakConcurrency: 2, refusals: { concurrency: 1 } });
    expect(simulator.check()).toEqual([]);
  });

  it('or accepts and fails it, as the provider also does', async () => {
    const simulator = await simulate({ concurrency: 1, switches: { overConcurrency: 'error' } });
    await dial(simulator, '+56911110001');
    const callId = await dial(simulator, '+56911110002');
    expect(await read(simulator, callId)).toMatchObject({ call_status: 'error', disconnection_reason: 'concurrency_limit_reached' });
    expect(simulator.figures().peakConcurrency).toBe(1);
    expect(simulator.check()).toEqual([]);
  });

  it('or lets it through for the audit to see', async () => {
    const simulator = await simulate({ concurrency: 1, switches: { overConcurrency: 'observe' } });
    await dial(simulator, '+56911110001');
    await dial(simulator, '+56911110002');
    expect(simulator.check().map((violation) => violation.rule)).toEqual(['over_concurrency']);
  });

  it('lets so many calls start per second, with Retry-After when it is told so', async () => {
    const clock = handClock();
    const simulator = await simulate({ clock, cps: 2, switches: { retryAfterSeconds: 3 } });
    const statuses: number[] = [];
    for (const waitMs of [0, 0, 0, 999, 1, 0, 0]) {
      clock.pass(waitMs);
      statuses.push((await create(simulator, '+56911110001')).status);
    }
    expect(statuses).toEqual([201, 201, 429, 429, 201, 201, 429]);
    expect((await create(simulator, '+56911110001')).headers.get('retry-after')).toBe('3');
    expect(simulator.figures().peakCallsPerSecond).toBe(2);
    simulator.change({ retryAfterSeconds: null });
    expect((await create(simulator, '+56911110001')).headers.get('retry-after')).toBeNull();
  });

  it('limits requests per 10 s by kind', async () => {
    const clock = handClock();
    const simulator = await simulate({ clock, switches: { listsPer10s: 2, readsPer10s: 1 } });
    expect([(await list(simulator)).status, (await list(simulator)).status, (await list(simulator)).status]).toEqual([200, 200, 429]);
    expect((await request(simulator, 'GET', '/get-concurrency')).status).toBe(200);
    expect((await request(simulator, 'GET', '/get-concurrency')).status).toBe(429);
    clock.pass(10_000);
    expect((await list(simulator)).status).toBe(200);
    expect((await create(simulator, '+56911110001')).status).toBe(201);
  });
});
