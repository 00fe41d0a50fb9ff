import { expect, test } from 'vitest';
import fc from 'fast-check';
import { readAccount } from '../../src/domain/read-account.js';
import { accountDoc } from './samples.js';

test('dollars and minutes become integers', () => {
  const account = readAccount(
    accountDoc({ credit_balance: 0.1, credit_used: '0.07', minutes_purchased: 10.5, minutes_used: 1 / 3, cost_per_minute: 0.2 }),
  );
  expect(account).toMatchObject({
    creditBalanceMicros: 100_000,
    creditUsedMicros: 70_000,
    minutesPurchasedMs: 630_000,
    minutesUsedMs: 20_000,
    problems: [],
  });
  expect(account.tariff).toEqual({ perMinuteMicros: 200_000, setupMicros: 20_000, failedMicros: 10_000 });
});

test('what is missing or null has its default', () => {
  expect(readAccount({ account_id: 'a', status: 'active', plan_type: 'unlimited', cost_per_minute: null })).toMatchObject({
    plan: 'unlimited',
    creditBalanceMicros: 0,
    country: 'CL',
    timezone: null,
    dailyCallLimit: null,
    maxConcurrentCalls: null,
    tariff: { perMinuteMicros: 150_000 },
    problems: [],
  });
});

test.each([[undefined], [null], ['prepaid'], [3]])('P4: plan %j is none', (plan_type) => {
  expect(readAccount(accountDoc({ plan_type })).plan).toBeNull();
});

test.each([
  [{ credit_balance: Number.NaN }],
  [{ credit_balance: -1 }],
  [{ credit_balance: 'lots' }],
  [{ credit_balance: Number.POSITIVE_INFINITY }],
  [{ credit_balance: 1e300 }],
  [{ minutes_purchased: {} }],
  [{ cost_per_minute: -0.1 }],
  [{ max_concurrent_calls: 0 }],
  [{ daily_call_limit: 'x' }],
  [{ timezone: 'Mars/Olympus' }],
  [{ country: 'Narnia' }],
  [{ expires_at: 'soon' }],
])('P4: %j is a problem', (more) => {
  expect(readAccount(accountDoc(more)).problems).toHaveLength(1);
});

test('P7: any value is read, in safe integers', () => {
  fc.assert(
    fc.property(
      fc.anything(),
      fc.dictionary(fc.constantFrom('credit_balance', 'minutes_used', 'cost_per_minute', 'country', 'expires_at', 'status'), fc.anything()),
      (other, more) => {
        readAccount(other);
        const account = readAccount(accountDoc(more));
        return (
          Number.isSafeInteger(account.creditBalanceMicros) &&
          account.creditBalanceMicros >= 0 &&
          Number.isSafeInteger(account.minutesUsedMs)
        );
      },
    ),
    { numRuns: 500 },
  );
});
