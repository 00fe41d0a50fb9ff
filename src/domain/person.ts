/** Who a contact is, across numbers and batches: the RUT or DNI in one spelling. */
import { hash } from 'node:crypto';
import { text } from './lenient.js';

/** `12.345.678-k`, `12345678K` and `012345678-K` are one text. Null where the text only numbers a row of a file, or says nothing. */
export function writtenPerson(dni: unknown): string | null {
  const written = text(dni);
  if (written === null || written.length > 64 || /^contact[_\s-]?\d*$/i.test(written)) return null;
  const bare = written
    // A spreadsheet's float: without this 12345678.0 would become the different id 123456780.
    .replace(/^(\d{6,12})\.0+$/, '$1')
    .replace(/[^0-9a-z]/gi, '')
    .toUpperCase()
    .replace(/^0+/, '');
  return bare.length >= 5 && /\d/.test(bare) ? bare : null;
}

/** Prefixes of people; 30, 33 and 34 are companies, which have no DNI. */
const CUIT_OF_PERSON = /^2[03-7](\d{8})\d$/;
const CUIT = /^(?:2[03-7]|3[034])\d{9}$/;

/**
 * `20-28123457-3` is the person with the DNI 28123457, also where its check digit is wrong: the DNI is written out in it, and calling somebody
 * who must not be called is the worse mistake.
 */
export function normalisePerson(dni: unknown): string | null {
  const bare = writtenPerson(dni);
  if (bare === null) return null;
  const own = CUIT_OF_PERSON.exec(bare)?.[1]?.replace(/^0+/, '') ?? '';
  return own.length >= 5 ? own : bare;
}

/**
 * What locks and limits know a person by. The country is not part of it: readers that know the account's country and readers that do not
 * must agree, or two calls to one person could be open at once.
 */
export function personHash(dni: unknown): string | null {
  const person = normalisePerson(dni);
  return person === null ? null : hashOf(person);
}

/** What a CUIT was known by before it was the person of its DNI: suppressions of it are still in force. null: it is none. */
export function formerPersonHash(dni: unknown): string | null {
  const bare = writtenPerson(dni);
  return bare === null || bare === normalisePerson(dni) ? null : hashOf(bare);
}

const hashOf = (person: string): string => hash('sha256', `speechai.person:${person}`).slice(0, 24);

export interface Identity {
  /** In the one spelling that is stored. */
  readonly id: string;
  /** What the check digit should be; null where it is right or there is none. */
  readonly rightDigit: string | null;
  /** Has it the form that its country gives such ids? */
  readonly formed: boolean;
}

/** For people; null where nothing is wrong with the check digit. */
export function digitWarning({ rightDigit }: Pick<Identity, 'rightDigit'>): string | null {
  if (rightDigit === null) return null;
  return rightDigit === '-' ? 'its check digit is wrong: none goes with that prefix' : `its check digit should be ${rightDigit}`;
}

/** By the account's country, because eleven digits are a CUIT in Argentina only. */
export function readIdentity(written: string, country: string | null): Identity | null {
  const bare = writtenPerson(written);
  if (bare === null) return null;
  if (country === 'CL') return chilean(written, bare);
  if (country !== 'AR') return { id: bare, rightDigit: null, formed: true };
  const right = CUIT.test(bare) ? cuitDigit(bare.slice(0, -1)) : null;
  return { id: normalisePerson(bare) ?? bare, rightDigit: right === bare.slice(-1) ? null : right, formed: true };
}

/** The check digit makes one person of `12.345.678-5`, `123456785` and `12345678`. A wrong one is kept as it is written. */
function chilean(written: string, bare: string): Identity {
  if (!/^\d{5,9}[0-9K]?$/.test(bare)) return { id: bare, rightDigit: null, formed: false };
  const right = rutDigit(bare.slice(0, -1));
  if (right === bare.slice(-1)) return { id: bare, rightDigit: null, formed: true };
  const separated = /-\s*[0-9kK]\s*$/.test(written);
  if (!separated && /^\d{7,8}$/.test(bare)) return { id: `${bare}${rutDigit(bare)}`, rightDigit: null, formed: true };
  return { id: bare, rightDigit: right, formed: true };
}

export const isCuit = (written: string): boolean => /^[\d\s.-]+$/.test(written) && CUIT.test(writtenPerson(written) ?? '');

/** Every CUIT that the person of a DNI can have, for what was stored under one of them. */
export function cuitsOf(dni: string): readonly string[] {
  if (!/^\d{5,8}$/.test(dni)) return [];
  return ['20', '23', '24', '25', '26', '27'].flatMap((prefix) => {
    const body = `${prefix}${dni.padStart(8, '0')}`;
    const digit = cuitDigit(body);
    return digit === '-' ? [] : [`${body}${digit}`];
  });
}

/** Modulo 11 with the weights 2 to 7 from the right, over and over. */
function rest(body: string): number {
  const sum = Array.from(body)
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (2 + (index % 6)), 0);
  return 11 - (sum % 11);
}

export function rutDigit(body: string): string {
  const digit = rest(body);
  return digit === 11 ? '0' : digit === 10 ? 'K' : String(digit);
}

/** `-` where the prefix cannot go with the number: such people have got another prefix. */
function cuitDigit(body: string): string {
  const digit = rest(body);
  return digit === 11 ? '0' : digit === 10 ? '-' : String(digit);
}
