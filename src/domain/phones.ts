/** Telephone numbers: from any text to E.164, to the line they ring, and to a form that may be logged. */
import { hash } from 'node:crypto';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Phone } from './job.js';
import { text } from './lenient.js';

const COUNTRY_NAMES: Readonly<Record<string, string>> = { CHILE: 'CL', ARGENTINA: 'AR' };

/** A code, or a name as SpeechAI's documents have it; null: neither. */
export function countryCode(written: string): string | null {
  const upper = written.toUpperCase();
  if (/^[A-Z]{2}$/.test(upper)) return upper;
  return Object.hasOwn(COUNTRY_NAMES, upper) ? (COUNTRY_NAMES[upper] ?? null) : null;
}

/** Whether there are telephone numbers of this country: of another one not one national number would be understood. */
export const isCountry = (code: string): boolean => isSupportedCountry(code.toUpperCase());

/** Longer texts are no telephone number, and parsing a hostile one of megabytes would stall the loop. */
const MAX_TEXT = 40;
const E164_LIKE = /^\+[1-9]\d{7,14}$/;
const SEPARATORS = /[\s().\-\u00a0\u2010-\u2015]/g;

/**
 * Reads one stored or imported number. A number that is already international is taken even where the numbering plan does not know it
 * (old documents and simulators hold invented ones), unless its country cannot have such a number; a national one only where the country is known and the number is valid there.
 * Nothing is ever completed by guessing: a wrong guess rings a stranger.
 */
export function readPhone(raw: unknown, country: string | null): Phone {
  const written = text(raw) ?? '';
  const key = `${country ?? ''} ${written.slice(0, MAX_TEXT + 1)}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const phone = parsePhone(written, country);
  // Every job is read two or three times within seconds, and parsing is most of what reading costs.
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(key, phone);
  return phone;
}

const REMEMBERED = 10_000;
const remembered = new Map<string, Phone>();

function parsePhone(written: string, country: string | null): Phone {
  const e164 = written.length > MAX_TEXT ? null : toE164(written, country);
  return { raw: written.slice(0, MAX_TEXT), e164, line: e164 === null ? null : lineHash(e164) };
}

function toE164(written: string, country: string | null): string | null {
  // A spreadsheet's float: 978445371.0
  const candidate = written.replace(/^(\d{7,15})\.0$/, '$1');
  if (candidate === '') return null;
  const home = country?.toUpperCase() ?? '';
  const parsed = isSupportedCountry(home)
    ? parsePhoneNumberFromString(candidate, { defaultCountry: home, extract: false })
    : parsePhoneNumberFromString(candidate, { extract: false });
  if (parsed?.isValid() === true) return parsed.getType() === 'PREMIUM_RATE' ? null : parsed.number;
  const bare = candidate.replace(SEPARATORS, '');
  return E164_LIKE.test(bare) && impossible(bare) === null ? bare : null;
}

/** Wide where a company may be called from it: 600 and 80x have numbers of several lengths. */
const PLANS = [
  {
    prefix: '+56',
    possible: /^(?:[29]\d{8}|3[2-5]\d{7}|4[1-5]\d{7}|5[1-578]\d{7}|6[13457]\d{7}|7[1-35]\d{7}|(?:60|80)\d{7,9})$/,
    why: 'behind +56 a Chilean number has 9 digits that begin with 9 or with an area code',
  },
  {
    prefix: '+54',
    possible: /^(?:9?(?:11|[23]\d)\d{8}|[68]\d{9})$/,
    why: 'behind +54 an Argentine number has 10 digits that begin with an area code, or 9 and those 10',
  },
] as const;

/** Why nobody can have this international number: a slip of a digit would ring a stranger. null: its country may have it. */
export function impossible(e164: string): string | null {
  const plan = PLANS.find(({ prefix }) => e164.startsWith(prefix));
  return plan === undefined || plan.possible.test(e164.slice(plan.prefix.length)) ? null : plan.why;
}

/**
 * One spelling per telephone line. Argentine mobiles are dialled with and without the 9, Mexican ones with and without the 1:
 * two spellings of one line must share one lock, one limit and one suppression.
 */
export function canonicalLine(e164: string): string {
  return e164.replace(/^\+549(\d{10})$/, '+54$1').replace(/^\+521(\d{10})$/, '+52$1');
}

/** What locks, limits and logs know a line by. */
export function lineHash(e164: string): string {
  return hash('sha256', `speechai.line:${canonicalLine(e164)}`).slice(0, 24);
}

/** `+56911112910` -> `+56*****910`: the country and the last three digits, at most five digits in all. */
export function maskPhone(e164: string): string {
  const digits = e164.replace(/\D/g, '');
  return digits.length < 8 ? '*****' : `+${digits.slice(0, 2)}*****${digits.slice(-3)}`;
}
