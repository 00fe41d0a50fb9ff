import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listBatches, showBatch } from '../../src/cli/batch-show.js';
import { explainBatch } from '../../src/cli/explain-batch.js';
import { explainJob } from '../../src/cli/explain-job.js';
import { actOnJob } from '../../src/cli/job-act.js';
import { findJob } from '../../src/cli/job-find.js';
import { storyLines, storyOf } from '../../src/cli/job-show.js';
import { forecastBatch } from '../../src/cli/forecast-batch.js';
import type { Session } from '../../src/cli/session.js';
import { phoneOf } from '../../src/domain/suppression-entry.js';
import { captured } from '../support/captured.js';
import { speechai } from '../support/cli.js';
import { attemptDocument, jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let session: Session;
beforeAll(async () => {
  world = await openTestSession({ CALLS_PER_SECOND: '2' });
  session = world.session;
});
afterAll(() => world.close());
beforeEach(async () => {
  for (const name of ['jobs', 'accounts', 'batches', 'suppressions', 'call_attempts', 'account_ledgers', 'runners'])
    await world.db.collection(name).deleteMany({});
  await world.db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
  await world.db.collection('batches').insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, call_settings: null });
});

interface Gate {
  readonly gate: string;
  readonly pass: boolean;
  readonly code: string | null;
}
interface JobAnswer {
  readonly decision: string;
  readonly queue: { readonly name: string; readonly served_by: readonly string[] };
  readonly call: unknown;
  readonly gates: readonly Gate[];
  readonly changes: readonly { readonly command: string | null }[];
}

const PRESENCE = { host: 'h', pid: 7, version: '0.1.0', workers: 1, fingerprint: 'f', dialWithinMs: 3_000, state: 'running', liveCalls: 0, breaker: 'closed', standstill: null } as const; // prettier-ignore
const insert = async (...docs: Document[]): Promise<void> => void (await world.db.collection('jobs').insertMany(docs));
const many = (count: number): Document[] =>
  Array.from({ length: count }, (_, n) =>
    jobDocument(`j${String(n)}`, {
      contact: { name: 'Ana', dni: `${String(10_000_000 + n)}K`, phones: [`+569${String(20_000_000 + n)}`], next_phone_index: 0 },
    }),
  );
const ask = async (ref: string, at?: string): Promise<JobAnswer> => {
  const { out } = await captured(() => explainJob(session, ref, { json: true, ...(at === undefined ? {} : { at }) }));
  return JSON.parse(out) as JobAnswer;
};
const shut = ({ gates }: JobAnswer): readonly (string | null)[] => gates.filter(({ pass }) => !pass).map(({ code }) => code);
const setBatch = (fields: Document): Promise<unknown> => world.db.collection('batches').updateOne({}, { $set: fields });

