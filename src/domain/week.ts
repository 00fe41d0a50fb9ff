/** Weekly hours as people write them, in every spelling SpeechAI's forms and documents use, made into spans per ISO weekday. */
import type { Span, Week } from './batch.js';
import { get, keysOf, list, number, record, text } from './lenient.js';

const DAY_MINUTES = 1_440;
const ALL_DAY: Span = { from: 0, to: DAY_MINUTES };
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7] as const;

/** Open at all times. */
export const WHOLE_WEEK: Week = [[], ...EVERY_DAY.map(() => [ALL_DAY])];

/** Hours that were understood, or one sentence per thing that was not. */
interface WeekReading {
  readonly week: Week | null;
  readonly problems: readonly string[];
}

const DAY_NAMES: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ['mon', 'monday', 'lun', 'lunes'],
    ['tue', 'tues', 'tuesday', 'mar', 'martes'],
    ['wed', 'wednesday', 'mie', 'miercoles'],
    ['thu', 'thur', 'thurs', 'thursday', 'jue', 'jueves'],
    ['fri', 'friday', 'vie', 'viernes'],
    ['sat', 'saturday', 'sab', 'sabado'],
    ['sun', 'sunday', 'dom', 'domingo'],
  ].flatMap((names, i) => names.map((name): [string, number] => [name, i + 1])),
);

/** 1 (Monday) to 7; Sunday is 0 in SpeechAI's forms and 7 in its worker. */
function readWeekday(value: unknown): number | null {
  const asNumber = number(value);
  if (asNumber !== null) return Number.isInteger(asNumber) && asNumber >= 0 && asNumber <= 7 ? asNumber || 7 : null;
  const name = text(value)
    ?.toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '');
  return name === undefined ? null : (Object.hasOwn(DAY_NAMES, name) && DAY_NAMES[name]) || null;
}

/** Minutes of the day for `HH:MM`, `H:MM` and `HH:MM:00`; `24:00` only as an end. Anything else is not understood. */
function readTime(value: unknown): number | null {
  const match = typeof value === 'string' ? /^(\d{1,2}):(\d{2})(?::00(?:\.0+)?)?$/.exec(value.trim()) : null;
  if (match === null) return null;
  const minutes = Number(match[1]) * 60 + Number(match[2]);
  return Number(match[2]) < 60 && minutes <= DAY_MINUTES ? minutes : null;
}

/** A span that may run over midnight: then `to` < `from`. */
interface Hours {
  readonly from: number;
  readonly to: number;
}

const brief = (value: unknown): string => {
  const written = typeof value === 'string' ? value : (text(value) ?? typeof value);
  return `"${written.slice(0, 40)}"`;
};

function readHours(value: unknown, where: string, problems: string[]): Hours | null {
  const range = typeof value === 'string' ? /^\s*(\d{1,2}:\d{2})\s*[-\u2013]\s*(\d{1,2}:\d{2})\s*$/.exec(value) : null;
  const fields = range === null ? record(value) : { start: range[1], end: range[2] };
  if (fields === null) {
    problems.push(`${where} ${brief(value)} is not understood: write {"start": "09:00", "end": "18:00"}`);
    return null;
  }
  const stray = keysOf(fields).find((key) => !['start', 'end', 'from', 'to'].includes(key));
  if (stray !== undefined) {
    problems.push(`${where} has a key ${brief(stray)} that is not understood: write {"start": "09:00", "end": "18:00"}`);
    return null;
  }
  const start = get(fields, 'start') ?? get(fields, 'from');
  const end = get(fields, 'end') ?? get(fields, 'to');
  const from = start === undefined || start === null ? 0 : readTime(start);
  const to = end === undefined || end === null ? DAY_MINUTES : readTime(end);
  if (from === null || from === DAY_MINUTES) problems.push(`${where}: the start ${brief(start)} is not a time of day like 09:00`);
  else if (to === null) problems.push(`${where}: the end ${brief(end)} is not a time of day like 18:00`);
  else if (from === to) problems.push(`${where} starts and ends at ${brief(start)}: for a whole day write 00:00 to 24:00`);
  else return { from, to };
  return null;
}

