/** P4, P9: the last look before a call: many jobs in one reading, each with its own facts, and nothing but fresh ones. */

import { BSON } from 'mongodb';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formerPersonHash } from '../../src/domain/person.js';
import { readJob } from '../../src/domain/read-job.js';
import type { Job } from '../../src/domain/job.js';
import { createConfirm } from '../../src/runner/confirm.js';
import { inMs, intentFor, newId, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';

describe('the last look', () => {
  let world: StoreWorld;
  const put = async (n: number, more: Document = {}): Promise<{ id: string; token: string; job: Job }> => {
    const id = newId();
    const doc = {
      _id: id, job_id: id, account_id: `acc-${n % 2}`, batch_id: `b-${n % 3}`, status: 'in_progress', lease_token: `t${id}`, reserved_until: inMs(30_000),
      contact: { dni: `${11_111_111 + n}-K`, phones: [`+5691111${1_000 + n}`], next_phone_index: 0 }, ...more,
    }; // prettier-ignore
    await world.database.db.collection<Document & { _id: string }>('jobs').insertOne(doc);
    const reading = readJob(doc, 'CL');
    if (reading.kind !== 'job') throw new Error(reading.why);
    return { id, token: `t${id}`, job: reading.job };
  };
  beforeAll(async () => {
    world = await openStoreWorld();
    const { db } = world.database;
    await db
      .collection('accounts')
      .insertMany([0, 1].map((n) => ({ account_id: `acc-${n}`, plan_type: 'unlimited', status: 'active', country: 'CL' })));
    await db.collection('batches').insertMany([0, 1].map((n) => ({ batch_id: `b-${n}`, account_id: `acc-${n}`, is_active: true })));
  });
  afterAll(() => world.close());

  it('P9: for forty jobs asks the database as often as for one', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const [first, ...others] = await Promise.all(Array.from({ length: 40 }, (_, n) => put(n)));
    if (first === undefined) throw new Error('no job');
    world.proxy.resetCounts();
    expect(await confirm(first)).not.toBeNull();
    expect(world.proxy.counts()).toMatchObject({ aggregate: 1 });
    const forOne = world.proxy.counts()['aggregate'];
    world.proxy.resetCounts();
    const answers = await Promise.all(others.map((one) => confirm(one)));
    expect(answers.map((facts) => facts?.job.id)).toEqual(others.map(({ id }) => id));
    expect(world.proxy.counts()['aggregate']).toBe(forOne);
    for (const facts of answers) {
      expect(facts?.batch === 'missing').toBe(facts?.job.batch === 'b-2');
      expect(facts?.account).toMatchObject({ id: facts?.job.account });
    }
  });

  it('P3: a job that is no longer ours, or not understood any more, is nobody’s call', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const asked = await Promise.all([put(1), put(2), put(3), put(4), put(5)]);
    const jobs = world.database.db.collection('jobs');
    const change = (n: number, update: Document): Promise<unknown> => jobs.updateOne({ _id: asked[n]?.id as never }, update);
    await change(0, { $set: { lease_token: 'another' } });
    await change(1, { $set: { reserved_until: inMs(-1) } });
    await change(2, { $set: { status: 'cancelled' } });
    await change(3, { $set: { contact: { phones: 7 } } });
    const answers = await Promise.all(asked.map((one) => confirm(one)));
    expect(answers.map((facts) => facts?.job.id ?? null)).toEqual([null, null, null, null, asked[4]?.id]);
  });

  it('P4: each sees the calls and the blocks that concern it, its own attempt left out', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const [mine, other] = await Promise.all([put(21), put(22)]);
    const [line, person] = [mine.job.contact.phones[0]?.line ?? '', mine.job.contact.person];
    await world.store.attempts.intend(intentFor(mine.token, { line, person, locks: ['job:mine'] }), 30_000, 3_000);
    await world.store.attempts.intend(intentFor('earlier-call', { line, person: null, locks: ['job:earlier'] }), 30_000, 3_000);
    await world.store.campaigns.suppress({
      line,
      person: null,
      account: null,
      batch: null,
      reason: 'asked',
      expiresAt: null,
      evidence: 'e',
      attempt: 'x',
      masked: '',
    });
    const [ofMine, ofOther] = await Promise.all([confirm(mine), confirm(other)]);
    expect(ofMine?.history.map((call) => 'attempt' in call && call.attempt)).toEqual(['earlier-call']);
    expect(ofMine?.suppressions.map((one) => one.reason)).toEqual(['asked']);
    expect(ofOther).toMatchObject({ history: [], suppressions: [] });
  });

  it('P4: whoever was blocked by a CUIT, before it was known as the person of its DNI, is not dialled', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const blocked = await put(31, { contact: { name: 'Ana', dni: '20-28123457-3', phones: ['+56911119999'], next_phone_index: 0 } });
    const former = formerPersonHash('20-28123457-3');
    expect(former).not.toBeNull();
    const entry = { line: null, account: null, batch: null, reason: 'by CUIT', expiresAt: null, evidence: 'e', attempt: 'y', masked: '' };
    await world.store.campaigns.suppress({ ...entry, person: former });
    expect((await confirm(blocked))?.suppressions.map((one) => one.reason)).toEqual(['by CUIT']);
  });

  it('P4: reads what was written before it was asked, also while another reading is under way', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const [first, second] = await Promise.all([put(0), put(0)]);
    const held = world.proxy.add({ command: 'aggregate', collection: 'jobs', fault: 'hold', side: 'after' });
    const before = confirm(first);
    await held.hit;
    await world.database.db.collection('batches').updateOne({ batch_id: 'b-0' }, { $set: { is_active: false } });
    const after = confirm(second);
    held.release();
    expect([(await before)?.batch, (await after)?.batch]).toMatchObject([{ id: 'b-0' }, { id: 'b-0', state: 'paused' }]);
    await world.database.db.collection('batches').updateOne({ batch_id: 'b-0' }, { $set: { is_active: true } });
  });

  it('fails for all who asked together when the database does not answer, and for nobody afterwards', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const asked = await Promise.all([put(1), put(1)]);
    world.proxy.add({ command: 'aggregate', collection: 'jobs', fault: 'error', code: 11_600 });
    const told = await Promise.allSettled(asked.map((one) => confirm(one)));
    world.proxy.clear();
    // A driver reads once more by itself where it may; then all have their answer.
    expect(new Set(told.map((one) => one.status)).size).toBe(1);
    expect((await Promise.all(asked.map((one) => confirm(one)))).every((facts) => facts !== null)).toBe(true);
  });

  it("P1: nobody is dialled by an estimate that the server's own clock does not bear out; it is made anew", async () => {
    const { cx } = openRunner(world.store);
    const one = await put(1);
    let [aheadMs, synced] = [5_000, 0];
    const { time } = world.store;
    const ahead = (): Date => new Date(time.now().getTime() + aheadMs);
    const wrong = {
      ...time,
      now: ahead,
      fits: (server: Date, asked: Date) => time.fits(new Date(server.getTime() - aheadMs), new Date(asked.getTime() - aheadMs)),
      sync: () => Promise.resolve(void ([aheadMs, synced] = [0, synced + 1])),
    };
    const confirm = createConfirm({ ...cx, store: { ...world.store, time: wrong } });
    await expect(confirm(one)).rejects.toThrow('clock');
    expect(synced).toBe(1);
    expect(await confirm(one)).not.toBeNull();
  });

  it('P7: a job filled to the last byte, among others, is read like them', async () => {
    const confirm = createConfirm(openRunner(world.store).cx);
    const asked = await Promise.all([put(31), put(32), put(33)]);
    const jobs = world.database.db.collection('jobs');
    const own = await jobs.findOne({ _id: asked[1].id as never });
    const room = 16 * 1024 * 1024 - BSON.calculateObjectSize(own ?? {}) - 'filler'.length - 7;
    await jobs.updateOne({ _id: asked[1].id as never }, { $set: { filler: 'x'.repeat(room) } });
    const answers = await Promise.all(asked.map((one) => confirm(one)));
    expect(answers.map((facts) => facts?.job.id)).toEqual(asked.map(({ id }) => id));
    await jobs.deleteOne({ _id: asked[1].id as never });
  });
});
