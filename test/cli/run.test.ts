/** `run --dry-run`: the decisions are the data, the log is not. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { speechai } from '../support/cli.js';
import { openTestDatabase } from '../support/mongo.js';
import { jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
beforeAll(async () => {
  world = await openTestSession();
  await world.db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
  await world.db.collection('batches').insertMany([
    { batch_id: 'batch-1', account_id: 'acc-1', is_active: true, call_settings: null },
    { batch_id: 'batch-2', account_id: 'nobody', is_active: true, call_settings: null },
  ]);
  await world.db.collection('jobs').insertMany([jobDocument('j'), jobDocument('odd', { contact: 7 })]);
});
afterAll(() => world.close());

it('run --dry-run prints decisions on stdout, one JSON object per line where asked, its log on stderr, and writes nothing', async () => {
  const before = await world.db.collection('jobs').find({}).toArray();
  const env = { ...world.env, LOG_LEVEL: 'DEBUG' };
  const [words, json, misused] = await Promise.all([
    speechai(env, 'run', '--dry-run'),
    speechai(env, 'run', '--dry-run', '--json'),
    speechai(env, 'run', '--json'),
  ]);
  const lines = words.out.trim().split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/^(?:job|batch) /);
  expect(words.err).toMatch(/Due now: 2 jobs, of which 1 would be dialled/);
  expect(words.err).toContain('"level":');
  const found = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { decision: string });
  expect(found.map(({ decision }) => decision).toSorted()).toEqual(['closed', 'dial', 'set aside']);
  expect(found.find(({ decision }) => decision === 'dial')).toMatchObject({ job: 'j', batch: 'batch-1', to: '+56*****222' });
  expect(misused).toMatchObject({ code: 2, out: '' });
  expect(await world.db.collection('jobs').find({}).toArray()).toEqual(before);
}, 60_000);

it('run --dry-run makes no index either: what is missing is told', async () => {
  const empty = await openTestDatabase();
  try {
    const ran = await speechai({ ...world.env, MONGO_URI: empty.uri, MONGO_DB: empty.name }, 'run', '--dry-run');
    expect(ran).toMatchObject({
      code: 78,
      out: '',
      err: expect.stringMatching(/INDEXES_MISSING[\s\S]*-> Run `speechai db init`/) as string,
    });
    expect(await empty.db.listCollections().toArray()).toEqual([]);
  } finally {
    await empty.drop();
  }
});
