/** P1: what is placed, and what is not, at the last moment before the POST. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJob } from '../../src/domain/read-job.js';
import type { Claim } from '../../src/runner/claim.js';
import { createDial } from '../../src/runner/dial.js';
import { NO_FAIL_POINTS } from '../../src/runner/failpoints.js';
import type { Store } from '../../src/store/store.js';
import { inMs, intentFor, newId, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner, reading } from './support.js';

describe('the last moment before a call', () => {
  let world: StoreWorld;
  let people = 1_000;
  beforeAll(async () => {
    world = await openStoreWorld();
    const { db } = world.database;
    await db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
    const always = { allowed_hours: { start: '00:00', end: '23:59' }, days_of_week: [1, 2, 3, 4, 5, 6, 7] };
    await db.collection('batches').insertOne({ batch_id: 'b-1', account_id: 'acc-1', is_active: true, call_settings: always });
  });
  afterAll(() => world.close());

  /** The claim of a new job, and what came of it when the estimate of the database's time was moved at a step. */
  async function dialled(
    movedMs: number,
    at: 'intend' | 'confirm' | 'place',
    contact: Document = {},
    meanwhile: (id: string) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<{ placed: number; job: Document | null; attempt: string }> {
    const [id, token] = [newId(), newId()];
    const doc = {
      _id: id, job_id: id, account_id: 'acc-1', batch_id: 'b-1', status: 'in_progress', lease_token: token, reserved_until: inMs(30_000),
      contact: { phones: [`+5691111${(people += 1)}`], next_phone_index: 0, ...contact },
    }; // prettier-ignore
    const jobs = world.database.db.collection<Document & { _id: string }>('jobs');
    await jobs.insertOne(doc);
    let [moved, placed] = [0, 0];
    const { time } = world.store;
    const now = (): Date => new Date(time.now().getTime() + moved);
    const fits = (): boolean => true;
    const store: Store = { ...world.store, time: { ...time, now, fits } };
    const { cx, parts } = openRunner(store, {
      failPoints: { ...NO_FAIL_POINTS, after: (step) => void (moved = step === at ? movedMs : moved) },
      retell: {
        place: (_, mayStillSend) => {
          if (!mayStillSend()) return Promise.resolve({ kind: 'dropped' as const });
          placed += 1;
          return Promise.resolve({ kind: 'placed' as const, call: reading(`call-${id}`, { live: true }) });
        },
      },
    });
    await parts.board.fresh();
    await parts.slots.refresh();
    const read = readJob(doc, 'CL');
    if (read.kind !== 'job') throw new Error(read.why);
    const claim: Claim = {
      job: { ...read.job, reservedUntil: null },
      token,
      claimed: cx.clock.mark(),
      dueBefore: null,
      notStarted: () => undefined,
    };
    await meanwhile(id);
    await createDial(cx, parts)(claim);
    return { placed, job: await jobs.findOne({ _id: id }), attempt: (await world.rival.attempts.byId(token))?.state ?? 'none' };
  }

  it('an intent dated by an estimate that holds is followed by its call', async () => {
    expect(await dialled(0, 'place')).toMatchObject({ placed: 1, attempt: 'placing', job: { status: 'in_progress' } });
    // A new reading of the server's clock is never quite the old one.
    expect(await dialled(300, 'intend')).toMatchObject({ placed: 1, attempt: 'placing' });
  });

  it.each([3_600_000, -3_600_000])(
    'P1: an intent dated by an estimate that was made anew since, by %i ms, is not: its lease and its end are wrong',
    async (movedMs) => {
      for (const step of ['intend', 'confirm'] as const) {
        expect(await dialled(movedMs, step)).toMatchObject({ placed: 0, attempt: 'void', job: { status: 'pending' } });
      }
    },
  );

  it('P4: a contact who became another person meanwhile is not called on what was looked up of the first; the next claim looks again', async () => {
    const jobs = world.database.db.collection<Document & { _id: string }>('jobs');
    let job = '';
    const answer = await dialled(0, 'place', { dni: '11.111.111-1' }, async (id) => {
      job = id;
      await jobs.updateOne({ _id: id }, { $set: { 'contact.dni': '22.222.222-2' } });
    });
    expect(answer).toMatchObject({ placed: 0, attempt: 'void', job: { _id: job, status: 'pending' } });
  });

  it('P4: a limit of calls at once that was lowered since the account was read holds for the very next call', async () => {
    const { db } = world.database;
    const limit = (calls: number | null): Promise<unknown> =>
      db.collection('accounts').updateOne({ account_id: 'acc-1' }, { $set: { max_concurrent_calls: calls } });
    await limit(5);
    const live = newId();
    await world.store.attempts.intend(intentFor(live, { locks: ['acct:acc-1:4'] }), 30_000, 3_000);
    expect(await dialled(0, 'place')).toMatchObject({ placed: 1 });
    await db.collection('call_attempts').deleteMany({ _id: { $ne: live } } as never);
    const answer = await dialled(0, 'place', {}, () => limit(1));
    expect(answer).toMatchObject({ placed: 0, attempt: 'void', job: { status: 'pending' } });
    await limit(null);
    await db.collection('call_attempts').deleteMany({});
  });

  it('P4: of ten jobs at once and money for one call, one is begun; the others wait without an attempt', async () => {
    const { db } = world.database;
    await db.collection('accounts').insertOne({
      account_id: 'acc-poor', plan_type: 'credit_based', status: 'active', country: 'CL', credit_balance: 0.2, credit_used: 0,
      cost_per_minute: 0.15, cost_per_call_setup: 0.02,
    }); // prettier-ignore
    const always = { allowed_hours: { start: '00:00', end: '23:59' }, days_of_week: [1, 2, 3, 4, 5, 6, 7] };
    await db.collection('batches').insertOne({ batch_id: 'b-poor', account_id: 'acc-poor', is_active: true, call_settings: always });
    let placed = 0;
    const { cx, parts } = openRunner(world.store, {
      retell: {
        place: (_, mayStillSend) => {
          placed += mayStillSend() ? 1 : 0;
          return Promise.resolve({ kind: 'placed' as const, call: reading(`call-poor-${placed}`, { live: true }) });
        },
      },
    });
    await parts.board.fresh();
    const dial = createDial(cx, parts);
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const [id, token] = [newId(), newId()];
        const doc = {
          _id: id, job_id: id, account_id: 'acc-poor', batch_id: 'b-poor', status: 'in_progress', lease_token: token, reserved_until: inMs(30_000),
          contact: { phones: [`+5691111${(people += 1)}`], next_phone_index: 0 },
        }; // prettier-ignore
        await db.collection<Document & { _id: string }>('jobs').insertOne(doc);
        const read = readJob(doc, 'CL');
        if (read.kind !== 'job') throw new Error(read.why);
        const job = { ...read.job, reservedUntil: null };
        await dial({ job, token, claimed: cx.clock.mark(), dueBefore: null, notStarted: () => undefined });
      }),
    );
    expect(placed).toBe(1);
    expect(await db.collection('call_attempts').countDocuments({ batch: 'b-poor' })).toBe(1);
    const waiting = await db.collection('jobs').find({ batch_id: 'b-poor', status: 'pending' }).toArray();
    expect(waiting).toHaveLength(9);
    for (const job of waiting) expect(job['last_error']).toContain('held by calls under way');
    expect(parts.board.closed().map(({ batch }) => batch.id)).not.toContain('b-poor');
    await parts.board.fresh();
    expect(parts.board.closed().map(({ batch }) => batch.id)).toContain('b-poor');
  });
});
