import { Pool } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { ids, list, simulate } from './support.js';

const post = (path: string, body: unknown): { path: string; method: 'POST'; headers: Record<string, string>; body: string } => ({
  path,
  method: 'POST',
  headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

it('holds 5,000 calls live at once, ends each of them once, and answers without falling over', async () => {
  const simulator = await simulate({ seed: 'load' });
  const pool = new Pool(simulator.url, { connections: 16 });
  onTestFinished(() => pool.close());
  const total = 5_000;
  const started = performance.now();
  let next = 0;
  const callIds: string[] = [];
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next < total) {
        const n = next;
        next += 1;
        const to = `+5691${String(n).padStart(7, '0')}`;
        const { statusCode, body } = await pool.request(
          post('/v2/create-phone-call', { from_number: '+56225550000', to_number: to, metadata: { attempt_id: `a${n}` } }),
        );
        expect(statusCode).toBe(201);
        callIds.push(((await body.json()) as { call_id: string }).call_id);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  console.log(`simulator: ${Math.round(total / seconds)} creates per second`);
  expect(simulator.figures()).toMatchObject({ dials: total, live: total, peakConcurrency: total });

  const page = await list(simulator, {
    limit: 1000,
    filter_criteria: { call_id: { type: 'enum', op: 'in', value: callIds.slice(0, 1000) } },
  });
  expect(new Set(ids(page))).toEqual(new Set(callIds.slice(0, 1000)));

  simulator.advance(3 * 3_600_000);
  expect(simulator.liveCalls()).toEqual([]);
  const ends = simulator.ledger().filter((entry) => entry.event === 'transition' && entry.live === false);
  expect(new Set(ends.map((entry) => entry.callId)).size).toBe(total);
  expect(ends).toHaveLength(total);
  expect(simulator.check()).toEqual([]);
});