function readHoursList(value: unknown, where: string, problems: string[]): readonly Hours[] {
  if (value === undefined || value === null || value === false) return [];
  const several = list(value);
  return (several ?? [value]).flatMap((each) => readHours(each, where, problems) ?? []);
}

/** `hours` as {start, end}, a list of those, `09:00-18:00`, or any of these per weekday; `days` limits them. Null where neither is given. */
export function readWeek(hours: unknown, days: unknown, hoursName: string, daysName: string): WeekReading {
  const problems: string[] = [];
  const onlyDays = readDays(days, daysName, problems);
  const given = hours !== undefined && hours !== null && !(typeof hours === 'string' && hours.trim() === '');
  if (!given && onlyDays === null) return { week: null, problems };
  const perDay = given ? readPerDay(hours, hoursName, problems) : null;
  const daily = !given ? [{ from: 0, to: DAY_MINUTES }] : perDay === null ? readHoursList(hours, hoursName, problems) : [];
  const spans: Span[][] = [[], [], [], [], [], [], [], []];
  for (const day of EVERY_DAY) {
    if (onlyDays !== null && !onlyDays.has(day)) continue;
    for (const { from, to } of perDay === null ? daily : (perDay.get(day) ?? [])) {
      if (from < to) spans[day]?.push({ from, to });
      else {
        // Over midnight: the rest belongs to the next day's clock, also where that day is not in the list.
        spans[day]?.push({ from, to: DAY_MINUTES });
        if (to > 0) spans[(day % 7) + 1]?.push({ from: 0, to });
      }
    }
  }
  if (problems.length === 0 && spans.every((day) => day.length === 0))
    problems.push(`${hoursName} leaves no time at which calls are allowed`);
  return { week: spans.map(merge), problems };
}

function readDays(value: unknown, where: string, problems: string[]): ReadonlySet<number> | null {
  if (value === undefined || value === null) return null;
  const entries = list(value) ?? (typeof value === 'string' ? value.split(/[,;\s]+/).filter((part) => part !== '') : [value]);
  const days = new Set<number>();
  for (const entry of entries) {
    const day = readWeekday(entry);
    if (day === null) problems.push(`${where}: ${brief(entry)} is not a weekday: write 1 (Monday) to 7 (Sunday; 0 is Sunday too)`);
    else days.add(day);
  }
  return entries.length === 0 ? null : days;
}

function readPerDay(value: unknown, where: string, problems: string[]): ReadonlyMap<number, readonly Hours[]> | null {
  const keys = keysOf(value);
  if (keys.length === 0 || !keys.some((key) => readWeekday(key) !== null)) return null;
  const days = new Map<number, readonly Hours[]>();
  for (const key of keys) {
    const day = readWeekday(key);
    if (day === null) problems.push(`${where}: ${brief(key)} is not a weekday`);
    else days.set(day, [...(days.get(day) ?? []), ...readHoursList(get(value, key), `${where}.${key}`, problems)]);
  }
  return days;
}

/** Sorted, touching and overlapping spans made one. */
function merge(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && span.from <= last.to) merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else merged.push(span);
  }
  return merged;
}

/** The times open in both: several rules only ever narrow each other. */
export function intersectWeeks(a: Week | null, b: Week | null): Week | null {
  if (a === null || b === null) return a ?? b;
  return [0, ...EVERY_DAY].map((day) =>
    (a[day] ?? []).flatMap((x) =>
      (b[day] ?? []).flatMap((y) => {
        const both = { from: Math.max(x.from, y.from), to: Math.min(x.to, y.to) };
        return both.from < both.to ? [both] : [];
      }),
    ),
  );
}
