import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobAct } from '../../src/store/job-admin.js';
import type { Store } from '../../src/store/store.js';
import { claimNext, jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let store: Store;
beforeAll(async () => {
  world = await openTestSession();
  store = world.session.store;
});
afterAll(() => world.close());
beforeEach(() => world.db.collection('jobs').deleteMany({}));

const insert = async (doc: Document): Promise<Document['_id']> => (await world.db.collection('jobs').insertOne(doc)).insertedId;
const read = async (id: unknown): Promise<Document> => {
  const doc = await world.db.collection<Document>('jobs').findOne({ _id: id as never });
  if (doc === null) throw new Error('the job is gone');
  return doc;
};
const order = (act: JobAct, more: object = {}): Parameters<Store['jobAdmin']['act']>[1] => ({
  act,
  by: 'ana@desk',
  reason: 'a $reason',
  ...more,
});
const STATUSES = ['pending', 'scheduled', 'in_progress', 'done', 'completed', 'failed', 'suspended', 'cancelled', 'retry'] as const;
/** What each act makes of each status; absent: it is refused and nothing changes. */
const TABLE: Readonly<Record<JobAct, Readonly<Record<string, string>>>> = {
  suspend: { pending: 'suspended', scheduled: 'suspended', in_progress: 'requested' },
  cancel: { pending: 'cancelled', scheduled: 'cancelled', failed: 'cancelled', suspended: 'cancelled', in_progress: 'requested' },
  resume: { suspended: 'pending' },
  retry: { failed: 'pending', suspended: 'pending', cancelled: 'pending' },
};
const CASES = (Object.keys(TABLE) as JobAct[]).flatMap((act) => STATUSES.map((status) => ({ act, status, becomes: TABLE[act][status] })));

describe('acts of people on jobs', () => {
  it.each(CASES)('$act of a job that is $status: $becomes', async ({ act, status, becomes }) => {
    const held = status === 'in_progress' ? { lease_token: 't1', reserved_until: new Date(Date.now() + 60_000) } : { reserved_until: null };
    const id = await insert(jobDocument('j', { status, ...held }));
    const before = await read(id);
    const result = await store.jobAdmin.act(id, order(act));
    const after = await read(id);
    if (becomes === undefined) {
      expect(result).toMatchObject({ kind: 'refused', doc: { status } });
      expect(after).toEqual(before);
    } else if (becomes === 'requested') {
      expect(result).toEqual({ kind: 'requested' });
      expect(after).toMatchObject({ status, lease_token: 't1', reserved_until: before['reserved_until'] });
      expect(after[`${act}_requested`]).toMatchObject({ by: 'ana@desk', reason: 'a $reason' });
      expect(after[`${act}_requested`].at).toBeInstanceOf(Date);
    } else {
      expect(result).toEqual({ kind: 'changed', was: status });
      expect(after).toMatchObject({ status: becomes, last_action: { act, by: 'ana@desk', reason: 'a $reason' } });
      expect(after).not.toHaveProperty(`${act}_requested`);
    }
  });

  it('a job that is gone is refused without a document', async () => {
    expect(await store.jobAdmin.act('nobody', order('cancel'))).toEqual({ kind: 'refused', doc: null });
  });

  it('a suspended job keeps its place in the queue, and loses what it was set aside for when it is resumed', async () => {
    const due = new Date('2027-01-01T00:00:00Z');
    const id = await insert(jobDocument('j', { reserved_until: due, next_try_at: due }));
    await store.jobAdmin.act(id, order('suspend'));
    expect(await read(id)).toMatchObject({
      suspend_reason: 'operator',
      last_error: 'Suspended by ana@desk: a $reason',
      reserved_until: due,
    });
    await store.jobAdmin.act(id, order('resume'));
    const after = await read(id);
    expect(after).toMatchObject({ status: 'pending', reserved_until: due, next_try_at: due });
    expect(after).not.toHaveProperty('suspend_reason');
    expect(after).not.toHaveProperty('last_error');
  });

  it('resume takes back a suspension that was asked for during the call', async () => {
    const id = await insert(jobDocument('j', { status: 'in_progress', lease_token: 't1' }));
    await store.jobAdmin.act(id, order('suspend'));
    expect(await store.jobAdmin.act(id, order('resume'))).toEqual({ kind: 'withdrawn' });
    const after = await read(id);
    expect(after).toMatchObject({ status: 'in_progress', lease_token: 't1' });
    expect(after).not.toHaveProperty('suspend_requested');
  });

  it('retry makes a job due now, clamps its index, keeps its attempts unless told otherwise', async () => {
    const contact = { name: 'Ana', dni: '1', phones: ['+56911112222', '+56911113333'], next_phone_index: 2, kept: true };
    const id = await insert(
      jobDocument('j', {
        status: 'failed',
        attempts: 3,
        transient_calls: 2,
        contact,
        next_try_at: new Date(),
        last_error: 'x',
        bad_lines: ['l'],
      }),
    );
    await store.jobAdmin.act(id, order('retry'));
    const kept = await read(id);
    expect(kept).toMatchObject({
      status: 'pending',
      attempts: 3,
      transient_calls: 2,
      reserved_until: null,
      bad_lines: ['l'],
      contact: { ...contact, next_phone_index: 0 },
    });
    expect(kept).not.toHaveProperty('next_try_at');
    await world.db.collection('jobs').updateOne({ _id: id }, { $set: { status: 'failed' } });
    await store.jobAdmin.act(id, order('retry', { resetAttempts: true }));
    expect(await read(id)).toMatchObject({ attempts: 0, transient_calls: 0 });
  });

  it('a flat document of an older generation gets no contact', async () => {
    const id = await insert({ job_id: 'j', status: 'failed', to_number: '+56911112222', nombre: 'Ana', batch_id: 'batch-1' });
    await store.jobAdmin.act(id, order('retry'));
    const after = await read(id);
    expect(after['status']).toBe('pending');
    expect(after).not.toHaveProperty('contact');
  });

  it('P3: of a claim and an act at the same moment, each sees the other: a claimed job keeps its lease and the wish', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      await world.db.collection('jobs').deleteMany({});
      const id = await insert(jobDocument('j', { reserved_until: null }));
      const late = round % 2 === 0;
      const first = late ? claimNext(world.session) : store.jobAdmin.act(id, order('cancel'));
      // Who wins a race depends on the machine; each has to win sometimes.
      if (round < 4) await first;
      const second = late ? store.jobAdmin.act(id, order('cancel')) : claimNext(world.session);
      const [a, b] = await Promise.all([first, second]);
      const claimed = (late ? a : b) !== null;
      const after = await read(id);
      seen.add(String(after['status']));
      if (claimed) {
        expect(after).toMatchObject({ status: 'in_progress', lease_token: 't1' });
        expect(after['cancel_requested']).toMatchObject({ by: 'ana@desk' });
      } else expect(after).toMatchObject({ status: 'cancelled', reserved_until: null });
    }
    expect([...seen].sort()).toEqual(['cancelled', 'in_progress']);
  });

  it('a wish to cancel wins over another try when the call is settled', async () => {
    const id = await insert(jobDocument('j', { status: 'in_progress', lease_token: 't1' }));
    await store.jobAdmin.act(id, order('cancel'));
    const next = {
      status: 'pending', phoneIndex: 0, dueAt: new Date(), countsAttempt: true, countsTransient: false, badLine: null, suspendReason: null, lastError: null, why: 'no answer',
    } as const; // prettier-ignore
    await store.jobs.settle(id, 't1', next, {}, {});
    const after = await read(id);
    expect(after).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect(after).not.toHaveProperty('cancel_requested');
  });
});

