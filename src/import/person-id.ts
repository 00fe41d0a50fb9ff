/** The RUT or DNI of a row in the one spelling that SpeechAI stores: no dots, no dash, upper case. */
import { normalisePerson } from '../domain/person.js';
import type { Cell } from './cells.js';
import { cellText, isRounded, withoutFraction } from './cells.js';

export type PersonReading =
  | { readonly kind: 'person'; readonly dni: string; readonly warning: string | null }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable'; readonly why: string };

export function readPersonId(cell: Cell | undefined, country: string): PersonReading {
  const text = withoutFraction(cellText(cell));
  if (text === '') return { kind: 'nothing' };
  if (isRounded(text)) return { kind: 'unreadable', why: 'the spreadsheet has rounded it; format the column as text and export again' };
  const bare = normalisePerson(text);
  if (bare === null) return { kind: 'unreadable', why: 'it is no RUT or DNI' };
  if (country !== 'CL') return { kind: 'person', dni: bare, warning: null };
  return chilean(text, bare);
}

/**
 * The check digit makes one person of `12.345.678-5`, `123456785` and `12345678`. A wrong one is kept as it is written: it only says who the
 * contact is, the telephone number says who is called.
 */
function chilean(text: string, bare: string): PersonReading {
  if (!/^\d{5,9}[0-9K]?$/.test(bare)) return { kind: 'person', dni: bare, warning: 'it has not the form of a RUT' };
  const written = bare.slice(-1);
  const rightAsItIs = checkDigit(bare.slice(0, -1)) === written;
  const separated = /-\s*[0-9kK]\s*$/.test(text);
  if (rightAsItIs) return { kind: 'person', dni: bare, warning: null };
  const body = !separated && /^\d{7,8}$/.test(bare);
  if (body) return { kind: 'person', dni: `${bare}${checkDigit(bare)}`, warning: null };
  return { kind: 'person', dni: bare, warning: `its check digit should be ${checkDigit(bare.slice(0, -1))}` };
}

/** Modulo 11 with the weights 2 to 7 from the right. */
export function checkDigit(body: string): string {
  const sum = Array.from(body)
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (2 + (index % 6)), 0);
  const rest = 11 - (sum % 11);
  return rest === 11 ? '0' : rest === 10 ? 'K' : String(rest);
}
