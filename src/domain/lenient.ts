/**
 * Reading values that other programs wrote. Every function here is total: a getter that throws, a revoked proxy or a cycle
 * reads as "nothing there", because one hostile document must not stop the daemon (P7).
 */

function quietly<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

export function get(from: unknown, key: string): unknown {
  if (typeof from !== 'object' || from === null) return undefined;
  return quietly<unknown>(() => Reflect.get(from, key), undefined);
}

/** The first of the keys that holds something other than undefined and null. */
export function firstOf(from: unknown, ...keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = get(from, key);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** A plain sub-document; BSON values (ObjectId, Decimal128...), dates and arrays are none. */
export function record(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null) return null;
  const plain = quietly(() => !Array.isArray(value) && !(value instanceof Date) && Reflect.get(value, '_bsontype') === undefined, false);
  return plain ? (value as Readonly<Record<string, unknown>>) : null;
}

/** The entries of an array, at most `max`; null where the value is no array. */
export function list(value: unknown, max = 1_000): readonly unknown[] | null {
  return quietly(() => {
    if (!Array.isArray(value)) return null;
    const entries: unknown[] = [];
    const length = Math.min(value.length, max);
    for (let i = 0; i < length; i += 1) entries.push(quietly<unknown>(() => (value as unknown[])[i], undefined));
    return entries;
  }, null);
}

export function keysOf(value: unknown): readonly string[] {
  const from = record(value);
  return from === null ? [] : quietly(() => Object.keys(from), []);
}

/** A text that says something; numbers and ids are written out, everything else is null. */
export function text(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return null;
  return quietly(() => {
    const kind: unknown = Reflect.get(value, '_bsontype');
    if (kind === 'ObjectId') {
      const hex: unknown = Reflect.get(value, 'toHexString');
      return typeof hex === 'function' ? String(Reflect.apply(hex, value, [])) : null;
    }
    return typeof kind === 'string' && BSON_NUMBERS.has(kind)
      ? String(Reflect.apply(Reflect.get(value, 'toString') as () => unknown, value, []))
      : null;
  }, null);
}

/** What a value is called where a text was expected. */
export function typeOf(value: unknown): string {
  const kind = get(value, '_bsontype');
  if (typeof kind === 'string') return kind;
  if (value === null) return 'null';
  return quietly(() => (Array.isArray(value) ? 'list' : value instanceof Date ? 'date' : typeof value), 'object');
}

const BSON_NUMBERS = new Set(['Int32', 'Double', 'Long', 'Decimal128']);
const NUMERIC = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** A finite number from a number, a numeric text or a BSON number; null for everything else. */
export function number(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const written = text(value);
  if (written === null || !NUMERIC.test(written)) return null;
  const read = Number(written);
  return Number.isFinite(read) ? read : null;
}

/** A count: a number of at least `min`, cut to an integer; null for everything else. */
export function count(value: unknown, min = 0): number | null {
  const read = number(value);
  if (read === null) return null;
  const whole = Math.trunc(read);
  return whole >= min && Number.isSafeInteger(whole) ? whole + 0 : null;
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** A moment from a date or an ISO text. A text without a zone is UTC: SpeechAI writes `utcnow()`. */
export function date(value: unknown): Date | null {
  return quietly(() => {
    if (value instanceof Date) return Number.isFinite(value.getTime()) ? new Date(value.getTime()) : null;
    if (typeof value !== 'string') return null;
    const match = ISO.exec(value.trim());
    if (match === null) return null;
    const zone = (match[3] ?? 'Z').toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
    const read = new Date(`${match[1] ?? ''}T${match[2] ?? '00:00'}${zone}`);
    return Number.isFinite(read.getTime()) ? read : null;
  }, null);
}

/** Set by an operator's request: anything but absent, null and false, because a request must not be lost by its spelling. */
export function flagged(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '' && value !== 'false';
}
