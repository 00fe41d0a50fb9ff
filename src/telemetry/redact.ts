/**
 * Everything that is written to a log passes through here. Judged by the name of a field, then by what the value looks like,
 * then by the secrets this process was given. Never throws, whatever it is given, and its result holds only plain JSON values.
 */
import { type KeyKind, isMeasure, kindOfKey } from './keys.js';
import { hasIdShape, maskPhone } from './phones.js';
import { createSecretFilter, type SecretFilter } from './secrets.js';
import { REDACTED, maskText } from './text.js';

export { maskPhone } from './phones.js';

const MAX_TEXT = 8_192;
/** A text that was cut may end in part of a secret; this much of its end is dropped. */
const MIN_TAIL = 512;
const MAX_DEPTH = 8;
const MAX_ITEMS = 100;
const MAX_NODES = 2_000;

export type PlainValue = null | boolean | number | string | readonly PlainValue[] | { readonly [key: string]: PlainValue };

export interface Redactor {
  /** Any value as plain JSON without secrets. */
  value(value: unknown): PlainValue;
  fields(fields: Readonly<Record<string, unknown>>): Record<string, PlainValue>;
  text(text: string): string;
  /** The last look at a finished line, for the given secrets only. */
  line(line: string): string;
}

interface Walk {
  readonly seen: Set<object>;
  nodes: number;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Reading a property can run a getter or a proxy's trap, and either can throw. */
function read(holder: object, key: string): unknown {
  try {
    return Reflect.get(holder, key);
  } catch {
    return '[unreadable]';
  }
}

const isPairLike = (value: object): value is Iterable<[unknown, unknown]> =>
  value instanceof Map || value instanceof URLSearchParams || value instanceof Headers;

export function createRedactor(secrets: readonly string[] = []): Redactor {
  const filter: SecretFilter = createSecretFilter(secrets);

  function text(raw: string): string {
    const cut = raw.length > MAX_TEXT;
    const masked = maskText(filter.scrub(cut ? raw.slice(0, MAX_TEXT) : raw));
    if (!cut) return masked;
    return `${masked.slice(0, -Math.max(MIN_TAIL, filter.longest))}[${raw.length} characters]`;
  }

  function stringOf(raw: string, kind: KeyKind, walk: Walk, depth: number): PlainValue {
    if (kind === 'phone') return maskPhone(raw);
    if (kind === 'id' && hasIdShape(raw)) return filter.scrub(raw);
    if (/^\s*[[{]/.test(raw) && raw.length <= MAX_TEXT) {
      // A reply logged as text is as full of names as the object it was.
      try {
        return text(JSON.stringify(inner(JSON.parse(raw), 'plain', '', walk, depth + 1)));
      } catch {
        return text(raw);
      }
    }
    return text(raw);
  }

  function numberOf(value: number | bigint, kind: KeyKind, key: string): PlainValue {
    const size = typeof value === 'bigint' ? Number(value) : Math.abs(value);
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    if (kind === 'phone' && Math.abs(size) >= 1e6) return maskPhone(String(value));
    const shown = typeof value === 'bigint' ? String(value) : value;
    if (Math.abs(size) < 1e8 || !Number.isInteger(size)) return scrubbedNumber(shown);
    // Milliseconds since 1970, years 2014 to 2033: no telephone number has thirteen digits and starts with 14 to 19.
    const isMoment = size >= 1.4e12 && size < 2e12;
    if (isMoment || isMeasure(key)) return scrubbedNumber(shown);
    return size >= 1e16 ? REDACTED : maskPhone(String(value));
  }

  function scrubbedNumber(shown: number | string): PlainValue {
    const plain = String(shown);
    return filter.scrub(plain) === plain ? shown : REDACTED;
  }

  function errorOf(error: Error, walk: Walk, depth: number): PlainValue {
    const out: Record<string, PlainValue> = Object.create(null) as Record<string, PlainValue>;
    const type = read(error, 'name');
    out['type'] = typeof type === 'string' ? text(type) : 'Error';
    for (const key of ['message', 'code', 'stack']) {
      const value = read(error, key);
      if (typeof value === 'string') out[key] = text(value);
      else if (typeof value === 'number') out[key] = numberOf(value, 'plain', key);
    }
    const cause = read(error, 'cause');
    if (cause !== undefined) out['cause'] = inner(cause, 'plain', 'cause', walk, depth + 1);
    const errors = read(error, 'errors');
    if (errors !== undefined) out['errors'] = inner(errors, 'plain', 'errors', walk, depth + 1);
    const known = new Set(['name', 'message', 'code', 'stack', 'cause', 'errors']);
    copyEntries(
      keysOf(error).filter((key) => !known.has(key)),
      error,
      out,
      walk,
      depth,
    );
    return out;
  }

  function keysOf(holder: object): string[] {
    try {
      return Object.keys(holder);
    } catch {
      return [];
    }
  }

  function put(out: Record<string, PlainValue>, key: string, value: PlainValue): void {
    let free = text(key);
    // Two numbers may have the same mask; neither entry may hide the other.
    for (let copy = 2; Object.hasOwn(out, free); copy += 1) free = `${text(key)}#${copy}`;
    out[free] = value;
  }

  function copyEntries(keys: readonly string[], from: object, out: Record<string, PlainValue>, walk: Walk, depth: number): void {
    for (const key of keys.slice(0, MAX_ITEMS)) put(out, key, inner(read(from, key), kindOfKey(key), key, walk, depth + 1));
    if (keys.length > MAX_ITEMS) out['...'] = `${keys.length - MAX_ITEMS} more`;
  }

  function listOf(items: readonly unknown[], kind: KeyKind, key: string, walk: Walk, depth: number): PlainValue {
    const out: PlainValue[] = [];
    for (const [index, item] of items.slice(0, MAX_ITEMS).entries()) {
      // Raw headers and entries are flat lists: name, value, name, value.
      const before = index > 0 ? items[index - 1] : undefined;
      const named = typeof before === 'string' ? kindOfKey(before) : 'plain';
      out.push(inner(item, kind === 'plain' && named !== 'id' ? named : kind, key, walk, depth + 1));
    }
    if (items.length > MAX_ITEMS) out.push(`${items.length - MAX_ITEMS} more`);
    return out;
  }

  function pairsOf(pairs: Iterable<[unknown, unknown]>, walk: Walk, depth: number): PlainValue {
    const out: Record<string, PlainValue> = Object.create(null) as Record<string, PlainValue>;
    let count = 0;
    for (const [key, value] of pairs) {
      count += 1;
      if (count > MAX_ITEMS) break;
      const name = isRecord(key) ? JSON.stringify(inner(key, 'plain', '', walk, depth + 1)) : String(key);
      put(out, name, inner(value, kindOfKey(name), name, walk, depth + 1));
    }
    return out;
  }

  /** Values of the database driver, known by their tag because this folder does not load the driver. */
  function bsonOf(value: object, tag: string): PlainValue {
    if (tag === 'Binary') return '[binary]';
    const print = read(value, tag === 'ObjectId' ? 'toHexString' : 'toString');
    const printed: unknown = typeof print === 'function' ? Reflect.apply(print, value, []) : undefined;
    if (typeof printed !== 'string') return `[${text(tag)}]`;
    return tag === 'ObjectId' && hasIdShape(printed) ? filter.scrub(printed) : text(printed);
  }

  function objectOf(value: object, kind: KeyKind, key: string, walk: Walk, depth: number): PlainValue {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
      return `[${value.byteLength} bytes]`;
    if (value instanceof URL || value instanceof RegExp) return text(String(value));
    if (value instanceof String) return stringOf(String(value), kind, walk, depth);
    if (value instanceof Number || value instanceof Boolean) return inner(value.valueOf(), kind, key, walk, depth);
    const tag = read(value, '_bsontype');
    if (typeof tag === 'string') return bsonOf(value, tag);
    if (walk.seen.has(value)) return '[circular]';
    if (depth > MAX_DEPTH) return '[too deep]';
    walk.seen.add(value);
    try {
      if (value instanceof Error) return errorOf(value, walk, depth);
      if (Array.isArray(value)) return listOf(value, kind, key, walk, depth);
      if (value instanceof Set) return listOf([...value], kind, key, walk, depth);
      if (isPairLike(value)) return pairsOf(value, walk, depth);
      const out: Record<string, PlainValue> = Object.create(null) as Record<string, PlainValue>;
      copyEntries(keysOf(value), value, out, walk, depth);
      return out;
    } finally {
      walk.seen.delete(value);
    }
  }

  function inner(value: unknown, kind: KeyKind, key: string, walk: Walk, depth: number): PlainValue {
    walk.nodes += 1;
    if (walk.nodes > MAX_NODES) return '[too much]';
    if (value === null || value === undefined) return null;
    if (typeof value === 'boolean') return value;
    if (kind === 'secret' || kind === 'personal') return REDACTED;
    try {
      if (typeof value === 'string') return stringOf(value, kind, walk, depth);
      if (typeof value === 'number' || typeof value === 'bigint') return numberOf(value, kind, key);
      if (typeof value === 'symbol') return text(value.description ?? '');
      if (typeof value === 'function') return '[function]';
      if (typeof value === 'object') return objectOf(value, kind, key, walk, depth);
    } catch {
      // A proxy may throw from anything, `instanceof` included.
    }
    return '[unreadable]';
  }

  return {
    text,
    line: (line) => filter.scrub(line),
    value: (value) => inner(value, 'plain', '', { seen: new Set(), nodes: 0 }, 0),
    fields(fields) {
      const out: Record<string, PlainValue> = Object.create(null) as Record<string, PlainValue>;
      const walk: Walk = { seen: new Set([fields]), nodes: 0 };
      copyEntries(keysOf(fields), fields, out, walk, 0);
      return out;
    },
  };
}

const withoutSecrets = createRedactor();

/** Masks by field name and by pattern. Where secret values are known, `createRedactor(secrets)` finds those too. */
export const redact = (value: unknown): PlainValue => withoutSecrets.value(value);
