import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addJob } from '../../src/cli/job-add.js';
import { actOnJob, type ActOptions, type Report } from '../../src/cli/job-act.js';
import { findJob } from '../../src/cli/job-find.js';
import { releaseJob } from '../../src/cli/job-release.js';
import { listed, storyLines, storyOf, type ShowOptions } from '../../src/cli/job-show.js';
import type { Session } from '../../src/cli/session.js';
import type { NewJob } from '../../src/domain/new-job.js';
import type { AnyDocument } from '../../src/store/connection.js';
import type { JobAct } from '../../src/store/job-admin.js';
import { lineHash } from '../../src/domain/phones.js';
import { speechai, type Ran } from '../support/cli.js';
import { attemptDocument, claimNext, jobDocument, openTestSession, placeCall, type TestSession } from '../support/session.js';

let world: TestSession;
let session: Session;
beforeAll(async () => {
  world = await openTestSession();
  session = world.session;
});
afterAll(() => world.close());
beforeEach(async () => {
  world.simulator.reset();
  for (const name of ['jobs', 'accounts', 'batches', 'call_attempts', 'suppressions']) await world.db.collection(name).deleteMany({});
  await world.db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
  await world.db.collection('batches').insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, call_settings: null });
});

const insert = async (doc: Document): Promise<void> => void (await world.db.collection('jobs').insertOne(doc));
const job = async (id: string): Promise<Document> => (await world.db.collection('jobs').findOne({ job_id: id })) ?? {};
const held = (id: string, more: Document = {}): Document =>
  jobDocument(id, {
    status: 'in_progress',
    lease_token: 't1',
    worker_id: 'worker-1',
    reserved_until: new Date(Date.now() + 60_000),
    started_at: new Date(),
    ...more,
  });
const attempt = async (id: string, more: Document = {}): Promise<void> => {
  const doc = await job(id);
  await world.db.collection('call_attempts').insertOne(attemptDocument(world, doc['_id'], id, more));
};
const OPTIONS: ActOptions = { reason: null, hangUp: false, resetAttempts: false };
const act = (name: JobAct, ref: string, more: Partial<ActOptions> = {}, as: Session = session): Promise<Report> =>
  actOnJob(as, name, ref, { ...OPTIONS, ...more });

const ORDER: NewJob = {
  account: 'acc-1', batch: 'batch-1', phones: ['+56911112222'], name: 'Ana', dni: '12345678-K', amount: 10, due: null, company: null, fields: {}, maxAttempts: null, queue: null,
}; // prettier-ignore

describe('job add', () => {
  it('writes a job that a daemon claims, once', async () => {
    const added = await addJob(session, ORDER, false);
    expect(added).toMatchObject({ kind: 'added', numbers: ['+56*****222'] });
    expect(await addJob(session, { ...ORDER, phones: ['+56911119999'] }, false)).toMatchObject({ kind: 'duplicate', status: 'pending' });
    expect(await claimNext(session)).toMatchObject({ account_id: 'acc-1', contact: { phones: ['+56911112222'] } });
  });

  it('says that a check digit is wrong, and keeps an id as an import would', async () => {
    const wrong = { kind: 'added', warnings: ['the RUT or DNI is kept as it is written, but its check digit should be 5'] };
    expect(await addJob(session, ORDER, false)).toMatchObject(wrong);
    expect(await addJob(session, { ...ORDER, dni: '12345678', due: '30-nov-2026' }, false)).toMatchObject({ kind: 'added', warnings: [] });
    expect(await world.db.collection('jobs').findOne({ 'contact.dni': '123456785' })).toMatchObject({
      payload: { due_date: '2026-11-30' },
    });
    await world.db.collection('accounts').updateOne({}, { $set: { country: 'AR' } });
    await addJob(session, { ...ORDER, dni: '27-28123457-4' }, false);
    expect(await addJob(session, { ...ORDER, dni: '28.123.457' }, false)).toMatchObject({ kind: 'duplicate' });
  });

  it.each([
    ['1.234,50', 1234.5],
    ['104.050', 104_050],
  ])('--amount %s is read as an import reads it', async (amount, debt) => {
    const ran = await speechai(world.env, 'job', 'add', '--account', 'acc-1', '--phone', '+56911112222', '--amount', amount);
    expect([ran.code, await world.db.collection('jobs').findOne({})]).toMatchObject([0, { payload: { debt_amount: debt } }]);
  });

  it('a dry run checks the same and writes nothing', async () => {
    expect(await addJob(session, ORDER, true)).toMatchObject({ kind: 'would be added' });
    expect(await world.db.collection('jobs').countDocuments()).toBe(0);
    await addJob(session, ORDER, false);
    expect(await addJob(session, ORDER, true)).toMatchObject({ kind: 'duplicate' });
    expect(await addJob(session, { ...ORDER, account: 'acc-9', batch: 'nowhere' }, true)).toMatchObject({
      kind: 'refused',
      reasons: ['There is no account acc-9.', 'There is no batch nowhere.'],
    });
  });
});

