/**
 * From which of our numbers to call: one number per person, because somebody called from a new number every day stops answering; another one
 * while that rests after blocks by the network, or has had its calls of the hour. A number that is blocked and goes on is blocked for longer.
 */
import { hash } from 'node:crypto';
import type { CountryCode } from 'libphonenumber-js/max';
import { getCountryCallingCode, isSupportedCountry } from 'libphonenumber-js/max';

export interface CallerRules {
  /** null: no cap. */
  readonly maxPerHour: number | null;
  /** So many blocks within the rest make a number rest; null: none does. */
  readonly blocksToRest: number | null;
  readonly restMs: number;
}

/** What is known of one of our numbers. */
export interface CallerUse {
  /** When it was blocked, newest first; as many as `blocksToRest` are enough. */
  readonly blocks: readonly Date[];
  /** When it was used in the last hour, newest first; as many as `maxPerHour` are enough. */
  readonly calls: readonly Date[];
}

export type CallerUses = ReadonlyMap<string, CallerUse>;

export const NO_USES: CallerUses = new Map();

const HOUR_MS = 3_600_000;

export interface CallerWait {
  readonly code: 'CALLER_RESTING' | 'CALLER_CAP';
  readonly until: Date;
}

/** Why a number may not call at that moment; null: it may. */
export function callerWait(number: string, uses: CallerUses, rules: CallerRules, at: Date): CallerWait | null {
  const use = uses.get(number);
  if (use === undefined) return null;
  const waits = [resting(use, rules), capped(use, rules)].filter((wait) => wait !== null && wait.until > at);
  return waits.reduce<CallerWait | null>(
    (latest, wait) => (latest === null || (wait !== null && wait.until > latest.until) ? wait : latest),
    null,
  );
}

function resting({ blocks }: CallerUse, { blocksToRest, restMs }: CallerRules): CallerWait | null {
  if (blocksToRest === null) return null;
  const [newest, oldest] = [blocks[0], blocks[blocksToRest - 1]];
  if (newest === undefined || oldest === undefined || newest.getTime() - oldest.getTime() > restMs) return null;
  return { code: 'CALLER_RESTING', until: new Date(newest.getTime() + restMs) };
}

function capped({ calls }: CallerUse, { maxPerHour }: CallerRules): CallerWait | null {
  const leaving = maxPerHour === null ? undefined : calls[maxPerHour - 1];
  return leaving === undefined ? null : { code: 'CALLER_CAP', until: new Date(leaving.getTime() + HOUR_MS) };
}

export type CallerChoice =
  { readonly kind: 'caller'; readonly from: string } | { readonly kind: 'wait'; readonly wait: CallerWait } | { readonly kind: 'none' };

/** The person's own number, else the next in the list that may call; the earliest wait where none may. */
export function chooseCaller(numbers: readonly string[], who: string, uses: CallerUses, rules: CallerRules, at: Date): CallerChoice {
  if (numbers.length === 0) return { kind: 'none' };
  const own = numbers.length === 1 ? 0 : hash('sha256', `speechai.caller:${who}`, 'buffer').readUInt32BE(0) % numbers.length;
  const inTurn = [...numbers.slice(own), ...numbers.slice(0, own)];
  let earliest: CallerWait | null = null;
  for (const number of inTurn) {
    const wait = callerWait(number, uses, rules, at);
    if (wait === null) return { kind: 'caller', from: number };
    if (earliest === null || wait.until < earliest.until) earliest = wait;
  }
  return earliest === null ? { kind: 'none' } : { kind: 'wait', wait: earliest };
}

/** Of the installation's numbers those of the account's country, where there are any: a foreign number is not answered. */
export function ofCountry(numbers: readonly string[], country: string): readonly string[] {
  const code = country.toUpperCase();
  if (numbers.length < 2 || !isSupportedCountry(code)) return numbers;
  const own = numbers.filter((number) => number.startsWith(`+${callingCode(code)}`));
  return own.length > 0 ? own : numbers;
}

const callingCode = (country: CountryCode): string => getCountryCallingCode(country);