describe('finding, listing and adding jobs', () => {
  it('finds by job_id and by _id, as hex or as text, over the indexes', async () => {
    const id = await insert(jobDocument('j-1'));
    await insert({ ...jobDocument('j-2'), _id: 'own-id' });
    for (const ref of ['j-1', String(id)]) expect(await store.jobAdmin.find(ref)).toMatchObject([{ job_id: 'j-1' }]);
    expect(await store.jobAdmin.find('own-id')).toMatchObject([{ job_id: 'j-2' }]);
    expect(await store.jobAdmin.find('nobody')).toEqual([]);
    await world.db.collection('jobs').insertMany(Array.from({ length: 300 }, (_, n) => jobDocument(`other-${n}`)));
    const plan = await world.db
      .collection('jobs')
      .find({ $or: [{ job_id: 'j-1' }, { _id: 'j-1' as never }] })
      .explain('executionStats');
    expect(plan['executionStats'].totalDocsExamined).toBeLessThan(5);
  });

  it('says that two jobs share one job_id by giving both', async () => {
    await insert(jobDocument('twin'));
    await insert(jobDocument('twin'));
    expect(await store.jobAdmin.find('twin')).toHaveLength(2);
  });

  it('lists by batch, account, status and reason, without the replies, no more than asked', async () => {
    await world.db
      .collection('jobs')
      .insertMany([
        jobDocument('a', { status: 'suspended', suspend_reason: 'no_credit', call_result: { details: 'long' } }),
        jobDocument('b', { status: 'failed', last_error: 'busy (dial_busy)' }),
        jobDocument('c', { batch_id: 'batch-2', account_id: 'acc-2' }),
      ]);
    const names = async (filter: object, limit: number | null = null): Promise<string[]> => {
      const found: string[] = [];
      for await (const doc of store.jobAdmin.list(filter, limit)) {
        expect(doc).not.toHaveProperty('call_result');
        found.push(String(doc['job_id']));
      }
      return found.sort();
    };
    expect(await names({})).toEqual(['a', 'b', 'c']);
    expect(await names({ batch: 'batch-1' })).toEqual(['a', 'b']);
    expect(await names({ account: 'acc-2' })).toEqual(['c']);
    expect(await names({ status: 'suspended', reason: 'no_credit' })).toEqual(['a']);
    expect(await names({ reason: '(dial_' })).toEqual(['b']);
    expect(await names({}, 2)).toHaveLength(2);
  });

  it('adds a contact once, also when eight commands add it at the same moment', async () => {
    const doc = { ...jobDocument('j'), deduplication_key: 'acc-1::1::single' };
    const results = await Promise.all(Array.from({ length: 8 }, (_, n) => store.jobAdmin.add({ ...doc, job_id: `j-${n}` })));
    expect(results.filter(({ kind }) => kind === 'added')).toHaveLength(1);
    expect(await world.db.collection('jobs').countDocuments()).toBe(1);
    const [stored] = await world.db.collection('jobs').find().toArray();
    expect(stored?.['created_at']).toBeInstanceOf(Date);
  });

  it("finds a duplicate that SpeechAI's API wrote", async () => {
    await insert(jobDocument('theirs', { deduplication_key: 'acc-1::1::single' }));
    expect(await store.jobAdmin.add({ ...jobDocument('mine'), deduplication_key: 'acc-1::1::single' })).toMatchObject({
      kind: 'duplicate',
      doc: { job_id: 'theirs' },
    });
  });
});

