/** P4 and P5 in the books: what is used and held never exceeds what was bought, no cap is passed, and every call is charged once. */

import { fc, test } from '@fast-check/vitest';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Count } from '../../src/domain/decision.js';
import type { StoreWorld } from './support.js';
import { account, newId, openStoreWorld } from './support.js';

const ATTEMPTS = ['t0', 't1', 't2', 't3'] as const;
const BOUGHT_MICROS = 1_000_000;
const CAP = 3;
const counts: readonly Count[] = [
  { key: 'a:2026-11-21', max: CAP },
  { key: 'b:hash:2026-11-21', max: null },
];

/** The ledger as anybody would do it on paper. */
interface Paper {
  used: number;
  calls: number;
  readonly holds: Map<string, number>;
}

const heldOf = (paper: Paper): number => [...paper.holds.values()].reduce((sum, one) => sum + one, 0);

const step = fc.record({
  attempt: fc.constantFrom(...ATTEMPTS),
  micros: fc.integer({ min: 0, max: 600_000 }),
  act: fc.constantFrom('hold', 'hold', 'hold', 'provisional', 'final', 'cancel'),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

describe('the ledger of an account', () => {
  let world: StoreWorld;
  const doc = async (id: string): Promise<Document> =>
    (await world.database.db.collection<{ _id: string }>('account_ledgers').findOne({ _id: id })) ?? {};
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  const onPaper = (paper: Paper, { act, attempt, micros }: Step): boolean => {
    const hold = paper.holds.get(attempt);
    if (act === 'hold') {
      if (hold !== undefined) return true;
      if (paper.used + heldOf(paper) + micros > BOUGHT_MICROS || paper.calls >= CAP) return false;
      paper.holds.set(attempt, micros);
      paper.calls += 1;
      return true;
    }
    if (hold === undefined) return false;
    if (act === 'provisional') {
      paper.holds.set(attempt, micros);
      return true;
    }
    paper.holds.delete(attempt);
    if (act === 'final') paper.used += micros;
    else paper.calls -= 1;
    return true;
  };
  const inTheStore = async (id: string, { act, attempt, micros }: Step): Promise<boolean> => {
    const { ledgers } = world.store;
    const estimate = { micros, ms: 0 };
    switch (act) {
      case 'hold':
        return (await ledgers.hold(account({ account_id: id, credit_balance: BOUGHT_MICROS / 1e6 }), attempt, estimate, counts)) === 'held';
      case 'cancel':
        return (await ledgers.cancel(id, attempt, counts)).matched > 0;
      default:
        return (await ledgers.charge(id, attempt, { ...estimate, final: act === 'final' })).matched > 0;
    }
  };

  test.prop([fc.array(step, { minLength: 4, maxLength: 24 })], { numRuns: 40 })(
    'P5: any order of holds, charges and cancellations adds up as on paper',
    async (steps) => {
      const id = newId();
      const paper: Paper = { used: 0, calls: 0, holds: new Map() };
      for (const one of steps) {
        const expected = onPaper(paper, one);
        expect({ ...one, took: await inTheStore(id, one) }).toEqual({ ...one, took: expected });
      }
      const stored = await doc(id);
      expect(stored['used_micros'] ?? 0).toBe(paper.used);
      expect(stored['held_micros'] ?? 0).toBe(heldOf(paper));
      expect(Object.keys((stored['holds'] ?? {}) as object).toSorted()).toEqual([...paper.holds.keys()].toSorted());
      expect((stored['counts'] as Document | undefined)?.['a:2026-11-21'] ?? 0).toBe(paper.calls);
    },
  );

  test.prop([fc.array(step, { minLength: 8, maxLength: 40 })], { numRuns: 25 })(
    'P4, P5: all of them at once, from two processes, never overspend and never lose a cent',
    async (steps) => {
      const id = newId();
      const rich = account({ account_id: id, credit_balance: BOUGHT_MICROS / 1e6 });
      const used = await Promise.all(
        steps.map(async ({ act, attempt, micros }, n) => {
          const { ledgers } = n % 2 === 0 ? world.store : world.rival;
          if (act === 'hold') await ledgers.hold(rich, attempt, { micros, ms: 0 }, counts);
          else if (act === 'cancel') await ledgers.cancel(id, attempt, counts);
          // A price never exceeds its estimate here, so that overspending can only come from a broken test of the money.
          else if (act === 'final') return (await ledgers.charge(id, attempt, { micros: 1, ms: 0, final: true })).matched;
          return 0;
        }),
      );
      const stored = await doc(id);
      const holds = Object.values((stored['holds'] ?? {}) as Record<string, { micros: number }>);
      const charged = used.reduce((sum: number, one) => sum + one, 0);
      expect(stored['held_micros'] ?? 0).toBe(holds.reduce((sum, hold) => sum + hold.micros, 0));
      expect(stored['used_micros'] ?? 0).toBe(charged);
      expect((stored['used_micros'] ?? 0) + (stored['held_micros'] ?? 0)).toBeLessThanOrEqual(BOUGHT_MICROS);
      expect((stored['counts'] as Document | undefined)?.['a:2026-11-21'] ?? 0).toBe(charged + holds.length);
      expect((stored['counts'] as Document | undefined)?.['a:2026-11-21'] ?? 0).toBeLessThanOrEqual(CAP);
    },
  );

  const atOnce = (id: string, plan: Document, estimate: { micros: number; ms: number }, max: number | null, n = 40): Promise<number> => {
    const one = account({ account_id: id, ...plan });
    const holds = Array.from({ length: n }, (_, k) =>
      (k % 2 === 0 ? world.store : world.rival).ledgers.hold(one, `t${k}`, estimate, [{ key: 'a:2026-11-21', max }]),
    );
    return Promise.all(holds).then((answers) => answers.filter((answer) => answer === 'held').length);
  };

  it.each([
    ['the last credit', { credit_balance: 1, credit_used: 0.3 }, { micros: 100_000, ms: 60_000 }, null, 7],
    ['the very last cent', { credit_balance: 1, credit_used: 0.9 }, { micros: 100_000, ms: 60_000 }, null, 1],
    ['less than one call', { credit_balance: 1, credit_used: 0.95 }, { micros: 100_000, ms: 60_000 }, null, 0],
    ['the last minutes', { plan_type: 'minutes_based', minutes_purchased: 10, minutes_used: 5 }, { micros: 0, ms: 60_000 }, null, 5],
    ['the last calls of the day', { plan_type: 'unlimited' }, { micros: 100, ms: 100 }, 6, 6],
    ['no limit at all', { plan_type: 'unlimited' }, { micros: 1e12, ms: 1e9 }, null, 40],
    ['a plan nobody knows', { plan_type: 'platinum' }, { micros: 0, ms: 0 }, null, 0],
  ] as const)('P4: forty calls at once for %s', async (_, plan, estimate, max, affordable) => {
    const id = newId();
    expect(await atOnce(id, plan, estimate, max)).toBe(affordable);
    const stored = await doc(id);
    expect(stored['held_micros'] ?? 0).toBe(affordable * estimate.micros);
    expect((stored['counts'] as Document | undefined)?.['a:2026-11-21'] ?? 0).toBe(affordable);
  });

  describe('with a cap of the whole installation', () => {
    const ofAll = async (): Promise<Document> => doc('*');
    const counted = (day: string, max: number): { key: string; max: number | null }[] => [
      { key: 'a:2026-11-21', max: null },
      { key: `i:${day}`, max },
    ];
    const hold = (id: string, attempt: string, counts: ReturnType<typeof counted>, store = world.store): Promise<'held' | 'refused'> =>
      store.ledgers.hold(account({ account_id: id }), attempt, { micros: 1_000, ms: 0 }, counts);

    it('P4: calls of several accounts and processes at once never pass it, and who is refused leaves nothing behind', async () => {
      const ids = [newId(), newId(), newId()];
      const asks = ids.flatMap((id) =>
        Array.from({ length: 15 }, (_, n) => hold(id, `${id}-${n}`, counted('2026-01-01', 7), n % 2 === 0 ? world.store : world.rival)),
      );
      expect((await Promise.all(asks)).filter((answer) => answer === 'held')).toHaveLength(7);
      const ledgers = await Promise.all(ids.map(doc));
      expect(ledgers.reduce((sum, one) => sum + Number(one['held_micros']), 0)).toBe(7_000);
      expect(ledgers.reduce((sum, one) => sum + Number(one['counts']['a:2026-11-21'] ?? 0), 0)).toBe(7);
      expect((await ofAll())['counts']['i:2026-01-01']).toBe(7);
      // Whoever reads an account's ledger sees the day of all.
      const book = (await world.store.ledgers.read(ids)).get(ids[0] ?? '');
      expect(book?.counts['i:2026-01-01']).toBe(7);
      expect((await world.store.ledgers.read(['nobody'])).size).toBe(0);
    });

    it('P5: a call that is charged stays counted, one that was never placed does not, each once', async () => {
      const [id, done, never] = [newId(), newId(), newId()];
      const counts = counted('2026-01-02', 2);
      for (const attempt of [done, never, done]) expect(await hold(id, attempt, counts)).toBe('held');
      expect(await hold(id, newId(), counts)).toBe('refused');
      for (let n = 0; n < 2; n += 1) {
        await world.store.ledgers.charge(id, done, { micros: 500, ms: 0, final: true }, counts);
        await world.store.ledgers.cancel(id, never, counts);
      }
      expect(await ofAll()).toMatchObject({ counts: { 'i:2026-01-02': 1 }, used_micros: 0 });
      expect(Object.keys((await ofAll())['holds'] as object)).not.toEqual(expect.arrayContaining([done]));
      expect(await hold(id, newId(), counts)).toBe('held');
    });
  });

  it('P5: opens from what the account says was used, once, however many open it', async () => {
    const id = newId();
    expect(await atOnce(id, { credit_balance: 50, credit_used: 12.5, minutes_used: 3 }, { micros: 0, ms: 0 }, null, 20)).toBe(20);
    expect(await doc(id)).toMatchObject({ used_micros: 12_500_000, used_ms: 180_000 });
  });

  it('P5: a call of the old worker is charged although it is the first its account ever had', async () => {
    const id = newId();
    await world.database.db
      .collection('accounts')
      .insertOne({ account_id: id, plan_type: 'credit_based', credit_balance: 10, credit_used: 4 });
    await world.store.ledgers.holdAnyway(id, 't1', { micros: 0, ms: 0 });
    expect((await world.store.ledgers.charge(id, 't1', { micros: 250_000, ms: 1_000, final: true })).matched).toBe(1);
    await world.store.ledgers.holdAnyway(id, 't1', { micros: 0, ms: 0 });
    expect((await world.store.ledgers.charge(id, 't1', { micros: 250_000, ms: 1_000, final: true })).matched).toBe(0);
    expect(await doc(id)).toMatchObject({ used_micros: 4_250_000, held_micros: 0 });
  });

  it('P5: many of them at once as well, of which only one opens the ledger', async () => {
    for (let round = 0; round < 15; round += 1) {
      const id = newId();
      const attempts = Array.from({ length: 12 }, (_, n) => `old-${n}`);
      const hold = (attempt: string, n: number): Promise<void> =>
        (n % 2 === 0 ? world.store : world.rival).ledgers.holdAnyway(id, attempt, { micros: 1, ms: 1 });
      await Promise.all(attempts.map(hold));
      expect((await world.store.ledgers.holds(id)).toSorted()).toEqual(attempts.toSorted());
    }
  });

  it('P5: a stray is booked whatever the account has left, also where the account is gone', async () => {
    const id = newId();
    await world.store.ledgers.holdAnyway(id, 'stray:call_1', { micros: 500, ms: 500 });
    await world.store.ledgers.charge(id, 'stray:call_1', { micros: 700, ms: 700, final: true });
    expect(await doc(id)).toMatchObject({ used_micros: 700, used_ms: 700, held_micros: 0, held_ms: 0, holds: {} });
  });

  it('P5: a provisional cost stays held until it is final, and then it is used once', async () => {
    const id = newId();
    const { ledgers } = world.store;
    await ledgers.hold(account({ account_id: id }), 't1', { micros: 900, ms: 9_000 }, counts);
    await ledgers.charge(id, 't1', { micros: 400, ms: 4_000, final: false });
    expect(await doc(id)).toMatchObject({ used_micros: 0, held_micros: 400, held_ms: 4_000, holds: { t1: { micros: 400, ms: 4_000 } } });
    await Promise.all([1, 2, 3].map(() => ledgers.charge(id, 't1', { micros: 450, ms: 4_000, final: true })));
    expect(await doc(id)).toMatchObject({ used_micros: 450, used_ms: 4_000, held_micros: 0, held_ms: 0, holds: {} });
    expect(await ledgers.holds(id)).toEqual([]);
  });

  describe('its picture in accounts', () => {
    const open = async (): Promise<string> => {
      const id = newId();
      await world.database.db
        .collection('accounts')
        .insertOne({ account_id: id, plan_type: 'credit_based', credit_balance: 10, credit_used: 0, note: 'kept' });
      await world.store.ledgers.hold(account({ account_id: id, credit_balance: 10 }), 't1', { micros: 300_000, ms: 60_000 }, counts);
      return id;
    };
    const picture = (id: string): Promise<Document | null> => world.database.db.collection('accounts').findOne({ account_id: id });

    it('is written absolutely, and only when it differs', async () => {
      const id = await open();
      expect(await world.store.ledgers.project(id, '2026-11-21')).toBe(true);
      expect(await picture(id)).toMatchObject({
        credit_used: 0,
        credit_reserved: 0.3,
        calls_today: 1,
        note: 'kept',
        credit_balance: 10,
      });
      expect(await world.store.ledgers.project(id, '2026-11-21')).toBe(false);
      await world.store.ledgers.charge(id, 't1', { micros: 123_456, ms: 30_000, final: true });
      await world.store.ledgers.project(id, '2026-11-22');
      expect(await picture(id)).toMatchObject({ credit_used: 0.123456, credit_reserved: 0, calls_today: 0 });
    });

    it('shows what was used once: in money or in minutes, as it was bought', async () => {
      const id = await open();
      await world.store.ledgers.charge(id, 't1', { micros: 123_456, ms: 30_000, final: true });
      await world.store.ledgers.project(id, '2026-11-21');
      expect(await picture(id)).not.toHaveProperty('minutes_used');
      await world.database.db
        .collection('accounts')
        .updateOne({ account_id: id }, { $set: { plan_type: 'minutes_based' }, $unset: { credit_used: '' } });
      await world.store.ledgers.project(id, '2026-11-21');
      expect(await picture(id)).toMatchObject({ minutes_used: 0.5, minutes_reserved: 0 });
      expect(await picture(id)).not.toHaveProperty('credit_used');
    });

    it("P5: comes back after a rival's stale whole-document write, whose top-up is kept", async () => {
      const id = await open();
      await world.store.ledgers.project(id, '2026-11-21');
      const stale = await picture(id);
      await world.store.ledgers.charge(id, 't1', { micros: 123_456, ms: 30_000, final: true });
      await world.store.ledgers.project(id, '2026-11-21');
      await world.database.db.collection('accounts').replaceOne({ account_id: id }, { ...stale, credit_balance: 99 });
      expect((await picture(id))?.['credit_used']).toBe(0);
      expect(await world.store.ledgers.project(id, '2026-11-21')).toBe(true);
      expect(await picture(id)).toMatchObject({ credit_used: 0.123456, credit_reserved: 0, credit_balance: 99 });
      expect(await doc(id)).toMatchObject({ used_micros: 123_456 });
    });

    it('never goes behind a newer one', async () => {
      const id = await open();
      await world.database.db.collection('accounts').updateOne({ account_id: id }, { $set: { ledger_version: 1_000, credit_used: 7 } });
      expect(await world.store.ledgers.project(id, '2026-11-21')).toBe(false);
      expect(await picture(id)).toMatchObject({ credit_used: 7 });
    });

    it('of an account without a ledger, or one that is gone, is left alone', async () => {
      expect(await world.store.ledgers.project('nobody', '2026-11-21')).toBe(false);
      const id = await open();
      await world.database.db.collection('accounts').deleteOne({ account_id: id });
      expect(await world.store.ledgers.project(id, '2026-11-21')).toBe(false);
      expect(await picture(id)).toBeNull();
    });
  });
});
