import type { Command } from 'commander';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as acts from '../../src/cli/batch-act.js';
import { listBatches, showBatch } from '../../src/cli/batch-show.js';
import { cellsOf, drawWindows, spansOf } from '../../src/cli/batch-windows.js';
import { createBatch, setBatch } from '../../src/cli/batch-write.js';
import { buildProgram } from '../../src/cli/program.js';
import type { Session } from '../../src/cli/session.js';
import { EXIT } from '../../src/domain/errors.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { captured } from '../support/captured.js';
import { speechai } from '../support/cli.js';
import { attemptDocument, claimNext, jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let session: Session;
/** What was asked to wait, and what the database said at that moment. */
let waits: { ms: number; active: number }[] = [];

beforeAll(async () => {
  world = await openTestSession({ DIAL_WITHIN_MS: '1234' });
  const sleep = async (ms: number): Promise<void> => {
    waits.push({ ms, active: await world.db.collection('batches').countDocuments({ is_active: true }) });
  };
  session = { ...world.session, clock: { ...world.session.clock, sleep } };
});
afterAll(() => world.close());
beforeEach(async () => {
  waits = [];
  for (const name of ['jobs', 'accounts', 'batches', 'call_attempts']) await world.db.collection(name).deleteMany({});
  await world.db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
});

const YES = { yes: true, json: true } as const;
const add = async (id: string, more: Document = {}): Promise<void> =>
  void (await world.db
    .collection('batches')
    .insertOne({ batch_id: id, account_id: 'acc-1', name: id, is_active: true, call_settings: null, ...more }));
const stored = async (id: string): Promise<Document> => (await world.db.collection('batches').findOne({ batch_id: id })) ?? {};
const state = async (id: string): Promise<string> => readBatch(await stored(id)).state;
const jobs = async (...docs: Document[]): Promise<void> => void (await world.db.collection('jobs').insertMany(docs));
const statusOf = async (id: string): Promise<unknown> => (await world.db.collection('jobs').findOne({ job_id: id }))?.['status'];
const run = async <T>(work: () => Promise<T>): Promise<{ out: string; err: string; value: T }> => captured(work);

describe('batch pause and resume', () => {
  it('P4: writes first, then waits DIAL_WITHIN_MS, then says that no call can be placed', async () => {
    await add('b1');
    const { err } = await run(() => acts.pauseBatches(session, ['b1'], { reason: 'wrong script' }));
    expect(waits).toEqual([{ ms: 1234, active: 0 }]);
    expect(err).toContain('no further call of it can be placed by anyone');
    expect(await stored('b1')).toMatchObject({ is_active: false, paused_by: 'ana@desk', state_reason: 'wrong script' });
    expect((await stored('b1'))['paused_at']).toBeInstanceOf(Date);
  });

  it('does not make half an import live, and says how it is completed', async () => {
    await add('b1', { is_active: false, state: 'importing' });
    await expect(acts.resumeBatches(session, ['b1'], YES)).rejects.toMatchObject({ code: 'BATCH_IMPORTING' });
    expect(await stored('b1')).toMatchObject({ is_active: false, state: 'importing' });
  });

  it('what a drain has put off is due again with the batch', async () => {
    await add('b1', { state: 'draining' });
    const later = new Date(Date.now() + 900_000);
    await jobs(
      jobDocument('new', { batch_id: 'b1', reserved_until: later, last_error: 'The batch is draining: it begins no new contacts.' }),
      jobDocument('retry', { batch_id: 'b1', reserved_until: later, attempts: 1, last_error: 'no_answer' }),
    );
    await run(() => acts.resumeBatches(session, ['b1'], YES));
    const of = (id: string) => world.db.collection('jobs').findOne({ job_id: id });
    expect(await of('new')).not.toHaveProperty('reserved_until');
    expect(await of('retry')).toMatchObject({ reserved_until: later });
  });

  it('says which jobs no pause of a batch holds back', async () => {
    await add('b1');
    await jobs(jobDocument('alone', { batch_id: null }), jobDocument('done', { batch_id: null, status: 'done' }));
    const { err } = await run(() => acts.pauseAll(session, { except: [] }, {}));
    expect(err).toContain('1 job without a batch goes on: `speechai account suspend ID` stops them.');
  });

  it('a list by state looks at all batches, not only at the newest', async () => {
    await add('old', { is_active: false, created_at: new Date(0) });
    for (const n of [1, 2, 3]) await add(`new-${String(n)}`, { created_at: new Date(n) });
    const { out } = await run(() => listBatches(session, { state: 'paused', limit: 2, json: true }));
    expect((JSON.parse(out) as Document[]).map((one) => one['batch_id'] as unknown)).toEqual(['old']);
  });

  it('P4: waits as long as the slowest daemon may still place a call, whatever this shell is set to', async () => {
    await add('b1');
    const { runners } = session.store;
    await runners.beat({ id: 'slow', host: 'h', pid: 1, version: '1', workers: 1, queues: [], fingerprint: 'f', dialWithinMs: 9_000, state: 'running', liveCalls: 0, breaker: 'closed', standstill: null }); // prettier-ignore
    await run(() => acts.pauseBatches(session, ['b1'], {}));
    await runners.leave('slow');
    expect(waits).toEqual([{ ms: 9_000, active: 0 }]);
  });

  it('says of a batch that runs already that it does', async () => {
    await add('b1');
    expect((await run(() => acts.resumeBatches(session, ['b1'], {}))).err).toContain('b1 was running already');
    await run(() => acts.pauseBatches(session, ['b1'], {}));
    expect((await run(() => acts.resumeBatches(session, ['b1'], {}))).err).toContain('b1 runs again');
  });

  it('without the wait it promises nothing', async () => {
    await add('b1');
    const { err } = await run(() => acts.pauseBatches(session, ['b1'], { wait: false }));
    expect(waits).toEqual([]);
    expect(err).not.toContain('no further call');
  });

  it('P4: an unacknowledged pause is no pause', async () => {
    await add('b1');
    const collection = session.store.connection.collection('batches');
    const broken = Object.create(collection, {
      updateMany: { value: () => Promise.reject(Object.assign(new Error('timed out'), { name: 'MongoWriteConcernError' })) },
    }) as typeof collection;
    const connection = { ...session.store.connection, collection: () => broken };
    const shaky = { ...session, store: { ...session.store, connection } };
    await expect(acts.pauseBatches(shaky, ['b1'], {})).rejects.toMatchObject({ code: 'NOT_ACKNOWLEDGED', exitCode: EXIT.tryAgain });
    expect(waits).toEqual([]);
  });

  it('reaches both documents where two have one batch_id, and keeps who paused it first', async () => {
    await add('b1');
    await add('b1');
    await run(() => acts.pauseBatches(session, ['b1'], { reason: 'first' }));
    await run(() => acts.pauseBatches({ ...session, by: 'eva@desk' }, ['b1'], { reason: 'second' }));
    expect(await world.db.collection('batches').countDocuments({ is_active: false, paused_by: 'ana@desk', state_reason: 'first' })).toBe(2);
  });

  it('--all keeps the exceptions, and --all again resumes only what it had paused', async () => {
    await add('a', { priority: 1 });
    await add('b', { priority: 4 });
    await add('c', { priority: 'low' });
    await add('own', { is_active: false });
    await run(() => acts.pauseAll(session, { except: ['a'], priority: 3 }, {}));
    expect([await state('a'), await state('b'), await state('c')]).toEqual(['running', 'running', 'paused']);
    await run(() => acts.pauseAll(session, { except: [] }, {}));
    await run(() => acts.resumeBatches(session, ['a'], {}));
    await run(() => acts.pauseBatches(session, ['a'], {}));
    await run(() => acts.resumeAll(session, {}));
    expect([await state('a'), await state('b'), await state('c'), await state('own')]).toEqual(['paused', 'running', 'running', 'paused']);
    expect(Object.keys(await stored('c'))).not.toContain('paused_by');
  });

  it('takes the _id as well, and says of a pause by another program that no command made it', async () => {
    await add('b1', { is_active: false });
    const hex = String((await stored('b1'))['_id']);
    const { out } = await run(() => showBatch(session, hex, false));
    expect(out).toContain('paused (not by a command of this program)');
    await run(() => acts.resumeBatches(session, [hex], {}));
    expect(await state('b1')).toBe('running');
  });
});

describe('batch drain, complete, cancel, delete', () => {
  it('a draining batch stays active; only a running one can drain', async () => {
    await add('b1');
    await run(() => acts.drainBatch(session, 'b1', { reason: 'last day' }));
    expect(await stored('b1')).toMatchObject({ state: 'draining', is_active: true, state_reason: 'last day' });
    await run(() => acts.pauseBatches(session, ['b1'], {}));
    await expect(acts.drainBatch(session, 'b1', {})).rejects.toMatchObject({ code: 'BATCH_STATE' });
  });

  it('cancel ends what waits now, and what is in progress when its owner gives it back', async () => {
    await add('batch-1');
    await jobs(jobDocument('live', { reserved_until: null }));
    expect(await claimNext(session)).not.toBeNull();
    await jobs(
      jobDocument('waits', { last_error: 'No answer (dial_no_answer)' }),
      jobDocument('aside', { status: 'suspended', suspend_reason: 'no_credit' }),
      jobDocument('over', { status: 'done' }),
    );
    const { out } = await run(() => acts.cancelBatch(session, 'batch-1', { ...YES, reason: 'client left' }));
    expect(JSON.parse(out)).toMatchObject([
      { batch_id: 'batch-1', state: 'cancelled', jobs_cancelled: 2, jobs_cancelled_after_their_call: 1 },
    ]);
    expect([await statusOf('waits'), await statusOf('aside'), await statusOf('over'), await statusOf('live')]).toEqual([
      'cancelled',
      'cancelled',
      'done',
      'in_progress',
    ]);
    const waited: Document = (await world.db.collection('jobs').findOne({ job_id: 'waits' })) ?? {};
    expect(waited).toMatchObject({
      cancellation_reason: 'client left',
      last_error: 'Cancelled by ana@desk: client left',
      last_action: { act: 'cancel', by: 'ana@desk', reason: 'client left' },
    });
    const live: Document = (await world.db.collection('jobs').findOne({ job_id: 'live' })) ?? {};
    expect(live['cancel_requested']).toMatchObject({ by: 'ana@desk', reason: 'client left' });
    const pending = { status: 'pending', dueAt: null, dueBefore: null, suspendReason: null, lastError: null } as const;
    await session.store.jobs.release(live['_id'] as string, 't1', pending);
    expect(await statusOf('live')).toBe('cancelled');
    expect(await world.db.collection('jobs').findOne({ job_id: 'live' })).toMatchObject({
      last_action: { act: 'cancel', by: 'ana@desk', reason: 'client left' },
    });
    // A retry there would be refused.
    await expect(acts.resumeBatches(session, ['batch-1'], {})).rejects.toMatchObject({
      code: 'BATCH_CANCELLED',
      remedy: expect.not.stringContaining('retry') as string,
    });
  });

  it('a job that is given back between the two writes is cancelled as well', async () => {
    await add('batch-1');
    await jobs(jobDocument('late', { status: 'in_progress', lease_token: 't1', reserved_until: new Date(Date.now() + 60_000) }));
    const back = async (): Promise<void> =>
      void (await world.db
        .collection('jobs')
        .updateOne({ job_id: 'late' }, { $set: { status: 'pending' }, $unset: { cancel_requested: 1 } }));
    await run(() => acts.cancelBatch({ ...session, clock: { ...session.clock, sleep: back } }, 'batch-1', YES));
    expect(await statusOf('late')).toBe('cancelled');
  });

  it('delete is refused while a call is live, also when it begins during the deletion', async () => {
    await add('batch-1');
    await jobs(jobDocument('j'));
    const open = (): Promise<unknown> => world.db.collection('call_attempts').insertOne(attemptDocument(world, 'x', 'j'));
    const racing = { ...session, clock: { ...session.clock, sleep: async () => void (await open()) } };
    await expect(acts.deleteBatch(racing, 'batch-1', YES)).rejects.toMatchObject({ code: 'CALLS_LIVE' });
    await expect(acts.deleteBatch(session, 'batch-1', YES)).rejects.toMatchObject({ code: 'CALLS_LIVE' });
    expect(await statusOf('j')).toBe('pending');
    await world.db.collection('call_attempts').updateMany({}, { $set: { open: false } });
    await run(() => acts.deleteBatch(session, 'batch-1', YES));
    expect(await stored('batch-1')).toEqual({});
    expect(await statusOf('j')).toBe('cancelled');
  });

  it('asks before what cannot be undone, and takes no silence for a yes', async () => {
    await add('batch-1');
    await jobs(jobDocument('j'));
    for (const act of [acts.cancelBatch, acts.completeBatch, acts.deleteBatch]) {
      await expect(act(session, 'batch-1', {})).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED', exitCode: EXIT.usage });
    }
    expect(await state('batch-1')).toBe('running');
    await run(() => acts.completeBatch(session, 'batch-1', YES));
    expect(await state('batch-1')).toBe('completed');
    await expect(acts.resumeBatches(session, ['batch-1'], {})).rejects.toMatchObject({
      code: 'CONFIRMATION_NEEDED',
      message: expect.stringContaining('1 job of batch-1 may be dialled') as string,
    });
    expect(await state('batch-1')).toBe('completed');
    await run(() => acts.resumeBatches(session, ['batch-1'], YES));
    expect(await state('batch-1')).toBe('running');
  });

  it('asks before what `pause --all` has paused is dialled again, and not where nothing waits', async () => {
    await add('batch-1');
    await add('empty');
    await run(() => acts.pauseAll(session, { except: [] }, {}));
    await run(() => acts.resumeBatches(session, ['empty'], {}));
    await jobs(jobDocument('j'), jobDocument('k'));
    await expect(acts.resumeAll(session, {})).rejects.toMatchObject({ message: expect.stringContaining('2 jobs of batch-1') as string });
    expect([await state('batch-1'), await state('empty')]).toEqual(['paused', 'running']);
    await run(() => acts.resumeAll(session, YES));
    expect(await state('batch-1')).toBe('running');
  });

  it.each(['cancelled', 'completed'])('a batch that is %s is not paused, nor is one that was named with it', async (over) => {
    await add('b1');
    await add('over', { is_active: false, state: over });
    await expect(acts.pauseBatches(session, ['b1', 'over'], {})).rejects.toMatchObject({ code: 'BATCH_STATE', exitCode: EXIT.failed });
    expect([await state('b1'), await state('over')]).toEqual(['running', over]);
  });
});

describe('batch create and set', () => {
  it('makes a document that readers understand, once', async () => {
    const options = { account: 'acc-1', id: 'n1', json: true };
    const { out } = await run(() => createBatch(session, 'November', ['allowed_hours=09:00-18:00', 'start_at=2026-11-23T09:00'], options));
    expect(JSON.parse(out)).toEqual({ batch_id: 'n1', name: 'November', account_id: 'acc-1', state: 'running' });
    const batch = readBatch(await stored('n1'));
    expect(batch).toMatchObject({ state: 'running', problems: [], startAt: new Date('2026-11-23T12:00:00Z') });
    await expect(createBatch(session, 'Again', [], options)).rejects.toMatchObject({ code: 'BATCH_EXISTS' });
    await expect(createBatch(session, 'X', [], { account: 'acc-9' })).rejects.toMatchObject({ code: 'NO_SUCH_ACCOUNT' });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a JSON text', '{"ring_timeout":20}'],
    ['an object', { ring_timeout: 20, retry_settings: { max_attempts: 9 } }],
  ])('set reaches settings stored as %s and leaves the rest alone', async (_, settings) => {
    await add('b1', { call_settings: settings, of_others: { kept: true } });
    await run(() => setBatch(session, 'b1', ['max_attempts=2', 'description=$name', 'days_of_week=1-5'], false));
    const doc = await stored('b1');
    expect(doc).toMatchObject({
      description: '$name',
      of_others: { kept: true },
      call_settings: { max_attempts: 2, days_of_week: [1, 2, 3, 4, 5] },
    });
    expect(readBatch(doc).settings).toMatchObject({ maxAttempts: 2, ringTimeoutMs: settings === null ? null : 20_000 });
    await run(() => setBatch(session, 'b1', ['max_attempts='], false));
    expect(readBatch(await stored('b1')).settings.maxAttempts).toBeNull();
  });

  it('says how hours are written where they are', async () => {
    await add('b1');
    for (const written of ['9-25', 'nine'])
      await expect(setBatch(session, 'b1', [`allowed_hours=${written}`], false)).rejects.toMatchObject({
        code: 'NOT_UNDERSTOOD',
        message: expect.stringContaining('write allowed_hours=09:00-18:00') as string,
      });
  });

  it('hours that are seldom meant are said, and taken', async () => {
    await add('b1');
    const { err } = await run(() => setBatch(session, 'b1', ['allowed_hours=18:00-09:00'], false));
    expect(err).toContain('warning: its hours run over midnight, 18:00-09:00');
    expect((await run(() => setBatch(session, 'b1', ['allowed_hours=09:00-18:00'], false))).err).not.toContain('warning');
    expect((await run(() => createBatch(session, 'X', [], { account: 'acc-1' }))).err).toContain('at any hour of every day');
  });

  it('P4: what would close the batch is refused, and nothing is written', async () => {
    await add('b1');
    const before = await stored('b1');
    for (const word of ['allowed_hours=nine', 'timezone=Mars/Olympus', 'rules=nowhere', 'holidays=always', 'from_numbers=123']) {
      await expect(setBatch(session, 'b1', [word], false)).rejects.toMatchObject({ exitCode: EXIT.usage });
    }
    expect(await stored('b1')).toEqual(before);
  });
});

describe('batch list, show and windows', () => {
  it('counts by status and says why nothing is dialled', async () => {
    await add('batch-1', { is_active: false, state_reason: 'holiday' });
    await add('b2', { account_id: 'nobody' });
    await jobs(
      jobDocument('a'),
      jobDocument('b', { status: 'done' }),
      jobDocument('c', { status: 'scheduled' }),
      jobDocument('d', { batch_id: 'b2' }),
    );
    const { out } = await run(() => listBatches(session, { limit: 10, json: true }));
    const [second, first] = JSON.parse(out) as {
      batch_id: string;
      jobs: unknown;
      not_dialled_because: { code: string }[];
      paused: unknown;
    }[];
    expect(first).toMatchObject({
      batch_id: 'batch-1',
      state: 'paused',
      jobs: { total: 3, waiting: 2, by_status: { pending: 1, done: 1, scheduled: 1 } },
    });
    expect(first?.not_dialled_because.map(({ code }) => code)).toEqual(['PAUSED']);
    expect(first?.paused).toEqual({ by: null, at: null, reason: 'holiday', with_all: false });
    expect(second?.not_dialled_because.map(({ code }) => code)).toEqual(['ACCOUNT_MISSING']);
    const only = await run(() => listBatches(session, { limit: 10, state: 'paused' }));
    expect(only.out).toContain('batch-1');
    expect(only.out).not.toContain('b2');
  });

  it('its figures add up, and it shows what was spent', async () => {
    await add('batch-1', { total_cost: 1.5, total_minutes: 12.25 });
    for (const status of ['pending', 'in_progress', 'done', 'failed', 'suspended', 'cancelled', 'archived'])
      await jobs(jobDocument(status, { status }));
    const { out } = await run(() => listBatches(session, { limit: 10 }));
    const [head = '', row = ''] = out.split('\n').filter((line) => /jobs|batch-1/.test(line));
    const cells = (line: string): string[] => line.split('│').map((cell) => cell.trim());
    const figures = Object.fromEntries(cells(head).map((name, n) => [name, cells(row)[n]]));
    expect(figures).toMatchObject({
      jobs: '7',
      waiting: '1',
      'in progress': '1',
      done: '1',
      failed: '1',
      suspended: '1',
      cancelled: '1',
      other: '1',
    });
    expect((await run(() => showBatch(session, 'batch-1', false))).out).toMatch(/spent +\$1\.5000, 12\.3 minutes/);
  });

  it.each<[string, readonly Document[], Document, RegExp]>([
    ['waits', [jobDocument('j')], {}, /yes, as jobs fall due/],
    ['is at work', [jobDocument('j', { status: 'in_progress' })], {}, /yes, as jobs fall due/],
    ['is through', [jobDocument('j', { status: 'done' })], {}, /nothing is left to dial: none of its jobs waits/],
    ['is suspended', [jobDocument('j', { status: 'suspended' })], {}, /nothing now: 1 job of it is suspended/],
    ['was moved out', [], { archived: [{ id: 'x', state: 'done', at: new Date(), jobs: 1 }] }, /nothing is left to dial: its history/],
    ['has no jobs', [], {}, /nothing yet: it has no jobs/],
  ])('a batch that %s says whether anything of it is dialled', async (_, docs, fields, told) => {
    await add('batch-1', fields);
    if (docs.length > 0) await jobs(...docs);
    const { runners } = session.store;
    await runners.beat({ id: 'r', host: 'h', pid: 1, version: '1', workers: 1, queues: [], fingerprint: 'f', dialWithinMs: 1, state: 'running', liveCalls: 0, breaker: 'closed', standstill: null }); // prettier-ignore
    const { out } = await run(() => showBatch(session, 'batch-1', false));
    await runners.leave('r');
    expect(out).toMatch(new RegExp(`^dialled +${told.source}`, 'm'));
  });

  it('draws what the gate of the hours says, holidays and clock changes included', async () => {
    await add('b1', {
      call_settings: {
        allowed_hours: { start: '09:00', end: '18:00' },
        days_of_week: [1, 2, 3, 4, 5],
        closed_dates: ['2026-09-09'],
        timezone: 'America/Santiago',
      },
    });
    const { out } = await run(() => drawWindows(session, 'b1', new Date('2026-09-06T15:00:00Z'), true));
    const drawn = JSON.parse(out) as { next_open: string; days: { date: string; open: string[]; because: string | null }[] };
    expect(drawn.days.map(({ open }) => open)).toEqual([[], ['09:00-18:00'], ['09:00-18:00'], [], ['09:00-18:00'], ['09:00-18:00'], []]);
    expect(drawn.days[3]?.because).toContain('closed on 2026-09-09');
    expect(drawn.next_open).toBe('2026-09-07T12:00:00.000Z');
    const picture = await run(() => drawWindows(session, 'b1', new Date('2026-09-06T15:00:00Z'), false));
    expect(picture.out).toContain(`Mon 2026-09-07 ${'.'.repeat(18)}${'#'.repeat(18)}${'.'.repeat(12)}`);
  });

  it('cells and spans of a day', () => {
    expect(cellsOf([true, true, true, false, false, false])).toBe('#+.');
    expect(spansOf([true, false, true, true])).toEqual(['00:00-00:15', '00:30-01:00']);
  });
});

describe('the command line of the operators', () => {
  it('exits 1 with a remedy for an id that does not exist, 2 for wrong usage, and keeps data apart from messages', async () => {
    await add('b1');
    const [missing, both, unsure, state, unnamed, good] = await Promise.all([
      speechai(world.env, 'batch', 'show', 'nowhere'),
      speechai(world.env, 'batch', 'pause', 'b1', '--all'),
      speechai(world.env, 'batch', 'cancel', 'b1'),
      speechai(world.env, 'batch', 'list', '--state', 'foo'),
      speechai(world.env, 'batch', 'create', ' ', '--account', 'acc-1'),
      speechai({ ...world.env, DIAL_WITHIN_MS: '20' }, 'batch', 'pause', 'b1', '--json'),
    ]);
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toMatch(/NO_SUCH_BATCH[\s\S]*->/);
    expect(both.code).toBe(2);
    expect(unsure.code).toBe(2);
    expect(state).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/running, paused, draining/) as string });
    expect(unnamed).toMatchObject({ code: 2, err: expect.stringContaining('BATCH_NAME') as string });
    expect(JSON.parse(good.out)).toEqual([{ batch_id: 'b1', state: 'paused', live_calls: 0 }]);
    expect(good.code).toBe(0);
  });

  it('an empty list is a sentence, and no list is of nothing', async () => {
    const lists = [['batch', 'list'], ['account', 'list'], ['suppress', 'list'], ['job', 'list'], ['account', 'statement', 'acc-1']]; // prettier-ignore
    for (const args of lists) expect(await speechai(world.env, ...args, '--limit', '0')).toMatchObject({ code: 2, out: '' });
    expect(await speechai(world.env, 'batch', 'list')).toEqual({ code: 0, out: '', err: 'No batches match.\n' });
    expect(await speechai(world.env, 'suppress', 'list')).toEqual({ code: 0, out: '', err: 'No entries match.\n' });
    expect(await speechai(world.env, 'suppress', 'check', '+56911112222')).toEqual({ code: 0, out: '', err: 'Not blocked.\n' });
    expect(await speechai(world.env, 'call', 'list')).toEqual({ code: 0, out: '', err: 'No call is open.\n' });
    expect(await speechai(world.env, 'call', 'stop', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('NO_SUCH_CALL') as string,
    });
  });

  const leaves = (command: Command, path: string): { path: string; command: Command }[] =>
    command.commands.length === 0 ? [{ path, command }] : command.commands.flatMap((one) => leaves(one, `${path} ${one.name()}`));
  const own = buildProgram().commands.filter((command) => ['batch', 'account', 'suppress', 'explain', 'forecast'].includes(command.name()));

  it.each(own.flatMap((command) => leaves(command, command.name())))('$path --help shows an example of itself', ({ path, command }) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain(`$ speechai ${path}`);
  });
});
