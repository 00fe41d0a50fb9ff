/**
 * Changes to an account as an operator writes them, `key=value`. Balances are booked and the status has commands of its own; the plan is not
 * here, because what was bought and used under the one says nothing under the other.
 */
import type { Account } from './account.js';
import { momentIn } from './moments.js';
import { isCountry } from './phones.js';
import { readAccount } from './read-account.js';

type Fields = Readonly<Record<string, unknown>>;

export type AccountReading =
  { readonly kind: 'edit'; readonly set: Fields } | { readonly kind: 'wrong'; readonly problems: readonly string[] };

/** What a reader gives for a text it does not understand. */
const WRONG = Symbol('wrong');

interface Key {
  readonly field: string;
  readonly read: (written: string, zone: string) => unknown;
  /** It cannot be taken away. */
  readonly needed: boolean;
}

const whole = (written: string): unknown => (/^\d{1,9}$/.test(written) ? Number(written) : WRONG);

const KEYS: Readonly<Record<string, Key>> = {
  name: { field: 'account_name', read: (written) => written.slice(0, 200), needed: true },
  max_concurrent_calls: { field: 'max_concurrent_calls', read: whole, needed: false },
  daily_call_limit: { field: 'daily_call_limit', read: whole, needed: false },
  country: { field: 'country', read: (written) => (isCountry(written) ? written.toUpperCase() : WRONG), needed: true },
  timezone: { field: 'timezone', read: (written) => written, needed: false },
  expires_at: { field: 'expires_at', read: (written, zone) => momentIn(written, zone) ?? WRONG, needed: false },
};

export const ACCOUNT_KEYS: readonly string[] = Object.keys(KEYS);

/** Reads `key=value` words; `key=` takes the value away. `zone` is where local times are meant. */
export function readAccountEdits(words: readonly string[], zone: string): AccountReading {
  const set: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    const name = (at < 0 ? word : word.slice(0, at)).trim();
    const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    const written = word.slice(at + 1).trim();
    if (at < 0) problems.push(`"${word.slice(0, 60)}" is not written as key=value`);
    else if (key === undefined) problems.push(`"${name.slice(0, 60)}" cannot be set; known are ${ACCOUNT_KEYS.join(', ')}`);
    else if (written === '' && key.needed) problems.push(`${name} cannot be empty`);
    else {
      const value = written === '' ? null : key.read(written, zone);
      if (value === WRONG) problems.push(`${name}: "${written.slice(0, 60)}" is not understood`);
      else set[key.field] = value;
    }
  }
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'edit', set };
}

export interface AccountChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What the edit changes, as the reader of accounts sees it, and what it would make unreadable. */
export function accountChanges(
  doc: Fields,
  set: Fields,
): { readonly account: Account; readonly changes: readonly AccountChange[]; readonly problems: readonly string[] } {
  const [before, account] = [readAccount(doc), readAccount({ ...doc, ...set })];
  const seen = ({ name, maxConcurrentCalls, dailyCallLimit, country, timezone, expiresAt }: Account): Fields => ({
    name,
    max_concurrent_calls: maxConcurrentCalls,
    daily_call_limit: dailyCallLimit,
    country,
    timezone,
    expires_at: expiresAt?.toISOString() ?? null,
  });
  const [old, now] = [seen(before), seen(account)];
  return {
    account,
    changes: ACCOUNT_KEYS.flatMap((key) => (old[key] === now[key] ? [] : [{ key, before: old[key], after: now[key] }])),
    problems: account.problems.filter((problem) => !before.problems.includes(problem)),
  };
}
