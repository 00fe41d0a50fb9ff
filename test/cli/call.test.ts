import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memberOf, type Member } from '../../src/cli/member.js';
import { fleetWarnings } from '../../src/cli/runner-list.js';
import type { RunnerView } from '../../src/store/runners.js';
import { speechai } from '../support/cli.js';
import { attemptDocument, openTestSession, placeCall, type TestSession } from '../support/session.js';

let world: TestSession;
beforeAll(async () => {
  world = await openTestSession();
});
afterAll(() => world.close());
beforeEach(async () => {
  world.simulator.reset();
  for (const name of ['call_attempts', 'runners']) await world.db.collection(name).deleteMany({});
});

const open = async (id: string, more: Document = {}): Promise<string> => {
  const callId = await placeCall(world, id, more['to_number'] as string | undefined);
  await world.db
    .collection('call_attempts')
    .insertOne(attemptDocument(world, `job-${id}`, `j-${id}`, { _id: id, call_id: callId, ...more }));
  return callId;
};
const isLive = async (callId: string): Promise<boolean> => {
  const reply = await (await world.session.retell()).retell.read(callId);
  if (reply.kind !== 'call') throw new Error(reply.kind);
  return reply.call.live;
};

describe('speechai call', () => {
  it('lists the open calls with masked numbers, stops one by its job, then a whole batch, and asks before', async () => {
    const [one, two, other] = [
      await open('a'),
      await open('b', { to_number: '+56911113333' }),
      await open('c', { batch: 'batch-2', to_number: '+56911114444' }),
    ];
    await world.db
      .collection('call_attempts')
      .insertOne(attemptDocument(world, 'job-d', 'j-d', { _id: 'd', state: 'settled', open: false, locks: undefined }));

    const list = await speechai(world.env, 'call', 'list', '--json');
    expect(list.code).toBe(0);
    expect(
      (JSON.parse(list.out) as Document[]).map(({ job, number, call_id, batch, runner }) => [job, number, call_id, batch, runner]).sort(),
    ).toEqual([
      ['j-a', '+56*****222', one, 'batch-1', 'host-1-abcd'],
      ['j-b', '+56*****333', two, 'batch-1', 'host-1-abcd'],
      ['j-c', '+56*****444', other, 'batch-2', 'host-1-abcd'],
    ]);
    expect(list.out).not.toContain('91111');

    expect(await speechai(world.env, 'call', 'stop', 'j-a')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Add --yes') as string,
    });
    expect(await isLive(one)).toBe(true);
    expect(await speechai(world.env, 'call', 'stop', 'j-a', '--yes')).toMatchObject({ code: 0, out: `j-a: hung up (${one})\n` });
    expect(await isLive(one)).toBe(false);

    expect(await speechai(world.env, 'call', 'stop', '--all', '--batch', 'batch-2', '--yes')).toMatchObject({ code: 0 });
    expect([await isLive(two), await isLive(other)]).toEqual([true, false]);
    const reasons = await world.db.collection('call_attempts').find({ stop_reason: 'operator' }).toArray();
    expect(reasons.map(({ _id }) => String(_id)).sort()).toEqual(['a', 'c']);
  }, 60_000);

  it('a name that is misspelt is not an installation without calls', async () => {
    await world.db.collection('accounts').insertOne({ account_id: 'known', plan_type: 'unlimited', status: 'active', country: 'CL' });
    for (const wrong of [
      ['call', 'list', '--batch', 'typo'],
      ['call', 'stop', '--all', '--account', 'typo', '--yes'],
      ['job', 'list', '--account', 'typo', '--json'],
      ['batch', 'list', '--account', 'typo'],
      ['suppress', 'list', '--account', 'typo'],
    ]) {
      expect(await speechai(world.env, ...wrong)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('NO_SUCH_') as string });
    }
    expect(await speechai(world.env, 'call', 'list', '--account', 'known')).toMatchObject({ code: 0, err: 'No call is open.\n' });
  }, 60_000);

  it('says which call it means to be told, and that there is none', async () => {
    const [both, neither, nobody, none] = await Promise.all([
      speechai(world.env, 'call', 'stop', 'x', '--all'),
      speechai(world.env, 'call', 'stop'),
      speechai(world.env, 'call', 'stop', 'x', '--yes'),
      speechai(world.env, 'call', 'stop', '--all', '--yes'),
    ]);
    expect([both.code, neither.code, nobody.code, none.code]).toEqual([2, 2, 1, 0]);
    expect(nobody.err).toContain('speechai call list');
  }, 60_000);

  it('without the key it cannot stop anything, and says whose settings it needs', async () => {
    await open('a');
    const { RETELL_API_KEY: _, RETELL_BASE_URL: __, ...env } = world.env;
    expect(await speechai(env, 'call', 'stop', 'j-a', '--yes')).toMatchObject({
      code: 78,
      err: expect.stringContaining('NO_PROVIDER') as string,
    });
  }, 60_000);
});

