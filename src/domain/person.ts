/** Who a contact is, across numbers and batches: the RUT or DNI in one spelling. */
import { hash } from 'node:crypto';
import { text } from './lenient.js';

/** `12.345.678-k`, `12345678K` and `012345678-K` are one person. Null where the text only numbers a row of a file, or says nothing. */
export function normalisePerson(dni: unknown): string | null {
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

/**
 * What locks and limits know a person by. The country is not part of it: readers that know the account's country and readers that do not
 * must agree, or two calls to one person could be open at once.
 */
export function personHash(dni: unknown): string | null {
  const person = normalisePerson(dni);
  return person === null ? null : hash('sha256', `speechai.person:${person}`).slice(0, 24);
}
