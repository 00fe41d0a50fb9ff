/** The account's document is shown only what its plan is paid in, and says when it tells of another day. */

import { expect, it } from 'vitest';
import type { Ledger } from '../../src/domain/account.js';
import { isPainted, pictureOf } from '../../src/domain/picture.js';
import { readAccount } from '../../src/domain/read-account.js';
import { accountDoc } from './samples.js';

const TODAY = 'a:2026-11-21';
const ledger: Ledger = {
  usedMicros: 1_500_000,
  usedMs: 90_000,
  heldMicros: 300_000,
  heldMs: 60_000,
  counts: { [TODAY]: 3, 'a:2026-11-20': 9 },
};
const money = { credit_used: 1.5, credit_reserved: 0.3, calls_today: 3 };

it.each([
  ['credit_based', money],
  ['minutes_based', { minutes_used: 1.5, minutes_reserved: 1, calls_today: 3 }],
  ['unlimited', money],
  [null, money],
] as const)('of %s', (plan, picture) => {
  expect(pictureOf(plan, ledger, TODAY)).toEqual(picture);
});

it.each([
  ['as the ledger has it', { credit_used: 1.5, calls_today: 3 }, true],
  ['the minutes of a plan that is not paid in minutes', { credit_used: 1.5, calls_today: 3, minutes_used: 0 }, true],
  ['minutes', { plan_type: 'minutes_based', minutes_used: 1.5, calls_today: 3 }, true],
  ['fewer minutes', { plan_type: 'minutes_based', minutes_used: 1, credit_used: 1.5, calls_today: 3 }, false],
  ['less money', { credit_used: 1, calls_today: 3 }, false],
  ["yesterday's calls", { credit_used: 1.5, calls_today: 9 }, false],
  ['no calls at all', { credit_used: 1.5 }, false],
])('is painted: %s', (_, shown, painted) => {
  expect(isPainted(readAccount(accountDoc(shown)), ledger, TODAY)).toBe(painted);
});
