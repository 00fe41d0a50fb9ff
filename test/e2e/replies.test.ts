/** A provider that answers badly, late, twice or not at all: no job is lost by it and none is dialled twice (P1, P2, P7). */

import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../src/simulator/faults.js';
import { eventually } from '../support/eventually.js';
import { phoneThat, withWorld } from '../support/world.js';

/** `placed`: the call was made although nobody said so. `refused`: the answer proves that it was not. */
const CREATES: readonly (FaultSpec & { placed: boolean; refused?: boolean })[] = [
  { kind: 'status', status: 400, shape: 'error_message', placed: false, refused: true },
  { kind: 'status', status: 400, shape: 'message', placed: false, refused: true },
  { kind: 'status', status: 422, shape: 'text', placed: false, refused: true },
  { kind: 'status', status: 404, shape: 'none', placed: false, refused: true },
  { kind: 'status', status: 429, shape: 'message', placed: false, refused: true },
  { kind: 'status', status: 500, shape: 'error_message', placed: false },
  { kind: 'status', status: 500, shape: 'none', accept: true, placed: true },
  { kind: 'status', status: 503, retryAfterSeconds: 1, placed: false },
  { kind: 'html502', placed: false },
  { kind: 'html502', accept: true, placed: true },
  { kind: 'empty500', placed: false },
  { kind: 'not-json', placed: false },
  { kind: 'not-json', accept: true, placed: true },
  { kind: 'refuse', placed: false },
  { kind: 'accept-drop', placed: true },
  { kind: 'accept-500', placed: true },
  { kind: 'accept-truncate', placed: true },
  { kind: 'accept-late', delayMs: 2_500, placed: true },
];

