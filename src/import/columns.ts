/** Which column is what: by --map, by exact name, by a name that contains a known one. What stays unknown is left out and named in the preview. */
import { SpeechAiError, EXIT } from '../domain/errors.js';
import type { Cell } from './cells.js';
import { cellText } from './cells.js';
import { isRejectColumn } from './reject-table.js';
import { ALIASES, EXACT_ONLY, FIELDS, MANY, headerKey, type Field } from './fields.js';

export interface Column {
  readonly index: number;
  readonly header: string;
  readonly field: Field;
}

export interface ExtraColumn {
  readonly index: number;
  readonly header: string;
  /** Its name in `payload.additional_info`, and so in the prompt. */
  readonly variable: string;
}

export interface Columns {
  readonly width: number;
  readonly fields: readonly Column[];
  readonly extras: readonly ExtraColumn[];
  readonly ignored: readonly string[];
}

export interface Mapping {
  readonly column: string;
  /** A field, or any other name for a variable of the prompt; `-` leaves the column out. */
  readonly to: string;
}

const VARIABLE = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export function parseMapping(text: string): Mapping {
  const at = text.lastIndexOf('=');
  const [column, to] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || column === '' || !(to === '-' || VARIABLE.test(to))) {
    throw new SpeechAiError('IMPORT_MAP', `--map "${text}" is not COLUMN=FIELD.`, {
      remedy: `Write for example --map "Fono 2=phone"; fields are ${FIELDS.join(', ')}, any other word is a variable of the prompt, and - leaves the column out.`,
      exitCode: EXIT.usage,
    });
  }
  return { column, to };
}

export function mapColumns(headerCells: readonly Cell[], mappings: readonly Mapping[]): Columns {
  // Of a reject file that was mended: its reasons are no data.
  const headers = headerCells.map((cell) => (isRejectColumn(cellText(cell)) ? '' : cellText(cell).replace(/\s+/g, ' ')));
  const taken = new Map<number, string>();
  for (const { column, to } of mappings) taken.set(findColumn(headers, column), to);
  const matched = matchByName(headers, taken);
  const fields = matched.filter((column): column is Column => isField(column.field));
  refuseDoubles(fields);
  if (!fields.some(({ field }) => MANY.includes(field))) throw noPhones(headers);
  const extras = [...taken].flatMap(([index, to]) =>
    to === '-' || isField(to) ? [] : [{ index, header: headers[index] ?? '', variable: to }],
  );
  const used = new Set([...fields, ...extras].map(({ index }) => index));
  return { width: headers.length, fields, extras, ignored: headers.filter((header, index) => header !== '' && !used.has(index)) };
}

const isField = (name: string): name is Field => FIELDS.some((field) => field === name);

function matchByName(headers: readonly string[], mapped: ReadonlyMap<number, string>): Column[] {
  const free = new Map(
    headers.flatMap((header, index) => (mapped.has(index) || header === '' ? [] : [[index, headerKey(header)] as const])),
  );
  const columns: Column[] = [...mapped].flatMap(([index, to]) => (isField(to) ? [{ index, header: headers[index] ?? '', field: to }] : []));
  const take = (field: Field, fits: (key: string, alias: string) => boolean): void => {
    for (const alias of ALIASES[field]) {
      for (const [index, key] of free) {
        const complete = !MANY.includes(field) && columns.some((column) => column.field === field && headerKey(column.header) !== key);
        if (complete || !fits(key, alias)) continue;
        columns.push({ index, header: headers[index] ?? '', field });
        free.delete(index);
      }
    }
  };
  for (const field of FIELDS) take(field, (key, alias) => key === alias || (MANY.includes(field) && key.replace(/\d{1,2}$/, '') === alias));
  for (const field of FIELDS) take(field, (key, alias) => !EXACT_ONLY.has(alias) && key.includes(alias));
  return columns.sort((a, b) => a.index - b.index);
}

/** Two columns of one name: which one is meant is not ours to choose. */
function refuseDoubles(columns: readonly Column[]): void {
  for (const field of FIELDS) {
    if (MANY.includes(field)) continue;
    const same = columns.filter((column) => column.field === field);
    if (same.length < 2) continue;
    const which = same.map(({ header, index }) => `"${header}" (column ${index + 1})`).join(' and ');
    throw new SpeechAiError('IMPORT_HEADER_TWICE', `Both ${which} are ${field}.`, {
      remedy: `Say which counts, for example --map "#${(same[1]?.index ?? 0) + 1}=-" to leave that one out.`,
      exitCode: EXIT.usage,
    });
  }
}

/** `#3` is the third column, for headers that occur twice or not at all. */
function findColumn(headers: readonly string[], wanted: string): number {
  const byNumber = /^#(\d{1,4})$/.exec(wanted);
  if (byNumber !== null && Number(byNumber[1]) >= 1 && Number(byNumber[1]) <= headers.length) return Number(byNumber[1]) - 1;
  const exact = headers.flatMap((header, index) => (header === wanted ? [index] : []));
  const found = exact.length > 0 ? exact : headers.flatMap((header, index) => (headerKey(header) === headerKey(wanted) ? [index] : []));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new SpeechAiError(
    'IMPORT_MAP',
    `--map names the column "${wanted}", which the file has ${found.length === 0 ? 'not' : `${found.length} times`}.`,
    {
      remedy: `Its columns are ${shown(headers)}; #1 is the first.`,
      exitCode: EXIT.usage,
    },
  );
}

function noPhones(headers: readonly string[]): SpeechAiError {
  return new SpeechAiError('IMPORT_NO_PHONES', `No column of the file is known to hold telephone numbers; it has ${shown(headers)}.`, {
    remedy: 'The first row must hold the names of the columns. Say which one it is with --map "COLUMN=phone" (or mobile, landline).',
    exitCode: EXIT.usage,
  });
}

const shown = (headers: readonly string[]): string =>
  headers
    .slice(0, 30)
    .map((header) => `"${header.slice(0, 40)}"`)
    .join(', ');
