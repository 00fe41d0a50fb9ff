/** The reader of account documents: SpeechAI's dollars and minutes become integers here and nowhere else. */
import type { Account, Plan } from './account.js';
import { count, date, firstOf, get, number, record, text } from './lenient.js';
import { countryCode } from './phones.js';
import { readCallers } from './read-batch.js';
import { isZone } from './zones.js';

const MICROS_PER_DOLLAR = 1_000_000;
const MS_PER_MINUTE = 60_000;

/** SpeechAI's own defaults, in dollars. */
const DEFAULT_PRICES = { cost_per_minute: 0.15, cost_per_call_setup: 0.02, cost_failed_call: 0.01 } as const;

const PLANS: readonly Plan[] = ['minutes_based', 'credit_based', 'unlimited'];

export function readAccount(doc: unknown): Account {
  const problems: string[] = record(doc) === null ? ['the account is not a document'] : [];
  const amount = (key: string, perUnit: number, otherwise = 0): number => {
    const stored = get(doc, key);
    if (stored === undefined || stored === null || stored === '') return Math.round(otherwise * perUnit);
    const read = Math.round((number(stored) ?? Number.NaN) * perUnit);
    if (read >= 0 && Number.isSafeInteger(read)) return read;
    problems.push(`${key} is not an amount of at least 0`);
    return 0;
  };
  const limit = (key: string, min: number): number | null => {
    const stored = get(doc, key);
    if (stored === undefined || stored === null || stored === '') return null;
    const read = count(stored, min);
    if (read === null) problems.push(`${key} is not a whole number of at least ${min}`);
    return read;
  };
  const id = text(get(doc, 'account_id')) ?? text(get(doc, '_id')) ?? '';
  const plan = text(get(doc, 'plan_type'))?.toLowerCase();
  const price = (key: keyof typeof DEFAULT_PRICES): number => amount(key, MICROS_PER_DOLLAR, DEFAULT_PRICES[key]);
  return {
    id,
    name: text(get(doc, 'account_name')) ?? id,
    plan: PLANS.find((known) => known === plan) ?? null,
    status: text(get(doc, 'status'))?.toLowerCase() ?? '',
    creditBalanceMicros: amount('credit_balance', MICROS_PER_DOLLAR),
    minutesPurchasedMs: amount('minutes_purchased', MS_PER_MINUTE),
    creditUsedMicros: amount('credit_used', MICROS_PER_DOLLAR),
    minutesUsedMs: amount('minutes_used', MS_PER_MINUTE),
    callsToday: count(get(doc, 'calls_today')),
    tariff: {
      perMinuteMicros: price('cost_per_minute'),
      setupMicros: price('cost_per_call_setup'),
      failedMicros: price('cost_failed_call'),
    },
    maxConcurrentCalls: limit('max_concurrent_calls', 1),
    dailyCallLimit: limit('daily_call_limit', 0),
    country: countryOf(get(doc, 'country'), problems),
    timezone: zoneOf(get(doc, 'timezone'), problems),
    expiresAt: expiryOf(get(doc, 'expires_at'), problems),
    fromNumbers: readCallers(
      firstOf(doc, 'from_numbers', 'from_number') ?? firstOf(get(doc, 'settings'), 'from_numbers', 'from_number'),
      problems,
    ),
    problems,
  };
}

/** SpeechAI's model takes Chile where nothing is said. */
function countryOf(value: unknown, problems: string[]): string {
  if (value === undefined || value === null || value === '') return 'CL';
  const code = countryCode(text(value) ?? '');
  if (code === null) problems.push('country is not a two-letter code like CL');
  return code ?? 'CL';
}

function zoneOf(value: unknown, problems: string[]): string | null {
  if (value === undefined || value === null || value === '') return null;
  const zone = text(value);
  if (zone !== null && isZone(zone)) return zone;
  problems.push('timezone is not a time zone like America/Santiago');
  return null;
}

function expiryOf(value: unknown, problems: string[]): Date | null {
  if (value === undefined || value === null || value === '') return null;
  const read = date(value);
  if (read === null) problems.push('expires_at is not a date');
  return read;
}
