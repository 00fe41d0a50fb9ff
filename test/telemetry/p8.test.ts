/** P8 by search: secrets are buried in arbitrary values and errors, and every byte the real logger wrote is looked through. */
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { linesOf, record } from './logging-support.js';

interface Buried {
  /** What is written into a text. */
  readonly text: string;
  /** What must be found nowhere. */
  readonly needles: readonly string[];
}

const digit = fc.integer({ min: 0, max: 9 }).map(String);
const digits = (count: number): fc.Arbitrary<string> => fc.array(digit, { minLength: count, maxLength: count }).map((all) => all.join(''));
const hex = (count: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: count, maxLength: count }).map((all) => all.join(''));

const gap = fc.constantFrom('', '', '', ' ', '-', '.', ' - ', '\u00a0', '\u2011', ') ', '/', '\u200b');

/** A number as people write it: any opening, anything between the digits. */
const phone: fc.Arbitrary<Buried> = fc
  .record({
    number: fc.oneof(
      digits(8).map((rest) => `569${rest}`),
      digits(8).map((rest) => `54911${rest}`),
      digits(8).map((rest) => `562${rest}`),
      digits(8).map((rest) => `9${rest}`),
    ),
    opening: fc.constantFrom('', '+', '00', '(', '(+', 'tel:+'),
    gaps: fc.array(gap, { minLength: 13, maxLength: 13 }),
  })
  .map(({ number, opening, gaps }) => {
    const spelled = [...number].map((one, index) => one + (index < number.length - 1 ? (gaps[index] ?? '') : '')).join('');
    return { text: opening + spelled, needles: [number, spelled] };
  });

const rut: fc.Arbitrary<Buried> = fc
  .record({ body: digits(8), check: fc.constantFrom(...'0123456789kK'), dotted: fc.boolean(), dash: fc.boolean() })
  .filter(({ dotted, dash }) => dash || !dotted)
  .map(({ body, check, dotted, dash }) => {
    const shown = dotted ? `${body.slice(0, 2)}.${body.slice(2, 5)}.${body.slice(5)}` : body;
    const text = `${shown}${dash ? '-' : ''}${check}`;
    return { text, needles: [text, body] };
  });

const password = fc.string({ minLength: 8, maxLength: 24, unit: fc.constantFrom(...'abcXYZ0189!$*-_~') });

const credential: fc.Arbitrary<Buried> = fc.oneof(
  hex(24).map((key) => ({ text: `key_${key}`, needles: [key] })),
  hex(24).map((key) => ({ text: `Bearer ${key}Z`, needles: [key] })),
  password.map((word) => ({ text: `mongodb://speech:${word}@db1:27017,db2/x?w=1`, needles: [`:${word}@`] })),
  hex(24).map((key) => ({ text: `https://x.example/v2/call?api_key=${key}zz&n=1`, needles: [`${key}zz`] })),
  hex(24).map((key) => ({ text: `password=${key}qq`, needles: [`${key}qq`] })),
  hex(24).map((key) => ({ text: `{"transcript":"${key}qq, and more"}`, needles: [`${key}qq`] })),
);

/** Secrets the logger is told: any characters at all. */
const told = fc.string({ minLength: 8, maxLength: 40, unit: 'binary' }).filter((text) => text.trim().length >= 8 && text === text.trim());
const TOLD_MARK = '\u0000told';

const words = fc.string({ maxLength: 12, unit: fc.constantFrom(...'abz :,;"\'\\{}[]\n=%') });

const spellings: readonly ((text: string) => unknown)[] = [
  (text) => text,
  (text) => JSON.stringify({ deep: [text] }),
  (text) => encodeURIComponent(Buffer.from(text).toString()),
  (text) => new URL(`https://x.example/?q=${encodeURIComponent(Buffer.from(text).toString())}`),
  (text) => ({ [text]: 1 }),
];

