/**
 * The reader of batch documents and their `call_settings`: absent, null, flat, nested, in strings, in the front end's spelling. What is not
 * understood becomes a problem, and a batch with problems is closed (P4): SpeechAI's worker took malformed hours for "any hour".
 */
import type { Batch, BatchState, CallSettings } from './batch.js';
import { count, date, firstOf, get, list, number, record, text } from './lenient.js';
import { isLocal, momentIn } from './moments.js';
import { readPhone } from './phones.js';
import { intersectWeeks, readWeek } from './week.js';
import { isZone } from './zones.js';

const HOUR_MS = 3_600_000;

/** Each costs a look at the hours when the batch's own are over. */
export const MOST_CONTACT_ZONES = 20;

/** Rules value for "the pack of the account's country", holidays value for "the account's country". */
export const OF_ACCOUNT = 'account';

const NO_SETTINGS: CallSettings = {
  maxAttempts: null,
  retryDelayMs: null,
  week: null,
  timezone: null,
  closedDates: [],
  holidays: null,
  ringTimeoutMs: null,
  maxDurationMs: null,
  maxConcurrentCalls: null,
  maxCallsPerDay: null,
};

/** The batch of an account's jobs that name none. */
export function impliedBatch(account: string | null): Batch {
  return {
    id: null,
    name: 'jobs without a batch',
    account,
    state: 'running',
    stateReason: null,
    startAt: null,
    endAt: null,
    priority: 1,
    queue: null,
    useCase: null,
    rules: null,
    fromNumbers: [],
    agentId: null,
    contactZones: [],
    settings: NO_SETTINGS,
    problems: [],
  };
}

export function readBatch(doc: unknown): Batch {
  const problems: string[] = [];
  const settings = settingsObject(get(doc, 'call_settings'), problems);
  // A rule may stand on the batch or among its settings; the batch's own wins.
  const either = (...keys: readonly string[]): unknown => firstOf(doc, ...keys) ?? firstOf(settings, ...keys);
  const id = text(get(doc, 'batch_id')) ?? text(get(doc, '_id'));
  // Jobs name their batch by this text, and the claim looks for no other.
  if (typeof get(doc, 'batch_id') !== 'string') problems.push('it has no batch_id that is a text, so no job can name it');
  const { state, stateReason } = stateOf(doc, problems);
  const read = readSettings(settings, problems);
  return {
    id,
    name: text(get(doc, 'name')) ?? id ?? '',
    account: text(get(doc, 'account_id')),
    state,
    stateReason,
    startAt: moment(either('start_at'), 'start_at', read.timezone, problems),
    endAt: moment(either('end_at'), 'end_at', read.timezone, problems),
    priority: readPriority(firstOf(settings, 'priority')) ?? readPriority(get(doc, 'priority')) ?? 1,
    queue: text(either('queue')),
    useCase: text(either('use_case'))?.toLowerCase() ?? useCaseIn(id),
    rules: readRules(either('rules'), problems),
    fromNumbers: readCallers(either('from_numbers', 'from_number'), problems),
    agentId: text(either('agent_id', 'retell_agent_id')),
    contactZones: readZones(get(doc, 'contact_zones')),
    settings: read,
    problems,
  };
}

/** SpeechAI stores no use case, but writes it into the ids of some batches: `batch-marketing-20251025-174129`, `batch-ar-cobranza-...`. */
function useCaseIn(id: string | null): string | null {
  const named = /^batch-(?:ar-)?([a-z_]{4,30})-\d{8}-\d{6}/.exec(id ?? '')?.[1];
  return named ?? null;
}

/** Written by daemons (store/campaigns.ts), and only a hint: what is no zone there closes nothing. */
function readZones(value: unknown): readonly string[] {
  const names = list(value) ?? [];
  return names.filter((name): name is string => typeof name === 'string' && isZone(name)).slice(0, MOST_CONTACT_ZONES);
}

function settingsObject(value: unknown, problems: string[]): unknown {
  if (value === undefined || value === null) return {};
  let read: unknown = value;
  if (typeof value === 'string') {
    if (value.trim() === '') return {};
    try {
      read = JSON.parse(value);
    } catch {
      read = undefined;
    }
    if (read === null) return {};
  }
  const settings = record(read);
  if (settings === null) problems.push('call_settings is not an object');
  return settings ?? {};
}

