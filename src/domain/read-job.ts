/**
 * The one reader of job documents: every generation of SpeechAI's (nested contact and payload, flat with `rut`/`nombre`/`to_number`, the
 * `phones` object of the debtor export), with the types other programs really stored. Nothing else touches raw fields. Total: it never throws.
 */
import type { Contact, DocId, Job, JobReading, Phone } from './job.js';
import { idKey } from './job.js';
import { count, date, firstOf, flagged, get, list, record, text, typeOf } from './lenient.js';
import { formerPersonHash, personHash } from './person.js';
import { countryCode, isCountry, readPhone } from './phones.js';
import { isZone } from './zones.js';

/** More numbers than any person has; a hostile list of a million must not cost a second. */
const MAX_PHONES = 50;
const MAX_BAD_LINES = 500;

/** `country` is the account's, for numbers stored without an international prefix; null: such numbers are no numbers. */
export function readJob(doc: unknown, country: string | null = null): JobReading {
  const raw = record(doc);
  const id = docId(get(doc, '_id'));
  if (raw === null) return { kind: 'unreadable', id, why: 'it is not a document' };
  const stored = storedPhones(raw);
  if (stored.kind === 'unreadable') return { kind: 'unreadable', id, why: stored.why };
  return { kind: 'job', job: jobOf(raw, id, contactOf(raw, stored.numbers, ownCountry(raw) ?? country)) };
}

/** What is no country must not overrule the account's, or every national number of the job would be none. */
function ownCountry(raw: Readonly<Record<string, unknown>>): string | null {
  const code = countryCode(text(get(raw, 'country')) ?? '');
  return code !== null && isCountry(code) ? code : null;
}

function jobOf(raw: Readonly<Record<string, unknown>>, id: DocId, contact: Contact): Job {
  return {
    id,
    ref: text(get(raw, 'job_id')) ?? safeKey(id),
    status: text(get(raw, 'status')) ?? '',
    account: text(get(raw, 'account_id')),
    batch: batchOf(get(raw, 'batch_id')),
    queue: text(get(raw, 'queue')),
    attempts: count(get(raw, 'attempts')) ?? 0,
    // A limit below one is no limit anybody meant: the API stamps this field on every job.
    maxAttempts: count(get(raw, 'max_attempts'), 1),
    transientCalls: count(get(raw, 'transient_calls')) ?? 0,
    rescues: count(get(raw, 'rescues')) ?? 0,
    refusals: count(get(raw, 'refusals')) ?? 0,
    badLines: (list(get(raw, 'bad_lines'), MAX_BAD_LINES) ?? []).flatMap((line) => text(line) ?? []),
    contact,
    reservedUntil: date(get(raw, 'reserved_until')),
    nextTryAt: date(get(raw, 'next_try_at')),
    startedAt: date(get(raw, 'started_at')),
    createdAt: date(get(raw, 'created_at')),
    leaseToken: text(get(raw, 'lease_token')),
    callId: text(get(raw, 'call_id')),
    callStartedAt: date(get(raw, 'call_started_at')),
    succeeded: get(get(raw, 'call_result'), 'success') === true && get(get(raw, 'call_result'), 'attempt_id') === undefined,
    lastError: text(get(raw, 'last_error')),
    suspendReason: text(get(raw, 'suspend_reason')),
    cancelRequested: flagged(get(raw, 'cancel_requested')),
    suspendRequested: flagged(get(raw, 'suspend_requested')),
    payload: record(get(raw, 'payload')) ?? {},
    raw,
  };
}

/** Batches are found by their text alone. Any other type names none, though it may look like one: `explain` then says that it is missing. */
function batchOf(stored: unknown): string | null {
  if (stored === undefined || stored === null || typeof stored === 'string') return text(stored);
  return `${typeOf(stored)} ${text(stored) ?? ''}`.trim();
}

/** Who is to be called, as stored: for lists, which do not ask what a number means. A place without a number stays empty. */
export function writtenContact(doc: unknown): {
  readonly name: string | null;
  readonly dni: string | null;
  readonly numbers: readonly (string | null)[];
} {
  const raw = record(doc) ?? {};
  const stored = storedPhones(raw);
  return { ...namesIn(raw), numbers: stored.kind === 'numbers' ? stored.numbers.map(text) : [] };
}