describe('job suspend, resume, cancel, retry', () => {
  it('moves what waits at once, by job_id or by _id, and says from where', async () => {
    await insert(jobDocument('j'));
    expect(await act('suspend', 'j', { reason: 'wrong amount' })).toEqual({ job: 'j', ok: true, text: 'suspended (it was pending)' });
    const hex = String((await job('j'))['_id']);
    expect(await act('resume', hex)).toMatchObject({ ok: true, text: 'resumed (it was suspended)' });
    expect(await act('cancel', 'j')).toMatchObject({ ok: true });
    expect(await act('cancel', 'j')).toMatchObject({ ok: false, text: 'it is cancelled already' });
    expect(await act('retry', 'j')).toMatchObject({ ok: true, text: 'pending again (it was cancelled), due now' });
  });

  it('a job that a daemon claims between the look and the write is asked, not overwritten', async () => {
    await insert(jobDocument('j', { reserved_until: null }));
    const find: Session['store']['jobAdmin']['find'] = async (ref) => {
      const docs = await session.store.jobAdmin.find(ref);
      expect(await claimNext(session)).not.toBeNull();
      return docs;
    };
    const racing = { ...session, store: { ...session.store, jobAdmin: { ...session.store.jobAdmin, find } } };
    const report = await act('cancel', 'j', {}, racing);
    expect(report).toMatchObject({
      ok: true,
      text: expect.stringMatching(/in progress: it is cancelled when its call ends \(--hang-up/) as string,
    });
    expect(await job('j')).toMatchObject({ status: 'in_progress', lease_token: 't1', cancel_requested: { by: 'ana@desk' } });
  });

  it('a retry of a job that waits out a delay ends the delay, and nothing else of its round', async () => {
    const later = new Date(Date.now() + 3_600_000);
    await insert(jobDocument('j', { attempts: 1, next_try_at: later, reserved_until: later, last_error: 'busy' }));
    expect(await act('retry', 'j')).toEqual({ job: 'j', ok: true, text: 'its delay is over, due now' });
    const after = await job('j');
    expect(after).toMatchObject({ status: 'pending', attempts: 1, last_error: 'busy' });
    expect(after).not.toHaveProperty('next_try_at');
    await session.store.time.sync();
    expect(await claimNext(session, 'retry')).not.toBeNull();
  });

  it('a cancelled job says by whom and why, in place of what its last call ended with', async () => {
    await insert(jobDocument('j', { last_error: 'No answer (dial_no_answer)' }));
    await act('cancel', 'j', { reason: 'moved away' });
    expect(listed((await job('j')) as AnyDocument)).toMatchObject({ status: 'cancelled', reason: 'cancelled by ana@desk: moved away' });
    expect(await job('j')).toMatchObject({ cancellation_reason: 'moved away', last_error: 'Cancelled by ana@desk: moved away' });
    await insert(jobDocument('api', { status: 'cancelled', cancellation_reason: 'Batch deleted', last_error: 'busy' }));
    expect(listed((await job('api')) as AnyDocument)).toMatchObject({ reason: 'cancelled: Batch deleted' });
  });

  it('a retry without attempts left is refused with what would help', async () => {
    await insert(jobDocument('j', { status: 'failed', attempts: 3 }));
    expect(await act('retry', 'j')).toMatchObject({ ok: false, text: expect.stringContaining('3 of 3 attempts are used') as string });
    expect(await job('j')).toMatchObject({ status: 'failed' });
    expect(await act('retry', 'j', { resetAttempts: true })).toMatchObject({ ok: true });
    expect(await job('j')).toMatchObject({ status: 'pending', attempts: 0 });
  });

  it.each([
    ['cancelled', { is_active: false, state: 'cancelled' }, /job add --batch/],
    ['completed', { is_active: false, state: 'completed' }, /speechai batch resume batch-1/],
    ['expired', { end_at: new Date(0) }, /batch set batch-1 end_at=/],
  ])('P2: nothing of a batch that is %s becomes pending, where nobody would take it', async (state, fields, remedy) => {
    await world.db.collection('batches').updateOne({}, { $set: fields });
    await insert(jobDocument('j', { status: 'suspended' }));
    for (const name of ['retry', 'resume'] as const)
      expect(await act(name, 'j')).toMatchObject({
        ok: false,
        code: `BATCH_${state.toUpperCase()}`,
        remedy: expect.stringMatching(remedy) as string,
      });
    expect(await job('j')).toMatchObject({ status: 'suspended' });
    await world.db.collection('batches').deleteMany({});
    expect(await act('retry', 'j')).toMatchObject({ ok: false, code: 'NO_SUCH_BATCH' });
  });

  it('a retry of somebody who may not be called says so, by which entry', async () => {
    const blocked = {
      line: lineHash('+56911112222'),
      person: null,
      account_id: null,
      batch_id: null,
      reason: 'asked for it',
      expires_at: null,
    };
    await world.db.collection<Document>('suppressions').insertOne(blocked);
    await insert(jobDocument('j', { status: 'failed' }));
    expect(await act('retry', 'j')).toMatchObject({ ok: true, warning: expect.stringMatching(/asked for it.*without a call/) as string });
    await world.db.collection('suppressions').deleteMany({});
    await insert(jobDocument('k', { status: 'failed' }));
    expect(await act('retry', 'k')).not.toHaveProperty('warning');
  });

  it.each([
    { name: 'suspend' as const, status: 'done', text: /its contact was reached/ },
    { name: 'resume' as const, status: 'failed', text: /speechai job retry j/ },
    { name: 'retry' as const, status: 'in_progress', text: /speechai job cancel j --hang-up/ },
    { name: 'retry' as const, status: 'pending', text: /waits for no delay: speechai explain job j/ },
    { name: 'cancel' as const, status: 'archived', text: /another program/ },
  ])('explains why it cannot $name a job that is $status', async ({ name, status, text }) => {
    await insert(jobDocument('j', { status }));
    const report = await act(name, 'j');
    expect(report.ok).toBe(false);
    expect(report.text).toMatch(text);
  });

  it('says that there is no such job, or which of two is meant', async () => {
    expect(await act('cancel', 'nobody')).toMatchObject({ ok: false, code: 'NO_SUCH_JOB', text: 'there is no such job' });
    await insert(jobDocument('twin'));
    await insert(jobDocument('twin'));
    expect(await act('cancel', 'twin')).toMatchObject({
      ok: false,
      code: 'JOB_AMBIGUOUS',
      remedy: expect.stringMatching(/by _id: [0-9a-f]{24} or [0-9a-f]{24}/) as string,
    });
  });

  it('--hang-up stores whose wish it was, then stops the call', async () => {
    await insert(held('j'));
    const callId = await placeCall(world, 't1');
    await attempt('j', { call_id: callId });
    expect(await act('cancel', 'j', { hangUp: true })).toMatchObject({
      ok: true,
      text: expect.stringContaining(`hung up (${callId})`) as string,
    });
    expect(await world.db.collection('call_attempts').findOne()).toMatchObject({ stop_reason: 'operator', state: 'live', open: true });
    const { retell } = await session.retell();
    expect(await retell.read(callId)).toMatchObject({ kind: 'call', call: { live: false } });
  });

  it('--hang-up finds a call whose id was never stored, by its attempt', async () => {
    await insert(held('j'));
    const callId = await placeCall(world, 't1');
    await attempt('j', { state: 'unknown' });
    expect(await act('suspend', 'j', { hangUp: true })).toMatchObject({ ok: true, text: expect.stringContaining(callId) as string });
  });

  it('--hang-up says so when the call is not to be seen yet, belongs to another key, or there is none', async () => {
    await insert(held('none'));
    expect(await act('cancel', 'none', { hangUp: true })).toMatchObject({
      ok: true,
      text: expect.stringContaining('no call is open') as string,
    });
    await insert(held('early', { lease_token: 't2' }));
    await attempt('early', { _id: 't2', state: 'unknown' });
    expect(await act('cancel', 'early', { hangUp: true })).toMatchObject({
      ok: false,
      text: expect.stringContaining('again in a few seconds') as string,
    });
    await insert(held('foreign', { lease_token: 't3' }));
    await attempt('foreign', { _id: 't3', workspace: 'elsewhere', call_id: 'call_x' });
    expect(await act('cancel', 'foreign', { hangUp: true })).toMatchObject({
      ok: false,
      text: expect.stringContaining('another RETELL_API_KEY') as string,
    });
  });
});

describe('job release', () => {
  const leaseOf = async (id: string): Promise<number> => ((await job(id))['reserved_until'] as Date).getTime() - Date.now();
  const released = async (id: string): Promise<boolean> => (await leaseOf(id)) < 2_000;

  it('only of a job in progress', async () => {
    await insert(jobDocument('j'));
    expect(await releaseJob(session, 'j')).toMatchObject({ ok: false, text: expect.stringContaining('it is pending') as string });
  });

  it('ends the lease of a job whose worker never began a call; the rescue then gives it back', async () => {
    await insert(held('j'));
    expect(await releaseJob(session, 'j')).toMatchObject({ ok: true });
    expect(await job('j')).toMatchObject({ status: 'in_progress', lease_token: 't1' });
    const rescued = await session.store.jobs.takeExpired('t9', 'me', 60_000, new Date(Date.now() + 1_000), false);
    expect(rescued).toMatchObject({ doc: { job_id: 'j', lease_token: 't9' } });
  });

  it('P1: not while its call is live, known by its id or only by its attempt', async () => {
    await insert(held('j'));
    const callId = await placeCall(world, 't1');
    await attempt('j', { call_id: callId });
    expect(await releaseJob(session, 'j')).toMatchObject({
      ok: false,
      text: expect.stringMatching(/is live; end it with `speechai call stop`/) as string,
    });
    await world.db.collection('call_attempts').updateOne({}, { $set: { state: 'unknown' }, $unset: { call_id: '' } });
    expect(await releaseJob(session, 'j')).toMatchObject({ ok: false, text: expect.stringContaining(`${callId} is live`) as string });
    expect(await leaseOf('j')).toBeGreaterThan(30_000);
  });

  it('P1: not while a call may still come to light, nor while the provider is silent', async () => {
    await insert(held('j'));
    await attempt('j', { state: 'unknown', dial_by: new Date() });
    expect(await releaseJob(session, 'j')).toMatchObject({
      ok: false,
      text: expect.stringMatching(/may still come to light for the next \d+ s/) as string,
    });
    const silent = {
      ...session,
      retell: async () => ({
        workspace: world.workspace,
        retell: { ...(await session.retell()).retell, listByAttempt: () => Promise.resolve(SILENT) },
      }),
    };
    await world.db.collection('call_attempts').updateOne({}, { $set: { dial_by: new Date(0) } });
    expect(await releaseJob(silent, 'j')).toMatchObject({ ok: false, text: expect.stringContaining('is not known') as string });
    expect(await leaseOf('j')).toBeGreaterThan(30_000);
  });

  it('P1: not when the provider does not know a call that could still last', async () => {
    await insert(held('j'));
    await attempt('j', { call_id: 'call_nowhere', placed_at: new Date() });
    expect(await releaseJob(session, 'j')).toMatchObject({ ok: false, text: expect.stringContaining('could last until') as string });
    await world.db.collection('call_attempts').updateOne({}, { $set: { placed_at: new Date(0) } });
    expect(await releaseJob(session, 'j')).toMatchObject({ ok: true });
  });

  it('ends both leases when the call is over, or was surely never placed', async () => {
    await insert(held('over'));
    const callId = await placeCall(world, 't1');
    const { retell } = await session.retell();
    await retell.stop(callId);
    await attempt('over', { call_id: callId });
    expect(await releaseJob(session, 'over')).toMatchObject({ ok: true, text: expect.stringContaining('is over') as string });
    expect(await released('over')).toBe(true);
    expect(await session.store.attempts.takeExpired('me', 60_000, new Date(Date.now() + 1_000))).toMatchObject([
      { _id: 't1', runner: 'me' },
    ]);

    await insert(held('never', { lease_token: 't2' }));
    await attempt('never', { _id: 't2', state: 'placing', dial_by: new Date(0) });
    expect(await releaseJob(session, 'never')).toMatchObject({ ok: true, text: expect.stringContaining('knows no call') as string });
  });

  it('a settlement that was cut short is finished by the rescue', async () => {
    await insert(held('j'));
    await attempt('j', { state: 'settled', open: false, locks: undefined });
    expect(await releaseJob(session, 'j')).toMatchObject({ ok: true, text: expect.stringContaining('only has to be booked') as string });
  });

  it('not when another worker took it during the look', async () => {
    await insert(held('j'));
    const leasedFor: Session['store']['attempts']['leasedFor'] = async (id) => {
      await world.db.collection('jobs').updateOne({ job_id: 'j' }, { $set: { lease_token: 't7' } });
      return session.store.attempts.leasedFor(id);
    };
    const racing = { ...session, store: { ...session.store, attempts: { ...session.store.attempts, leasedFor } } };
    expect(await releaseJob(racing, 'j')).toMatchObject({ ok: false, text: expect.stringContaining('another worker took it') as string });
    expect(await leaseOf('j')).toBeGreaterThan(30_000);
  });

  describe("the old worker's", () => {
    const old = (more: Document = {}): Document => {
      const { lease_token: _, ...doc } = held('j', {
        worker_id: 'bot-1',
        reserved_until: new Date(Date.now() - 3_600_000),
        started_at: new Date(Date.now() - 60_000),
        ...more,
      });
      return doc;
    };

    it('not while it is at work', async () => {
      await insert(old({ reserved_until: new Date(Date.now() + 60_000) }));
      expect(await releaseJob(session, 'j')).toMatchObject({
        ok: false,
        text: expect.stringMatching(/old worker \(bot-1\) is still at work/) as string,
      });
    });

    it('not while the call it wrote, or another to the number, is live; then it is', async () => {
      const callId = await placeCall(world, 'old', '+56911112222');
      await insert(old({ call_id: callId, call_started_at: new Date() }));
      expect(await releaseJob(session, 'j')).toMatchObject({ ok: false, text: expect.stringContaining(`${callId} is live`) as string });
      await world.db.collection('jobs').updateOne({}, { $unset: { call_id: '' } });
      expect(await releaseJob(session, 'j')).toMatchObject({ ok: false, text: expect.stringContaining(`(${callId}) is live`) as string });
      await (await session.retell()).retell.stop(callId);
      expect(await releaseJob(session, 'j')).toMatchObject({ ok: true });
    });
  });
});

const SILENT = { kind: 'unavailable' as const, message: 'HTTP 502', retryAfterMs: null };

describe('job show', () => {
  it('tells calls, decisions and what is next, without a full number', async () => {
    await insert(jobDocument('j', { status: 'pending', attempts: 1, last_error: 'no answer at +56911112222' }));
    await world.db.collection('batches').updateOne({}, { $set: { is_active: false } });
    await attempt('j', {
      state: 'settled',
      open: false,
      locks: undefined,
      call_id: 'call_0123456789abcdef',
      outcome: { class: 'no_answer', reason: 'dial_no_answer', success: false, reached: 'rang', endedAt: new Date(), durationMs: 0 },
      cost: { micros: 15_000, ms: 0, final: true },
      next: { status: 'pending', dueAt: null, why: 'no_answer (dial_no_answer): tried again later' },
    });
    await act('suspend', 'j', { reason: 'asked by phone' });
    const found = await findJob(session, 'j');
    if (found.kind !== 'job') throw new Error(found.kind);
    const text = storyLines(await storyOf(session, found.doc, found.job)).join('\n');
    expect(text).toContain('suspended, 1 of 3 attempts');
    expect(text).toContain('dial_no_answer (no_answer)');
    expect(text).toContain('-> pending: no_answer (dial_no_answer): tried again later');
    expect(text).toContain('suspend by ana@desk');
    expect(text).toContain('$0.0150');
    expect(text).toContain('Next: It waits for a person (operator): speechai job resume j');
    expect(text).toContain('PAUSED');
    expect(text).not.toContain('911112222');
  });
});

describe('what the last call brought', () => {
  const shown = async (options: ShowOptions = {}): Promise<string> => {
    const found = await findJob(session, 'j');
    if (found.kind !== 'job') throw new Error(found.kind);
    return storyLines(await storyOf(session, found.doc, found.job, options)).join('\n');
  };

  it('is told by job show, the transcript only when it is asked for, without a number', async () => {
    await insert(
      jobDocument('j', {
        status: 'done',
        fecha_pago_cliente: '2026-12-01',
        monto_pago_cliente: 150_000,
        call_result: {
          disposition: 'promise',
          qualification: 'hot',
          qualification_score: 3,
          sentiment: 'positive',
          summary: {
            recording_url: 'https://recordings.test/a.wav',
            transcript: 'Agent: hello\nUser: call me at +56911112222',
            call_analysis: { call_summary: 'Pays on the first.' },
          },
        },
      }),
    );
    const text = await shown();
    for (const part of [
      'promise, hot (3), positive',
      '150000 on 2026-12-01',
      'Pays on the first.',
      'https://recordings.test/a.wav',
      '--transcript',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('Agent: hello');
    const whole = await shown({ transcript: true });
    expect(whole).toContain('Agent: hello');
    expect(whole).not.toContain('911112222');
  });

  it('is nothing before a call', async () => {
    await insert(jobDocument('j', { contact: { name: 'Ana', phones: ['+56911112222', '+56911113333'], next_phone_index: 1 } }));
    expect(await shown()).toMatch(/\+56\*{5}222, \+56\*{5}333 \(next\)/);
    expect(await shown()).not.toContain('outcome');
  });
});

describe('the command line', () => {
  const run = (...args: string[]): Promise<Ran> => speechai(world.env, ...args);

  it('asks before it lets anybody be called, and only then', async () => {
    await insert(jobDocument('j', { status: 'suspended' }));
    await insert(jobDocument('over', { status: 'done' }));
    const [piped, agreed, nothing] = [
      await run('job', 'resume', 'j'),
      await run('job', 'resume', 'j', '--yes'),
      await run('job', 'resume', 'over'),
    ];
    expect(piped).toMatchObject({
      code: 2,
      err: expect.stringMatching(/CONFIRMATION_NEEDED: 1 contact may be called[\s\S]*--yes/) as string,
    });
    expect(agreed).toMatchObject({ code: 0, out: 'j: resumed (it was suspended)\n' });
    expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining('its contact was reached') as string });
  });

  it.each(['show', 'cancel', 'retry', 'resume', 'suspend', 'release'])(
    'job %s says of an unknown id what every command says',
    async (name) => {
      expect(await run('job', name, 'nobody')).toEqual({
        code: 1,
        out: '',
        err: 'error NO_SUCH_JOB: nobody: there is no such job.\n  -> Give its job_id or its _id; `speechai job list` shows them.\n',
      });
    },
  );

  it('of what may have been moved out it says where to', async () => {
    const entry = { id: 'x', state: 'done', file: '/old/b.gz', host: 'store', by: 'ana', at: new Date(), jobs: 4, calls: 2 };
    await world.db.collection('batches').insertOne({ batch_id: 'old', account_id: 'acc-1', archived: [entry] });
    const told =
      /NO_SUCH_JOB: \S+: [^\n]*may have been moved out[^\n]*\n {2}-> Look in old in \/old\/b\.gz \(on store\); `speechai db unarchive/;
    for (const args of [
      ['job', 'show'],
      ['job', 'retry', '--yes'],
      ['explain', 'job'],
    ])
      expect(await run(...args, 'job_acc-1_20260301_101500_0a1b2c3d')).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringMatching(told) as string,
      });
    expect(await run('job', 'list', '--batch', 'old')).toEqual({
      code: 0,
      out: '',
      err: expect.stringMatching(
        /^old: 4 jobs and 2 calls were moved out into \/old\/b\.gz \(on store\) on \S+\.\nNo jobs match\.\n$/,
      ) as string,
    });
  });

  it('a list tells whom and at which number; an empty one is a sentence', async () => {
    await insert(jobDocument('j'));
    const [table, none, unknown] = [
      await run('job', 'list'),
      await run('job', 'list', '--status', 'failed'),
      await run('job', 'list', '--batch', 'b'),
    ];
    expect(table.out).toMatch(/│ j +│ Ana Prueba +│ \+56\*{5}222 +│ pending/);
    expect(none).toEqual({ code: 0, out: '', err: 'No jobs match.\n' });
    expect(unknown).toEqual({ code: 0, out: '', err: 'No jobs match; there is no batch b either.\n' });
  });

  it('adds, shows, lists and moves; exits 1 when one of several failed', async () => {
    const added = await run(
      'job',
      'add',
      '--account',
      'acc-1',
      '--phone',
      '+56911112222',
      '--phone',
      '+56911113333',
      '--field',
      'cuota=2',
      '--amount',
      '10',
    );
    expect(added).toMatchObject({ code: 0, out: expect.stringMatching(/^job_acc-1_\d{8}_\d{6}_[0-9a-f]{8}\n$/) as string });
    const id = added.out.trim();
    const [shown, lines, moved, unsure] = [
      await run('job', 'show', id, '--json'),
      await run('job', 'list', '--account', 'acc-1', '--json'),
      await run('job', 'suspend', id, 'nobody', '--reason', 'wait'),
      await run('job', 'retry', id),
    ];
    expect(JSON.parse(shown.out)).toMatchObject({
      job: id,
      status: 'pending',
      last_call: null,
      free_calls: 0,
      numbers: ['+56*****222', '+56*****333'],
    });
    expect(
      lines.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([{ job: id, status: 'pending' }]);
    expect(moved).toMatchObject({
      code: 1,
      out: `${id}: suspended (it was pending)\n`,
      err: expect.stringContaining('nobody: there is no such job') as string,
    });
    expect(unsure).toMatchObject({ code: 2, err: expect.stringContaining('--yes') as string });
    expect(await run('job', 'add', '--account', 'acc-1')).toMatchObject({ code: 2 });
    const slip = await run('job', 'list', '--status', 'pendig');
    expect(slip).toMatchObject({ code: 2, out: '', err: expect.stringContaining('pending, scheduled, in_progress') as string });
    await world.db.collection('jobs').insertOne({ job_id: 'odd', batch_id: 'batch-7', status: 'archived', contact: 7 });
    const foreign = await run('job', 'list', '--status', 'archived', '--json');
    expect(JSON.parse(foreign.out)).toMatchObject({ batch: 'batch-7', reason: expect.stringContaining('unreadable') as string });
    expect(shown.out + lines.out + moved.err + added.err).not.toContain('911112222');
  }, 60_000);
});
