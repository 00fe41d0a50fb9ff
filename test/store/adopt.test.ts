import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adopt } from '../../src/cli/db-adopt.js';
import type { Session } from '../../src/cli/session.js';
import { claimNext, jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let session: Session;
beforeAll(async () => {
  world = await openTestSession();
  session = world.session;
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.db.collection('jobs').deleteMany({});
  await world.db.collection('batches').deleteMany({});
});

const DUE = new Date('2027-03-01T15:00:00.000Z');
const failed = (id: string, more: Document = {}): Document => jobDocument(id, { status: 'failed', attempts: 1, next_try_at: DUE, ...more });
const insert = (...docs: Document[]): Promise<unknown> => world.db.collection('jobs').insertMany(docs);
const job = async (id: string): Promise<Document> => (await world.db.collection('jobs').findOne({ job_id: id })) ?? {};
const statuses = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await world.db.collection('jobs').find().toArray()).map((doc) => [String(doc['job_id']), String(doc['status'])]));

describe('db adopt', () => {
  it("takes SpeechAI's waiting failed jobs: pending, due when SpeechAI meant, index inside the numbers, all else kept", async () => {
    const contact = { name: 'Ana', dni: '1', phones: ['+56911112222', '+56911113333'], next_phone_index: 2, extra: true };
    await insert(failed('waits', { contact, worker_id: 'bot-1', call_result: { success: false } }));
    const report = await adopt(session, false);
    expect(report).toMatchObject({ waiting: { failed: 1 }, taken: 1, exhausted: 0, unreadable: 0, moved: 0 });
    expect(await job('waits')).toMatchObject({
      status: 'pending',
      reserved_until: DUE,
      next_try_at: DUE,
      attempts: 1,
      contact: { ...contact, next_phone_index: 0 },
      call_result: { success: false },
    });
  });

  it('takes the retry status of the workflows before it, with its ISO texts, and leaves flat documents flat', async () => {
    const flat = {
      job_id: 'flat',
      status: 'retry',
      to_number: '+56911112222',
      nombre: 'Ana',
      rut: '12345678K',
      attempts: '1',
      next_try_at: DUE.toISOString(),
    };
    await insert(flat, { ...flat, job_id: 'undated', next_try_at: null });
    expect(await adopt(session, false)).toMatchObject({ waiting: { retry: 2 }, taken: 2 });
    const taken = await job('flat');
    expect(taken).toMatchObject({ status: 'pending', reserved_until: DUE, next_try_at: DUE });
    expect(taken).not.toHaveProperty('contact');
    const undated = await job('undated');
    expect(undated).toMatchObject({ status: 'pending', reserved_until: null });
    expect(undated).not.toHaveProperty('next_try_at');
  });

  it.each([
    { title: "the job's own limit", doc: { attempts: 2, max_attempts: 2 }, batch: null, taken: 0 },
    { title: "the batch's limit above the job's", doc: { attempts: 2, max_attempts: 2 }, batch: 4, taken: 1 },
    { title: "the batch's limit below the job's", doc: { attempts: 2, max_attempts: 5 }, batch: 2, taken: 0 },
    { title: 'three where nobody says', doc: { attempts: 2, max_attempts: null }, batch: null, taken: 1 },
    { title: 'no more than three where nobody says', doc: { attempts: 3, max_attempts: 'many' }, batch: null, taken: 0 },
  ])('asks for attempts left: $title', async ({ doc, batch, taken }) => {
    await insert(failed('j', doc));
    if (batch !== null)
      await world.db
        .collection('batches')
        .insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, call_settings: { max_attempts: batch } });
    const report = await adopt(session, false);
    expect([report.taken, report.exhausted]).toEqual([taken, 1 - taken]);
    expect((await job('j'))['status']).toBe(taken === 1 ? 'pending' : 'failed');
  });

  it('MAX_ATTEMPTS of the installation stands above the job, below the batch', async () => {
    await insert(failed('j', { attempts: 2, max_attempts: 2 }));
    const policy = { ...session.policy, maxAttempts: 5 };
    expect(await adopt({ ...session, policy }, true)).toMatchObject({ waiting: { failed: 1 } });
  });

  it('leaves alone what is finished, ours, or cannot be understood', async () => {
    await insert(
      failed('final', { next_try_at: null }),
      jobDocument('ours', { status: 'failed', attempts: 1 }),
      failed('held', { lease_token: 't1' }),
      failed('nonsense', { next_try_at: 'tomorrow, perhaps' }),
      failed('no-contact', { contact: 7 }),
      jobDocument('done', { status: 'done', next_try_at: DUE }),
    );
    const before = await statuses();
    expect(await adopt(session, false)).toMatchObject({ waiting: {}, taken: 0, unreadable: 2 });
    expect(await statuses()).toEqual(before);
  });

  it('a dry run counts and shows, and writes nothing; a second real run finds nothing', async () => {
    await insert(...Array.from({ length: 1_203 }, (_, n) => failed(`j-${n}`)), { ...jobDocument('r'), status: 'retry' });
    const rehearsal = await adopt(session, true);
    expect(rehearsal).toMatchObject({ dryRun: true, waiting: { failed: 1_203, retry: 1 }, taken: 0 });
    expect(rehearsal.examples).toHaveLength(5);
    expect(rehearsal.examples[0]).toBe('j-0: failed, 1 of 3 attempts, due 2027-03-01T15:00:00.000Z');
    expect(JSON.stringify(rehearsal)).not.toContain('911112222');
    expect(await world.db.collection('jobs').countDocuments({ status: 'pending' })).toBe(0);
    expect(await adopt(session, false)).toMatchObject({ taken: 1_204, moved: 0 });
    expect(await adopt(session, false)).toMatchObject({ waiting: {}, taken: 0 });
  });

  it('a job that another program moves between the look and the write keeps what it was given', async () => {
    await insert(failed('cancelled'), failed('later'), failed('plain'));
    const take: typeof session.store.adopt.take = async (adoptions) => {
      await world.db.collection('jobs').updateOne({ job_id: 'cancelled' }, { $set: { status: 'cancelled' } });
      await world.db.collection('jobs').updateOne({ job_id: 'later' }, { $set: { next_try_at: new Date('2028-01-01') } });
      return session.store.adopt.take(adoptions);
    };
    const racing = { ...session, store: { ...session.store, adopt: { ...session.store.adopt, take } } };
    expect(await adopt(racing, false)).toMatchObject({ taken: 1, moved: 2 });
    expect(await statuses()).toEqual({ cancelled: 'cancelled', later: 'failed', plain: 'pending' });
  });

  it('what was taken is claimed when it is due, not before', async () => {
    await insert(failed('past', { next_try_at: new Date('2026-01-01') }), failed('future', { next_try_at: new Date('2999-01-01') }));
    await adopt(session, false);
    expect(await claimNext(session, 'retry')).toMatchObject({ job_id: 'past' });
    expect(await claimNext(session, 'retry')).toBeNull();
  });

  it('refuses while an old worker is at work, even to look', async () => {
    await insert(
      failed('waits'),
      jobDocument('theirs', { status: 'in_progress', worker_id: 'bot-3', reserved_until: new Date(Date.now() + 60_000) }),
    );
    await expect(adopt(session, false)).rejects.toMatchObject({ code: 'OLD_WORKER', message: expect.stringContaining('bot-3') as string });
    expect((await job('waits'))['status']).toBe('failed');
  });

  it('refuses without the indexes, and says what makes them', async () => {
    await world.db.collection('jobs').dropIndex('speechai_rescue');
    try {
      await expect(adopt(session, false)).rejects.toMatchObject({
        code: 'INDEXES_MISSING',
        remedy: expect.stringContaining('db init') as string,
      });
    } finally {
      const { createIndexes } = await import('../../src/store/indexes.js');
      await createIndexes(session.store.connection);
    }
  });
});

