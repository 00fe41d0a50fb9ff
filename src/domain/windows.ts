/**
 * Weekly hours on a real clock. A moment is open when the wall clock of the zone shows a weekday and minute inside a span, on a date that is
 * not closed. Days on which the clock jumps are cut at the jump: a skipped hour is never open, a repeated hour is open both times.
 */
import { Temporal } from 'temporal-polyfill';
import type { Week } from './batch.js';
import { WHOLE_WEEK } from './week.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Beyond this no opening is looked for: a week's hours that closed dates cover for longer are closed. */
const HORIZON_DAYS = 370;

/** Open time in epoch milliseconds, half open. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** A part of a local day with one offset. */
interface Piece extends Stretch {
  readonly offsetMs: number;
}

interface LocalDay {
  readonly date: string;
  readonly weekday: number;
  readonly from: number;
  readonly to: number;
  readonly pieces: readonly Piece[];
}

export interface Hours {
  readonly week: Week | null;
  readonly zone: string;
  readonly closedDates: ReadonlySet<string>;
}

const NO_DATES: ReadonlySet<string> = new Set();

const zoned = (ms: number, zone: string) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
const offsetMsAt = (ms: number, zone: string) => zoned(ms, zone).offsetNanoseconds / 1e6;

/** The local date (YYYY-MM-DD) at a moment. */
export function localDate(at: Date, zone: string): string {
  const ms = at.getTime();
  const known = lastDays.get(zone);
  if (known !== undefined && ms >= known.fromMs && ms < known.toMs) return known.date;
  const day = zoned(ms, zone).toPlainDate();
  const date = day.toString();
  const fromMs = day.toZonedDateTime(zone).epochMilliseconds;
  lastDays.set(zone, { date, fromMs, toMs: day.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds });
  return date;
}

/** The day last asked for per zone: every decision asks for today's. */
const lastDays = new Map<string, { date: string; fromMs: number; toMs: number }>();

/** The wall clock's time (HH:MM:SS) at a moment. */
export function localTime(at: Date, zone: string): string {
  return zoned(at.getTime(), zone).toPlainTime().toString({ smallestUnit: 'second' });
}

/** The first moment of the local day `days` after the one at `at` (midnight, or later where the clock jumps over it). */
export function startOfDay(at: Date, zone: string, days = 0): Date {
  return new Date(zoned(at.getTime(), zone).toPlainDate().add({ days }).toZonedDateTime(zone).epochMilliseconds);
}

/** The first moment of the local week (Monday) `weeks` after the one at `at`. */
export function startOfWeek(at: Date, zone: string, weeks = 0): Date {
  const date = zoned(at.getTime(), zone).toPlainDate();
  return new Date(date.add({ days: 1 - date.dayOfWeek + 7 * weeks }).toZonedDateTime(zone).epochMilliseconds);
}

const days = new Map<string, LocalDay>();
const MAX_DAYS_KEPT = 4_000;

function localDay(date: Temporal.PlainDate, zone: string): LocalDay {
  const written = date.toString();
  const key = `${zone} ${written}`;
  const kept = days.get(key);
  if (kept !== undefined) return kept;
  const from = date.toZonedDateTime(zone).epochMilliseconds;
  const to = date.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds;
  const day: LocalDay = { date: written, weekday: date.dayOfWeek, from, to, pieces: piecesOf(from, to, zone) };
  if (days.size >= MAX_DAYS_KEPT) days.clear();
  days.set(key, day);
  return day;
}

function piecesOf(from: number, to: number, zone: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let start = from;
  while (start < to) {
    const offsetMs = offsetMsAt(start, zone);
    const end = offsetMsAt(to - 1, zone) === offsetMs ? to : jumpAfter(start, to, offsetMs, zone);
    pieces.push({ from: start, to: end, offsetMs });
    start = end;
  }
  return pieces;
}

function jumpAfter(start: number, end: number, offsetMs: number, zone: string): number {
  let same = start;
  let other = end;
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetMsAt(middle, zone) === offsetMs) same = middle;
    else other = middle;
  }
  return other;
}

function stretchesOf(day: LocalDay, { week, closedDates }: Hours): readonly Stretch[] {
  if (closedDates.has(day.date)) return [];
  const spans = (week ?? WHOLE_WEEK)[day.weekday] ?? [];
  const midnight = Date.parse(`${day.date}T00:00:00Z`);
  return day.pieces.flatMap((piece) =>
    spans.flatMap((span) => {
      const from = Math.max(piece.from, midnight + span.from * MINUTE_MS - piece.offsetMs);
      const to = Math.min(piece.to, midnight + span.to * MINUTE_MS - piece.offsetMs);
      return from < to ? [{ from, to }] : [];
    }),
  );
}

/** Open stretches in order from the day of `from`, those that touch made one (00:00-24:00 every day is a single one). */
function* openStretches(hours: Hours, from: number): Generator<Stretch> {
  let date = zoned(from, hours.zone).toPlainDate();
  let open: Stretch | null = null;
  for (let i = 0; i < HORIZON_DAYS; i += 1) {
    for (const next of stretchesOf(localDay(date, hours.zone), hours)) {
      if (open !== null && open.to === next.from) open = { from: open.from, to: next.to };
      else {
        if (open !== null) yield open;
        open = next;
      }
      // A week without a closing is longer than any margin: no need to read the year.
      if (open.to - Math.max(open.from, from) > 8 * DAY_MS) {
        yield { from: open.from, to: Number.POSITIVE_INFINITY };
        return;
      }
    }
    date = date.add({ days: 1 });
  }
  if (open !== null) yield open;
}

export function isOpen(week: Week | null, zone: string, at: Date, closedDates: ReadonlySet<string> = NO_DATES): boolean {
  const ms = at.getTime();
  const day = localDay(zoned(ms, zone).toPlainDate(), zone);
  return stretchesOf(day, { week, zone, closedDates }).some((open) => open.from <= ms && ms < open.to);
}

/** The first moment from `from` on that is open and stays open for `lastingMs` more; null when there is none within a year. */
export function nextOpen(
  week: Week | null,
  zone: string,
  from: Date,
  closedDates: ReadonlySet<string> = NO_DATES,
  lastingMs = 0,
): Date | null {
  const ms = from.getTime();
  for (const open of openStretches({ week, zone, closedDates }, ms)) {
    const start = Math.max(open.from, ms);
    if (start < open.to && start + lastingMs <= open.to) return new Date(start);
  }
  return null;
}

/** When what is open at `from` closes (`from` itself where it is closed); null when it stays open for longer than a week. */
export function nextClose(week: Week | null, zone: string, from: Date, closedDates: ReadonlySet<string> = NO_DATES): Date | null {
  const ms = from.getTime();
  for (const open of openStretches({ week, zone, closedDates }, ms)) {
    if (open.to <= ms) continue;
    if (open.from > ms) break;
    return Number.isFinite(open.to) ? new Date(open.to) : null;
  }
  return from;
}