describe('explain job', () => {
  it('knows suppressions, earlier calls and money, as the last check before a call does', async () => {
    await insert(jobDocument('j'));
    expect(await ask('j')).toMatchObject({ decision: 'dial', changes: [] });
    const line = phoneOf('+56911112222', null)?.line ?? '';
    await world.db
      .collection('suppressions')
      .insertOne({ line, person: null, account_id: null, batch_id: null, reason: 'letter', expires_at: null });
    expect(shut(await ask('j'))).toContain('SUPPRESSED');
    await world.db.collection('suppressions').deleteMany({});
    await world.db
      .collection('call_attempts')
      .insertOne({ _id: 'old', line, person: null, at: new Date(), state: 'settled', open: false } as unknown as Document);
    expect(shut(await ask('j'))).toEqual(['LIMIT_PHONE']);
    await world.db.collection('call_attempts').deleteMany({});
    await world.db.collection('accounts').updateOne({}, { $set: { plan_type: 'credit_based', credit_balance: 0 } });
    const broke = await ask('j');
    expect(shut(broke)).toEqual(['NO_CREDIT']);
    expect(broke.changes.map(({ command }) => command)).toEqual(['speechai account topup acc-1 AMOUNT']);
  });

  it('--at looks at another moment, on the clock of the batch', async () => {
    await insert(jobDocument('j'));
    await setBatch({ call_settings: { allowed_hours: { start: '09:00', end: '18:00' } } });
    expect(shut(await ask('j', '2026-11-23T08:00'))).toEqual(['WINDOW_CLOSED']);
    expect(await ask('j', '2026-11-23T09:00')).toMatchObject({ decision: 'dial' });
    await expect(ask('j', 'noon')).rejects.toMatchObject({ code: 'TIME' });
  });

  it('a call under way is no reason against itself', async () => {
    await insert(jobDocument('j', { status: 'in_progress', lease_token: 't1', reserved_until: new Date(Date.now() + 60_000) }));
    const line = phoneOf('+56911112222', null)?.line ?? '';
    await world.db.collection('call_attempts').insertOne(attemptDocument(world, 'x', 'j', { line }));
    expect(await ask('j')).toMatchObject({ decision: 'dial', call: { state: 'live' } });
  });

  it('a caller number that rests after blocks is told, for the job, its batch and the forecast', async () => {
    await insert(jobDocument('j'));
    const blocked = Array.from({ length: 3 }, (_, n) => ({
      _id: `b${String(n)}`, batch: 'batch-1', from_number: '+56600000001', state: 'settled', open: false, at: new Date(), settled_at: new Date(), outcome: { class: 'caller_id', durationMs: 0 },
    })); // prettier-ignore
    await world.db.collection('call_attempts').insertMany(blocked as unknown as Document[]);
    expect(shut(await ask('j'))).toEqual(['CALLER_RESTING']);
    const batch = await captured(() => explainBatch(session, 'batch-1', { json: true }));
    expect(JSON.parse(batch.out)).toMatchObject({ dialable_now: 0, batch_reasons: [{ code: 'CALLER_RESTING' }] });
    const played = await captured(() => forecastBatch(session, 'batch-1', { set: [], seed: 1, sample: 10, runs: 2, json: true }));
    expect(JSON.parse(played.out)).toMatchObject({
      binding: expect.arrayContaining([expect.objectContaining({ code: 'CALLER_RESTING' })]),
    });
  });

  it('a limit of calls at once that is used up is told; a job in progress is not among those that can be dialled', async () => {
    await world.db.collection('accounts').updateOne({ account_id: 'acc-1' }, { $set: { max_concurrent_calls: 1 } });
    await insert(jobDocument('j'), jobDocument('live', { status: 'in_progress', lease_token: 'a' }));
    const locks = ['job:live', 'line:x', 'slot:3', 'acct:acc-1:0'];
    await world.db.collection('call_attempts').insertOne(attemptDocument(world, 'live', 'live', { _id: 'a', locks }));
    const limit = { whose: 'account', live: 1, limit: 1, source: 'account.max_concurrent_calls' };
    const batch = await captured(() => explainBatch(session, 'batch-1', { json: true }));
    expect(JSON.parse(batch.out)).toMatchObject({ looked: 1, dialable_now: 1, underway: 1, full_limits: [limit] });
    const [job, told] = await Promise.all([speechai(world.env, 'explain', 'job', 'j'), speechai(world.env, 'explain', 'batch', 'batch-1')]);
    for (const { out } of [job, told]) expect(out).toContain('1 of 1 calls of the account are live (account.max_concurrent_calls)');
  });

  it('a queue that no daemon at work serves is told, for the job, its batch and the fleet', async () => {
    await insert(jobDocument('j', { queue: 'calls' }), jobDocument('k'));
    await session.store.runners.beat({ ...PRESENCE, id: 'host-1', queues: ['calls'] });
    expect((await ask('j')).queue).toEqual({ name: 'calls', served_by: ['host-1'], not_dialled: null });
    expect((await ask('k')).queue).toMatchObject({ name: 'default', served_by: [], not_dialled: { code: 'QUEUE_UNSERVED' } });
    const [job, batch, shown, fleet] = await Promise.all([
      speechai(world.env, 'explain', 'job', 'k'),
      speechai(world.env, 'explain', 'batch', 'batch-1'),
      speechai(world.env, 'batch', 'show', 'batch-1'),
      speechai(world.env, 'runner', 'list'),
    ]);
    for (const text of [job.out, batch.out, shown.out, fleet.err]) expect(text).toContain('No daemon at work serves queue "default"');
    expect(fleet.out).toMatch(/host-1.*calls/);
    await session.store.runners.beat({ ...PRESENCE, id: 'host-2', queues: [] });
    expect((await ask('k')).queue.served_by).toEqual(['host-2']);
    await session.store.runners.leave('host-2');
    expect((await ask('k')).queue.served_by).toEqual([]);
  });

  it('while no daemon dials, all that would say that dialling is fine tell so, with cause and remedy', async () => {
    await insert(jobDocument('j'));
    const tell = async (): Promise<readonly string[]> => {
      const looks = [
        () => explainJob(session, 'j', {}),
        () => explainBatch(session, 'batch-1', {}),
        () => showBatch(session, 'batch-1', false),
        () => listBatches(session, { limit: 5 }),
        async () => {
          const found = await findJob(session, 'j');
          if (found.kind === 'job') process.stdout.write(storyLines(await storyOf(session, found.doc, found.job)).join('\n'));
        },
      ];
      const told: string[] = [];
      for (const look of looks) {
        const { out, err } = await captured(async () => void (await look()));
        told.push(out + err);
      }
      return told;
    };
    for (const text of await tell()) expect(text).toMatch(/No daemon is at work on this database: start one with `speechai run`/);
    const standstill = { code: 'PROVIDER_REFUSES', text: 'the provider refuses the account (http_401)', remedy: 'check RETELL_API_KEY' };
    await session.store.runners.beat({ ...PRESENCE, id: 'host-1', queues: [], breaker: 'open', standstill });
    for (const text of await tell()) expect(text).toMatch(/No daemon dials now: .*http_401.*check RETELL_API_KEY/);
    expect((await tell())[0]).toContain('The rules let it be dialled now, but no daemon does it.');
    const listed = await captured(() => listBatches(session, { limit: 5, json: true }));
    expect(JSON.parse(listed.out)).toMatchObject([{ not_dialled_because: [{ code: 'PROVIDER_REFUSES', source: 'daemons' }] }]);
    // Whatever code a daemon tells, also one of a later version.
    const away = { code: 'PROVIDER_AWAY', text: 'the provider does not answer (unreachable)', remedy: 'look at RETELL_BASE_URL' };
    await session.store.runners.beat({ ...PRESENCE, id: 'host-1', queues: [], breaker: 'closed', standstill: away });
    for (const text of await tell())
      expect(text).toMatch(/No daemon dials now: the provider does not answer \(unreachable\); look at RETELL_BASE_URL\./);
    expect((await captured(() => listBatches(session, { limit: 5 }))).out).toContain('PROVIDER_AWAY');
    expect((await speechai(world.env, 'runner', 'list')).err).toContain(
      'host-1 does not dial: the provider does not answer (unreachable); look at',
    );
    await session.store.runners.beat({ ...PRESENCE, id: 'host-2', queues: [] });
    for (const text of await tell()) expect(text).not.toMatch(/No daemon/);
  });

  it('tells times on the clock of the rules, delays of seconds too, and prescribes a retry only where it ends the delay', async () => {
    await insert(jobDocument('j', { next_try_at: new Date('2036-01-15T15:00:00Z') }));
    const { out } = await captured(() => explainJob(session, 'j', {}));
    expect(out).toContain('2036-01-15 12:00:00');
    expect(out).not.toMatch(/\dZ/);
    expect(out).toContain('speechai job retry j');
    expect(await actOnJob(session, 'retry', 'j', { reason: null, hangUp: false, resetAttempts: false })).toMatchObject({ ok: true });
    expect(await ask('j')).toMatchObject({ decision: 'dial' });
  });

  it('in words: every gate, when it opens and what would open it; exit 1 for a job that does not exist', async () => {
    await insert(jobDocument('j'));
    await setBatch({ is_active: false, state_reason: 'strike' });
    const [told, missing] = await Promise.all([
      speechai(world.env, 'explain', 'job', 'j'),
      speechai(world.env, 'explain', 'job', 'nobody'),
    ]);
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out).toMatch(/SHUT batch .*PAUSED: The batch is paused: strike\./);
    expect(told.out).toMatch(/open attempts .*value 0, limit 3/);
    expect(told.out).toContain('speechai batch resume batch-1');
    expect(told.out).not.toContain('911112222');
    expect(missing).toMatchObject({ code: 1, out: '' });
  });
});