const STATES: Readonly<Record<string, BatchState>> = {
  draining: 'draining',
  cancelled: 'cancelled',
  canceled: 'cancelled',
  completed: 'completed',
};
/** Said by `is_active`, `start_at` and `end_at` too, which win. */
const SAID_ELSEWHERE = new Set(['running', 'active', 'paused', 'scheduled', 'expired', 'pending']);

/** `is_active` is the truth about running or paused, because SpeechAI's API writes only that; our `state` adds what it cannot say. */
function stateOf(doc: unknown, problems: string[]): { readonly state: BatchState; readonly stateReason: string | null } {
  const why = text(get(doc, 'state_reason')) ?? text(get(doc, 'cancellation_reason'));
  const stored = get(doc, 'state');
  const word = text(stored)?.toLowerCase() ?? '';
  const own = Object.hasOwn(STATES, word) ? STATES[word] : undefined;
  if (word === 'importing') problems.push('its import is not complete; run the import again');
  else if (own === undefined && stored !== undefined && stored !== null && !SAID_ELSEWHERE.has(word)) {
    problems.push(`state "${word.slice(0, 40)}" is not known`);
  }
  if (own === 'cancelled' || own === 'completed') return { state: own, stateReason: why };
  const active = get(doc, 'is_active');
  if (active === true) return { state: own ?? 'running', stateReason: why };
  const missing = active === undefined || active === null;
  // SpeechAI's worker asked for `true` and nothing else, and so do we: a batch that is shown as running must be one that is dialled.
  if (!missing && active !== false) problems.push(`is_active is ${(text(active) ?? typeof active).slice(0, 40)}, neither true nor false`);
  return { state: 'paused', stateReason: why ?? (missing ? 'is_active is missing, which SpeechAI reads as paused' : null) };
}

function readSettings(settings: unknown, problems: string[]): CallSettings {
  const retry = firstOf(settings, 'retry_settings');
  if (retry !== undefined && record(retry) === null) problems.push('call_settings.retry_settings is not an object');
  const either = (...keys: readonly string[]): unknown => firstOf(settings, ...keys) ?? firstOf(retry, ...keys);
  const seconds = (key: string, min: number, max: number): number | null => {
    const read = quantity(firstOf(settings, key), `call_settings.${key}`, problems);
    return read === null ? null : Math.round(Math.min(max, Math.max(min, read)) * 1_000);
  };
  const delayHours = quantity(either('retry_delay_hours', 'hours_between_attempts'), 'call_settings.retry_delay_hours', problems, true);
  const dates = readDates(settings, problems);
  return {
    maxAttempts: whole(either('max_attempts'), 'call_settings.max_attempts', problems, 1),
    retryDelayMs: delayHours === null ? null : Math.round(Math.min(delayHours, 24 * 366) * HOUR_MS),
    week: readHours(settings, problems),
    timezone: readZone(settings, problems),
    closedDates: dates.closed,
    holidays: dates.holidays,
    // The bounds are the provider's: outside them it refuses the call.
    ringTimeoutMs: seconds('ring_timeout', 5, 300),
    maxDurationMs: seconds('max_call_duration', 60, 7_200),
    maxConcurrentCalls: whole(firstOf(settings, 'max_concurrent_calls'), 'call_settings.max_concurrent_calls', problems, 1),
    maxCallsPerDay: whole(firstOf(settings, 'max_calls_per_day', 'daily_call_limit'), 'call_settings.max_calls_per_day', problems, 0),
  };
}

/** Both spellings of the hours, where both are given: only what both allow. */
function readHours(settings: unknown, problems: string[]): CallSettings['week'] {
  const days = firstOf(settings, 'days_of_week', 'allowed_days');
  const flat = firstOf(settings, 'allowed_hours');
  const nested = firstOf(settings, 'allowed_call_hours');
  const readings = [
    ...(nested === undefined ? [] : [readWeek(nested, days, 'call_settings.allowed_call_hours', 'call_settings.days_of_week')]),
    ...(nested !== undefined && flat === undefined
      ? []
      : [readWeek(flat, days, 'call_settings.allowed_hours', 'call_settings.days_of_week')]),
  ];
  for (const problem of new Set(readings.flatMap((reading) => reading.problems))) problems.push(problem);
  return readings.reduce<CallSettings['week']>((week, reading) => intersectWeeks(week, reading.week), null);
}

function readZone(settings: unknown, problems: string[]): string | null {
  const stored = firstOf(settings, 'timezone', 'time_zone');
  if (stored === undefined || (typeof stored === 'string' && stored.trim() === '')) return null;
  const zone = text(stored);
  if (zone !== null && isZone(zone)) return zone;
  problems.push(`call_settings.timezone "${(zone ?? typeof stored).slice(0, 40)}" is not a time zone like America/Santiago`);
  return null;
}

