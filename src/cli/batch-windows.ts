/** `batch windows`: the coming week as the gate of the hours sees it, so that what is drawn is what is dialled. */
import { batchGates } from '../domain/decide.js';
import { HOURS_GATE } from '../domain/gates-hours.js';
import type { BatchScene } from '../domain/gates.js';
import { localDate, startOfDay } from '../domain/windows.js';
import { batchZone } from '../domain/zones.js';
import { batchOrExit, viewsOf } from './batch-view.js';
import { packsOf } from './job-find.js';
import { print, printJson } from './output.js';
import type { Session } from './session.js';

const QUARTER_MS = 15 * 60_000;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

interface Day {
  readonly date: string;
  readonly weekday: string;
  /** One sign per quarter of an hour of the day (23, 24 or 25 hours). */
  readonly quarters: readonly boolean[];
  readonly because: string | null;
}

export async function drawWindows(session: Session, ref: string, from: Date | null, json: boolean): Promise<void> {
  const packs = await packsOf(session);
  const [view] = await viewsOf(session, [await batchOrExit(session, ref)], packs);
  if (view === undefined) return;
  const { batch, account, ledger } = view;
  const { policy, store } = session;
  const zone = batchZone(batch, account, policy);
  const now = from === null ? store.time.now() : startOfDay(from, zone.name, 0);
  const scene = (at: Date): BatchScene => ({ batch, account, ledger: null, ownHold: null, at, present: false, policy, packs, zone });
  const days = Array.from({ length: 7 }, (_, n) =>
    dayOf(startOfDay(now, zone.name, n), startOfDay(now, zone.name, n + 1), zone.name, scene),
  );
  const shut = HOURS_GATE.check(scene(now))[0]?.reason;
  const nextOpen = shut === undefined ? now : shut.until;
  if (json) {
    printJson({
      batch_id: batch.id,
      timezone: zone.name,
      timezone_source: zone.source,
      next_open: nextOpen,
      days: days.map(({ date, weekday, quarters, because }) => ({ date, weekday, open: spansOf(quarters), because })),
      problems: batch.problems,
    });
    return;
  }
  print(`${batch.id ?? ref}, clock of ${zone.name} (${zone.source}); # open, + partly, . closed`);
  print(`${' '.repeat(15)}${Array.from({ length: 12 }, (_, n) => String(n * 2).padEnd(4)).join('')}`);
  for (const day of days) print(`${day.weekday} ${day.date} ${cellsOf(day.quarters)}${day.because === null ? '' : `  ${day.because}`}`);
  print(
    nextOpen === null
      ? 'It does not open within a year.'
      : shut === undefined
        ? from === null
          ? 'Open now.'
          : 'Open from the beginning of that day.'
        : `Opens at ${nextOpen.toISOString()}.`,
  );
  for (const problem of batch.problems) print(`Closed until corrected: ${problem}.`);
  const others = batchGates(batch, account, ledger, now, policy, packs).filter(
    ({ code }) => code !== 'WINDOW_CLOSED' && code !== 'HOLIDAY' && code !== 'BATCH_UNREADABLE',
  );
  for (const { text } of others) print(`Besides the hours: ${text}`);
}

function dayOf(from: Date, to: Date, zone: string, scene: (at: Date) => BatchScene): Day {
  const quarters: boolean[] = [];
  for (let ms = from.getTime(); ms < to.getTime(); ms += QUARTER_MS) quarters.push(HOURS_GATE.check(scene(new Date(ms))).length === 0);
  const date = localDate(from, zone);
  // A weekday that is never open needs no explanation; a holiday does.
  const noon = HOURS_GATE.check(scene(new Date((from.getTime() + to.getTime()) / 2)));
  const because = noon.find(({ reason }) => reason.code === 'HOLIDAY')?.reason.text.replace(/ There is no opening.*$/, '') ?? null;
  return { date, weekday: WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? '', quarters, because };
}

/** Half an hour per sign: a day fits a terminal. */
export function cellsOf(quarters: readonly boolean[]): string {
  let cells = '';
  for (let n = 0; n < quarters.length; n += 2)
    cells += quarters[n] === true && quarters[n + 1] === true ? '#' : quarters[n] === true || quarters[n + 1] === true ? '+' : '.';
  return cells;
}

/** `09:00-18:00`, to the quarter of an hour, counted from the day's beginning. */
export function spansOf(quarters: readonly boolean[]): readonly string[] {
  const clock = (n: number): string => `${String(Math.floor(n / 4)).padStart(2, '0')}:${String((n % 4) * 15).padStart(2, '0')}`;
  const spans: string[] = [];
  for (let n = 0; n < quarters.length; n += 1) {
    if (quarters[n] !== true || quarters[n - 1] === true) continue;
    let end = n;
    while (quarters[end] === true) end += 1;
    spans.push(`${clock(n)}-${clock(end)}`);
  }
  return spans;
}
