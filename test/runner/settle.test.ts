/** P3, P5: a settlement that dies between any two of its steps is finished by the next owner, and comes out as if nobody had died. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/call.js';
import { readPhone } from '../../src/domain/phones.js';
import { newCall } from '../../src/runner/call.js';
import type { Call } from '../../src/runner/call.js';
import { createRescue } from '../../src/runner/rescue.js';
import type { FailPoints, Step } from '../../src/runner/failpoints.js';
import { account, intentFor, newId, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { createSettler } from '../../src/runner/settle.js';
import { openRunner, reading } from './support.js';
import type { Runner } from './support.js';

const OUTCOME: Outcome = {
  class: 'answered',
  reason: 'user_hangup',
  success: true,
  reached: 'conversation',
  endedAt: new Date(0),
  durationMs: 30_000,
};

class Killed extends Error {}

const killAt = (when: 'before' | 'after', step: Step): FailPoints => {
  const at = (here: string) => (one: Step) => {
    if (here === when && one === step) throw new Killed(`${when} ${step}`);
  };
  return { before: at('before'), after: at('after') };
};

describe('a settlement', () => {
  let world: StoreWorld;
  const prepare = async (runner: Runner): Promise<Call> => {
    const id = newId();
    const token = `t${id}`;
    await world.database.db.collection<Document & { _id: string }>('jobs').insertOne({
      _id: id, job_id: 'job-1', account_id: 'acc-1', batch_id: 'batch-1', status: 'in_progress', lease_token: token, attempts: 0,
      reserved_until: new Date(Date.now() + 30_000), contact: { phones: ['+56911112222'], next_phone_index: 0 },
    }); // prettier-ignore
    const intent = intentFor(token, { job: id, job_ref: 'job-1', runner: runner.cx.me, counts: [{ key: 'a:2026-11-21', max: 9 }] });
    await world.store.attempts.intend(intent, 30_000, 3_000);
    await world.store.ledgers.hold(account(), token, { micros: 900_000, ms: 180_000 }, intent.counts);
    await world.store.attempts.recordCall(token, 'call-1');
    const { runner: _runner, locks, ...facts } = intent;
    const call = newCall(
      { ...facts, dial_by: new Date() },
      null,
      locks,
      { mark: runner.cx.clock.mark(), date: new Date() },
      { name: 'live', since: runner.cx.clock.mark(), limitMs: 60_000 },
    );
    call.callId = 'call-1';
    runner.parts.registry.add(call);
    return call;
  };
  /** Everything the settlement of the one call left behind, without its names and times. */
  const end = async (): Promise<unknown> => {
    const all = (name: string): Promise<Document[]> => world.database.db.collection(name).find({}).toArray();
    const [job, attempt, ledger] = (await Promise.all(['jobs', 'call_attempts', 'account_ledgers'].map(all))).map(([one]) => one ?? {});
    const { used_micros, used_ms, held_micros, held_ms, holds, counts } = ledger ?? {};
    return {
      job: { status: job?.['status'], attempts: job?.['attempts'], token: job?.['lease_token'], success: job?.['call_result']?.success },
      attempt: {
        state: attempt?.['state'],
        open: attempt?.['open'],
        locks: attempt?.['locks'],
        leased: attempt?.['lease_until'] !== undefined,
      },
      ledger: { used_micros, used_ms, held_micros, held_ms, holds, counts },
      transactions: (await all('transactions')).map((one) => [one['account_id'], one['cost']]),
      results: (await all('call_results')).map((one) => [one['call_id'], one['is_successful']]),
    };
  };
  const CLEAN = {
    job: { status: 'done', attempts: 1, token: undefined, success: true },
    attempt: { state: 'settled', open: false, locks: undefined, leased: false },
    ledger: { used_micros: 250_000, used_ms: 30_000, held_micros: 0, held_ms: 0, holds: {}, counts: { 'a:2026-11-21': 1 } },
    transactions: [['acc-1', 25]],
    results: [['call-1', true]],
  };

  /** A second ago, so that no estimate of the database's time comes too early for it. */
  const expire = async (id: string): Promise<void> => {
    await world.database.db
      .collection('call_attempts')
      .updateOne({ _id: id as never }, { $set: { lease_until: new Date(Date.now() - 1_000) } });
  };

  beforeAll(async () => {
    world = await openStoreWorld();
    const { db } = world.database;
    await db
      .collection('accounts')
      .insertOne({ account_id: 'acc-1', plan_type: 'credit_based', status: 'active', credit_balance: 100, country: 'CL' });
    await db.collection('batches').insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true });
  });
  beforeEach(async () => {
    for (const name of ['jobs', 'call_attempts', 'account_ledgers', 'transactions', 'call_results'])
      await world.database.db.collection(name).deleteMany({});
  });
  afterAll(() => world.close());

  it('that nobody disturbs', async () => {
    const runner = openRunner(world.store, { me: 'runner-a' });
    expect(await runner.parts.settler.settle(await prepare(runner), reading('call-1'), OUTCOME)).toBe(true);
    expect(await end()).toEqual(CLEAN);
  });

  it('shows the job, its account and the archive what was charged: by the tariff, in the minutes of the plan', async () => {
    const { db } = world.database;
    const plan = { plan_type: 'minutes_based', minutes_purchased: 100, cost_per_minute: 1, cost_per_call_setup: 0.5 };
    await db.collection('accounts').updateOne({ account_id: 'acc-1' }, { $set: plan });
    const runner = openRunner(world.store, { me: 'runner-a' });
    const byTariff = createSettler({ ...runner.cx, policy: { ...runner.cx.policy, priceSource: 'tariff' } }, runner.board, () => undefined);
    const call = await prepare(runner);
    await db
      .collection('jobs')
      .updateOne({ _id: call.facts.job as never }, { $set: { 'contact.name': 'Ana', 'contact.dni': '12345678K' } });
    expect(await byTariff.settle(call, reading('call-1', { costCents: 25, raw: { call_cost: { combined_cost: 25 } } }), OUTCOME)).toBe(
      true,
    );
    await db.collection('accounts').updateOne({ account_id: 'acc-1' }, { $set: { plan_type: 'credit_based' } });
    expect(await db.collection('jobs').findOne({})).toMatchObject({
      call_result: {
        call_cost: { combined_cost: 100 },
        summary: { call_cost: { combined_cost: 100 } },
        details: { call_cost: { combined_cost: 25 } },
      },
    });
    expect(await db.collection('transactions').findOne({})).toMatchObject({ amount: -0.5, cost: 100 });
    expect((await db.collection('call_results').findOne({}))?.['contact']).toEqual({
      name: 'Ana',
      dni: '12345678K',
      phone_used: '+56911112222',
    });
  });

  it.each([
    ['after', 'settle'],
    ['before', 'charge'],
    ['after', 'charge'],
    ['before', 'job'],
    ['after', 'job'],
    ['before', 'finish'],
    ['after', 'finish'],
  ] as const)('that dies %s the step "%s" is finished by a rescuer', async (when, step) => {
    const dying = openRunner(world.store, { me: 'runner-a', failPoints: killAt(when, step) });
    const call = await prepare(dying);
    await expect(dying.parts.settler.settle(call, reading('call-1'), OUTCOME)).rejects.toThrow(Killed);
    dying.abandon();
    await expire(call.facts._id);
    const rescuer = openRunner(world.store, { me: 'runner-b' });
    await createRescue(
      rescuer.cx,
      rescuer.parts,
      () => undefined,
      () => true,
    ).pass();
    await expect.poll(() => rescuer.parts.registry.size(), { interval: 5 }).toBe(0);
    expect(await end()).toEqual(CLEAN);
  });

  it('that two owners do, the one who lost it and the one who took it: once', async () => {
    const [slow, quick] = [openRunner(world.store, { me: 'runner-a' }), openRunner(world.store, { me: 'runner-b' })];
    const call = await prepare(slow);
    await expire(call.facts._id);
    const followed: Call[] = [];
    await createRescue(
      quick.cx,
      quick.parts,
      (one) => void followed.push(one),
      () => true,
    ).pass();
    const adopted = followed[0];
    expect(adopted?.callId).toBe('call-1');
    const told = await Promise.all([
      slow.parts.settler.settle(call, reading('call-1'), OUTCOME),
      adopted === undefined ? false : quick.parts.settler.settle(adopted, reading('call-1'), OUTCOME),
    ]);
    expect(told).toEqual([false, true]);
    expect(await end()).toEqual(CLEAN);
  });

  it('of a job that was deleted or replaced meanwhile is complete without it', async () => {
    const runner = openRunner(world.store, { me: 'runner-a' });
    const call = await prepare(runner);
    await world.database.db
      .collection('jobs')
      .replaceOne({ _id: call.facts.job as never }, { job_id: 'job-1', status: 'pending', attempts: 0 });
    expect(await runner.parts.settler.settle(call, reading('call-1'), OUTCOME)).toBe(true);
    expect(await end()).toEqual({ ...CLEAN, job: { status: 'pending', attempts: 0, token: undefined, success: undefined } });
  });

  it('P7: of a job that another program filled to the brim moves the job without the record of the call', async () => {
    const runner = openRunner(world.store, { me: 'runner-a', patience: 0.01 });
    const call = await prepare(runner);
    const jobs = world.database.db.collection('jobs');
    await jobs.updateOne({ _id: call.facts.job as never }, { $set: { notes: 'x'.repeat(16 * 2 ** 20 - 3_000) } });
    const long = reading('call-1', { raw: { transcript: 'Hola. '.repeat(1_000) } });
    expect(await runner.parts.settler.settle(call, long, OUTCOME)).toBe(true);
    expect(await end()).toEqual(CLEAN);
    expect(runner.said).toContainEqual({
      level: 'error',
      message: "the call's record does not fit in the job's document; the job is updated without it",
    });
  });

  it('waits for a rescuer that has the job in its hands, and then tells the job', async () => {
    let asked = 0;
    const byId: typeof world.store.jobs.byId = (id) => {
      asked += 1;
      return world.store.jobs.byId(id);
    };
    const runner = openRunner({ ...world.store, jobs: { ...world.store.jobs, byId } }, { me: 'runner-a', timing: { leaseMs: 200 } });
    const call = await prepare(runner);
    const token = call.facts._id;
    const jobs = world.database.db.collection('jobs');
    await jobs.updateOne({ _id: call.facts.job as never }, { $set: { lease_token: 'rescuer' } });
    let over = false;
    const settling = runner.parts.settler.settle(call, reading('call-1'), OUTCOME).finally(() => (over = true));
    // It looks whose the job is, again and again.
    await expect.poll(() => asked, { interval: 5, timeout: 10_000 }).toBeGreaterThan(1);
    expect(over).toBe(false);
    await world.store.jobs.passOn(call.facts.job, 'rescuer', token);
    expect(await settling).toBe(true);
    expect(await end()).toEqual(CLEAN);
  });

  it.each(['replaced', 'ours'] as const)('P4: whoever asked for no more calls is not called again on any number: job %s', async (whose) => {
    const runner = openRunner(world.store, { me: 'runner-a' });
    const call = await prepare(runner);
    await world.database.db.collection('suppressions').deleteMany({});
    const contact = { phones: ['+56911112222', '+56922223333', 'no number'], next_phone_index: 0 };
    const gone = whose === 'ours' ? {} : { status: 'pending', lease_token: null };
    Object.assign(call.facts, { line: readPhone('+56911112222', 'CL')?.line });
    await world.database.db.collection('jobs').updateOne({ _id: call.facts.job as never }, { $set: { contact, ...gone } });
    const asked: Outcome = { ...OUTCOME, class: 'no_contact', reason: 'user_requested_dnc', success: false };
    expect(await runner.parts.settler.settle(call, reading('call-1'), asked)).toBe(true);
    const blocked = await world.database.db.collection('suppressions').find({}).toArray();
    const second = readPhone('+56922223333', 'CL')?.line;
    expect(blocked.map((one) => one['line'] as unknown)).toEqual(expect.arrayContaining([call.facts.line, second]));
    expect(blocked.every((one) => one['reason'] === 'user_requested_dnc' && one['expires_at'] === null)).toBe(true);
  });

  it('whoever has the document by then, and asked for nothing, is not blocked with them', async () => {
    const runner = openRunner(world.store, { me: 'runner-a' });
    const call = await prepare(runner);
    await world.database.db.collection('suppressions').deleteMany({});
    const contact = { phones: ['+56955556666'], next_phone_index: 0 };
    await world.database.db
      .collection('jobs')
      .updateOne({ _id: call.facts.job as never }, { $set: { contact, status: 'pending', lease_token: null } });
    const asked: Outcome = { ...OUTCOME, class: 'no_contact', reason: 'user_requested_dnc', success: false };
    await runner.parts.settler.settle(call, reading('call-1'), asked);
    const blocked = await world.database.db.collection('suppressions').find({}).toArray();
    expect(blocked.map((one) => one['line'] as unknown)).toEqual([call.facts.line]);
  });

  it('P4: a next number that is blocked does not take the delay away', async () => {
    const runner = openRunner(world.store, { me: 'runner-a' });
    const call = await prepare(runner);
    const [line, second] = ['+56911112222', '+56922223333'].map((number) => readPhone(number, 'CL')?.line ?? '');
    await world.database.db
      .collection('suppressions')
      .insertOne({ line: second, reason: 'x', account_id: null, batch_id: null, expires_at: null });
    const contact = { phones: ['+56911112222', '+56922223333'], next_phone_index: 0 };
    await world.database.db.collection('jobs').updateOne({ _id: call.facts.job as never }, { $set: { contact } });
    Object.assign(call.facts, { line });
    const silent: Outcome = { ...OUTCOME, class: 'no_answer', reason: 'dial_no_answer', success: false, endedAt: new Date() };
    await runner.parts.settler.settle(call, reading('call-1'), silent);
    const job = await world.database.db.collection('jobs').findOne({ _id: call.facts.job as never });
    expect(job).toMatchObject({ status: 'pending', contact: { next_phone_index: 0 } });
    expect(Number(job?.['reserved_until'])).toBeGreaterThan(Date.now() + 60_000);
    await world.database.db.collection('suppressions').deleteMany({});
  });

  it('P4: annulled: hold, count and locks come back, however often', async () => {
    const runner = openRunner(world.store, { me: 'runner-a' });
    const id = newId();
    const counts = [{ key: 'a:2026-11-21', max: 9 }];
    const intent = intentFor(id, { runner: 'runner-a', counts });
    await world.store.attempts.intend(intent, 30_000, 3_000);
    await world.store.ledgers.hold(account(), id, { micros: 900_000, ms: 1 }, counts);
    for (let n = 0; n < 3; n += 1) await runner.parts.settler.annul({ ...intent, dial_by: new Date() }, 'why');
    expect(await end()).toMatchObject({
      attempt: { state: 'void', open: false, locks: undefined },
      ledger: { held_micros: 0, holds: {}, counts: { 'a:2026-11-21': 0 } },
    });
  });
});