function readDates(settings: unknown, problems: string[]): { readonly closed: readonly string[]; readonly holidays: string | null } {
  const holidays = firstOf(settings, 'holidays');
  const listed = list(holidays);
  const closed = [...datesIn(listed, 'holidays', problems), ...datesIn(firstOf(settings, 'closed_dates'), 'closed_dates', problems)];
  if (holidays === undefined || holidays === false || listed !== null) return { closed, holidays: null };
  if (holidays === true) return { closed, holidays: OF_ACCOUNT };
  const country = text(holidays)?.toLowerCase() ?? '';
  if (/^[a-z]{2}$/.test(country) || country === OF_ACCOUNT) return { closed, holidays: country };
  problems.push('call_settings.holidays is neither true, a country like "cl", nor a list of dates');
  return { closed, holidays: null };
}

function datesIn(value: unknown, name: string, problems: string[]): readonly string[] {
  if (value === undefined || value === null) return [];
  return (list(value) ?? [value]).flatMap((entry) => {
    const written = entry instanceof Date ? date(entry)?.toISOString().slice(0, 10) : text(entry);
    if (typeof written === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(written) && date(written)?.toISOString().startsWith(written) === true)
      return [written];
    problems.push(`call_settings.${name} holds "${(written ?? typeof entry).slice(0, 40)}", which is not a date like 2026-09-18`);
    return [];
  });
}

const PRIORITY_WORDS: Readonly<Record<string, number>> = {
  low: 1,
  baja: 1,
  normal: 2,
  medium: 2,
  media: 2,
  high: 3,
  alta: 3,
  urgent: 4,
  urgente: 4,
};

/** A weight, no rule: what is not understood is the lowest, it closes nothing. */
function readPriority(value: unknown): number | null {
  const asNumber = number(value);
  if (asNumber !== null) return Math.min(4, Math.max(1, Math.round(asNumber)));
  const word = text(value)?.toLowerCase() ?? '';
  return Object.hasOwn(PRIORITY_WORDS, word) ? (PRIORITY_WORDS[word] ?? null) : null;
}

function readRules(value: unknown, problems: string[]): string | null {
  if (value === undefined || value === null) return null;
  if (value === true) return OF_ACCOUNT;
  if (value === false) return 'none';
  const name = text(value)?.toLowerCase() ?? '';
  if (/^[a-z][a-z0-9_-]{0,31}$/.test(name)) return name;
  problems.push('rules is not the name of a rule pack like "cl"');
  return null;
}

/** Caller numbers must be international: there is no country to complete them with. */
export function readCallers(value: unknown, problems: string[]): readonly string[] {
  if (value === undefined || value === null) return [];
  const entries =
    list(value) ?? (typeof value === 'string' ? value.split(/[;,\s]+(?=\+|\d)/).filter((part) => part.trim() !== '') : [value]);
  return entries.flatMap((entry) => {
    const { e164 } = readPhone(entry, null);
    if (e164 === null) problems.push('from_numbers holds a caller number that is not international (+56...)');
    return e164 ?? [];
  });
}

/** A text without an offset is a wall clock's, and only the batch's own zone is known here: read as UTC, a campaign would start hours early. */
function moment(value: unknown, name: 'start_at' | 'end_at', zone: string | null, problems: string[]): Date | null {
  if (isAbsent(value)) return null;
  const local = typeof value === 'string' && isLocal(value);
  const read = local ? momentIn(value, zone ?? 'UTC', name === 'end_at' ? 'is over' : 'begins') : date(value);
  if (read === null) problems.push(`${name} is not a date`);
  else if (local && zone === null) problems.push(`${name} is a text without an offset like -03:00, and call_settings has no timezone`);
  return read;
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

function whole(value: unknown, name: string, problems: string[], min: number): number | null {
  if (isAbsent(value)) return null;
  const read = count(value, min);
  if (read === null) problems.push(`${name} is not a whole number of at least ${min}`);
  return read;
}

function quantity(value: unknown, name: string, problems: string[], zeroAllowed = false): number | null {
  if (isAbsent(value)) return null;
  const read = number(value);
  if (read !== null && (read > 0 || (read === 0 && zeroAllowed))) return read;
  problems.push(`${name} is not a number ${zeroAllowed ? 'of at least 0' : 'above 0'}`);
  return null;
}
