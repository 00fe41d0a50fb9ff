/** Finds numbers that belong to a person in free text: telephone numbers in any spelling, RUT and DNI. Ids and dates stay readable. */

/** What people and spreadsheets put between the digits of a number, invisible direction marks of chat programs included. */
const GAP = '[ \\t\\u00a0\\u2000-\\u200f\\u2010-\\u2015\\u2024\\u2028-\\u202f\\u2060\\u2212\\ufeff().\\-/·•]';

const PHONE_RUN = new RegExp(`\\+?\\(?\\p{Nd}(?:${GAP}{0,4}\\p{Nd}){7,}`, 'gu');

const RUT_WITH_DASH = /(?<!\p{Nd})\d{1,2}(?:[. ]?\d{3}){2}\s?[-‐-―−]\s?[\dkK](?![\p{L}\p{N}])/gu;
const RUT_WITH_LETTER = /(?<!\p{Nd})\d{1,2}(?:[. ]?\d{3}){2} ?[kK](?![\p{L}\p{N}])/gu;
const DOTTED_DNI = /(?<![\d.,])\d{1,2}\.\d{3}\.\d{3}(?![\d.,])/g;

const DAY = '20\\d\\d-[01]\\d-[0-3]\\d';
const COMPACT_DAY = '20\\d\\d[01]\\d[0-3]\\d';

/** Shapes of ids and moments that are full of digits. Each is bounded, so that a phone number cannot hide in a longer run. */
const SAFE_SHAPES = [
  `batch-(?:[A-Za-z_]+-){0,4}(?:${DAY}|${COMPACT_DAY})(?:-\\d{6}(?:-\\d{1,6})?|-[0-9a-f]{8})?`,
  `job_[A-Za-z0-9_-]{1,8}_${COMPACT_DAY}_\\d{6}_[0-9a-f]{8}`,
  'acc-[0-9a-f]{12}',
  'call_[0-9a-f]{16,40}',
  '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  '(?=\\d*[a-f])(?:[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})',
  `${DAY}[T ][0-2]\\d:[0-5]\\d(?::[0-5]\\d(?:[.,]\\d{1,9})?)?(?:Z|[+-]\\d\\d:?\\d\\d)?`,
  `${COMPACT_DAY}T[0-2]\\d[0-5]\\d[0-5]\\dZ?`,
  '\\d{1,3}(?:\\.\\d{1,3}){3}:\\d{2,5}',
] as const;

/**
 * A day or a count of milliseconds since 1970 (years 2014 to 2033) is only that when it stands alone. Seconds since 1970 are
 * not here: Argentine mobiles are written `15` and eight digits.
 */
const SAFE_ALONE = [DAY, '1[4-9]\\d{11}'] as const;

const SAFE = new RegExp(
  `(?<![\\p{L}\\p{N}+])(?:${SAFE_SHAPES.join('|')})(?![\\p{L}\\p{N}])` +
    `|(?<![\\p{L}\\p{N}+])(?<![\\p{Nd}+]${GAP}{1,4})(?:${SAFE_ALONE.join('|')})(?!${GAP}{0,4}\\p{Nd})(?![\\p{L}\\p{N}])`,
  'gu',
);

const ID_SHAPE = /^(?:\d{24}|\d{32}|(?=\d*[a-f])[0-9a-f]{8,64})$/;

const TWO_DIGIT_CODES = new Set(
  '20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98'.split(
    ' ',
  ),
);

function countryCode(digits: string): string {
  if (digits.startsWith('1') || digits.startsWith('7')) return digits.slice(0, 1);
  return TWO_DIGIT_CODES.has(digits.slice(0, 2)) ? digits.slice(0, 2) : digits.slice(0, 3);
}

const STARS = '*****';

function maskRun(run: string): string {
  const all = run.match(/\p{Nd}/gu)?.join('') ?? '';
  const doubleZero = all.startsWith('00');
  const digits = doubleZero ? all.slice(2) : all;
  if (digits.length < 8) return STARS;
  const international = run.startsWith('+') || doubleZero || (digits.length >= 11 && digits.length <= 15);
  const prefix = international && /^[1-9]\d{2}/.test(digits) ? `+${countryCode(digits)}` : '';
  return `${prefix}${STARS}${digits.slice(-3)}`;
}

const maskDigits = (text: string): string =>
  text.replace(RUT_WITH_DASH, '[rut]').replace(RUT_WITH_LETTER, '[rut]').replace(PHONE_RUN, maskRun).replace(DOTTED_DNI, '[dni]');

/** Masks what can be a person's number and leaves ids, dates and small figures alone. */
export function maskNumbers(text: string): string {
  if (!/\p{Nd}(?:[^\p{Nd}]{0,4}\p{Nd}){6}/u.test(text)) return text;
  let result = '';
  let from = 0;
  for (const safe of text.matchAll(SAFE)) {
    result += maskDigits(text.slice(from, safe.index)) + safe[0];
    from = safe.index + safe[0].length;
  }
  return result + maskDigits(text.slice(from));
}

/** Whether a value in an id field has the shape of an id, though in free text its digits would have to be taken for a number. */
export const hasIdShape = (text: string): boolean => ID_SHAPE.test(text);

/** Masks a text that is known to be a telephone number, however it is written: `+56*****910`. */
export function maskPhone(text: string): string {
  const plus = text.trimStart().startsWith('+') ? '+' : '';
  return maskRun(plus + (text.match(/\p{Nd}/gu)?.join('') ?? ''));
}
