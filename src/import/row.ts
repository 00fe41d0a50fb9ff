/** From the cells of one row to what an import needs of it, with every reason why something of it cannot be used. */
import { createHash } from 'node:crypto';
import { formerPersonHash } from '../domain/person.js';
import { lineHash } from '../domain/phones.js';
import { isZone } from '../domain/zones.js';
import { readAmount } from './amounts.js';
import { cellText, type Cell, type TableRow } from './cells.js';
import type { Column, Columns } from './columns.js';
import { readDate } from './dates.js';
import { OFFER_FIELDS } from '../domain/offer.js';
import type { Field } from './fields.js';
import { readNumbers, type NumberKind } from './numbers.js';
import { readPersonId } from './person-id.js';

/** Something of a line that cannot be used as it is. */
export interface Remark {
  readonly line: number;
  readonly column: string;
  readonly value: string;
  readonly reason: string;
  /** What follows from it. A repeated row is left out as well, but there is nothing to mend in it. */
  readonly effect: 'row rejected' | 'row repeated' | 'number left out' | 'kept';
}

export interface ImportRow {
  readonly line: number;
  /** Rows with the same key are one contact. */
  readonly key: string;
  /** The same for rows that are the same in every cell. */
  readonly print: string;
  readonly dni: string | null;
  readonly formerPerson: string | null;
  readonly name: string;
  readonly company: string;
  readonly amount: number | null;
  readonly expiry: string | null;
  readonly daysLate: number;
  readonly dueDate: string | null;
  readonly maxDate: string | null;
  readonly phones: readonly { readonly e164: string; readonly kind: NumberKind }[];
  readonly reference: string;
  readonly timezone: string | null;
  /** Of marketing campaigns, by their field. */
  readonly offer: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, string>>;
  /** A figure that was not understood: the contact is left out whole, because its debt or date would be told wrongly. */
  readonly broken: readonly Remark[];
}

export interface RowReading {
  /** null: nothing can be made of the row, for the reasons among the remarks. */
  readonly row: ImportRow | null;
  readonly remarks: readonly Remark[];
}

export interface RowRules {
  readonly columns: Columns;
  /** The account's, upper case. */
  readonly country: string;
  readonly allowDuplicates: boolean;
}

const MAX_VALUE = 500;

export function readRow({ line, cells }: TableRow, { columns, country, allowDuplicates }: RowRules): RowReading {
  const beyond = cells
    .slice(columns.width)
    .map(cellText)
    .filter((text) => text !== '');
  if (beyond.length > 0) {
    const reason = `the row has ${cells.length} cells where the header has ${columns.width}: a separator inside a value needs quotation marks`;
    return { row: null, remarks: [{ line, column: '', value: beyond.join(' '), reason, effect: 'row rejected' }] };
  }
  const remarks: Remark[] = [];
  const broken: Remark[] = [];
  const at = (field: Field): Column | undefined => columns.fields.find((column) => column.field === field);
  const cell = (field: Field): Cell => cells[at(field)?.index ?? -1] ?? null;
  const text = (field: Field): string => cellText(cell(field)).replace(/\s+/g, ' ').slice(0, MAX_VALUE);
  const note = (into: Remark[], field: Field, reason: string, effect: Remark['effect']): void => {
    into.push({ line, column: at(field)?.header ?? field, value: text(field), reason, effect });
  };
  const date = (field: Field): string | null => {
    const reading = readDate(cell(field));
    if (reading.kind === 'unreadable') note(broken, field, 'it is not a date like 25/11/2025, 25-nov-2025 or 2025-11-25', 'row rejected');
    return reading.kind === 'date' ? reading.date : null;
  };
  const figure = (field: Field): number | null => {
    const reading = readAmount(cell(field));
    if (reading.kind === 'unreadable') note(broken, field, 'it is not an amount like 104.050 or 1.234,50', 'row rejected');
    if (reading.kind === 'amount' && reading.doubtful === true)
      note(remarks, field, 'its comma is taken for thousands; for a fraction write it with two digits', 'kept');
    return reading.kind === 'amount' ? reading.value : null;
  };
  const phones = phonesOf(line, cells, columns, country, remarks);
  const person = readPersonId(cell('rut'), country);
  if (person.kind === 'unreadable') note(broken, 'rut', person.why, 'row rejected');
  if (person.kind === 'person' && person.warning !== null) note(remarks, 'rut', person.warning, 'kept');
  const dni = person.kind === 'person' ? person.dni : null;
  const zone = text('timezone');
  if (zone !== '' && !isZone(zone)) note(broken, 'timezone', 'it is not a time zone like America/Santiago', 'row rejected');
  const key = keyOf(dni, phones[0]?.e164, line, allowDuplicates);
  const row = {
    line,
    key: key ?? `row ${line}`,
    print: createHash('sha1')
      .update(JSON.stringify(cells.map(cellText)))
      .digest('base64url')
      .slice(0, 16),
    dni,
    formerPerson: formerPersonHash(text('rut')),
    name: text('name'),
    company: text('company'),
    amount: figure('amount'),
    expiry: date('expiry'),
    daysLate: Math.max(0, Math.trunc(figure('days_late') ?? 0)),
    dueDate: date('due_date'),
    maxDate: date('max_date'),
    phones,
    reference: text('reference'),
    timezone: zone === '' ? null : zone,
    offer: written(OFFER_FIELDS.map((field) => [field, text(field)])),
    extra: written(columns.extras.map(({ index, variable }) => [variable, cellText(cells[index]).slice(0, MAX_VALUE)])),
    broken,
  };
  if (key !== null || broken.length > 0) return { row, remarks };
  const missing: Remark = {
    line,
    column: '',
    value: '',
    reason: 'it has neither a RUT nor a telephone number that can be dialled',
    effect: 'row rejected',
  };
  return { row: null, remarks: [...remarks, missing] };
}

function phonesOf(line: number, cells: readonly Cell[], columns: Columns, country: string, remarks: Remark[]): ImportRow['phones'] {
  return columns.fields.flatMap(({ field, index, header }) => {
    if (field !== 'mobile' && field !== 'landline' && field !== 'phone') return [];
    const kind = field === 'phone' ? 'any' : field;
    const { numbers, problems } = readNumbers(cells[index], kind, country);
    const value = cellText(cells[index]).slice(0, MAX_VALUE);
    for (const reason of problems) remarks.push({ line, column: header, value, reason, effect: 'number left out' });
    return numbers.map((e164) => ({ e164, kind }) as const);
  });
}

/** Without a RUT a contact is known by the number alone. */
function keyOf(dni: string | null, number: string | undefined, line: number, allowDuplicates: boolean): string | null {
  if (dni !== null) return `person ${dni}`;
  if (number === undefined) return null;
  return allowDuplicates ? `row ${line}` : `line ${lineHash(number)}`;
}

const written = (entries: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(entries.filter(([, value]) => value !== ''));
