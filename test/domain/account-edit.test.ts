import { describe, expect, it } from 'vitest';
import { ACCOUNT_KEYS, accountChanges, readAccountEdits } from '../../src/domain/account-edit.js';

const ZONE = 'America/Santiago';
const DOC = {
  account_id: 'acc-1',
  account_name: 'Retail',
  plan_type: 'credit_based',
  country: 'CL',
  daily_call_limit: 1000,
  max_concurrent_calls: '5',
};
const set = (...words: readonly string[]): Readonly<Record<string, unknown>> => {
  const reading = readAccountEdits(words, ZONE);
  if (reading.kind === 'wrong') throw new Error(reading.problems.join('; '));
  return reading.set;
};

describe('changes of an account, as operators write them', () => {
  it.each([
    ['daily_call_limit=5000', { daily_call_limit: 5000 }],
    ['daily_call_limit=', { daily_call_limit: null }],
    ['max_concurrent_calls=20', { max_concurrent_calls: 20 }],
    ['name=Retail = Express', { account_name: 'Retail = Express' }],
    ['country=ar', { country: 'AR' }],
    ['timezone=America/Punta_Arenas', { timezone: 'America/Punta_Arenas' }],
    ['expires_at=31-12-2026', { expires_at: new Date('2026-12-31T03:00:00Z') }],
    ['expires_at=', { expires_at: null }],
  ])('%s', (word, fields) => expect(set(word)).toEqual(fields));

  it.each(['daily_call_limit=many', 'daily_call_limit=-1', 'name=', 'country=', 'country=CHILE', 'plan=unlimited', 'credit_balance=5', 'name', 'expires_at=soon', '__proto__=1'])(
    'refuses %s',
    (word) => expect(readAccountEdits([word], ZONE).kind).toBe('wrong'),
  ); // prettier-ignore

  it('tells what was before and what is after, and what would become unreadable', () => {
    expect(accountChanges(DOC, set('daily_call_limit=5000', 'max_concurrent_calls=5', 'expires_at=2027-01-01')).changes).toEqual([
      { key: 'daily_call_limit', before: 1000, after: 5000 },
      { key: 'expires_at', before: null, after: '2027-01-01T03:00:00.000Z' },
    ]);
    expect(accountChanges(DOC, set('timezone=Mars/Olympus')).problems).toHaveLength(1);
    expect(accountChanges(DOC, set('max_concurrent_calls=0')).problems).toHaveLength(1);
    expect(ACCOUNT_KEYS).toContain('daily_call_limit');
  });
});