describe('old workers', () => {
  const MINUTE = 60_000;
  const ago = (ms: number): Date => new Date(Date.now() - ms);
  const theirs = (more: Document): Document =>
    jobDocument('j', {
      status: 'in_progress',
      worker_id: 'bot-1',
      started_at: ago(60 * MINUTE),
      updated_at: ago(60 * MINUTE),
      reserved_until: ago(30 * MINUTE),
      ...more,
    });

  it.each([
    { title: 'a live lease', doc: { reserved_until: ago(-MINUTE) }, found: ['bot-1'] },
    { title: 'a write since then', doc: { updated_at: ago(0) }, found: ['bot-1'] },
    { title: 'what it left behind long ago', doc: {}, found: [] },
    { title: 'a lease of ours', doc: { reserved_until: ago(-MINUTE), lease_token: 't1' }, found: [] },
    { title: 'a worker of another name', doc: { reserved_until: ago(-MINUTE), worker_id: 'robot-1' }, found: [] },
    { title: 'a job it has finished', doc: { status: 'done', reserved_until: ago(-MINUTE) }, found: [] },
    { title: 'a lease as a text', doc: { reserved_until: '2999-01-01T00:00:00Z' }, found: [] },
  ])('$title: $found', async ({ doc, found }) => {
    await insert(theirs(doc));
    expect(await session.store.runners.oldWorkers(ago(MINUTE))).toEqual(found);
  });

  it('names each once', async () => {
    await insert(...['bot-1', 'bot-2', 'bot-1'].map((worker) => theirs({ worker_id: worker, updated_at: ago(0) })));
    expect((await session.store.runners.oldWorkers(ago(MINUTE))).toSorted()).toEqual(['bot-1', 'bot-2']);
  });
});
