/** Whose turn it is: nobody starves, weights hold, and nobody collects turns by having nothing to do. */

import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { impliedBatch, readBatch } from '../../src/domain/read-batch.js';
import type { Group } from '../../src/runner/board.js';
import { createShares } from '../../src/runner/shares.js';
import type { Choice } from '../../src/runner/shares.js';
import type { ClaimKind, Lane } from '../../src/store/claims.js';

const LANE: Lane = { name: '', queues: null, work: 'both' };
const group = (account: string, batch: string, priority = 1): Group => ({
  batch: { ...readBatch({ batch_id: batch, account_id: account, is_active: true }), priority },
  account: null,
});
const choice = (of: Group, kind: ClaimKind = 'new'): Choice => ({ group: of, kind, lane: LANE });
const half = (): number => 0.5;

const turns = (count: number, choices: readonly Choice[], shares = createShares(0.5, half)): Record<string, number> => {
  const served: Record<string, number> = {};
  for (let n = 0; n < count; n += 1) {
    const next = shares.next(choices);
    const key = `${next?.group.batch.account ?? ''}/${next?.group.batch.id ?? ''}/${next?.kind ?? ''}`;
    served[key] = (served[key] ?? 0) + 1;
  }
  return served;
};

describe('shares', () => {
  it('nobody asks, nobody is served', () => expect(createShares(0.5, half).next([])).toBeNull());

  it('an account with twenty batches has no more turns than one with a single batch', () => {
    const many = Array.from({ length: 20 }, (_, n) => choice(group('rich', `b${n}`)));
    const served = turns(400, [...many, choice(group('poor', 'only'))]);
    expect(served['poor/only/new']).toBe(200);
  });

  it('batches of an account share by priority', () => {
    const served = turns(500, [choice(group('a', 'low', 1)), choice(group('a', 'urgent', 4))]);
    expect(served['a/urgent/new']).toBe(400);
    expect(served['a/low/new']).toBe(100);
  });

  it.each([
    [0.2, 200],
    [0.5, 500],
    [0, 10],
    [1, 990],
  ])('a retry share of %d gives retries %i of 1,000 turns beside new work', (share, retries) => {
    const one = group('a', 'b');
    const served = turns(1_000, [choice(one, 'new'), choice(one, 'retry')], createShares(share, half));
    expect(Math.abs((served['a/b/retry'] ?? 0) - retries)).toBeLessThanOrEqual(1);
  });

  it('P2: who comes late, or comes back after a long while, starts level: the others are not made to wait until it caught up', () => {
    const shares = createShares(0.5, half);
    const [a, b, c] = [choice(group('a', 'a')), choice(group('b', 'b')), choice(group('c', 'c'))];
    turns(10, [a, b], shares);
    turns(1_000, [a], shares);
    expect(turns(100, [a, b], shares)).toEqual({ 'a/a/new': 50, 'b/b/new': 50 });
    expect(turns(99, [a, b, c], shares)).toEqual({ 'a/a/new': 33, 'b/b/new': 33, 'c/c/new': 33 });
  });

  it('the same holds for batches of one account and for the kinds of one batch', () => {
    const shares = createShares(0.5, half);
    const [x, y] = [group('a', 'x'), group('a', 'y')];
    turns(10, [choice(x), choice(y)], shares);
    turns(1_000, [choice(x)], shares);
    expect(turns(100, [choice(x), choice(y)], shares)).toEqual({ 'a/x/new': 50, 'a/y/new': 50 });
    turns(1_000, [choice(y, 'new')], shares);
    expect(turns(100, [choice(y, 'new'), choice(y, 'retry')], shares)).toEqual({ 'a/y/new': 50, 'a/y/retry': 50 });
  });

  it('jobs without a batch take part', () => {
    expect(turns(10, [choice({ batch: impliedBatch(null), account: null }), choice(group('a', 'b'))])).toEqual({
      '//new': 5,
      'a/b/new': 5,
    });
  });

  test.prop([fc.array(fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 5 }), { minLength: 5, maxLength: 200 }), fc.integer()], {
    numRuns: 60,
  })('whoever asks all the time gets its fair part, whatever others do', (rounds, seed) => {
    let state = seed >>> 0;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const shares = createShares(0.5, random);
    let mine = 0;
    let owed = 0;
    for (const others of rounds) {
      const next = shares.next([choice(group('me', 'me')), ...others.map((n) => choice(group(`o${n}`, `o${n}`)))]);
      if (next?.group.batch.id === 'me') mine += 1;
      owed += 1 / (others.length + 1);
    }
    // At most everybody's one turn behind.
    expect(mine).toBeGreaterThanOrEqual(Math.floor(owed) - 5);
  });
});
