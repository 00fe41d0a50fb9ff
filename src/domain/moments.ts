/** Moments as people write them: a time without an offset is the wall clock's where the campaign is. */
import { Temporal } from 'temporal-polyfill';
import { readDay } from './days.js';
import { date } from './lenient.js';

/** What a date alone means: when its day begins, or when it is over. */
export type Edge = 'begins' | 'is over';

const WITH_OFFSET = /\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$/i;
const LOCAL = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?$/;

/** Whether it takes a zone to know which moment is meant. */
export function isLocal(written: string): boolean {
  return LOCAL.test(written.trim());
}

/** A moment from `2026-11-23T09:00` (the zone's wall clock), a day as imports read it (a whole day there) or an ISO text with an offset; else null. */
export function momentIn(written: string, zone: string, edge: Edge = 'begins'): Date | null {
  const text = written.trim();
  if (WITH_OFFSET.test(text)) return date(text);
  const [, before = text, time] = /^(.+?)[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)$/.exec(text) ?? [];
  // Five digits are a date in a spreadsheet only.
  const day = /^\d{5}/.test(before) ? null : readDay(before);
  if (day === null) return null;
  try {
    const read = Temporal.PlainDateTime.from(`${day}T${time ?? '00:00'}`);
    const days = edge === 'is over' && time === undefined ? 1 : 0;
    return new Date(read.add({ days }).toZonedDateTime(zone).epochMilliseconds);
  } catch {
    return null;
  }
}
