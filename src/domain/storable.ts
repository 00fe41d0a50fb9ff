/**
 * What the provider sent, as any document can hold it. The database refuses a document of more than 16 MB, one nested more than a hundred
 * levels deep, and a name with a NUL in it; a call whose record is refused could never be settled and would be followed for ever.
 */

/** Of one call's reply. A talk of an hour is a tenth of it; three copies in UTF-8 stay far below what a document may weigh. */
const MOST_CHARS = 1_000_000;
const DEEPEST = 40;
export const LEFT_OUT = '[left out: too much]';

/** A copy of plain JSON, cut where it is too much. */
export function storable<T>(value: T, mostChars = MOST_CHARS): T {
  let left = mostChars;

  const copy = (given: unknown, depth: number): unknown => {
    if (typeof given === 'string') return text(given);
    left -= 8;
    if (typeof given !== 'object' || given === null || given instanceof Date) return given;
    if (depth >= DEEPEST) return LEFT_OUT;
    if (Array.isArray(given)) return list(given, depth);
    const fields: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(given)) {
      if (left <= 0) {
        fields['left_out'] = LEFT_OUT;
        break;
      }
      left -= name.length;
      put(fields, name.includes('\0') || name.length > 200 ? name.replaceAll('\0', '').slice(0, 200) : name, copy(field, depth + 1));
    }
    return fields;
  };

  const text = (given: string): string => {
    const room = Math.max(0, left);
    left -= given.length + 8;
    return given.length <= room ? given : `${given.slice(0, room)} ${LEFT_OUT}`;
  };

  const list = (given: readonly unknown[], depth: number): unknown[] => {
    const items: unknown[] = [];
    for (const item of given) {
      if (left <= 0) return [...items, LEFT_OUT];
      items.push(copy(item, depth + 1));
    }
    return items;
  };

  return copy(value, 0) as T;
}

/** A field may be called `__proto__`, and then it must be defined. Any other is assigned: the database's driver reads such objects faster. */
function put(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
  else fields[name] = value;
}