describe('explain batch', () => {
  it('counts what stands in the way of its jobs, and when they can be dialled', async () => {
    await insert(
      ...many(12),
      jobDocument('odd', { contact: 7 }),
      jobDocument('late', { next_try_at: new Date(Date.now() + 2.5 * 3_600_000) }),
    );
    const { out } = await captured(() => explainBatch(session, 'batch-1', { json: true }));
    const answer = JSON.parse(out) as { next_24_hours: { jobs: number }[] };
    expect(answer).toMatchObject({
      state: 'running',
      waiting: 14,
      looked: 13,
      unreadable: 1,
      dialable_now: 12,
      reasons: [{ code: 'RETRY_DELAY', first: 1, any: 1 }],
    });
    expect(answer.next_24_hours.map(({ jobs }) => jobs).slice(0, 4)).toEqual([12, 0, 1, 0]);
    const sampled = await captured(() => explainBatch(session, 'batch-1', { sample: 5 }));
    expect(sampled.out).toMatch(/Looked at [45] of them/);
  });
});

describe('forecast batch', () => {
  it('refuses a --set that would change nothing', async () => {
    for (const pair of ['MAX_CONCURENT_CALLS=40', 'MAX_CONCURRENT_CALLS', 'account.Plan=unlimited', 'account.max_concurent_calls=1']) {
      const { code, err } = await speechai(world.env, 'forecast', 'batch', 'batch-1', '--set', pair);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`--set ${pair.split('=')[0] ?? ''}`) as string });
    }
  });

  const NOON = new Date('2026-11-18T15:00:00Z');
  const atNoon = (): Session => ({ ...session, store: { ...session.store, time: { ...session.store.time, now: () => NOON } } });
  const play = async (set: readonly string[] = []): Promise<Record<string, unknown>> => {
    const { out } = await captured(() => forecastBatch(atNoon(), 'batch-1', { set, seed: 7, sample: 100, runs: 5, json: true }));
    return JSON.parse(out) as Record<string, unknown>;
  };

  it('is repeatable, writes nothing, and answers what --set would change', async () => {
    await insert(...many(30));
    const before = JSON.stringify(await world.db.collection('jobs').find({}).toArray());
    const plain = await play();
    expect(await play()).toEqual(plain);
    expect(plain).toMatchObject({ jobs: 30, left_p50: 0, calls_seen: 0, seed: 7 });
    const once = await play(['max_attempts=1', 'account.max_concurrent_calls=1']);
    expect((once['binding'] as { code: string }[])[0]?.code).toBe('CONCURRENCY');
    expect(Number(once['calls_p50'])).toBeLessThan(Number(plain['calls_p50']));
    await expect(play(['max_attempts=x'])).rejects.toMatchObject({
      code: 'NOT_UNDERSTOOD',
      message: expect.stringMatching(/^There is no forecast of that: max_attempts/) as string,
    });
    expect(JSON.stringify(await world.db.collection('jobs').find({}).toArray())).toBe(before);
  });

  it("goes by the batch's own outcomes, and says that a paused batch is played as resumed", async () => {
    await insert(...many(20));
    await setBatch({ is_active: false });
    const settled = Array.from({ length: 400 }, (_, n) => ({
      _id: `a${String(n)}`, batch: 'batch-1', state: 'settled', open: false, at: new Date(), outcome: { class: 'answered', durationMs: 30_000 }, cost: { micros: 50_000, ms: 30_000 },
    })); // prettier-ignore
    await world.db.collection('call_attempts').insertMany(settled as unknown as Document[]);
    const answer = await play();
    expect(answer).toMatchObject({ calls_seen: 400 });
    expect(Number(answer['answered_p50'])).toBeGreaterThanOrEqual(19);
    expect(Number(answer['cost_dollars_p50'])).toBeGreaterThan(0.4);
    expect(Number(answer['cost_dollars_p50'])).toBeLessThan(2.5);
    expect(String(answer['notes'])).toContain('when it is resumed now');
  });
});