describe.concurrent('P1, P2: bad answers', () => {
  it('to a create: what was placed is found and followed, what was refused is placed by another attempt', { timeout: 90_000 }, () =>
    withWorld('bad creates', { env: { WORKER_COUNT: '30', CALLS_PER_SECOND: '5000' } }, async (world) => {
      await world.account();
      await world.batch();
      const phones = CREATES.map(() => phoneThat('900'));
      CREATES.forEach(({ placed: _placed, refused: _refused, ...fault }, n) =>
        world.simulator.addFault({ ...fault, path: '/v2/create-phone-call', to: phones[n] ?? '', times: 1 }),
      );
      await world.jobs(phones.map((phone) => ({ phones: [phone] })));
      await world.daemon();
      const { jobs, attempts } = await world.quiet(true, 80_000);

      expect(jobs.filter((job) => job['status'] !== 'done')).toEqual([]);
      expect(world.dials()).toHaveLength(CREATES.length);
      expect(await world.books()).toEqual([]);
      // What was neither placed nor provably refused counts as an attempt that was lost.
      const lost = CREATES.map((_, n) => {
        const own = attempts.filter((attempt) => attempt['to_number'] === phones[n] && attempt['outcome']?.class === 'lost');
        return { n, lost: own.length };
      });
      expect(lost).toEqual(CREATES.map(({ placed, refused }, n) => ({ n, lost: placed || refused === true ? 0 : 1 })));
      expect(world.simulator.faults().filter((fault) => fault.fired !== 1)).toEqual([]);
    }),
  );

  it('to reads and lists, a third of the time and of every kind: each call is followed to its end all the same', { timeout: 90_000 }, () =>
    withWorld('bad reads', { simulator: { speed: 200 }, env: { WORKER_COUNT: '30' } }, async (world) => {
      await world.account();
      await world.batch();
      for (const path of ['/v2/get-call', '/v3/list-calls']) {
        for (const fault of [
          { kind: 'status', status: 500, shape: 'message' },
          { kind: 'status', status: 400, shape: 'error_message' },
          { kind: 'status', status: 404, shape: 'text' },
          { kind: 'html502' },
          { kind: 'empty500' },
          { kind: 'not-json' },
          { kind: 'accept-truncate' },
          { kind: 'refuse' },
        ] as const) {
          world.simulator.addFault({ ...fault, path, probability: 0.05 });
        }
      }
      world.simulator.addFault({ kind: 'accept-drop', path: '/v2/create-phone-call', probability: 0.3 });
      await world.jobs(Array.from({ length: 30 }, (_, n) => ({ patterns: n % 4 === 0 ? ['930', '900'] : ['900'] })));
      await world.daemon();
      const { jobs } = await world.quiet(true, 80_000);
      expect(jobs.filter((job) => job['status'] !== 'done')).toEqual([]);
      expect(await world.books()).toEqual([]);
    }),
  );

  it('to a refused key: dialling stops, live calls are followed, and it goes on when the key is accepted again', { timeout: 90_000 }, () =>
    withWorld('key refused', {}, async (world) => {
      await world.account();
      await world.batch();
      const fault = world.simulator.addFault({ kind: 'status', status: 401, path: '*' });
      await world.jobs([{}, {}, {}]);
      const daemon = await world.daemon();
      await daemon.line((line) => line['msg'] === 'dialling stopped: the account is refused', 'it said so');
      expect(world.dials()).toEqual([]);
      world.simulator.removeFault(fault.id);
      const { jobs } = await world.quiet(true, 80_000);
      expect(jobs.map((job) => job['attempts'])).toEqual([1, 1, 1]);
      expect(world.dials()).toHaveLength(3);
      expect(await world.books()).toEqual([]);
    }),
  );

  it(
    'list-calls fails in one way after the other while a call is unknown: it is neither redialled nor given up, and found afterwards',
    { timeout: 90_000 },
    () =>
      withWorld('lists fail', { simulator: { speed: 0 } }, async (world) => {
        await world.account();
        await world.batch();
        const [id = ''] = await world.jobs([{}]);
        world.simulator.addFault({ kind: 'accept-drop', times: 1 });
        const fails: FaultSpec[] = [
          { kind: 'status', status: 503, probability: 0.25 },
          { kind: 'not-json', probability: 0.33 },
          { kind: 'html502', probability: 0.5 },
          { kind: 'outage', how: 'reset' },
        ];
        const lists = fails.map((fault) => world.simulator.addFault({ ...fault, path: '/v3/list-calls' }));
        const daemon = await world.daemon();
        await daemon.event('unknown');
        const attempt = (await world.records()).attempts[0];
        const closes = Number(attempt?.['dial_by']) + 2_000 + 2_000;
        await eventually(() => Date.now(), (now) => (now > closes ? null : 'the window is not over')); // prettier-ignore
        expect(await world.job(id)).toMatchObject({ status: 'in_progress', attempts: 0 });
        expect(world.dials()).toHaveLength(1);

        for (const { id: fault } of lists) world.simulator.removeFault(fault);
        await daemon.event('found');
        world.simulator.setSpeed(400);
        await world.quiet();
        expect(await world.job(id)).toMatchObject({ status: 'done', attempts: 1 });
        expect(world.dials()).toHaveLength(1);
        expect(await world.books()).toEqual([]);
      }),
  );

  it('two calls found for one attempt: the older is followed, the other stopped, and both are paid for', { timeout: 90_000 }, () =>
    withWorld('two calls', { simulator: { speed: 0 } }, async (world) => {
      await world.account();
      await world.batch();
      const [id = ''] = await world.jobs([{}]);
      world.simulator.addFault({ kind: 'accept-drop', times: 1 });
      const lists = world.simulator.addFault({ kind: 'status', status: 503, path: '/v3/list-calls' });
      await world.daemon();
      await world.dialled(1);
      const [own] = world.dials();
      // Answered first, so that the provider says which is older.
      world.simulator.advance(25_000);
      const other = await world.ring(phoneThat('900'), { attempt_id: own?.attemptId });
      world.simulator.advance(25_000);
      world.simulator.removeFault(lists.id);
      await world.entry((entry) => entry.event === 'stop' && entry.callId === other);
      world.simulator.setSpeed(400);
      const { attempts, ledgers } = await world.quiet();

      expect(await world.job(id)).toMatchObject({ status: 'done', attempts: 1, call_result: { call_id: own?.callId } });
      const called = attempts.filter((attempt) => attempt['state'] !== 'void').map((attempt) => String(attempt['_id']));
      expect(called.sort()).toEqual([own?.attemptId, `stray:${other}`].sort());
      expect(world.simulator.ledger().filter((entry) => entry.event === 'stop')).toHaveLength(1);
      const asked = world.simulator.ledger().reduce((sum, entry) => sum + Math.round((entry.costCents ?? 0) * 10_000), 0);
      expect(ledgers).toMatchObject([{ used_micros: asked, held_micros: 0, holds: {} }]);
    }),
  );
});
