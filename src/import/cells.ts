/** One cell and one row of any table file, before anything is made of them. */

export type Cell = string | number | boolean | Date | null;

export interface TableRow {
  /** Where the row begins in the file, as an editor counts. */
  readonly line: number;
  readonly cells: readonly Cell[];
}

/** How spreadsheets and exports spell "nothing". */
const NOTHING = /^(?:|-+|\.|n\/?a|nan|nat|none|null|nulo|#n\/?[ad]|<na>|s\/?n)$/i;

/** What a person reads in the cell; empty where there is nothing. */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? '' : cell.toISOString().slice(0, 10);
  const text = typeof cell === 'string' ? cell : plainNumber(cell);
  // An apostrophe in front is how a spreadsheet is told "this is text"; exports keep it.
  const bare = text
    .normalize('NFC')
    .replace(/^'/, '')
    .replace(/[\u00a0\u2007\u202f\u200b\ufeff]/g, ' ')
    .trim();
  return NOTHING.test(bare) ? '' : bare;
}

function plainNumber(value: number | boolean): string {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value.toFixed(0) : String(value);
}

/** `978445371.0`, a number that went through a column of fractions. */
export const withoutFraction = (text: string): string => text.replace(/^(\d{1,15})[.,]0+$/, '$1');

/** `5.69784E+10`: the spreadsheet showed it short, and the export kept only that. */
export const isRounded = (text: string): boolean => /^\d(?:[.,]\d+)?e\+?\d+$/i.test(text);
