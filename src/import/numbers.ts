/**
 * Telephone numbers of a table file. What is incomplete is refused and never completed by a likely area code: a wrong guess rings somebody
 * else. Only renumberings that both countries announced officially, and slips that leave one reading, are undone.
 */
import { isSupportedCountry, parsePhoneNumberFromString, type PhoneNumberType } from 'libphonenumber-js/max';
import { impossible } from '../domain/phones.js';
import type { Cell } from './cells.js';
import { cellText, isRounded, withoutFraction } from './cells.js';

/** What the column says about its numbers. */
export type NumberKind = 'mobile' | 'landline' | 'any';

export interface NumbersReading {
  /** E.164, in the order of the cell. */
  readonly numbers: readonly string[];
  readonly problems: readonly string[];
}

type One = { readonly ok: string } | { readonly why: string };

/** Longer cells hold remarks, not numbers. */
const MAX_TEXT = 200;
const LABEL = /^\(?(?:tel[eé]?f?o?n?o?s?|tel|fono|cel(?:ular)?|m[oó]vil|casa|whatsapp|wsp|tel)\)?\s*[:.]?\s*(?=[+(\d])/i;
const EXTENSION = /[\s,;]*(?:ext(?:ensi[oó]n)?|anexo|anx|int(?:erno)?|x)\s*[.:#]?\s*\d{1,6}\s*$/i;
const NO_NUMBER = /^(?:0+|9+|1+|x+|no|no tiene|sin .*|ninguno|desconocido|no informado|pendiente)$/i;
/** `(mamá)` behind a number says whose it is; a remark that may warn of the number stays, and refuses it. */
const WHOSE =
  /\s*\((?=[^()]*\p{L})(?![^()]*(?:\bno\b|\bnot\b|equivoc|err[oó]ne|fallec|falso|\bmal[oa]?\b|baja|antigu|anterior|fuera|suspend|bloque|descon|inexist))[^()\d]*\)/giu;
const BETWEEN_NUMBERS = /[/;,|\n\r\t]+|\s+(?:y|o|e|u|or|and)\s+/i;

export function readNumbers(cell: Cell | undefined, kind: NumberKind, country: string): NumbersReading {
  const written = withoutFraction(cellText(cell));
  if (written === '' || NO_NUMBER.test(written)) return { numbers: [], problems: [] };
  if (written.length > MAX_TEXT) return { numbers: [], problems: ['the cell holds a text, not a telephone number'] };
  if (isRounded(written)) return { numbers: [], problems: ['the spreadsheet has rounded it; format the column as text and export again'] };
  const text = written.replace(LABEL, '').replace(WHOSE, ' ').trim();
  const read = readParts(text.replace(EXTENSION, ''), kind, country);
  return {
    numbers: [...new Set(read.flatMap((one) => ('ok' in one ? [one.ok] : [])))],
    problems: [...new Set(read.flatMap((one) => ('why' in one ? [one.why] : [])))],
  };
}

/** One cell may hold several numbers; all are kept in their order. */
function readParts(text: string, kind: NumberKind, country: string): readonly One[] {
  const parts = text
    .split(BETWEEN_NUMBERS)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const [first = '', second] = parts;
  const all = (pieces: readonly string[]): readonly One[] => pieces.map((piece) => normalise(piece, kind, country));
  if (parts.length === 2 && second !== undefined && /^\(?0?\d{1,4}\)?$/.test(first)) return all([`${first} ${second}`]); // 0351/4234567: area and number
  const read = all(parts);
  if (parts.length !== 1 || read.every((one) => 'ok' in one)) return read;
  // `938773910 992125907`, only where each is complete by itself.
  const pieces = text.split(/\s+-\s+|\s+|(?<=\d{8})-(?=\d{8})/).filter((piece) => piece !== '');
  const apart = pieces.length > 1 ? all(pieces) : [];
  return apart.length > 0 && apart.every((one) => 'ok' in one) ? apart : read;
}

/** A 9 too many in a Chilean mobile. */
const TWICE_NINE = /^5699\d{8}$/;

function normalise(text: string, kind: NumberKind, country: string): One {
  if (/\p{L}/u.test(text)) return { why: 'it holds letters' };
  const digits = text.replace(/\D/g, '');
  if (digits === '') return { why: 'it holds no digits' };
  const international = /^\s*\(?\+/.test(text) ? digits : digits.startsWith('00') && digits.length > 10 ? digits.slice(2) : null;
  if (international !== null) {
    const known = valid(`+${international}`, null);
    if (known !== null) return known;
    // Nothing is completed here: whoever writes the country means all of the number.
    const why = international.length >= 8 ? impossible(`+${international}`) : null;
    if (why !== null && !TWICE_NINE.test(international)) return { why };
  }
  switch (country) {
    case 'CL':
      return chilean(international ?? digits, kind, international !== null);
    case 'AR':
      return argentine(international ?? digits, kind, international !== null);
    default:
      return international === null ? elsewhere(digits, country) : { why: 'no such number is in use' };
  }
}

const SERVICES: ReadonlySet<PhoneNumberType | undefined> = new Set<PhoneNumberType>([
  'PREMIUM_RATE',
  'SHARED_COST',
  'TOLL_FREE',
  'UAN',
  'PAGER',
  'VOICEMAIL',
]);

/** null: no number of the numbering plan. */
function valid(text: string, country: string | null): One | null {
  const home = country?.toUpperCase() ?? '';
  const parsed = isSupportedCountry(home)
    ? parsePhoneNumberFromString(text, { defaultCountry: home, extract: false })
    : parsePhoneNumberFromString(text, { extract: false });
  if (parsed === undefined || !parsed.isValid()) return null;
  return SERVICES.has(parsed.getType()) ? { why: "it is a service's number, not a person's" } : { ok: parsed.number };
}

function chilean(all: string, kind: NumberKind, international: boolean): One {
  const withCode = all.startsWith('56') && all.length >= 10 && all.length <= 13;
  if (international && !withCode) return { why: 'no such number is in use' };
  const national = (withCode ? all.slice(2) : all).replace(/^0+/, '');
  const nine = nineDigits(national, kind);
  if ('why' in nine) return nine;
  const known = valid(`+56${nine.ok}`, null);
  if (known !== null) return known;
  // Written out with its country, it is taken at its word, as everywhere in the program.
  return international && national.length === 9 ? { ok: `+56${nine.ok}` } : { why: 'no such number is in use in Chile' };
}

/** Nine digits, or what can only have been nine: mobiles got a 9 in front, those of Santiago a 2, and some lists put the 9 twice. */
function nineDigits(national: string, kind: NumberKind): One {
  if (national.length === 9) return { ok: national };
  if (national.length === 10 && national.startsWith('99')) return { ok: national.slice(1) };
  if (national.length === 8) {
    if (national.startsWith('9')) return { ok: `9${national}` };
    if (/^2[^2]/.test(national)) return { ok: `2${national}` };
    if (kind === 'mobile' && /^[5-8]/.test(national)) return { ok: `9${national}` };
    return { why: 'it has 8 digits: the area code or a digit is missing' };
  }
  if (national.length === 7) return { why: 'it has 7 digits: the area code is missing' };
  return { why: `it has ${national.length} digits, where a Chilean number has 9` };
}

function argentine(all: string, kind: NumberKind, international: boolean): One {
  const withCode = all.startsWith('54') && (all.length === 12 || all.length === 13);
  if (international && !withCode) return { why: 'no such number is in use' };
  const national = (withCode ? all.slice(2) : all).replace(/^0+/, '');
  if (national.length <= 8) return { why: `it has ${national.length} digits: the area code is missing` };
  const known = valid(withCode ? `+54${national}` : national, 'AR');
  if (known === null) return { why: 'no such number is in use in Argentina; area code and number have 10 digits' };
  // Mobiles are dialled from abroad with a 9; without it the same line is reached or nobody, never somebody else.
  return 'ok' in known && kind === 'mobile' ? { ok: known.ok.replace(/^\+54([1-8]\d{9})$/, '+549$1') } : known;
}

function elsewhere(digits: string, country: string): One {
  return (
    valid(digits, country) ?? {
      why: country === '' ? 'it does not begin with + and the account has no country' : `no such number is in use in ${country}`,
    }
  );
}
