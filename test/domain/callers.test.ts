import { describe, expect, test } from 'vitest';
import { callerWait, chooseCaller, ofCountry, type CallerRules, type CallerUse } from '../../src/domain/callers.js';
import { batchGates, decide } from '../../src/domain/decide.js';
import type { Facts } from '../../src/domain/decision.js';
import { readAccount } from '../../src/domain/read-account.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { loadPacks } from '../../src/config/packs.js';
import { accountDoc, batchDoc, facts, job, NOON, POLICY } from './samples.js';

const RULES: CallerRules = { maxPerHour: 2, blocksToRest: 3, restMs: 60 * 60_000 };
const [A, B, C] = ['+56600100200', '+56600100201', '+56600100202'] as const;
/** Minutes before noon. */
const ago = (...minutes: readonly number[]): Date[] => minutes.map((each) => new Date(NOON.getTime() - each * 60_000));
const at = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);
const used = (entries: Readonly<Record<string, Partial<CallerUse>>>): ReadonlyMap<string, CallerUse> =>
  new Map(Object.entries(entries).map(([number, use]) => [number, { blocks: [], calls: [], ...use }]));

describe('a caller number', () => {
  test.each([
    ['nothing known', {}, null],
    ['fewer blocks than make it rest', { blocks: ago(1, 2) }, null],
    ['blocks within the rest', { blocks: ago(10, 20, 30) }, ['CALLER_RESTING', 50]],
    ['blocks too far apart', { blocks: ago(1, 2, 70) }, null],
    ['a rest that is over', { blocks: ago(60, 70, 80) }, null],
    ['one call of two', { calls: ago(1) }, null],
    ['its calls of the hour', { calls: ago(5, 20) }, ['CALLER_CAP', 40]],
    ['more than its calls, by other processes', { calls: ago(1, 5, 20) }, ['CALLER_CAP', 55]],
    ['both', { blocks: ago(10, 20, 30), calls: ago(5, 20) }, ['CALLER_RESTING', 50]],
  ] as const)('with %s', (_what, use, wait) => {
    expect(callerWait(A, used({ [A]: use }), RULES, NOON)).toEqual(wait === null ? null : { code: wait[0], until: at(wait[1]) });
  });

  test('with no rules never waits', () => {
    const uses = used({ [A]: { blocks: ago(1, 1, 1), calls: ago(1, 1, 1) } });
    expect(callerWait(A, uses, { maxPerHour: null, blocksToRest: null, restMs: 1 }, NOON)).toBeNull();
  });
});

describe('the choice of a caller number', () => {
  const choose = (who: string, uses = used({})): unknown => chooseCaller([A, B, C], who, uses, RULES, NOON);
  const people = Array.from({ length: 60 }, (_, n) => `person ${n}`);

  test('is the same for a person every time, and spread over people', () => {
    for (const who of people) expect(choose(who)).toEqual(choose(who));
    expect(new Set(people.map((who) => JSON.stringify(choose(who)))).size).toBe(3);
  });

  test('passes over a number that rests; those of the others keep theirs', () => {
    const uses = used({ [A]: { blocks: ago(1, 2, 3) } });
    for (const who of people) {
      const before = choose(who);
      const now = choose(who, uses);
      expect(now).not.toEqual({ kind: 'caller', from: A });
      expect(JSON.stringify(before).includes(A) || JSON.stringify(now) === JSON.stringify(before)).toBe(true);
    }
  });

  test('waits for the first to be free when none is', () => {
    const uses = used({ [A]: { blocks: ago(1, 2, 3) }, [B]: { calls: ago(1, 50) }, [C]: { calls: ago(1, 30) } });
    expect(choose('x', uses)).toEqual({ kind: 'wait', wait: { code: 'CALLER_CAP', until: at(10) } });
  });
});

test("the account's country has its own numbers where there are any", () => {
  const AR = '+541150000000';
  expect(ofCountry([A, AR, B], 'AR')).toEqual([AR]);
  expect(ofCountry([A, AR, B], 'cl')).toEqual([A, B]);
  expect(ofCountry([A, AR], 'PE')).toEqual([A, AR]);
  expect(ofCountry([A, AR], '??')).toEqual([A, AR]);
});

describe('decide', () => {
  const packs = loadPacks();
  const policy = { ...POLICY, fromNumbers: [A, B], callerRules: RULES };
  const decision = (more: Partial<Facts> = {}) => decide(facts(more), policy, packs);
  const resting = used({ [A]: { blocks: ago(1, 2, 3) }, [B]: { blocks: ago(11, 12, 13) } });

  test('P4: dials from no number that rests, and waits until one may call again', () => {
    const first = decision();
    const from = first.kind === 'dial' ? first.from : '';
    expect(decision({ callers: used({ [from]: { blocks: ago(1, 2, 3) } }) })).toMatchObject({ kind: 'dial', from: from === A ? B : A });
    expect(decision({ callers: resting })).toMatchObject({
      kind: 'wait',
      until: at(49),
      reasons: [{ code: 'CALLER_RESTING', source: 'CALLER_REST_MINUTES' }],
    });
  });

  test("a batch's own numbers come before the account's, and those before the installation's", () => {
    const account = readAccount(accountDoc({ from_numbers: ['+56600300300'] }));
    expect(decision({ account })).toMatchObject({ from: '+56600300300' });
    expect(decision({ account, batch: readBatch(batchDoc(null, { from_numbers: ['+56600400400'] })) })).toMatchObject({
      from: '+56600400400',
    });
    expect(decision({ callers: resting, account })).toMatchObject({ kind: 'dial' });
  });

  test('the board shows a batch whose numbers all rest as closed, so that nothing is claimed in vain', () => {
    const batch = readBatch(batchDoc());
    const account = readAccount(accountDoc());
    const codes = (uses?: typeof resting): string[] =>
      batchGates(batch, account, null, NOON, policy, packs, [], uses).map(({ code }) => code);
    expect([codes(), codes(resting)]).toEqual([[], ['CALLER_RESTING']]);
  });

  test('the sticky number is by person, not by the number that is dialled', () => {
    const other = job({ contact: { name: 'Ana', dni: '12345678K', phones: ['+56933334444'], next_phone_index: 0 } });
    expect(decision({ job: other })).toMatchObject({ from: (decision() as { from: string }).from });
  });
});
