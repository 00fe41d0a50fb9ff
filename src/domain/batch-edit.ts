/**
 * Changes to a batch as an operator writes them, `key=value`: which field of the document each becomes, and what the reader of batches
 * says about the result. Nothing is written that would close the batch (P4): a typing error in the hours must not stop a campaign.
 */
import type { Batch } from './batch.js';
import { get, record } from './lenient.js';
import { momentIn } from './moments.js';
import { readBatch } from './read-batch.js';

type Fields = Readonly<Record<string, unknown>>;

export interface BatchEdit {
  readonly root: Fields;
  readonly settings: Fields;
  /** Paths to remove: the other spellings of what is set, which would otherwise rule over it or narrow it. */
  readonly unset: readonly string[];
}

export type EditReading =
  { readonly kind: 'edit'; readonly edit: BatchEdit } | { readonly kind: 'wrong'; readonly problems: readonly string[] };

type Reader = (written: string, zone: string) => unknown;
type Place = readonly ['root' | 'settings', Reader, ...string[]];

/** What a reader gives for a text it does not understand. */
const WRONG = Symbol('wrong');

const asText: Reader = (written) => written;
const asWhole: Reader = (written) => (/^\d{1,9}$/.test(written) ? Number(written) : WRONG);
const asNumber: Reader = (written) => (/^\d{1,9}(\.\d{1,6})?$/.test(written) ? Number(written) : WRONG);
const asList: Reader = (written) => jsonOf(written) ?? written.split(/[,;\s]+/).filter((part) => part !== '');
const asPriority: Reader = (written) => (/^[1-4]$/.test(written) ? Number(written) : WRONG);
const asHolidays: Reader = (written) => (written === 'true' ? true : written === 'false' ? false : written);
const asRules: Reader = (written) => (written === 'true' ? true : written === 'false' ? false : written);

/** `09:00-18:00` becomes the object that SpeechAI's own forms write. */
const asHours: Reader = (written) => {
  const range = /^(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})$/.exec(written);
  return range === null ? (jsonOf(written) ?? WRONG) : { start: range[1], end: range[2] };
};

/** `1-5` and `1,2,6` become the list of numbers that SpeechAI's own forms write; names stay names. */
const asDays: Reader = (written) => {
  const json = jsonOf(written);
  if (Array.isArray(json)) return json as unknown[];
  return written.split(/[,;\s]+/).flatMap((part): unknown[] => {
    const range = /^([0-7])-([0-7])$/.exec(part);
    if (range === null) return /^\d+$/.test(part) ? [Number(part)] : part === '' ? [] : [part];
    const [from, to] = [Number(range[1]), Number(range[2])];
    return from <= to ? Array.from({ length: to - from + 1 }, (_, n) => from + n) : [part];
  });
};

/** A time without an offset is the wall clock's in the batch's zone: nobody thinks of a campaign's start in UTC. */
const asMoment: Reader = (written, zone) => momentIn(written, zone) ?? WRONG;
/** A campaign that ends on a day is dialled on that day. */
const asEnd: Reader = (written, zone) => momentIn(written, zone, 'is over') ?? WRONG;

/** In the order of the help text. The last entries are other paths of the same thing. */
const KEYS: Readonly<Record<string, Place>> = {
  name: ['root', asText],
  description: ['root', asText],
  priority: ['root', asPriority, 'call_settings.priority'],
  start_at: ['root', asMoment, 'call_settings.start_at'],
  end_at: ['root', asEnd, 'call_settings.end_at'],
  queue: ['root', asText, 'call_settings.queue'],
  rules: ['root', asRules, 'call_settings.rules'],
  from_numbers: ['root', asList, 'from_number', 'call_settings.from_numbers', 'call_settings.from_number'],
  agent_id: ['root', asText, 'retell_agent_id', 'call_settings.agent_id', 'call_settings.retell_agent_id'],
  max_attempts: ['settings', asWhole, 'call_settings.retry_settings.max_attempts'],
  retry_delay_hours: [
    'settings',
    asNumber,
    'call_settings.hours_between_attempts',
    'call_settings.retry_settings.retry_delay_hours',
    'call_settings.retry_settings.hours_between_attempts',
  ],
  allowed_hours: ['settings', asHours, 'call_settings.allowed_call_hours'],
  days_of_week: ['settings', asDays, 'call_settings.allowed_days'],
  timezone: ['settings', asText, 'call_settings.time_zone'],
  holidays: ['settings', asHolidays],
  closed_dates: ['settings', asList],
  ring_timeout: ['settings', asNumber],
  max_call_duration: ['settings', asNumber],
  max_concurrent_calls: ['settings', asWhole],
  max_calls_per_day: ['settings', asWhole, 'call_settings.daily_call_limit'],
};

export const EDITABLE: readonly string[] = Object.keys(KEYS);

/** Reads `key=value` words; `key=` takes the value away. `zone` is where local times are meant. */
export function readEdits(words: readonly string[], zone: string): EditReading {
  const root: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  const unset: string[] = [];
  const problems: string[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    const key = (at < 0 ? word : word.slice(0, at)).trim().replace(/^call_settings\./, '');
    const place = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (at < 0) problems.push(`"${word}" is not written as key=value`);
    else if (place === undefined) problems.push(`"${key}" cannot be set; known are ${EDITABLE.join(', ')}`);
    else {
      const [where, read, ...others] = place;
      const written = word.slice(at + 1).trim();
      const value = written === '' ? undefined : read(written, zone);
      unset.push(...others);
      if (value === WRONG)
        problems.push(
          `${key}: "${written.slice(0, 60)}" is not understood${key === 'allowed_hours' ? '; write allowed_hours=09:00-18:00' : ''}`,
        );
      else if (value === undefined && key === 'name') problems.push('name cannot be empty');
      else if (value === undefined) unset.push(where === 'root' ? key : `call_settings.${key}`);
      else (where === 'root' ? root : settings)[key] = value;
    }
  }
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'edit', edit: { root, settings, unset } };
}

/** The document as it would be: what is validated before writing, and what a forecast is made with. */
export function applyEdit(doc: Fields, edit: BatchEdit): Fields {
  const next: Record<string, unknown> = { ...doc, ...edit.root };
  const before = settingsOf(get(doc, 'call_settings'));
  if (Object.keys(edit.settings).length > 0 || before !== null) next['call_settings'] = { ...before, ...edit.settings };
  for (const path of edit.unset) without(next, path.split('.'));
  return next;
}

/** Settings as an object, also where they are stored as a JSON text; null where there are none. */
export function settingsOf(stored: unknown): Fields | null {
  return record(stored) ?? (typeof stored === 'string' ? record(jsonOf(stored)) : null);
}

/** What the change would make unreadable that was readable before. */
export function newProblems(before: Fields, after: Fields): { readonly batch: Batch; readonly problems: readonly string[] } {
  const known = new Set(readBatch(before).problems);
  const batch = readBatch(after);
  const backwards = batch.startAt !== null && batch.endAt !== null && batch.endAt <= batch.startAt;
  return {
    batch,
    problems: [...batch.problems.filter((problem) => !known.has(problem)), ...(backwards ? ['end_at is not after start_at'] : [])],
  };
}

function without(target: Record<string, unknown>, path: readonly string[]): void {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(target, key)) return;
  if (rest.length === 0) {
    delete target[key];
    return;
  }
  const inner = record(target[key]);
  if (inner === null) return;
  const copy = { ...inner };
  without(copy, rest);
  target[key] = copy;
}

function jsonOf(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return undefined;
  }
}