const NOW = new Date('2026-11-21T10:00:00.000Z');
const view = (more: Partial<RunnerView> = {}): RunnerView => ({
  id: 'host-1-abcd',
  host: 'host',
  pid: 1,
  version: '0.1.0',
  workers: 6,
  queues: [],
  fingerprint: 'f1',
  dialWithinMs: 3_000,
  state: 'running',
  liveCalls: 0,
  breaker: 'closed',
  standstill: null,
  heartbeatAt: new Date(NOW.getTime() - 5_000),
  startedAt: new Date('2026-11-21T09:00:00.000Z'),
  ...more,
});
const member = (more: Partial<RunnerView> = {}): Member => memberOf(view(more), NOW, 30_000);

describe('speechai runner list', () => {
  it.each([
    { title: 'beats', more: {}, state: 'running', alive: true },
    { title: 'drains', more: { state: 'draining' as const }, state: 'draining', alive: true },
    { title: 'silent for a lease', more: { heartbeatAt: new Date(NOW.getTime() - 30_001) }, state: 'gone', alive: false },
    { title: 'has stopped', more: { state: 'stopped' as const }, state: 'stopped', alive: false },
    { title: 'stopped long ago', more: { state: 'stopped' as const, heartbeatAt: new Date(0) }, state: 'stopped', alive: false },
  ])('a runner that $title is $state', ({ more, state, alive }) => {
    expect(member(more)).toMatchObject({ state, alive });
  });

  it.each([
    { title: 'nothing of equals', members: [{}, { id: 'b' }], says: [] },
    { title: 'different settings', members: [{}, { id: 'b', fingerprint: 'f2' }], says: [/different settings/] },
    { title: 'nothing of settings of the dead', members: [{}, { id: 'b', fingerprint: 'f2', state: 'stopped' as const }], says: [] },
    { title: 'different versions', members: [{}, { id: 'b', version: '0.2.0' }], says: [/0\.1\.0, 0\.2\.0/] },
    { title: 'an open breaker', members: [{ breaker: 'open' }], says: [/host-1-abcd does not dial/] },
    { title: 'calls of the dead', members: [{ heartbeatAt: new Date(0), liveCalls: 3 }], says: [/is gone and followed 3 calls/] },
  ])('warns of $title', ({ members, says }) => {
    const warnings = fleetWarnings(members.map(member));
    expect(warnings).toHaveLength(says.length);
    says.forEach((pattern, index) => expect(warnings[index]).toMatch(pattern));
  });

  it('shows the fleet of the database', async () => {
    const { runners } = world.session.store;
    const presence = {
      host: 'h',
      pid: 7,
      version: '0.1.0',
      workers: 4,
      queues: [],
      dialWithinMs: 3_000,
      state: 'running',
      liveCalls: 2,
      breaker: 'closed',
      standstill: null,
    } as const;
    await runners.beat({ id: 'one', fingerprint: 'f1', ...presence });
    await runners.beat({ id: 'two', fingerprint: 'f2', ...presence });
    await runners.beat({ id: 'three', fingerprint: 'f1', ...presence });
    await runners.leave('three');
    // What they follow is counted now: a sign of life is up to a third of a lease old.
    for (const id of ['a1', 'a2', 'a3'])
      await world.db
        .collection('call_attempts')
        .insertOne(attemptDocument(world, id, id, { _id: id, locks: [id], runner: id === 'a3' ? 'two' : 'one' }));
    const ran = await speechai(world.env, 'runner', 'list', '--json');
    expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('different settings') as string });
    expect((JSON.parse(ran.out) as Document[]).map(({ id, alive, live_calls }) => [id, alive, live_calls]).sort()).toEqual([
      ['one', true, 2],
      ['two', true, 1],
    ]);
  }, 60_000);
});
