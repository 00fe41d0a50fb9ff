/** The gate of the clock: the batch's hours, the country's hours, holidays and the batch's own closed dates, on one clock, all at once. */
import type { Week } from './batch.js';
import type { BatchScene, Finding, Gate } from './gates.js';
import { packOf, ringMsOf, wait } from './gates.js';
import { OF_ACCOUNT } from './read-batch.js';
import { holidaysOf } from './rules.js';
import { intersectWeeks } from './week.js';
import { localDate, localTime, nextOpen } from './windows.js';

const NO_DATES: ReadonlySet<string> = new Set();

function holidayDates(scene: BatchScene): ReadonlySet<string> {
  const { batch, account, packs } = scene;
  const asked = batch === 'missing' ? null : batch.settings.holidays;
  const national = (asked === OF_ACCOUNT || packOf(scene)?.holidays === true) && account !== 'missing';
  const both = [
    national ? holidaysOf(account.country, packs) : null,
    asked !== null && asked !== OF_ACCOUNT ? holidaysOf(asked, packs) : null,
  ];
  return union(both.flatMap((dates) => dates ?? []));
}

/** Without a copy in the usual case of one calendar: this runs twice for every call. */
function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return sets.length <= 1 ? (sets[0] ?? NO_DATES) : new Set(sets.flatMap((set) => [...set]));
}

/**
 * A call is let through when the hours stay open until its phone has stopped ringing and the closing margin has passed: a call placed in
 * the last seconds would ring outside them. All reasons carry the moment at which all of them are open together.
 */
function checkHours(scene: BatchScene): readonly Finding[] {
  const { batch, policy, at, zone } = scene;
  const pack = packOf(scene);
  const ownWeek = batch === 'missing' ? null : batch.settings.week;
  const ownDates = batch === 'missing' || batch.settings.closedDates.length === 0 ? NO_DATES : new Set(batch.settings.closedDates);
  const holidays = holidayDates(scene);
  const week = intersectWeeks(ownWeek, pack?.week ?? null);
  const closed = union([holidays, ownDates].filter((dates) => dates.size > 0));
  if (week === null && closed.size === 0) return [];
  const lastingMs = Math.max(0, policy.closingMarginMs) + ringMsOf(scene);
  const until = nextOpen(week, zone.name, at, closed, lastingMs);
  if (until !== null && until.getTime() === at.getTime()) return [];
  const value = `${localDate(at, zone.name)} ${localTime(at, zone.name)} ${zone.name} (${zone.source})`;
  const never = until === null ? ' There is no opening within a year.' : '';
  const shut = (hours: Week | null): boolean =>
    hours !== null && nextOpen(hours, zone.name, at, NO_DATES, lastingMs)?.getTime() !== at.getTime();
  const found: Finding[] = [];
  const today = localDate(at, zone.name);
  const say = (code: string, text: string, source: string): void =>
    void found.push(wait(code, `${text}${never}`, source, { value, until }));
  if (holidays.has(today)) say('HOLIDAY', `${today} is a holiday. ${pack?.holidaysReason ?? ''}`.trim(), 'config/holidays');
  if (ownDates.has(today)) say('HOLIDAY', `The batch is closed on ${today}.`, 'batch.call_settings.closed_dates');
  if (shut(ownWeek))
    say(
      'WINDOW_CLOSED',
      "It is outside the batch's hours, or too near their end for the phone to ring.",
      'batch.call_settings.allowed_hours',
    );
  if (pack !== null && shut(pack.week))
    say('WINDOW_CLOSED', `It is outside the hours of rule pack "${pack.name}". ${pack.weekReason}`.trim(), `rules ${pack.name}`);
  // Each alone is open, but not together for as long as a phone rings.
  if (found.length === 0) say('WINDOW_CLOSED', 'The hours close before the phone could stop ringing.', 'batch.call_settings.allowed_hours');
  return found;
}

export const HOURS_GATE: Gate<BatchScene> = { name: 'hours', check: checkHours };
