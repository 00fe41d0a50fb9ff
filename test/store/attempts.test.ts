/** P1 and P4 as facts of the database: one open attempt per job, line, person and slot, whoever asks at the same moment. */

import { fc, test } from '@fast-check/vitest';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.js';
import { DuplicateKeyError } from '../../src/store/writer.js';
import type { StoreWorld } from './support.js';
import { DIAL_WITHIN_MS, inMs, intentFor, LEASE_MS, newId, openStoreWorld, strayOf, SETTLEMENT } from './support.js';

describe('attempts', () => {
  let world: StoreWorld;
  const doc = async (id: string): Promise<Document> =>
    (await world.database.db.collection<{ _id: string }>('call_attempts').findOne({ _id: id })) ?? {};
  const intend = (store: Store, id: string, locks: readonly string[], more: Document = {}): Promise<string> =>
    store.attempts.intend(intentFor(id, { locks, ...more }), LEASE_MS, DIAL_WITHIN_MS).then(
      () => 'inserted',
      (error: unknown) => {
        if (error instanceof DuplicateKeyError) return error.value;
        throw error;
      },
    );
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  beforeEach(async () => {
    await world.database.db.collection('call_attempts').deleteMany({});
  });
  afterAll(() => world.close());

  describe('P1, P4: their locks', () => {
    const own = (id: string): string[] => [`job:${id}`, `line:${id}`, `person:${id}`, `slot:${id}`];

    it.each(['job:j1', 'line:0a1b', 'person:77', 'slot:3', 'acct:acc-1:0', 'batch:b:2'])(
      'of twenty at once for %s exactly one wins, the others are told its name',
      async (lock) => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) => {
            const id = newId();
            return intend(n % 2 === 0 ? world.store : world.rival, id, [...own(id), lock]);
          }),
        );
        expect(answers.filter((answer) => answer === 'inserted')).toHaveLength(1);
        expect(new Set(answers)).toEqual(new Set(['inserted', lock]));
        expect(await world.database.db.collection('call_attempts').countDocuments({})).toBe(1);
      },
    );

    it('a single write is told the taken name too, and leaves nothing behind', async () => {
      const [first, second] = [newId(), newId()];
      expect(await intend(world.store, first, ['job:1', 'line:1', 'slot:0'])).toBe('inserted');
      expect(await intend(world.store, second, ['job:2', 'line:1', 'slot:1'])).toBe('line:1');
      expect(await intend(world.store, second, ['job:2', 'line:2', 'slot:0'])).toBe('slot:0');
      expect(await doc(second)).toEqual({});
      // The same id on the next slot, as a dial does it.
      expect(await intend(world.store, second, ['job:2', 'line:2', 'slot:1'])).toBe('inserted');
    });

    test.prop([fc.array(fc.record({ line: fc.nat(3), person: fc.nat(3), slot: fc.nat(2) }), { minLength: 2, maxLength: 14 })], {
      numRuns: 25,
    })('at no time are two open attempts on one name, and whoever lost met a name that is taken', async (wishes) => {
      await world.database.db.collection('call_attempts').deleteMany({});
      const answers = await Promise.all(
        wishes.map(({ line, person, slot }, n) => {
          const id = newId();
          return intend(n % 2 === 0 ? world.store : world.rival, id, [`job:${id}`, `line:${line}`, `person:${person}`, `slot:${slot}`]);
        }),
      );
      const open = await world.store.attempts.openLocks();
      expect(new Set(open).size).toBe(open.length);
      expect(answers).toContain('inserted');
      for (const answer of answers) expect(answer === 'inserted' || open.includes(answer)).toBe(true);
    });

    it('are free when the attempt is settled or annulled; the slots already when the call is over', async () => {
      const [settled, annulled, ended] = [newId(), newId(), newId()];
      for (const [n, id] of [settled, annulled, ended].entries()) await intend(world.store, id, [`job:${n}`, `slot:${n}`]);
      await world.store.attempts.settle(settled, 'runner-a', SETTLEMENT);
      await world.store.attempts.annul(annulled, 'why');
      await world.store.attempts.markEnded(ended, 'runner-a', ['job:2']);
      expect(await world.store.attempts.openLocks()).toEqual(['job:2']);
      expect(await doc(settled)).not.toHaveProperty('locks');
      for (const lock of ['job:0', 'slot:0', 'job:1', 'slot:1', 'slot:2'])
        expect(await intend(world.rival, newId(), [lock])).toBe('inserted');
      expect(await intend(world.rival, newId(), ['job:2'])).toBe('job:2');
    });

    it('closed attempts without locks do not collide', async () => {
      const ids = Array.from({ length: 5 }, () => newId());
      for (const id of ids) {
        await intend(world.store, id, [`job:${id}`]);
        await world.store.attempts.annul(id, 'why');
      }
      expect(await world.database.db.collection('call_attempts').countDocuments({ open: false })).toBe(5);
    });
  });

  describe('P1: evidence about a call', () => {
    it('is taken from anybody who knows the attempt, also after it lost its lease to another', async () => {
      const id = newId();
      await intend(world.store, id, ['job:1']);
      await world.database.db.collection('call_attempts').updateOne({ _id: id as never }, { $set: { runner: 'runner-b' } });
      expect(await world.store.attempts.recordCall(id, 'call-1')).toBe('recorded');
      expect(await doc(id)).toMatchObject({ call_id: 'call-1', state: 'live', runner: 'runner-b' });
    });

    it('of a second call is refused, and so is any after the end', async () => {
      const id = newId();
      await intend(world.store, id, ['job:1']);
      expect(await world.store.attempts.recordCall(id, 'call-1')).toBe('recorded');
      expect(await world.store.attempts.recordCall(id, 'call-2')).toBe('closed');
      await world.store.attempts.settle(id, 'runner-a', SETTLEMENT);
      expect(await world.store.attempts.recordCall(id, 'call-1')).toBe('recorded');
      expect(await world.store.attempts.recordCall(id, 'call-3')).toBe('closed');
      expect(await doc(id)).toMatchObject({ call_id: 'call-1', state: 'settled' });
      expect(await world.store.attempts.recordCall('nobody', 'call-1')).toBe('closed');
    });

    it('of a call whose attempt was annulled is refused: that call is a stray', async () => {
      const id = newId();
      await intend(world.store, id, ['job:1']);
      await world.store.attempts.annul(id, 'why');
      const before = await doc(id);
      expect(await world.store.attempts.recordCall(id, 'call-1')).toBe('closed');
      expect(await doc(id)).toEqual(before);
    });

    it('that nothing was placed is given by whoever would have placed it, also when another has taken over; who looks for it counts nothing', async () => {
      const id = newId();
      await intend(world.store, id, ['job:proof']);
      await world.database.db.collection('call_attempts').updateOne({ _id: id as never }, { $set: { runner: 'runner-b' } });
      await world.rival.attempts.markUnknown(id, 'runner-b', 60_000);
      expect(await world.store.attempts.annul(id, 'its moment had passed')).toMatchObject({ matched: 1 });
      expect(await world.rival.attempts.settle(id, 'runner-b', SETTLEMENT)).toBe(false);
      expect(await doc(id)).toMatchObject({ state: 'void', open: false, runner: 'runner-b' });
    });

    it('and an annulment exclude each other: whichever comes first stands', async () => {
      const ids = Array.from({ length: 30 }, () => newId());
      await Promise.all(ids.map((id) => intend(world.store, id, [`job:${id}`])));
      const pairs = await Promise.all(
        ids.map((id) => Promise.all([world.store.attempts.annul(id, 'why'), world.rival.attempts.recordCall(id, `call-${id}`)])),
      );
      for (const [n, [annulled, recorded]] of pairs.entries()) {
        const end = await doc(ids[n] ?? '');
        expect({ void: end['state'] === 'void', call: end['call_id'] !== undefined }).toEqual({
          void: annulled.matched === 1,
          call: recorded === 'recorded',
        });
        expect(annulled.matched === 1).toBe(recorded === 'closed');
      }
    });
  });

  describe('P3: the owner alone', () => {
    it.each([
      ['markUnknown', (store: Store, id: string) => store.attempts.markUnknown(id, 'runner-b', 60_000)],
      ['markEnded', (store: Store, id: string) => store.attempts.markEnded(id, 'runner-b', [])],
      ['settle', (store: Store, id: string) => store.attempts.settle(id, 'runner-b', SETTLEMENT)],
      ['finish', (store: Store, id: string) => store.attempts.finish(id, 'runner-b', null)],
      ['finish, to be looked at again', (store: Store, id: string) => store.attempts.finish(id, 'runner-b', inMs(1_000))],
    ])('%s by another changes nothing', async (_, act: (store: Store, id: string) => Promise<unknown>) => {
      const id = newId();
      await intend(world.store, id, ['job:1']);
      const before = await doc(id);
      expect(await act(world.store, id)).not.toEqual({ matched: 1, upserted: false });
      expect(await doc(id)).toEqual(before);
    });

    it('finishes its own of many that are finished together', async () => {
      const ids = Array.from({ length: 20 }, newId);
      for (const id of ids) await intend(world.store, id, [`job:${id}`]);
      const others = ids.filter((__, n) => n % 3 === 0);
      await world.database.db.collection('call_attempts').updateMany({ _id: { $in: others as never[] } }, { $set: { runner: 'runner-b' } });
      await Promise.all(ids.map((id) => world.store.attempts.finish(id, 'runner-a', null)));
      const leased = [];
      for (const id of ids) if ((await doc(id))['lease_until'] !== undefined) leased.push(id);
      expect(leased).toEqual(others);
    });

    it('renews what it holds, learns what it lost, and hands over what is its own', async () => {
      const ids = [newId(), newId(), newId()];
      for (const id of ids) await intend(world.store, id, [`job:${id}`]);
      const [mine = '', taken = '', finished = ''] = ids;
      await world.database.db.collection('call_attempts').updateOne({ _id: taken as never }, { $set: { runner: 'runner-b' } });
      await world.store.attempts.settle(finished, 'runner-a', SETTLEMENT);
      await world.store.attempts.finish(finished, 'runner-a', null);
      expect(await world.store.attempts.renew(ids, 'runner-a', 2 * LEASE_MS)).toBe(1);
      expect(await world.store.attempts.stillMine(ids, 'runner-a')).toEqual(new Set([mine]));
      await world.store.attempts.handOver(ids, [], 'runner-a');
      expect(await world.rival.attempts.takeExpired('runner-b', LEASE_MS, inMs(1_000))).toMatchObject([{ _id: mine, runner: 'runner-b' }]);
      expect(await world.rival.attempts.takeExpired('runner-b', LEASE_MS, inMs(1_000))).toEqual([]);
    });
  });

  it('P6: hands over what was never sent as void: whoever takes it gives its job back, and looks for no call', async () => {
    const [unsent, sent] = [newId(), newId()];
    await intend(world.store, unsent, [`job:${unsent}`]);
    await intend(world.store, sent, [`job:${sent}`]);
    await world.store.attempts.recordCall(sent, 'call-1');
    // Named by mistake, a call that is known stays what it is.
    await world.store.attempts.handOver([], [unsent, sent], 'runner-a');
    const [taken] = await world.rival.attempts.takeExpired('runner-b', LEASE_MS, inMs(1_000));
    expect(taken).toMatchObject({ _id: unsent, state: 'void', open: false, void_reason: 'handed over before it was sent' });
    expect(taken?.locks).toBeUndefined();
    expect(await world.store.attempts.byId(sent)).toMatchObject({ state: 'live', open: true, runner: 'runner-a' });
    await world.store.attempts.annul(sent, 'the end of this test');
    await world.store.attempts.settle(sent, 'runner-a', SETTLEMENT);
  });

  describe('P2: an expired lease', () => {
    it('is taken by one of many, and by none before its time, whatever the asker believes the time is', async () => {
      const live = newId();
      // More than are taken at once.
      const expired = Array.from({ length: 230 }, newId);
      await Promise.all(expired.map((id) => world.store.attempts.intend(intentFor(id), -1_000, DIAL_WITHIN_MS)));
      await world.store.attempts.intend(intentFor(live), LEASE_MS, DIAL_WITHIN_MS);
      const take = async (): Promise<readonly { _id: string; runner: string }[]> => {
        const some = await Promise.all(
          Array.from({ length: 10 }, async (_, n) => {
            const taken = await (n % 2 === 0 ? world.store : world.rival).attempts.takeExpired(`r${n}`, LEASE_MS, inMs(3_600_000));
            expect(taken.every(({ runner }) => runner === `r${n}`)).toBe(true);
            return taken;
          }),
        );
        return some.flat();
      };
      const taken = [...(await take()), ...(await take())].map(({ _id }) => _id);
      expect(taken.toSorted()).toEqual(expired.toSorted());
      expect(await take()).toEqual([]);
    });

    it.each(['reset-after', 'reset-before'] as const)('taken although the answer was lost is known to be taken: %s', async (fault) => {
      const ids = Array.from({ length: 3 }, newId);
      for (const id of ids) await world.store.attempts.intend(intentFor(id), -1_000, DIAL_WITHIN_MS);
      const rule = world.proxy.add({ command: 'update', collection: 'call_attempts', fault });
      const take = () => world.store.attempts.takeExpired('runner-c', LEASE_MS, inMs(1_000));
      if (fault === 'reset-before') await expect(take()).rejects.toBeInstanceOf(Error);
      else expect((await take()).map(({ _id }) => _id).toSorted()).toEqual(ids.toSorted());
      expect(rule.hits()).toBe(1);
      expect(await take()).toHaveLength(fault === 'reset-before' ? 3 : 0);
    });

    it('the attempt that protects a job is never a stray of it, which moves no job', async () => {
      const id = newId();
      await intend(world.store, id, ['job:1'], { job: 'job-1' });
      await world.store.attempts.insertStray(strayOf('call-2', { job: 'job-1' }), LEASE_MS);
      expect((await world.store.attempts.leasedFor('job-1'))?._id).toBe(id);
      await world.store.attempts.annul(id, 'why');
      expect((await world.store.attempts.leasedFor('job-1'))?._id).toBe(id);
      await world.store.attempts.finish(id, 'runner-a', null);
      expect(await world.store.attempts.leasedFor('job-1')).toBeNull();
    });

    it('a later look is taken once per time and ended by its price', async () => {
      const id = newId();
      await intend(world.store, id, ['job:1']);
      await world.store.attempts.settle(id, 'runner-a', SETTLEMENT);
      await world.store.attempts.finish(id, 'runner-a', inMs(-10));
      const looks = await Promise.all([1, 2, 3].map(() => world.store.attempts.takeLook(inMs(0), 60_000)));
      expect(looks.filter((one) => one !== null)).toHaveLength(1);
      await world.store.attempts.finalCost(id, { micros: 9, ms: 9, final: true });
      expect(await world.store.attempts.takeLook(inMs(3_600_000), 60_000)).toBeNull();
      expect(await doc(id)).toMatchObject({ cost: { micros: 9, ms: 9, final: true } });
    });
  });

  it('what a person has earlier calls for: newest first, voids and older ones left out', async () => {
    const at = (id: string, ms: number, more: Document): Promise<unknown> =>
      world.database.db
        .collection<Document & { _id: string }>('call_attempts')
        .insertOne({ ...intentFor(id), ...more, _id: id, locks: [], at: inMs(ms), open: false, state: 'settled' });
    await at('a', -1_000, { line: 'l1', person: null, reached: 'answered' });
    await at('b', -2_000, { line: 'l2', person: 'p1', reached: 'nonsense' });
    await at('c', -90_000, { line: 'l1', person: 'p1' });
    await at('d', -500, { line: 'l1', person: 'p1' });
    await at('e', -400, { line: 'other', person: 'other' });
    await world.database.db.collection('call_attempts').updateOne({ _id: 'd' as never }, { $set: { state: 'void' } });
    const found = await world.store.attempts.history(['l1'], ['p1'], inMs(-60_000));
    expect(found.map(({ attempt, reached, person }) => ({ attempt, reached, person }))).toEqual([
      { attempt: 'a', reached: 'answered', person: null },
      { attempt: 'b', reached: 'placed', person: 'p1' },
    ]);
  });

  it('P4: an earlier call counts from when it was placed, or from the latest it may have been, never from its intent', async () => {
    const [placed, unclear] = [newId(), newId()];
    await intend(world.store, placed, ['job:1', 'line:1'], { line: 'l1' });
    await world.store.attempts.recordCall(placed, 'call_1');
    await intend(world.store, unclear, ['job:2', 'line:2'], { line: 'l2' });
    const found = await world.store.attempts.history(['l1', 'l2'], [], inMs(-60_000));
    const atOf = (id: string): Date | undefined => found.find((call) => call.attempt === id)?.at;
    expect(atOf(placed)).toEqual((await doc(placed))['placed_at']);
    expect(atOf(unclear)).toEqual((await doc(unclear))['dial_by']);
  });

  it('texts with a dollar in them stay texts', async () => {
    const id = newId();
    await intend(world.store, id, ['job:$job'], { job_ref: '$_id', batch: '$$NOW', account: '$account' });
    expect(await doc(id)).toMatchObject({ job_ref: '$_id', batch: '$$NOW', account: '$account', locks: ['job:$job'] });
    await world.store.attempts.insertStray(strayOf('call-$1', { job_ref: '$_id' }), LEASE_MS);
    expect(await doc('stray:call-$1')).toMatchObject({ job_ref: '$_id', call_id: 'call-$1' });
    expect(await world.store.attempts.recordCall(id, '$call')).toBe('recorded');
    expect(await doc(id)).toMatchObject({ call_id: '$call' });
    await world.store.attempts.settle(id, 'runner-a', { ...SETTLEMENT, result: { transcript: '$x' } });
    expect(await doc(id)).toMatchObject({ result: { transcript: '$x' } });
  });
});
