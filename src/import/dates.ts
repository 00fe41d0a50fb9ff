/** Dates of table files: a spreadsheet's own, and every text that is read as a day. */
import { Temporal } from 'temporal-polyfill';
import { readDay, withoutTime } from '../domain/days.js';
import type { Cell } from './cells.js';
import { cellText, withoutFraction } from './cells.js';

/** `date` is YYYY-MM-DD. */
export type DateReading = { readonly kind: 'date'; readonly date: string } | { readonly kind: 'nothing' } | { readonly kind: 'unreadable' };

export function readDate(cell: Cell | undefined): DateReading {
  if (cell instanceof Date && Number.isNaN(cell.getTime())) return { kind: 'unreadable' };
  const text = withoutFraction(cellText(cell));
  if (text === '') return { kind: 'nothing' };
  const date = readDay(withoutTime(text));
  return date === null ? { kind: 'unreadable' } : { kind: 'date', date };
}

export function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}
