import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adopt } from '../../src/cli/db-adopt.js';
import { factsOf, findJob } from '../../src/cli/job-find.js';
import type { Session } from '../../src/cli/session.js';
import { personHash } from '../../src/domain/person.js';
import { lineHash } from '../../src/domain/phones.js';
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

  it('takes what was failed for want of money or an account, and gives attempts back that were only turns; what was called keeps its count', async () => {
    const broke = { next_try_at: null, last_error: 'Saldo insuficiente: 0.00', attempts: 3 };
    await insert(
      failed('never', broke),
      failed('called', { ...broke, attempts: 2, call_id: 'call_1' }),
      failed('spent', { ...broke, call_id: 'call_2' }),
      failed('gave-up', { ...broke, last_error: 'Máximo de intentos alcanzado (3)' }),
    );
    expect(await adopt(session, true)).toMatchObject({ waiting: { failed: 2 }, taken: 0, exhausted: 1 });
    expect(await adopt(session, false)).toMatchObject({ taken: 2, exhausted: 1 });
    expect(await job('never')).toMatchObject({ status: 'pending', attempts: 0 });
    expect(await job('called')).toMatchObject({ status: 'pending', attempts: 2 });
    expect(await statuses()).toMatchObject({ spent: 'failed', 'gave-up': 'failed' });
  });

  it('names the accounts for which nothing can be dialled, since the old worker booked cents as dollars', async () => {
    const account = (account_id: string, more: Document): Document => ({
      account_id,
      status: 'active',
      plan_type: 'credit_based',
      ...more,
    });
    await world.db
      .collection('accounts')
      .insertMany([
        account('acc-cents', { credit_balance: 100, credit_used: 5572 }),
        account('acc-fine', { credit_balance: 100, credit_used: 55.72 }),
        account('acc-minutes', { plan_type: 'minutes_based', minutes_purchased: 10, minutes_used: 20 }),
      ]);
    const { overdrawn } = await adopt(session, true);
    expect(overdrawn).toEqual(['acc-cents: $5572.00 used of $100.00 bought', 'acc-minutes: 20 minutes used of 10 bought']);
    await world.db.collection('accounts').deleteMany({ account_id: /^acc-(cents|fine|minutes)$/ });
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

describe('db adopt, besides the waiting jobs', () => {
  const OUT_OF_HOURS = 'Fuera de horario: 03:00 (permitido 09:00-18:00)';
  const attempts = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries((await world.db.collection('jobs').find().toArray()).map((doc) => [String(doc['job_id']), doc['attempts']]));
  beforeEach(async () => {
    await world.db.collection('call_attempts').deleteMany({});
  });

  it('gives back the attempts of jobs that were only claimed outside the hours, and no others', async () => {
    const inflated = { attempts: 200, last_error: OUT_OF_HOURS, call_id: null };
    await insert(
      jobDocument('claimed', inflated),
      jobDocument('scheduled', { ...inflated, status: 'scheduled' }),
      jobDocument('below', { ...inflated, attempts: 2 }),
      jobDocument('called', { ...inflated, call_id: 'call_1' }),
      jobDocument('told', { ...inflated, last_attempt_result: 'not_connected' }),
      jobDocument('held', { ...inflated, lease_token: 't1' }),
      jobDocument('ended', { ...inflated, status: 'failed' }),
      { ...jobDocument('ours', inflated), _id: 'ours' as never },
    );
    await world.db
      .collection('batches')
      .insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, call_settings: { max_attempts: 5 } });
    await world.db.collection('call_attempts').insertOne({ _id: 'a1' as never, job: 'ours', state: 'settled' });
    const before = await attempts();
    expect(await adopt(session, true)).toMatchObject({ uncounted: 2 });
    expect(await attempts()).toEqual(before);
    expect(await adopt(session, false)).toMatchObject({ uncounted: 2 });
    expect(await attempts()).toEqual({ ...before, claimed: 0, scheduled: 0 });
    expect(await adopt(session, false)).toMatchObject({ uncounted: 0 });
  });

  it('puts indexes past the last number back, also of jobs that are over: the API cannot list them', async () => {
    const at = (next_phone_index: unknown) => ({
      contact: { name: 'Ana', dni: '1', phones: ['+56911112222', '+56911113333'], next_phone_index },
    });
    await insert(
      jobDocument('over', { status: 'failed', attempts: 3, ...at(2) }),
      jobDocument('null', at(null)),
      jobDocument('inside', at(1)),
      jobDocument('none', { contact: { name: 'Ana', dni: '1', phones: [], next_phone_index: 1 } }),
      { job_id: 'flat', status: 'failed', to_number: '+56911112222', phone_index: 3 },
    );
    expect(await adopt(session, true)).toMatchObject({ clamped: 2 });
    expect(await adopt(session, false)).toMatchObject({ clamped: 2 });
    const index = async (id: string) => ((await job(id))['contact'] as Document | undefined)?.['next_phone_index'] as unknown;
    expect(await Promise.all(['over', 'null', 'inside', 'none', 'flat'].map(index))).toEqual([0, 0, 1, 1, undefined]);
  });

  describe('calls of the old worker', () => {
    const NUMBERS = ['+56911112222', '+56922223333'];
    const ago = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);
    const called = (id: string, more: Document = {}): Document =>
      jobDocument(id, {
        status: 'done',
        attempts: 1,
        contact: { name: 'Ana', dni: '12345678K', phones: NUMBERS, next_phone_index: 0 },
        call_id: `call_${id}`,
        started_at: ago(3),
        call_started_at: ago(3),
        call_ended_at: ago(3),
        call_result: {
          success: true,
          status: 'ended',
          summary: {
            call_status: 'ended',
            disconnection_reason: 'user_hangup',
            duration_ms: 75_000,
            start_timestamp: ago(3).getTime(),
            transcript: 'User: hola',
          },
          details: { to_number: NUMBERS[0], from_number: '+56600000001' },
          timestamp: ago(3),
        },
        ...more,
      });
    const history = () =>
      session.store.attempts
        .history([], [personHash('12345678K') ?? ''], ago(1_000))
        .then((calls) => calls.map(({ line, reached }) => [line, reached]));

    it('are counted by the limits, once, without money', async () => {
      await insert(called('talked'));
      expect(await adopt(session, true)).toMatchObject({ calls: 1 });
      expect(await history()).toEqual([]);
      expect(await adopt(session, false)).toMatchObject({ calls: 1 });
      expect(await adopt(session, false)).toMatchObject({ calls: 0 });
      expect(await history()).toEqual([[lineHash(NUMBERS[0] ?? ''), 'conversation']]);
      expect(await world.db.collection('call_attempts').findOne()).toMatchObject({
        _id: 'adopted:call_talked',
        state: 'settled',
        open: false,
        cost: { micros: 0, ms: 0, final: true },
      });
      await insert(jobDocument('next'));
      await world.db.collection('batches').insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, rules: 'cl' });
      const found = await findJob(session, 'next');
      if (found.kind !== 'job') throw new Error('no job');
      expect((await factsOf(session, found.job)).history).toHaveLength(1);
    });

    const missed = { call_status: 'not_connected', disconnection_reason: 'dial_no_answer', duration_ms: 0 };
    it.each([
      ['the number before the index, where the reply does not tell', { status: 'failed', call_result: { summary: missed } }, 1, 'rang'],
      ['a call nobody followed to its end', { status: 'pending', call_result: null }, 1, 'rang'],
    ])('%s', async (_, more, index, reached) => {
      await insert(called('j', more));
      expect(await adopt(session, false)).toMatchObject({ calls: 1 });
      expect(await history()).toEqual([[lineHash(NUMBERS[index] ?? ''), reached]]);
    });

    it.each([
      ['one of ours', { call_result: { attempt_id: 'a1', summary: {} } }],
      ['one that carries an id of ours', { call_result: { summary: {}, details: { metadata: { attempt_id: 'a1' } } } }],
      [
        'one that no rule looks back to',
        { started_at: ago(500), call_started_at: ago(500), call_ended_at: ago(500), call_result: { summary: missed } },
      ],
      ['one that may still be under way', { status: 'in_progress' }],
      ['a job that was never called', { call_id: null }],
    ])('none is made of %s', async (_, more) => {
      await insert(called('j', more));
      expect(await adopt(session, false)).toMatchObject({ calls: 0 });
    });
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
