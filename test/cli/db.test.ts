import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { INDEXES, type IndexReport } from '../../src/store/indexes.js';
import { speechai, speechaiProcess } from '../support/cli.js';
import { openTestDatabase, type TestDatabase } from '../support/mongo.js';
import { jobDocument } from '../support/session.js';

/** The others are for installations that use queues or caps of caller numbers. */
const COMMON = INDEXES.filter(({ use }) => use === undefined);

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await openTestDatabase();
  env = { ENV: 'testing', MONGO_URI: database.uri, MONGO_DB: database.name };
});
afterAll(() => database.drop());
beforeEach(() => database.db.dropDatabase());

describe('speechai db init', () => {
  it('makes every index, says what each is for, and makes none twice', async () => {
    const first = await speechai(env, 'db', 'init');
    expect(first.code).toBe(0);
    expect(first.out.trim().split('\n')).toHaveLength(COMMON.length);
    expect(first.out).toMatch(/^created {2}call_attempts\.speechai_locks: one open call per job, line, person and slot$/m);
    const again = await speechai(env, 'db', 'init', '--json');
    expect(again.code).toBe(0);
    expect((JSON.parse(again.out) as IndexReport[]).map(({ state }) => state)).toEqual(COMMON.map(() => 'there'));
    const locks = (await database.db.collection('call_attempts').indexes()).find(({ name }) => name === 'speechai_locks');
    expect(locks).toMatchObject({ unique: true, partialFilterExpression: { open: true } });
  }, 60_000);

  it("leaves SpeechAI's own indexes alone", async () => {
    const jobs = database.db.collection('jobs');
    await jobs.createIndex({ status: 1, reserved_until: 1 }, { name: 'status_reserved_idx' }, {});
    await jobs.createIndex({ tries: 1 }, { name: 'tries_idx' }, {});
    expect((await speechai(env, 'db', 'init')).code).toBe(0);
    const names = (await jobs.indexes()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['status_reserved_idx', 'tries_idx', 'speechai_claim']));
  }, 60_000);

  it('exits 1 when one cannot be made, says what to do, and makes the others', async () => {
    await database.db.collection('jobs').createIndex({ other: 1 }, { name: 'speechai_claim' }, {});
    const held = { open: true, locks: ['job:1'] };
    await database.db.collection('call_attempts').insertMany([{ ...held }, { ...held }]);
    const ran = await speechai(env, 'db', 'init', '--json');
    expect(ran.code).toBe(1);
    const reports = JSON.parse(ran.out) as IndexReport[];
    const failed = reports.filter(({ state }) => state === 'failed').map(({ name }) => name);
    expect(failed.sort()).toEqual(['speechai_claim', 'speechai_locks']);
    expect(ran.err).toContain('nothing is dialled without it');
    expect(ran.err).toContain('db.jobs.dropIndex("speechai_claim")');
    expect(ran.err).toMatch(/Two documents of call_attempts have the same value where it must be unique/);
    expect(reports.filter(({ state }) => state === 'created')).toHaveLength(COMMON.length - 2);
  }, 60_000);
});

describe('the embedded database', () => {
  it('of whoever has not set MONGO_URI is named, since it may not be the one that was meant', async () => {
    const data = await mkdtemp(join(tmpdir(), 'speechai-data-'));
    const ran = await speechaiProcess({ ENV: 'testing', XDG_DATA_HOME: data }, 'batch', 'list', '--json');
    const named = await speechai(env, 'batch', 'list', '--json');
    await rm(data, { recursive: true, force: true });
    expect(ran).toMatchObject({ code: 0, out: '[]\n' });
    expect(ran.err).toContain('MONGO_URI is not set, so this is the ');
    expect(ran.err).toContain(`in ${join(data, 'speechai', 'mongodb')}.`);
    expect(named).toEqual({ code: 0, out: '[]\n', err: '' });
  }, 60_000);
});

describe('speechai db adopt', () => {
  it('rehearses, takes over, and finds nothing the second time', async () => {
    const due = new Date('2999-01-01T00:00:00.000Z');
    await database.db
      .collection('jobs')
      .insertMany([
        jobDocument('a', { status: 'failed', attempts: 1, next_try_at: due }),
        jobDocument('b', { status: 'failed', attempts: 3, next_try_at: due }),
      ]);
    const before = await speechai(env, 'db', 'adopt', '--dry-run');
    expect(before).toMatchObject({ code: 78, err: expect.stringContaining('speechai db init') as string });
    await speechai(env, 'db', 'init');
    const rehearsal = await speechai(env, 'db', 'adopt', '--dry-run');
    expect(rehearsal).toMatchObject({ code: 0 });
    expect(rehearsal.out).toBe(
      'waiting for another try: 1 (1 failed)\ntaken over: none, this was a dry run\nleft as they are: 1 without attempts left, 0 that cannot be read\n' +
        '  a: failed, 1 of 3 attempts, due 2999-01-01T00:00:00.000Z\n' +
        'attempts to be taken back, because no call was made for them: 0\nnumber indexes to be put back to the first number: 0\n' +
        'calls of the old worker to be counted by the limits: 0\n',
    );
    const real = await speechai(env, 'db', 'adopt', '--json');
    expect(JSON.parse(real.out)).toMatchObject({ taken: 1, exhausted: 1 });
    expect(await database.db.collection('jobs').findOne({ job_id: 'a' })).toMatchObject({ status: 'pending', reserved_until: due });
    expect(JSON.parse((await speechai(env, 'db', 'adopt', '--json')).out)).toMatchObject({ waiting: {}, taken: 0 });
  }, 60_000);

  it('exits 75 while an old worker is at work', async () => {
    await speechai(env, 'db', 'init');
    await database.db
      .collection('jobs')
      .insertOne(jobDocument('t', { status: 'in_progress', worker_id: 'bot-2', reserved_until: new Date(Date.now() + 60_000) }));
    expect(await speechai(env, 'db', 'adopt')).toMatchObject({ code: 75, err: expect.stringMatching(/OLD_WORKER: .*bot-2/) as string });
  }, 60_000);

  it('says in one sentence that no database answers, and exits 75', async () => {
    const away = { ...env, MONGO_URI: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' };
    const ran = await speechai(away, 'db', 'init');
    expect(ran.code).toBe(75);
    expect(ran.err).toContain('DATABASE_UNREACHABLE');
  }, 60_000);
});
