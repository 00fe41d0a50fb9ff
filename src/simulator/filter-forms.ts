/** The forms a filter can have (`{type, op, value}`), and the test each makes of the value it looks at. */

export type Test = (actual: unknown) => boolean;
export type Form = 'string' | 'enum' | 'number' | 'range' | 'boolean' | 'present';
type Fields = Readonly<Record<string, unknown>>;

/** What the provider would answer 400 to, in words. */
export class Invalid extends Error {}

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One request names a thousand values and no more. */
const MOST_VALUES = 1000;

export interface Shape {
  /** The forms this field takes. */
  readonly forms: readonly Form[];
  /** The only words an enum may name; null: any. */
  readonly words: readonly string[] | null;
  /** Whether the filter names a key of what it looks at. */
  readonly keyed: boolean;
}

/** `where` names the filter in the reply to a wrong one. */
export function readFilter(filter: unknown, { forms, words, keyed }: Shape, where: string): Test {
  if (!isFields(filter)) throw new Invalid(`body/${where} must be object`);
  const { type, op, value } = filter;
  const form = forms.find((known) => known === type);
  if (form === undefined) throw new Invalid(`body/${where}/type must be one of ${forms.join(', ')}`);
  const allowed = ['type', 'op', ...(form === 'present' ? [] : ['value']), ...(keyed ? ['key'] : [])];
  refuseOthers(filter, allowed, where);
  return FORMS[form](op, value, { words, where });
}

export function refuseOthers(fields: Fields, allowed: readonly string[], where: string): void {
  const strange = Object.keys(fields).find((key) => !allowed.includes(key));
  if (strange !== undefined) throw new Invalid(`body${where === '' ? '' : `/${where}`} must NOT have additional properties: ${strange}`);
}

interface Place {
  readonly words: readonly string[] | null;
  readonly where: string;
}

const FORMS: Readonly<Record<Form, (op: unknown, value: unknown, place: Place) => Test>> = {
  string: (op, value, { where }) => {
    if (typeof value !== 'string') throw new Invalid(`body/${where}/value must be string`);
    return STRINGS[operator(op, Object.keys(STRINGS), where)]?.(value) ?? never;
  },
  number: (op, value, { where }) => {
    if (typeof value !== 'number') throw new Invalid(`body/${where}/value must be number`);
    return NUMBERS[operator(op, Object.keys(NUMBERS), where)]?.(value) ?? never;
  },
  enum: (op, value, { words, where }) => {
    operator(op, ['in'], where);
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw new Invalid(`body/${where}/value must be strings`);
    if (value.length > MOST_VALUES) throw new Invalid(`body/${where}/value must NOT have more than ${MOST_VALUES} items`);
    if (words !== null && !value.every((item) => words.includes(item)))
      throw new Invalid(`body/${where}/value must be one of ${words.join(', ')}`);
    const wanted = new Set<unknown>(value);
    return (actual) => wanted.has(actual);
  },
  range: (op, value, { where }) => {
    operator(op, ['bt'], where);
    const [low, high, ...more] = Array.isArray(value) ? (value as readonly unknown[]) : [];
    if (typeof low !== 'number' || typeof high !== 'number' || more.length > 0)
      throw new Invalid(`body/${where}/value must be two numbers`);
    return (actual) => typeof actual === 'number' && actual >= low && actual <= high;
  },
  boolean: (op, value, { where }) => {
    operator(op, ['eq'], where);
    if (typeof value !== 'boolean') throw new Invalid(`body/${where}/value must be boolean`);
    return (actual) => actual === value;
  },
  present: (op, _value, { where }) => {
    const wanted = operator(op, ['pr', 'np'], where) === 'pr';
    return (actual) => (actual !== undefined && actual !== null) === wanted;
  },
};

const never: Test = () => false;

function operator(op: unknown, known: readonly string[], where: string): string {
  if (typeof op !== 'string' || !known.includes(op)) throw new Invalid(`body/${where}/op must be one of ${known.join(', ')}`);
  return op;
}

const text =
  (holds: (actual: string, wanted: string) => boolean) =>
  (wanted: string): Test =>
  (actual) =>
    typeof actual === 'string' && holds(actual, wanted);

const STRINGS: Readonly<Record<string, (wanted: string) => Test>> = {
  eq: text((actual, wanted) => actual === wanted),
  // What has no value differs from every value.
  ne: (wanted) => (actual) => actual !== wanted,
  sw: text((actual, wanted) => actual.startsWith(wanted)),
  ew: text((actual, wanted) => actual.endsWith(wanted)),
  co: text((actual, wanted) => actual.includes(wanted)),
};

const amount =
  (holds: (actual: number, wanted: number) => boolean) =>
  (wanted: number): Test =>
  (actual) =>
    typeof actual === 'number' && holds(actual, wanted);

const NUMBERS: Readonly<Record<string, (wanted: number) => Test>> = {
  eq: amount((actual, wanted) => actual === wanted),
  ne: (wanted) => (actual) => actual !== wanted,
  gt: amount((actual, wanted) => actual > wanted),
  ge: amount((actual, wanted) => actual >= wanted),
  lt: amount((actual, wanted) => actual < wanted),
  le: amount((actual, wanted) => actual <= wanted),
};
