/**
 * Invented people. Neither Chile nor Argentina sets telephone numbers aside for fiction, as some countries do. These begin with 0 after the
 * mobile or area code, which no subscriber's number there does, so they belong to nobody; nothing could be dialled here anyway.
 */
import type { Random } from '../../src/domain/ports.js';

const GIVEN =
  'Amaya Benicio Camila Damián Elisa Facundo Greta Hernán Isidora Joaquín Karina Lautaro Maite Nahuel Olivia Pascual Renata Simón Tamara Vicente'.split(
    ' ',
  );
const FAMILY =
  'Arrayán Boldo Canelo Coirón Copihue Lenga Maitén Mañío Notro Ñire Peumo Quillay Raulí Roble Tamarugo Tepa Ulmo Coihue'.split(' ');

export type Country = 'CL' | 'AR';

export interface Person {
  readonly name: string;
  /** A RUT with its check digit, or a DNI. */
  readonly dni: string;
}

const pick = (from: readonly string[], random: Random): string => from[Math.floor(random() * from.length)] ?? '';

/** `n` makes the document number unique: ranges far above those that were ever given out. */
export function inventPerson(country: Country, n: number, random: Random): Person {
  const name = `${pick(GIVEN, random)} ${pick(FAMILY, random)} ${pick(FAMILY, random)}`;
  return { name, dni: country === 'CL' ? rut(90_000_000 + n) : String(98_000_000 + n) };
}

function rut(number: number): string {
  const digits = String(number).split('').toReversed().map(Number);
  const sum = digits.reduce((total, digit, i) => total + digit * (2 + (i % 6)), 0);
  const rest = 11 - (sum % 11);
  return `${number}-${rest === 11 ? '0' : rest === 10 ? 'K' : rest}`;
}

/** Area codes of Argentine cities: a thousand invented numbers in each. */
const AREAS = ['351', '341', '261', '223', '299', '381', '342', '343', '362', '387'];

/** `n` must be below 10,000; the last three digits choose what the simulator does, those below 900 leave it to its odds. */
export function inventNumber(country: Country, n: number, lastThree: string): string {
  const middle = String(n).padStart(4, '0');
  return country === 'CL' ? `+5690${middle}${lastThree}` : `+549${AREAS[Number(middle[0])] ?? ''}0${middle.slice(1)}${lastThree}`;
}
