/** How often: limits over earlier calls, and the keys of the counters that the database enforces by the day. */
import { hash } from 'node:crypto';
import type { PastCall } from './decision.js';
import { personsOf, type Contact, type Phone } from './job.js';
import type { Basis, Limit, Packs } from './rules.js';
import { localDate, startOfDay, startOfWeek } from './windows.js';

const HOUR_MS = 3_600_000;

const RANK: Readonly<Record<Basis, number>> = { placed: 0, rang: 1, answered: 2, conversation: 3 };

export interface LimitReached {
  readonly count: number;
  /** When it allows a call again; null: never, its maximum is nought. */
  readonly until: Date | null;
}

/** The calls that count against a limit of this scope for this contact and phone. */
export function callsInScope(
  history: readonly PastCall[],
  scope: 'number' | 'person',
  contact: Contact,
  phone: Phone,
): readonly PastCall[] {
  if (scope === 'number') return history.filter((call) => call.line === phone.line);
  const lines = new Set(contact.phones.map(({ line }) => line));
  // A call whose person is unknown counts by its line: the careful reading, or a re-import without RUTs would begin from nought.
  const persons = personsOf(contact);
  return history.filter((call) => (call.person !== null && persons.length > 0 ? persons.includes(call.person) : lines.has(call.line)));
}

/** Null while the limit still allows a call at that moment. */
export function limitReached(limit: Limit, calls: readonly PastCall[], at: Date, zone: string): LimitReached | null {
  const since = windowStart(limit, at, zone).getTime();
  const counted = calls
    .filter((call) => RANK[call.reached] >= RANK[limit.basis] && call.at.getTime() >= since)
    .map((call) => call.at.getTime())
    .toSorted((a, b) => a - b);
  if (counted.length < limit.max) return null;
  if (limit.max < 1) return { count: counted.length, until: null };
  return { count: counted.length, until: reopens(limit, counted, at, zone) };
}

function windowStart({ window }: Limit, at: Date, zone: string): Date {
  if (window.kind === 'day') return startOfDay(at, zone);
  if (window.kind === 'week') return startOfWeek(at, zone);
  // Half open: a call exactly `hours` ago no longer counts.
  return new Date(at.getTime() - window.hours * HOUR_MS + 1);
}

function reopens({ window, max }: Limit, counted: readonly number[], at: Date, zone: string): Date {
  if (window.kind === 'day') return startOfDay(at, zone, 1);
  if (window.kind === 'week') return startOfWeek(at, zone, 1);
  // So many must leave the window that one fewer than the maximum remains.
  const leaving = counted[counted.length - max] ?? at.getTime();
  return new Date(leaving + window.hours * HOUR_MS);
}

const DAY_MS = 24 * HOUR_MS;
/** A calendar week, and a margin for zones and for the calls of its first day. */
const WEEK_MS = 9 * DAY_MS;

/** How far back the history of calls must be known, so that no rule misses a call it counts. */
export function lookBackMs(packs: Packs, minRedialMs: number): number {
  const limits = Object.values(packs.rules).flatMap((pack) => pack.limits);
  const rolling = limits.map(({ window }) => (window.kind === 'rolling' ? window.hours * HOUR_MS + DAY_MS : 0));
  return Math.max(WEEK_MS, minRedialMs + DAY_MS, ...rolling);
}

/** When the line may ring again; null when that is now. */
export function redialableAt(history: readonly PastCall[], line: string, at: Date, minRedialMs: number): Date | null {
  const last = Math.max(...history.filter((call) => call.line === line).map((call) => call.at.getTime()));
  const next = last + minRedialMs;
  return Number.isFinite(next) && next > at.getTime() ? new Date(next) : null;
}

const OF_INSTALLATION = 'i:';

/** The key for the calls of the whole installation on a day of its own zone. It is counted in a ledger of its own. */
export function installationDayKey(at: Date, zone: string): string {
  return `${OF_INSTALLATION}${localDate(at, zone)}`;
}

export function isOfInstallation(key: string): boolean {
  return key.startsWith(OF_INSTALLATION);
}

/** The ledger's key for an account's calls on a day of its zone. */
export function accountDayKey(at: Date, zone: string): string {
  return `a:${localDate(at, zone)}`;
}

/** The ledger's key for a batch's calls on a day of the account's zone. The id is hashed: it may hold dots, which split a field's path. */
export function batchDayKey(batch: string | null, at: Date, zone: string): string {
  return `b:${hash('sha256', batch ?? '').slice(0, 12)}:${localDate(at, zone)}`;
}