const wrappers: readonly ((value: unknown) => unknown)[] = [
  (value) => ({ a: value }),
  (value) => [1, value],
  (value) => new Map([['k', value]]),
  (value) => new Map([[value, 'v']]),
  (value) => new Set([value]),
  (value) => Object.assign(Object.create(null) as object, { b: value }),
  (value) => new Error(typeof value === 'string' ? value : 'plain', { cause: value }),
  (value) => new AggregateError([value, new Error('other')], typeof value === 'string' ? value : 'many'),
  (value) => Object.assign(new Error('with fields'), { response: value, code: typeof value === 'string' ? value : 7 }),
  (value) => ({ headers: { 'x-one': value }, url: value }),
  (value) => Buffer.from(typeof value === 'string' ? value : 'bytes'),
  (value) => ({
    get lazy() {
      return value;
    },
    get bad(): never {
      throw new Error('unreadable', { cause: value });
    },
  }),
  (value) => {
    const cycle: Record<string, unknown> = { value };
    cycle['self'] = cycle;
    return cycle;
  },
];

const hiddenByName = fc
  .record({
    key: fc.constantFrom(
      'authorization',
      'x-api-key',
      'apiKey',
      'token',
      'password',
      'client_secret',
      'transcript',
      'name',
      'nombre',
      'rut',
      'dni',
    ),
    word: fc.string({ minLength: 10, maxLength: 20, unit: fc.constantFrom(...'QWXYZqwxyz') }),
  })
  .chain(({ key, word }) =>
    fc
      .constantFrom<unknown>(
        { [key]: word },
        { [key]: { deep: [word] } },
        new Map([[key, word]]),
        [key, word],
        JSON.stringify({ [key]: word }),
        `${key}: "${word}"`,
      )
      .map((value) => ({ value, needles: [word] })),
  );

const buried = fc.oneof(
  fc
    .record({ secret: fc.oneof(phone, rut, credential), before: words, after: words, spelling: fc.constantFrom(...spellings) })
    .map(({ secret, before, after, spelling }) => ({ value: spelling(`${before} ${secret.text} ${after}`), needles: secret.needles })),
  fc
    .record({
      before: words,
      after: words,
      spelling: fc.constantFrom(...spellings, (text: string) => Buffer.from(text).toString('base64')),
    })
    .map(({ before, after, spelling }) => ({ value: (secret: string) => spelling(`${before}${secret}${after}`), needles: [TOLD_MARK] })),
  hiddenByName,
);

const wrapped = fc.record({ buried, layers: fc.array(fc.constantFrom(...wrappers), { maxLength: 5 }) });

const withoutGaps = (text: string): string => text.replace(/[\s().\-/\u00a0\u200b\u2011]/g, '');

describe('P8 no secret and no full phone number in a log line', () => {
  property.prop([fc.array(wrapped, { minLength: 1, maxLength: 4 }), told, fc.constantFrom('json', 'pretty')], { numRuns: 300 })(
    'whatever the value, the level, the component, the stream or the file',
    async (items, secret, format) => {
      const recorder = record({ secrets: [secret], format });
      const { log, journal } = recorder.logging;
      for (const { buried: hidden, layers } of items) {
        const inside: unknown = typeof hidden.value === 'function' ? (hidden.value as (told: string) => unknown)(secret) : hidden.value;
        const value = layers.reduce<unknown>((inner, wrap) => wrap(inner), inside);
        const text = typeof inside === 'string' ? inside : 'message';
        log.info(text, { value });
        log.child('retell', { bound: value }).error(`failed: ${text}`, { err: value, nested: { value } });
        log.child('store').trace(text);
        journal.write(text, { value });
      }
      const bytes = recorder.everything();
      const parsed = format === 'json' ? JSON.stringify(linesOf(recorder.printed())) : bytes;
      await recorder.close();
      expect(bytes.length).toBeGreaterThan(100);
      for (const { buried: hidden } of items) {
        for (const needle of hidden.needles) {
          const wanted = needle === TOLD_MARK ? secret : needle;
          const variants = [wanted, JSON.stringify(wanted).slice(1, -1), encodeURIComponent(Buffer.from(wanted).toString())];
          if (needle === TOLD_MARK) variants.push(Buffer.from(wanted).toString('base64').replace(/=+$/, '').slice(0, -1));
          for (const variant of variants) expect(bytes.includes(variant) || parsed.includes(variant), `found ${variant}`).toBe(false);
          if (/^\d{9,}$/.test(wanted)) expect(withoutGaps(bytes).includes(wanted), `found the digits ${wanted}`).toBe(false);
        }
      }
    },
    60_000,
  );
});
