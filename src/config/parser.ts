/** Readers of one value each. A reader never guesses: what it does not fully understand is refused with what would be allowed. */

export interface Parser<T> {
  /** What may be written, in words: part of every message about a wrong value. */
  readonly allowed: string;
  /** null: not allowed. */
  readonly parse: (text: string) => { readonly value: T } | null;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const UNIT_MS = { ms: 1, seconds: 1_000, minutes: 60_000, hours: 3_600_000 } as const;

export type DurationUnit = keyof typeof UNIT_MS;

export function number(range: Range): Parser<number> {
  return {
    allowed: `a number from ${range.min} to ${range.max}`,
    parse: (text) => within(text, range),
  };
}

export function integer(range: Range): Parser<number> {
  return {
    allowed: `a whole number from ${range.min} to ${range.max}`,
    parse: (text) => {
      const read = within(text, range);
      return read !== null && Number.isInteger(read.value) ? read : null;
    },
  };
}

/** Milliseconds from a number in the unit of the variable's name. Fractions are allowed so that tests can be quick. */
export function duration(unit: DurationUnit, range: Range): Parser<number> {
  return {
    allowed: `a number of ${unit === 'ms' ? 'milliseconds' : unit} from ${range.min} to ${range.max}, fractions allowed`,
    parse: (text) => {
      const read = within(text, range);
      return read === null ? null : { value: Math.round(read.value * UNIT_MS[unit]) };
    },
  };
}

/** One of the words, whatever their case. `synonyms` are other spellings of the same words. */
export function choice<const T extends string>(words: readonly T[], synonyms: Readonly<Record<string, T>> = {}): Parser<T> {
  const others = Object.keys(synonyms);
  return {
    allowed: `one of ${words.join(', ')}${others.length > 0 ? ` (also ${others.join(', ')})` : ''}`,
    parse: (text) => {
      const lower = text.toLowerCase();
      const word = words.find((candidate) => candidate.toLowerCase() === lower);
      if (word !== undefined) return { value: word };
      const key = others.find((candidate) => candidate.toLowerCase() === lower);
      const meant = key === undefined ? undefined : synonyms[key];
      return meant === undefined ? null : { value: meant };
    },
  };
}

export function flag(): Parser<boolean> {
  const yes = ['1', 'true', 'yes', 'on'];
  const no = ['0', 'false', 'no', 'off'];
  return {
    allowed: 'true or false (also 1/0, yes/no, on/off)',
    parse: (text) => {
      const lower = text.toLowerCase();
      if (yes.includes(lower)) return { value: true };
      return no.includes(lower) ? { value: false } : null;
    },
  };
}

export function text(allowed: string, accepts: (text: string) => boolean): Parser<string> {
  return { allowed, parse: (given) => (accepts(given) ? { value: given } : null) };
}

export function matching(allowed: string, pattern: RegExp): Parser<string> {
  return text(allowed, (given) => pattern.test(given));
}

/** Comma-separated items, each read by `item`; nothing written gives an empty list. */
export function list(item: Parser<string>): Parser<readonly string[]> {
  return {
    allowed: `one or several, separated by commas; each ${item.allowed}`,
    parse: (given) => {
      if (given === '') return { value: [] };
      const values: string[] = [];
      for (const part of given.split(',')) {
        const read = item.parse(part.trim());
        if (read === null) return null;
        if (!values.includes(read.value)) values.push(read.value);
      }
      return { value: values };
    },
  };
}

/** Nothing written gives null. */
export function optional<T>(parser: Parser<T>): Parser<T | null> {
  return { allowed: `${parser.allowed}, or nothing`, parse: (given) => (given === '' ? { value: null } : parser.parse(given)) };
}

/** Nothing written gives the empty text. */
export function orEmpty(parser: Parser<string>): Parser<string> {
  return { allowed: parser.allowed, parse: (given) => (given === '' ? { value: '' } : parser.parse(given)) };
}

function within(given: string, range: Range): { value: number } | null {
  // Number() alone would take '', '0x10', '1e9' and 'Infinity', none of which anybody means in a settings file.
  if (!DECIMAL.test(given)) return null;
  const value = Number(given);
  return Number.isFinite(value) && value >= range.min && value <= range.max ? { value } : null;
}
