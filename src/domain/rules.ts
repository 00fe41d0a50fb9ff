/** Rule packs: a country's rules as data, read and validated by config/packs.ts. They only ever narrow what a batch allows. */
import type { Week } from './batch.js';

export type Scope = 'number' | 'person' | 'batch' | 'account';
export type Basis = 'placed' | 'rang' | 'answered' | 'conversation';

/** `day` and `week` are the calendar's in the contact's zone, a week starts on Monday; `rolling` looks back that many hours. */
export type LimitWindow = { readonly kind: 'day' } | { readonly kind: 'week' } | { readonly kind: 'rolling'; readonly hours: number };

export interface Limit {
  readonly scope: Scope;
  /** What counts: a call that got at least this far. */
  readonly basis: Basis;
  readonly window: LimitWindow;
  readonly max: number;
  readonly reason: string;
}

export interface RulePack {
  readonly name: string;
  readonly title: string;
  readonly week: Week | null;
  readonly weekReason: string;
  /** Closed on the holidays of the account's country. */
  readonly holidays: boolean;
  readonly holidaysReason: string;
  readonly limits: readonly Limit[];
}

/** Everything that is data: packs by name, holidays (local dates) by lower-case country code. */
export interface Packs {
  readonly rules: Readonly<Record<string, RulePack>>;
  readonly holidays: Readonly<Record<string, ReadonlySet<string>>>;
}

export const NO_PACKS: Packs = { rules: {}, holidays: {} };

const NONE: RulePack = {
  name: 'none',
  title: 'No country rules',
  week: null,
  weekReason: '',
  holidays: false,
  holidaysReason: '',
  limits: [],
};

/** The country's rules by whichever name: a batch's `true` is read as the first, CAMPAIGN_RULES calls it the second. */
const OF_COUNTRY: readonly string[] = ['account', 'country'];

export function packName(name: string, country: string | null): string {
  return OF_COUNTRY.includes(name) ? (country?.toLowerCase() ?? 'none') : name;
}

/**
 * The pack of that name. Null: nobody wrote such a pack, also where a country's rules are asked for that has none: they were asked for
 * because there are rules to keep.
 */
export function packNamed(name: string, country: string | null, packs: Packs): RulePack | null {
  const wanted = packName(name, country);
  if (Object.hasOwn(packs.rules, wanted)) return packs.rules[wanted] ?? null;
  return wanted === 'none' ? NONE : null;
}

export function holidaysOf(country: string, packs: Packs): ReadonlySet<string> | null {
  const code = country.toLowerCase();
  return Object.hasOwn(packs.holidays, code) ? (packs.holidays[code] ?? null) : null;
}