function namesIn(raw: Readonly<Record<string, unknown>>): { readonly name: string | null; readonly dni: string | null } {
  const contact = get(raw, 'contact');
  return {
    name: text(get(contact, 'name')) ?? text(get(raw, 'nombre')),
    // `rut` of the workflows may lack the last digit, which is part of who somebody is; `rut_fmt` has it.
    dni: text(firstOf(contact, 'dni', 'rut')) ?? text(firstOf(raw, 'rut_fmt', 'rut', 'dni')),
  };
}

function contactOf(raw: Readonly<Record<string, unknown>>, numbers: readonly unknown[], country: string | null): Contact {
  const contact = get(raw, 'contact');
  const { name, dni } = namesIn(raw);
  const phones = numbers.map((number): Phone => readPhone(number, country));
  const timezone = text(firstOf(contact, 'timezone', 'time_zone'));
  return {
    name,
    dni,
    person: personHash(dni),
    formerPerson: formerPersonHash(dni),
    phones,
    // `phone_index` is where a flat document, which has no contact to hold it, keeps its own.
    phoneIndex: indexWithin(phones.length, get(contact, 'next_phone_index') ?? get(raw, 'phone_index')),
    timezone: timezone !== null && isZone(timezone) ? timezone : null,
  };
}

/** An index at or past the end was SpeechAI's mark for "all tried": the next round starts with the first number. */
function indexWithin(length: number, stored: unknown): number {
  const index = count(stored) ?? 0;
  return index < length ? index : 0;
}

type StoredPhones =
  { readonly kind: 'numbers'; readonly numbers: readonly unknown[] } | { readonly kind: 'unreadable'; readonly why: string };

function storedPhones(raw: Readonly<Record<string, unknown>>): StoredPhones {
  const contact = get(raw, 'contact');
  const nested = record(contact);
  const own = nested === null ? undefined : get(nested, 'phones');
  const found = phonesIn(own) ?? legacyPhones(raw, nested);
  if (found !== null) return { kind: 'numbers', numbers: found.slice(0, MAX_PHONES) };
  if (nested !== null) {
    return own === undefined || own === null
      ? { kind: 'numbers', numbers: [] }
      : { kind: 'unreadable', why: `contact.phones is ${kindOf(own)}, not a list of numbers` };
  }
  if (contact === undefined || contact === null) return { kind: 'unreadable', why: 'it has neither a contact nor a telephone number' };
  return { kind: 'unreadable', why: `contact is ${kindOf(contact)}, not an object with name, dni and phones` };
}

/** A list of numbers or of objects that hold one (kept in its order, `next_phone_index` points into it), a `;`-separated cell, or the debtor's object. */
function phonesIn(value: unknown): readonly unknown[] | null {
  const entries = list(value, MAX_PHONES);
  if (entries !== null) return entries.map((entry) => (record(entry) === null ? entry : firstOf(entry, 'number', 'phone')));
  if (typeof value === 'string')
    return value
      .slice(0, 2_000)
      .split(/[;,|]/)
      .filter((part) => part.trim() !== '');
  const named = record(value);
  if (named === null) return null;
  const known = [firstOf(named, 'mobile_e164', 'raw_mobile'), firstOf(named, 'landline_e164', 'raw_landline'), get(named, 'best_e164')];
  return [...new Set(known.flatMap((each) => text(each) ?? []))];
}

function legacyPhones(raw: unknown, contact: unknown): readonly unknown[] | null {
  for (const key of ['try_phones', 'phones']) {
    const numbers = phonesIn(get(raw, key));
    if (numbers !== null && numbers.length > 0) return numbers;
  }
  const single = text(firstOf(contact, 'phone')) ?? text(get(raw, 'to_number'));
  return single === null ? null : [single];
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'another kind of value' : `a ${typeof value}`;
}

/** The driver gives every stored value one of these types; undefined is only met in documents that never were in a database. */
function docId(value: unknown): DocId {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    case 'object':
      return value ?? '';
    default:
      return '';
  }
}

function safeKey(id: DocId): string {
  try {
    return idKey(id).slice(0, 200);
  } catch {
    return 'a job without a readable id';
  }
}
