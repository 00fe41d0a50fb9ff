/** P1, P2: what a dead process leaves behind, and the two crossings on which it depends that nobody is called twice. */

import { BSON, type Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Retell } from '../../src/retell/client.js';
import type { SeenCommand } from '../support/fault-proxy-wire.js';
import { newCall, type Call } from '../../src/runner/call.js';
import { createRescue } from '../../src/runner/rescue.js';
import { createSecondLooks } from '../../src/runner/second-looks.js';
import type { AttemptState } from '../../src/store/attempt.js';
import { inMs, intentFor, newId, openStoreWorld, strayOf, stillHeld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner, reading } from './support.js';
import type { Runner } from './support.js';

const PHONE = '+56911112222';
const SETTLEMENT = {
  outcome: { class: 'answered', reason: 'user_hangup', success: true, reached: 'conversation', endedAt: new Date(0), durationMs: 30_000 },
  cost: { micros: 250_000, ms: 30_000, final: true },
  next: {
    status: 'done', phoneIndex: 0, dueAt: null, countsAttempt: true, countsTransient: false, badLine: null, suspendReason: null, lastError: null,
    why: 'answered',
  },
  result: { call_status: 'ended' },
  jobFields: {},
} as const; // prettier-ignore

describe('rescue', () => {
  let world: StoreWorld;
  const open = (retell: Partial<Retell> = {}, mayTakeForeign = true): Runner & { pass(): Promise<void> } => {
    const runner = openRunner(world.store, { retell });
    const rescue = createRescue(
      runner.cx,
      runner.parts,
      (call) => void runner.followed.push(call),
      () => mayTakeForeign,
    );
    const looks = createSecondLooks(runner.cx, runner.parts);
    return {
      ...runner,
      pass: async () => {
        await (
          await rescue.pass()
        ).recovered;
        await looks.pass();
      },
    };
  };
  const job = async (more: Document = {}): Promise<string> => {
    const id = newId();
    await world.database.db.collection<Document & { _id: string }>('jobs').insertOne({
      _id: id, job_id: id, batch_id: 'b', account_id: 'acc-1', status: 'in_progress', lease_token: `t${id}`, worker_id: 'dead', attempts: 0,
      reserved_until: inMs(-1_000), contact: { name: 'Ana', phones: [PHONE], next_phone_index: 0 }, ...more,
    }); // prettier-ignore
    return id;
  };
  const read = async (collection: string, id: string): Promise<Document> =>
    (await world.database.db.collection<Document & { _id: string }>(collection).findOne({ _id: id })) ?? {};
  const attempt = async (jobId: string, leaseMs: number): Promise<string> => {
    const id = `t${jobId}`;
    await world.store.attempts.intend(intentFor(id, { job: jobId, job_ref: jobId, runner: 'dead' }), leaseMs, 3_000);
    return id;
  };
  const settledOf = async (runner: Runner): Promise<void> => {
    await expect.poll(() => runner.parts.registry.size(), { interval: 5 }).toBe(0);
  };

  /** A second ago, so that no estimate of the database's time comes too early for it. */
  const expire = async (id: string): Promise<void> => {
    await world.database.db
      .collection('call_attempts')
      .updateOne({ _id: id as never }, { $set: { lease_until: new Date(Date.now() - 1_000) } });
  };

  beforeAll(async () => {
    world = await openStoreWorld();
    await world.database.db
      .collection('accounts')
      .insertOne({ account_id: 'acc-1', plan_type: 'credit_based', status: 'active', credit_balance: 100, country: 'CL' });
  });
  beforeEach(async () => {
    for (const name of ['jobs', 'call_attempts', 'account_ledgers', 'transactions'])
      await world.database.db.collection(name).deleteMany({});
  });
  afterAll(() => world.close());

  describe('P1: the crossing of an owner that inserts and then reads, and a rescuer that takes and then looks', () => {
    it('P2: a worker that waits for a call which is taken up anew waits no longer', async () => {
      const jobId = await job({ reserved_until: inMs(60_000) });
      const id = await attempt(jobId, -1_000);
      const runner = open();
      const past = { monoMs: runner.cx.clock.mark().monoMs - 60_000, wallMs: runner.cx.clock.mark().wallMs - 60_000 };
      const facts = { ...intentFor(id, { job: jobId, job_ref: jobId }), dial_by: new Date() };
      const old = newCall(facts, null, [], { mark: past, date: new Date() }, { name: 'unknown', since: past, limitMs: 1_000 });
      runner.parts.registry.add(old);
      await runner.pass();
      await old.over;
      expect(old.lost).toBe(true);
      expect(runner.reconciled.map(({ facts: { _id } }) => _id)).toEqual([id]);
      expect(runner.parts.registry.get(id)).not.toBe(old);
    });

    it('P2: a rescuer whom the database fails is no owner that went down: the job is not set aside for it', async () => {
      const id = await job();
      const runner = open();
      // The look for a job's attempt; expired attempts are looked for without a job.
      const where = (command: SeenCommand): boolean => Object.hasOwn(command.document()['filter'] as object, 'job');
      const away = world.proxy.add({ command: 'find', collection: 'call_attempts', where, fault: 'error', code: 11600, times: 100 });
      for (let tries = 0; tries < 5; tries += 1) {
        await runner.pass().catch(() => undefined);
        await world.database.db.collection('jobs').updateOne({ _id: id as never }, { $set: { reserved_until: inMs(-1_000) } });
      }
      away.remove();
      expect(await read('jobs', id)).toMatchObject({ status: 'in_progress', rescues: 1 });
      await runner.pass();
      expect(await read('jobs', id)).toMatchObject({ status: 'pending', rescues: 1 });
    });

    it('the attempt was there first: the job goes to it, and the call is found through it', async () => {
      const id = await job();
      const token = await attempt(id, 30_000);
      await open().pass();
      expect(await read('jobs', id)).toMatchObject({ status: 'in_progress', lease_token: token });
      expect(await stillHeld(world.store, [{ id, token }])).toHaveLength(1);
    });

    it('P2: jobs of many attempts that are taken up together are held with them, not taken one by one', async () => {
      const ids = await Promise.all(Array.from({ length: 12 }, () => job()));
      for (const id of ids) await attempt(id, -1_000);
      const taken: unknown[] = [];
      const { jobs } = world.store;
      const takeExpired: typeof jobs.takeExpired = async (...asked) => {
        const found = await jobs.takeExpired(...asked);
        if (found !== null) taken.push(found);
        return found;
      };
      const runner = openRunner({ ...world.store, jobs: { ...jobs, takeExpired } });
      const follow = (call: Call): void => void runner.followed.push(call);
      await createRescue(runner.cx, runner.parts, follow, () => true).pass();
      expect(runner.parts.registry.size()).toBe(12);
      expect(taken).toEqual([]);
      expect(
        await stillHeld(
          world.store,
          ids.map((id) => ({ id, token: `t${id}` })),
        ),
      ).toHaveLength(12);
    });

    it('the job was taken first: whoever inserts its attempt afterwards does not find the job its own', async () => {
      const id = await job();
      await open().pass();
      const token = await attempt(id, 30_000);
      expect(await stillHeld(world.store, [{ id, token }])).toEqual([]);
      expect(await read('jobs', id)).toMatchObject({ status: 'pending', attempts: 0, rescues: 1 });
    });

    it('of any interleaving of the two, at least one sees the other', async () => {
      // Where the owner's two steps, the insert and the reading, fall among the two of each rescue: before, between or after them.
      const outcomes: string[] = [];
      for (const inserts of ['before the take', 'after the take', 'after the rescue'] as const) {
        for (const reads of ['at once', 'at the end'] as const) {
          const id = await job();
          const own = async (): Promise<boolean> => {
            const token = await attempt(id, 30_000);
            // The late renewal of an owner that was slow: without it no owner whose lease ran out would dial.
            await world.store.jobs.renew([id], [token], 30_000);
            return reads === 'at once' ? (await stillHeld(world.rival, [{ id, token }])).length === 1 : false;
          };
          const { jobs } = world.store;
          let mayDial = false;
          const takeExpired: typeof jobs.takeExpired = async (...asked) => {
            const taken = await jobs.takeExpired(...asked);
            // Between the rescuer's take and its look.
            if (taken !== null && inserts === 'after the take') mayDial = await own();
            return taken;
          };
          const runner = openRunner({ ...world.store, jobs: { ...jobs, takeExpired } });
          const rescue = createRescue(runner.cx, runner.parts, () => undefined, () => true); // prettier-ignore
          if (inserts === 'before the take') mayDial = await own();
          await (await rescue.pass()).recovered; // prettier-ignore
          if (inserts === 'after the rescue') mayDial = await own();
          if (reads === 'at the end') mayDial = (await stillHeld(world.rival, [{ id, token: `t${id}` }])).length === 1;
          const free = (await read('jobs', id))['status'] === 'pending';
          // Either the owner dials and the job waits for it, or the job is free and the owner does not dial.
          expect({ inserts, reads, dials: mayDial, free }).not.toMatchObject({ dials: true, free: true });
          outcomes.push(mayDial ? 'dials' : free ? 'is free' : 'waits for its attempt');
          await world.database.db.collection('call_attempts').deleteMany({});
        }
      }
      expect(new Set(outcomes)).toEqual(new Set(['dials', 'is free', 'waits for its attempt']));
    });

    it('a stray of the attempt does not pass for the attempt: the job is told about its own call', async () => {
      const id = await job();
      const token = await attempt(id, 30_000);
      await world.store.attempts.insertStray(strayOf('call-2', { job: id, runner: 'dead' }), 30_000);
      await open().pass();
      expect(await read('jobs', id)).toMatchObject({ lease_token: token });
    });
  });

  describe('P2: an attempt whose owner is gone', () => {
    it.each([
      ['placing', 'reconciled'],
      ['unknown', 'reconciled'],
      ['live', 'followed'],
      ['ended', 'followed'],
    ] as const)('%s is %s, under the new owner', async (state: AttemptState, where) => {
      const id = await job({ reserved_until: inMs(30_000) });
      const token = await attempt(id, -1_000);
      if (where === 'followed') await world.store.attempts.recordCall(token, 'call-1');
      await world.database.db.collection('call_attempts').updateOne({ _id: token as never }, { $set: { state } });
      const runner = open();
      await runner.pass();
      expect(runner[where].map((call) => ({ id: call.facts._id, callId: call.callId }))).toEqual([
        { id: token, callId: where === 'followed' ? 'call-1' : null },
      ]);
      expect(await read('call_attempts', token)).toMatchObject({ runner: 'runner-b', state });
      expect(runner.parts.registry.size()).toBe(1);
      // Its own by now: another pass does not adopt it again.
      await runner.pass();
      expect(runner[where]).toHaveLength(1);
    });

    it('its own, renewed late, is left alone; one whose work was cut short, past what its stage may last, is taken up anew', async () => {
      const id = await job({ reserved_until: inMs(30_000) });
      const token = await attempt(id, -1_000);
      const runner = open();
      const call = newCall(intentFor(token) as never, null, [], { mark: runner.cx.clock.mark(), date: new Date() }, { name: 'placing', since: runner.cx.clock.mark(), limitMs: 60_000 }); // prettier-ignore
      runner.parts.registry.add(call);
      await runner.pass();
      expect(runner.reconciled).toEqual([]);
      call.stage = { ...call.stage, limitMs: 0 };
      await world.database.db.collection('call_attempts').updateOne({ _id: token as never }, { $set: { lease_until: inMs(-1_000) } });
      await runner.pass();
      expect(runner.reconciled.map(({ facts }) => facts._id)).toEqual([token]);
      expect(call.lost).toBe(true);
      expect(runner.parts.registry.get(token)).toBe(runner.reconciled[0]);
    });

    it('P3, P5: settled and half written: the next owner charges, moves the job and closes it, once', async () => {
      const id = await job({ reserved_until: inMs(30_000) });
      const token = await attempt(id, 30_000);
      await world.store.ledgers.holdAnyway('acc-1', token, { micros: 900_000, ms: 180_000 });
      await world.store.attempts.recordCall(token, 'call-1');
      await world.store.attempts.settle(token, 'dead', SETTLEMENT);
      await expire(token);
      const runners = [open(), open()];
      await Promise.all(runners.map((runner) => runner.pass()));
      await Promise.all(runners.map((runner) => settledOf(runner)));
      const doc = await read('jobs', id);
      expect(doc).toMatchObject({ status: 'done', attempts: 1, call_result: { call_status: 'ended' } });
      expect(doc).not.toHaveProperty('lease_token');
      expect(await read('account_ledgers', 'acc-1')).toMatchObject({ used_micros: 250_000, held_micros: 0, holds: {} });
      expect(await read('call_attempts', token)).not.toHaveProperty('lease_until');
      expect(await world.database.db.collection('transactions').countDocuments({})).toBe(1);
    });

    it('P2: annulled, while a rescuer has its job in his hands: it is given back when it is handed over, not a lease later', async () => {
      const id = await job({ lease_token: 'rescuer', reserved_until: inMs(30_000) });
      const token = await attempt(id, -1_000);
      await world.store.attempts.annul(token, 'the moment had passed');
      const runner = open();
      await runner.pass();
      expect(await read('jobs', id)).toMatchObject({ status: 'in_progress', lease_token: 'rescuer' });
      await world.store.jobs.passOn(id, 'rescuer', token);
      await expect.poll(async () => (await read('jobs', id))['status'], { timeout: 10_000 }).toBe('pending');
      await expect.poll(() => runner.parts.registry.size()).toBe(0);
      expect(await read('call_attempts', token)).not.toHaveProperty('lease_until');
    });

    it('P2, P4: annulled and half undone: the hold, the count and the job come back', async () => {
      const id = await job({ reserved_until: inMs(30_000) });
      const token = await attempt(id, 30_000);
      const { board, ...runner } = open();
      await board.refresh();
      await world.store.ledgers.hold((await import('../store/support.js')).account(), token, { micros: 500, ms: 500 }, []);
      await world.store.attempts.annul(token, 'the moment had passed');
      await expire(token);
      await runner.pass();
      await settledOf({ ...runner, board });
      expect(await read('jobs', id)).toMatchObject({ status: 'pending', attempts: 0 });
      expect(await read('account_ledgers', 'acc-1')).toMatchObject({ held_micros: 0, holds: {} });
      expect(await read('call_attempts', token)).toMatchObject({ state: 'void', open: false });
    });
  });

  describe('P2: a job in progress whose lease is over', () => {
    it('ours without an attempt was never dialled: pending, no attempt, due at once', async () => {
      const id = await job({ attempts: 1 });
      await open().pass();
      expect(await read('jobs', id)).toMatchObject({ status: 'pending', attempts: 1, rescues: 1, reserved_until: null });
    });

    it('that brought down three owners is set aside for a person', async () => {
      const id = await job({ rescues: 2 });
      await open().pass();
      expect(await read('jobs', id)).toMatchObject({ status: 'suspended', suspend_reason: 'quarantined' });
    });

    it('P7: that cannot be understood is set aside, and the next one is looked at', async () => {
      const bad = await job({ contact: { phones: 7 } });
      const good = await job();
      await open().pass();
      expect(await read('jobs', bad)).toMatchObject({ status: 'suspended', suspend_reason: 'unreadable' });
      expect(await read('jobs', good)).toMatchObject({ status: 'pending' });
    });

    it('a status of another program is not touched', async () => {
      const id = await job({ status: 'paused_by_somebody' });
      const before = await read('jobs', id);
      await open().pass();
      expect(await read('jobs', id)).toEqual(before);
    });

    it('is left to its owner while an old worker may be at work', async () => {
      const id = await job({ lease_token: null, worker_id: 'bot-1' });
      await open({}, false).pass();
      expect(await read('jobs', id)).toMatchObject({ worker_id: 'bot-1', status: 'in_progress' });
    });
  });

  it(
    'P2, P7: a job filled to the last byte while it was worked on holds up nobody behind it; it is failed',
    { timeout: 60_000 },
    async () => {
      const full = await job({ reserved_until: inMs(-9_000) });
      const behind = await job();
      const doc = await read('jobs', full);
      const room = 16 * 1024 * 1024 - BSON.calculateObjectSize(doc) - 'filler'.length - 7;
      await world.database.db.collection('jobs').updateOne({ _id: full as never }, { $set: { filler: 'x'.repeat(room) } });
      await open().pass();
      const { filler: _, ...after } = await read('jobs', full);
      expect(after).toMatchObject({ status: 'failed' });
      expect(after).not.toHaveProperty('lease_token');
      expect(await read('jobs', behind)).toMatchObject({ status: 'pending', rescues: 1 });
    },
  );

  describe("P1: the old worker's", () => {
    const foreign = (more: Document = {}): Promise<string> =>
      job({ lease_token: null, worker_id: 'bot-1', started_at: inMs(-120_000), ...more });

    it('call of the latest start is followed, under an attempt and a bill of its own', async () => {
      const id = await foreign({ call_id: 'call-old', call_started_at: inMs(-110_000) });
      const runner = open();
      await runner.pass();
      expect(runner.followed.map((call) => call.callId)).toEqual(['call-old']);
      const token = String((await read('jobs', id))['lease_token']);
      expect(await read('call_attempts', token)).toMatchObject({
        call_id: 'call-old',
        state: 'live',
        open: true,
        runner: 'runner-b',
        job: id,
      });
      expect(await world.store.ledgers.holds('acc-1')).toEqual([token]);
    });

    it('call of an earlier start is not; the provider is asked by number and time', async () => {
      await foreign({ call_id: 'call-before', call_started_at: inMs(-7_200_000) });
      const asked: string[] = [];
      const runner = open({
        listByNumber: (to) => {
          asked.push(to);
          const ours = reading('ours', { startedAt: inMs(-100_000), metadata: { attempt_id: 'x' } });
          return Promise.resolve({
            kind: 'calls',
            complete: true,
            calls: [reading('too-early', { startedAt: inMs(-600_000) }), reading('found', { startedAt: inMs(-119_000) }), ours],
          });
        },
      });
      await runner.pass();
      expect(asked).toEqual([PHONE]);
      expect(runner.followed.map((call) => call.callId)).toEqual(['found']);
    });

    it('P5: call is not adopted by whoever learned of it after another had taken the job: it would be charged twice', async () => {
      const id = await foreign();
      const jobs = world.database.db.collection<Document & { _id: string }>('jobs');
      const runner = open({
        listByNumber: async () => {
          await jobs.updateOne({ _id: id }, { $set: { lease_token: 'taken-since' } });
          return { kind: 'calls', complete: true, calls: [reading('found', { startedAt: inMs(-119_000) })] };
        },
      });
      await runner.pass();
      expect(runner.followed).toEqual([]);
      expect(await read('jobs', id)).toMatchObject({ lease_token: 'taken-since', status: 'in_progress' });
      expect(await world.database.db.collection('call_attempts').countDocuments({ job: id })).toBe(0);
    });

    it('call that nobody knows counts as one attempt, and is not dialled at once', async () => {
      const id = await foreign();
      await open({ listByNumber: () => Promise.resolve({ kind: 'calls', complete: true, calls: [] }) }).pass();
      const doc = await read('jobs', id);
      expect(doc).toMatchObject({ status: 'pending', attempts: 1 });
      expect(Number(doc['reserved_until'])).toBeGreaterThan(Date.now() + 60_000);
    });

    it('P4: call was counted by him when he began it: it is not counted twice, and its batch says when the next one may be', async () => {
      const { db } = world.database;
      await db.collection('batches').insertOne({
        batch_id: 'slow',
        account_id: 'acc-1',
        is_active: true,
        call_settings: { retry_delay_hours: 24, max_attempts: 2, max_call_duration: 1_800, ring_timeout: 40 },
      });
      const lost = await foreign({ batch_id: 'slow', attempts: 1 });
      const live = await foreign({ batch_id: 'slow', attempts: 1, call_id: 'call-2', call_started_at: inMs(-110_000) });
      const runner = open({ listByNumber: () => Promise.resolve({ kind: 'calls', complete: true, calls: [] }) });
      await runner.pass();
      const doc = await read('jobs', lost);
      expect(doc).toMatchObject({ status: 'pending', attempts: 1 });
      expect(Number(doc['reserved_until'])).toBeGreaterThan(Date.now() + 23 * 3_600_000);
      const call = runner.followed[0];
      expect(call?.facts).toMatchObject({ max_duration_ms: 1_800_000, ring_ms: 40_000 });
      if (call === undefined) return;
      const busy = { ...SETTLEMENT.outcome, class: 'busy', reason: 'dial_busy', success: false, reached: 'rang' } as const;
      expect(await runner.parts.settler.settle(call, reading('call-2'), busy)).toBe(true);
      expect(await read('jobs', live)).toMatchObject({ status: 'pending', attempts: 1 });
    });

    it.each([
      ['an incomplete list', { kind: 'calls', complete: false, calls: [] }],
      ['an outage', { kind: 'unavailable', message: 'x', retryAfterMs: null }],
      ['a rejected key', { kind: 'account', message: 'x' }],
    ] as const)('call is no lost one because of %s: the job stays under a lease and is asked for again', async (_, reply) => {
      const id = await foreign();
      await open({ listByNumber: () => Promise.resolve({ ...reply, calls: [] } as never) }).pass();
      expect(await read('jobs', id)).toMatchObject({ status: 'in_progress', foreign: true, attempts: 0 });
    });
  });

  describe('P5: a later look', () => {
    it('at a call without its final price charges what it really cost, once, and puts it into the statement', async () => {
      const id = await job({ reserved_until: inMs(30_000) });
      const token = await attempt(id, 30_000);
      await world.store.ledgers.holdAnyway('acc-1', token, { micros: 900_000, ms: 180_000 });
      await world.store.attempts.recordCall(token, 'call-1');
      const cost = { micros: 400_000, ms: 30_000, final: false };
      await world.store.attempts.settle(token, 'dead', { ...SETTLEMENT, cost });
      await world.store.ledgers.charge('acc-1', token, cost);
      await world.store.jobs.settle(id, token, SETTLEMENT.next, {}, {});
      await world.store.attempts.finish(token, 'dead', inMs(-1_000));
      const shown = {
        attempt_id: token,
        call_cost: { combined_cost: 40 },
        summary: { kept: 1, call_cost: { combined_cost: 40, kept: 2 } },
      };
      const later = newId();
      await world.database.db.collection('jobs').updateOne({ _id: id as never }, { $set: { call_result: shown } });
      await world.database.db.collection('jobs').insertOne({ _id: later as never, call_result: { ...shown, attempt_id: 'a later one' } });
      const answers = [reading('call-1', { costCents: null }), reading('call-1', { costCents: 31 })];
      const runner = open({ read: () => Promise.resolve({ kind: 'call', call: answers.shift() ?? reading('call-1') }) });
      await runner.pass();
      expect(await read('account_ledgers', 'acc-1')).toMatchObject({ used_micros: 0, held_micros: 400_000 });
      await world.database.db.collection('call_attempts').updateOne({ _id: token as never }, { $set: { look_at: inMs(-1_000) } });
      await runner.pass();
      expect(await read('account_ledgers', 'acc-1')).toMatchObject({ used_micros: 310_000, held_micros: 0, holds: {} });
      expect(await read('call_attempts', token)).toMatchObject({ cost: { micros: 310_000, final: true } });
      expect((await read('jobs', id))['call_result']).toEqual({
        attempt_id: token,
        call_cost: { combined_cost: 31 },
        summary: { kept: 1, call_cost: { combined_cost: 31, kept: 2 } },
      });
      await world.store.recount.price(later, token, 31);
      expect((await read('jobs', later))['call_result']).toMatchObject({ call_cost: { combined_cost: 40 } });
      expect(await world.database.db.collection('transactions').find({}).toArray()).toMatchObject([
        { account_id: 'acc-1', cost: 31, type: 'call_usage' },
      ]);
      await runner.pass();
      expect(await read('account_ledgers', 'acc-1')).toMatchObject({ used_micros: 310_000 });
    });

    it('for a call that was lost: found, it is stopped as a stray; not found, the look ends', async () => {
      const [found, gone] = [await attempt(newId(), 30_000), await attempt(newId(), 30_000)];
      for (const id of [found, gone]) {
        await world.store.attempts.settle(id, 'dead', { ...SETTLEMENT, outcome: { ...SETTLEMENT.outcome, class: 'lost' } });
        await world.store.attempts.finish(id, 'dead', inMs(-1_000));
      }
      const runner = open({
        listByAttempt: (id) => Promise.resolve({ kind: 'calls', complete: true, calls: id === found ? [reading('late')] : [] }),
      });
      await runner.pass();
      expect(runner.strays).toEqual([{ of: found, callId: 'late' }]);
      expect(await world.store.attempts.takeLook(inMs(10_000_000), 1)).toBeNull();
    });
  });
});
