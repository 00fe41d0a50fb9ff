/** Dates of table files: a spreadsheet's own, its serial numbers, day first as both countries write them, and ISO. */
import { Temporal } from 'temporal-polyfill';
import type { Cell } from './cells.js';
import { cellText, withoutFraction } from './cells.js';

/** `date` is YYYY-MM-DD. */
export type DateReading = { readonly kind: 'date'; readonly date: string } | { readonly kind: 'nothing' } | { readonly kind: 'unreadable' };

/** Day 0 of the spreadsheets' calendar, which believes in a 29 February 1900. */
const SERIAL_ZERO = Temporal.PlainDate.from('1899-12-30');
/** 1982 to 2064: outside of it a number is no date that anybody owes money by. */
const SERIALS = { from: 30_000, to: 60_000 };
const YEARS = { from: 1990, to: 2100 };

export function readDate(cell: Cell | undefined): DateReading {
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? { kind: 'unreadable' } : checked(cell.toISOString().slice(0, 10));
  const text = withoutFraction(cellText(cell));
  if (text === '') return { kind: 'nothing' };
  if (/^\d{5}(?:\.\d+)?$/.test(text)) return fromSerial(Math.floor(Number(text)));
  const iso = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:$|[T ])/.exec(text);
  if (iso !== null) return fromParts(iso[1], iso[2], iso[3]);
  const local = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:$|[T ])/.exec(text);
  if (local === null) return { kind: 'unreadable' };
  const year = local[3] ?? '';
  return fromParts(year.length === 2 ? `20${year}` : year, local[2], local[1]);
}

export function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

function fromSerial(serial: number): DateReading {
  if (serial < SERIALS.from || serial > SERIALS.to) return { kind: 'unreadable' };
  return checked(SERIAL_ZERO.add({ days: serial }).toString());
}

function fromParts(year: string | undefined, month: string | undefined, day: string | undefined): DateReading {
  return checked(`${year ?? ''}-${(month ?? '').padStart(2, '0')}-${(day ?? '').padStart(2, '0')}`);
}

/** 31/02 is refused, and so is 12/31/2025: month first is another country's date, and 05/06 would be read wrongly all the time. */
function checked(date: string): DateReading {
  try {
    const { year } = Temporal.PlainDate.from(date, { overflow: 'reject' });
    return year >= YEARS.from && year <= YEARS.to ? { kind: 'date', date } : { kind: 'unreadable' };
  } catch {
    return { kind: 'unreadable' };
  }
}