describe('ending leases', () => {
  it('ends exactly the lease that was seen', async () => {
    const until = new Date(Date.now() + 60_000);
    const id = await insert(jobDocument('j', { status: 'in_progress', lease_token: 't2', reserved_until: until }));
    expect(await store.jobAdmin.endLease({ id, leaseToken: 't1', workerId: 'w', startedAt: null })).toBe(false);
    expect(await store.jobAdmin.endLease({ id, leaseToken: null, workerId: 'w', startedAt: null })).toBe(false);
    expect(await read(id)).toMatchObject({ reserved_until: until });
    expect(await store.jobAdmin.endLease({ id, leaseToken: 't2', workerId: 'w', startedAt: null })).toBe(true);
    const after = await read(id);
    expect(after['reserved_until'].getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(after).toMatchObject({ status: 'in_progress', lease_token: 't2' });
  });

  it("an old worker's job is told by who started it when", async () => {
    const startedAt = new Date('2026-11-20T12:00:00Z');
    const id = await insert(
      jobDocument('j', { status: 'in_progress', worker_id: 'bot-1', started_at: startedAt, reserved_until: new Date(Date.now() + 60_000) }),
    );
    expect(await store.jobAdmin.endLease({ id, leaseToken: null, workerId: 'bot-2', startedAt })).toBe(false);
    expect(await store.jobAdmin.endLease({ id, leaseToken: null, workerId: 'bot-1', startedAt })).toBe(true);
  });
});
