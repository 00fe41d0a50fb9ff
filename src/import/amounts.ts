/** Amounts of money as people in Chile and Argentina, spreadsheets and Python write them. */
import type { Cell } from './cells.js';
import { cellText } from './cells.js';

export type AmountReading =
  /** `doubtful`: what was taken for thousands could be a fraction. */
  | { readonly kind: 'amount'; readonly value: number; readonly doubtful?: true }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable' };

/** More than this is a telephone number or a RUT in the wrong column. */
const MOST = 1e12;

/**
 * `1.234.567,89` and `1,234,567.89`: the last of two kinds of separator is the decimal one. One separator followed by exactly three digits is
 * a thousands separator, because nobody owes thousandths of a peso.
 */
export function readAmount(cell: Cell | undefined): AmountReading {
  if (typeof cell === 'number') return amount(cell);
  if (cell instanceof Date || typeof cell === 'boolean') return { kind: 'unreadable' };
  const text = cellText(cell);
  if (text === '') return { kind: 'nothing' };
  const bare = text
    .replace(/^\(?\s*(-?)\s*(?:clp|ars|usd|us\$|ar\$|\$)\s*(-?)/i, '$1$2')
    .replace(/\s*(?:clp|ars|usd|pesos?|\.-|,-)$/i, '')
    .replace(/(?<=\d)[\s'](?=\d{3}(?:\D|$))/g, '');
  const plain = withDecimalPoint(bare);
  if (plain === null) return { kind: 'unreadable' };
  const read = amount(Number(plain));
  return read.kind === 'amount' && DOUBTFUL.test(bare) ? { ...read, doubtful: true } : read;
}

/** `104,050`: both countries write thousands with a point, but many an export has it the other way round. */
const DOUBTFUL = /^-?[1-9]\d{0,2},\d{3}$/;

function amount(value: number): AmountReading {
  return Number.isFinite(value) && Math.abs(value) <= MOST
    ? { kind: 'amount', value: Math.round(value * 100) / 100 + 0 }
    : { kind: 'unreadable' };
}

const THOUSANDS: readonly (readonly [RegExp, (text: string) => string])[] = [
  [/^-?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d{1,2})?$/, (text) => text.replaceAll('.', '').replace(',', '.')],
  [/^-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d{1,2})?$/, (text) => text.replaceAll(',', '')],
  [/^-?\d+(?:,\d{1,2})$/, (text) => text.replace(',', '.')],
  // What a program printed: 1234.5, 0.125.
  [/^-?\d+(?:\.\d+)?$/, (text) => text],
];

function withDecimalPoint(text: string): string | null {
  const row = THOUSANDS.find(([pattern]) => pattern.test(text));
  return row === undefined ? null : row[1](text);
}
