/** P3, P5: of writes that travel together each learns what it did, and nobody is told of a success that is not certain. */

import type { Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/store/connection.js';
import { createWriter, DuplicateKeyError, isRefusal } from '../../src/store/writer.js';
import type { Write, Writer, WriteResult } from '../../src/store/writer.js';
import type { SeenCommand } from '../support/fault-proxy-wire.js';
import type { StoreWorld } from './support.js';
import { openStoreWorld } from './support.js';

type Told = WriteResult | string;

describe.each([
  ['grouped', true],
  ['one by one, as servers before 8.0 need it', false],
])('writes, %s,', (_, groupsWrites) => {
  let world: StoreWorld;
  let writer: Writer;
  const told = (write: Write): Promise<Told> =>
    writer.write(write).catch((error: unknown) => (error instanceof DuplicateKeyError ? `taken: ${error.value}` : 'failed'));
  const set = (id: string, more: Partial<Write> = {}): Write => ({
    collection: 'jobs',
    filter: { _id: id },
    update: { $set: { seen: true } },
    ...more,
  });
  const job = (id: string): Promise<Document | null> =>
    world.database.db.collection<Document & { _id: string }>('jobs').findOne({ _id: id });

  beforeAll(async () => {
    world = await openStoreWorld();
    const connection: Connection = { ...world.store.connection, groupsWrites };
    writer = createWriter(connection);
  });
  beforeEach(async () => {
    await world.database.db.collection('jobs').deleteMany({});
    await world.database.db.collection('call_attempts').deleteMany({});
    await world.database.db
      .collection<{ _id: string }>('jobs')
      .insertMany(['a', 'b', 'c'].map((id) => ({ _id: id, batch_id: 'b', status: 'pending' })));
  });
  afterEach(() => world.proxy.clear());
  afterAll(() => world.close());

  it('tell each what it matched and upserted, over several collections', async () => {
    world.proxy.resetCounts();
    const answers = await Promise.all([
      told(set('a')),
      told(set('nobody')),
      told(set('new', { upsert: true })),
      told(set('x', { collection: 'attempts', upsert: true })),
      told(set('c', { update: [{ $set: { seen: '$status' } }] })),
    ]);
    expect(answers).toEqual([
      { matched: 1, upserted: false },
      { matched: 0, upserted: false },
      { matched: 0, upserted: true },
      { matched: 0, upserted: true },
      { matched: 1, upserted: false },
    ]);
    expect(await job('c')).toMatchObject({ seen: 'pending' });
    expect({ bulkWrite: 0, ...world.proxy.counts() }).toMatchObject(groupsWrites ? { bulkWrite: 1 } : { bulkWrite: 0, update: 5 });
  });

  it('P1: one that meets a taken key is told its value; the others succeed', async () => {
    const lock = (id: string, locks: string[]): Write => ({
      collection: 'attempts',
      filter: { _id: id },
      update: { $set: { open: true, locks } },
      upsert: true,
    });
    await told(lock('first', ['line:1', 'slot:0']));
    const answers = await Promise.all([
      told(lock('second', ['line:1', 'slot:1'])),
      told(set('a')),
      told(lock('third', ['line:3', 'slot:0'])),
      told(lock('fourth', ['line:4'])),
    ]);
    expect(answers).toEqual(['taken: line:1', { matched: 1, upserted: false }, 'taken: slot:0', { matched: 0, upserted: true }]);
    expect(await world.database.db.collection('call_attempts').countDocuments({})).toBe(2);
  });

  it('one that the server refuses fails alone', async () => {
    const answers = await Promise.all([told(set('a')), told(set('b', { update: { $inc: { status: 1 } } })), told(set('c'))]);
    expect(answers).toEqual([{ matched: 1, upserted: false }, 'failed', { matched: 1, upserted: false }]);
  });

  it('P7: one that is too large to be sent fails alone', async () => {
    const huge = { $set: { transcript: 'x'.repeat(17 * 1024 * 1024) } };
    const answers = await Promise.all([told(set('a')), told(set('b', { update: huge })), told(set('c'))]);
    expect(answers).toEqual([{ matched: 1, upserted: false }, 'failed', { matched: 1, upserted: false }]);
    expect(await job('c')).toMatchObject({ seen: true });
  });

  it('more than fit into one group are all done, each with its own answer', async () => {
    const ids = Array.from({ length: 1_203 }, (_unused, n) => `many-${n}`);
    await world.database.db.collection<{ _id: string }>('jobs').insertMany(ids.filter((__, n) => n % 3 !== 0).map((id) => ({ _id: id })));
    world.proxy.resetCounts();
    const answers = await Promise.all(ids.map((id) => told(set(id))));
    expect(answers).toEqual(ids.map((__, n) => ({ matched: n % 3 === 0 ? 0 : 1, upserted: false })));
    expect(world.proxy.counts()).toMatchObject(groupsWrites ? { bulkWrite: 3 } : { update: 1_203 });
  });

  it('P5: when the write concern was not met, nobody in that answer is told of a success', async () => {
    world.proxy.add({
      command: '*',
      where: ({ name }) => name === 'bulkWrite' || name === 'update',
      fault: 'write-concern-error',
      code: 64,
      times: 10,
    });
    const answers = await Promise.all([told(set('a')), told(set('nobody')), told(set('new', { upsert: true }))]);
    expect(answers).toEqual(['failed', 'failed', 'failed']);
    // It was done all the same: who was told nothing asks or sends again.
    expect(await job('a')).toMatchObject({ seen: true });
  });

  it('P5: only an answer that says no is a refusal: not an unmet write concern, not an election', async () => {
    const refused = async (write: Write): Promise<boolean[]> => {
      const [one, other] = await Promise.allSettled([writer.write(write), writer.write(write)]);
      return [one, other].map((answer) => answer.status === 'rejected' && isRefusal(answer.reason));
    };
    const fault = { command: '*', where: ({ name }: SeenCommand) => name === 'bulkWrite' || name === 'update', times: 10 };
    const rule = world.proxy.add({ ...fault, fault: 'write-concern-error', code: 64 });
    expect(await refused(set('a'))).toEqual([false, false]);
    expect(rule.hits()).toBeGreaterThan(0);
    world.proxy.clear();
    const election = world.proxy.add({ ...fault, fault: 'error', code: 10107, labels: ['RetryableWriteError'] });
    expect(await refused(set('a'))).toEqual([false, false]);
    expect(election.hits()).toBeGreaterThan(0);
    world.proxy.clear();
    expect(await refused(set('a', { update: { $nonsense: { seen: true } } }))).toEqual([true, true]);
  });

  it('when no answer comes, nobody is told of a success', async () => {
    world.proxy.add({ command: '*', where: ({ name }) => name === 'bulkWrite' || name === 'update', fault: 'reset-after', times: 3 });
    expect(await Promise.all([told(set('a')), told(set('b')), told(set('c'))])).toEqual(['failed', 'failed', 'failed']);
  });

  it('P1: a duplicate key beside an unmet write concern is no success, and a document that may be rolled back is not "there already"', async () => {
    const lock = (id: string): Write => ({
      collection: 'attempts',
      filter: { _id: id },
      update: { $set: { open: true, locks: ['line:1'] } },
      upsert: true,
    });
    await told(lock('first'));
    world.proxy.add({
      command: '*',
      where: ({ name }) => name === 'bulkWrite' || name === 'update' || name === 'insert',
      fault: 'write-concern-error',
      code: 64,
      times: 10,
    });
    const again: Write = { collection: 'attempts', document: { _id: 'first', open: false } };
    const [second, other, resent] = await Promise.all([told(lock('second')), told(set('a')), told(again)]);
    expect([other, resent]).toEqual(['failed', 'failed']);
    expect(['failed', 'taken: line:1']).toContain(second);
    expect(await world.database.db.collection('call_attempts').countDocuments({})).toBe(1);
  });

  it('one alone goes as a plain update', async () => {
    world.proxy.resetCounts();
    expect(await told(set('a'))).toEqual({ matched: 1, upserted: false });
    expect(world.proxy.counts()).toMatchObject({ update: 1 });
    expect(world.proxy.counts()['bulkWrite']).toBeUndefined();
  });
});

it('every write of the protocol asks for a journalled answer, on a connection of its own topology', async () => {
  const world = await openStoreWorld();
  const { connection } = world.store;
  expect(connection.writeConcern).toEqual(
    connection.topology === 'standalone' ? { w: 1, journal: true } : { w: 'majority', journal: true, wtimeoutMS: 1_000 },
  );
  const commands = await world.sent('jobs', async () => {
    await world.store.jobs.release('a', 't', { status: 'pending', dueAt: null, dueBefore: null, suspendReason: null, lastError: null });
    await Promise.all(['a', 'b'].map((id) => world.store.jobs.passOn(id, 't', 'u')));
    await world.store.jobs.takeExpired('t', 'r', 1_000, new Date(), true);
    await world.store.jobs.endLeases(['a'], ['t']);
    await world.store.jobs.renew(['a'], ['t'], 1_000);
  });
  expect(commands.length).toBe(5);
  for (const command of commands)
    expect(command['writeConcern']).toMatchObject({ j: true, w: connection.topology === 'standalone' ? 1 : 'majority' });
  await world.close();
});
