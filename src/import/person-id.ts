/** The RUT or DNI of a row in the one spelling that SpeechAI stores: no dots, no dash, upper case. */
import { digitWarning, readIdentity } from '../domain/person.js';
import type { Cell } from './cells.js';
import { cellText, isRounded, withoutFraction } from './cells.js';

export type PersonReading =
  | { readonly kind: 'person'; readonly dni: string; readonly warning: string | null }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** A wrong check digit is said and kept: it only says who the contact is, the telephone number says who is called. */
export function readPersonId(cell: Cell | undefined, country: string): PersonReading {
  const text = withoutFraction(cellText(cell));
  if (text === '') return { kind: 'nothing' };
  if (isRounded(text)) return { kind: 'unreadable', why: 'the spreadsheet has rounded it; format the column as text and export again' };
  const identity = readIdentity(text, country);
  if (identity === null) return { kind: 'unreadable', why: 'it is no RUT or DNI' };
  return { kind: 'person', dni: identity.id, warning: identity.formed ? digitWarning(identity) : 'it has not the form of a RUT' };
}
