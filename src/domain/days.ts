/** Days as people in Chile and Argentina, spreadsheets and programs write them: day first, ISO, months by name, serial numbers. */
import { Temporal } from 'temporal-polyfill';

/** Day 0 of the spreadsheets' calendar, which believes in a 29 February 1900. */
const SERIAL_ZERO = Temporal.PlainDate.from('1899-12-30');
/** 1982 to 2064: outside of it a number is no date that anybody owes money by. */
const SERIALS = { from: 30_000, to: 60_000 };
const YEARS = { from: 1990, to: 2100 };

/** Spanish and English names of one month in a row; three letters of one are enough. */
const MONTHS = [
  'enero january',
  'febrero february',
  'marzo march',
  'abril april',
  'mayo may',
  'junio june',
  'julio july',
  'agosto august',
  'septiembre setiembre september',
  'octubre october',
  'noviembre november',
  'diciembre december',
];

/** `25/11/2025 00:00` of a spreadsheet: what is asked for is the day. */
export const withoutTime = (written: string): string => written.trim().replace(/[T ]\d{1,2}:\d{2}[\d:.,Z+\- apm]*$/i, '');

/** YYYY-MM-DD; null where the text is no day and nothing else. */
export function readDay(written: string): string | null {
  const text = written.trim();
  if (/^\d{5}(?:\.\d+)?$/.test(text)) return fromSerial(Math.floor(Number(text)));
  const iso = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text);
  if (iso !== null) return fromParts(iso[1], iso[2], iso[3]);
  const local = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})$/.exec(text);
  if (local !== null) return fromParts(local[3], local[2], local[1]);
  const named = /^(\d{1,2})[-/.\s]+(?:de\s+)?([a-z]{3,10})\.?[-/.,\s]+(?:del?\s+)?(\d{4}|\d{2})$/i.exec(text);
  if (named === null) return null;
  const month = monthOf(named[2] ?? '');
  return month === null ? null : fromParts(named[3], String(month), named[1]);
}

function monthOf(name: string): number | null {
  const short = name.toLowerCase();
  const index = MONTHS.findIndex((names) => names.split(' ').some((full) => full.startsWith(short)));
  return index < 0 ? null : index + 1;
}

function fromSerial(serial: number): string | null {
  return serial < SERIALS.from || serial > SERIALS.to ? null : checked(SERIAL_ZERO.add({ days: serial }).toString());
}

function fromParts(year = '', month = '', day = ''): string | null {
  return checked(`${year.length === 2 ? `20${year}` : year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`);
}

/** 31/02 is refused, and so is 12/31/2025: month first is another country's date, and 05/06 would be read wrongly all the time. */
function checked(date: string): string | null {
  try {
    const { year } = Temporal.PlainDate.from(date, { overflow: 'reject' });
    return year >= YEARS.from && year <= YEARS.to ? date : null;
  } catch {
    return null;
  }
}
