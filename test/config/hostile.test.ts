import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fc, test } from '@fast-check/vitest';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import { ENTRIES } from '../../src/config/schema.js';

const cwd = mkdtempSync(join(tmpdir(), 'speechai-hostile-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const NUMBERS = ENTRIES.filter(({ setting }) => /^a (?:whole )?number/.test(setting.parser.allowed)).map(({ setting }) => setting.name);
const CHOICES = ENTRIES.filter(({ setting }) => /^(?:one of|true or false)/.test(setting.parser.allowed)).map(
  ({ setting }) => setting.name,
);
const FILES = ['RETELL_API_KEY', 'MONGO_PASSWORD', 'MONGO_URI', 'ALERT_WEBHOOK_URL'];

const badNumber = fc.oneof(
  fc.constantFrom('NaN', 'Infinity', '-1', '1e9', '0x1f', '1,5', '1.2.3', 'ten', '９', '1 2', '1\n2', '\u202e3', 'true', '{}', '-0.5'),
  fc.integer({ min: 20, max: 500 }).map((digits) => '9'.repeat(digits)),
);
const badWord = fc.oneof(
  fc.constantFrom('?', 'null', 'ja', '\u0000', 'a\nb', '🙂', '-'),
  fc.string({ minLength: 20, maxLength: 60 }).map((text) => `?${text}`),
);
const badUri = fc.constantFrom(
  'mongodb://',
  'mongodb://:1',
  'mongodb:///x',
  'mongodb://a b',
  'http://x',
  'x',
  'mongodb://h:99999',
  'mongodb://u:p@',
  'mongodb://\u{1f642}',
  'embedded:',
);

/** A value that must be refused, with the name under which the refusal must be found. */
const mistake = fc.oneof(
  fc.record({ name: fc.constantFrom(...NUMBERS), value: badNumber }),
  fc.record({ name: fc.constantFrom(...CHOICES), value: badWord }),
  fc.record({ name: fc.constant('MONGO_URI'), value: badUri }),
  fc.record({
    name: fc.constant('RETELL_BASE_URL'),
    value: fc.constantFrom('x', 'http://', 'https://u:p@h', 'file:///etc/passwd', 'http://a b'),
  }),
  fc.record({
    name: fc.constant('RETELL_FROM_NUMBER'),
    value: fc.constantFrom('+', '123', '+0123456789', '+56 9 1111', 'abc', '+56911112222,,'),
  }),
  fc.record({
    name: fc.constantFrom(...FILES.map((name) => `${name}_FILE`)),
    value: fc.constantFrom('/does/not/exist', cwd, '/dev/null', ''),
  }),
  fc.record({
    name: fc.constantFrom('WORKER_COUNT', 'MONGO_DB', 'LOG_LEVEL', 'ENV', 'LEASE_SECONDS'),
    value: fc.constantFrom('', '   ', ' # only a comment'),
  }),
);
const noise = fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 40 }), { maxKeys: 5 });
const mistakes = fc.uniqueArray(mistake, { minLength: 1, maxLength: 12, selector: ({ name }) => name.replace(/_FILE$/, '') });

describe('500 hostile environments', () => {
  test.prop([mistakes, noise], { numRuns: 500, seed: 20_260_101 })('never a throw, never a start, every mistake named', (wrong, rest) => {
    const env = { ...rest, ...Object.fromEntries(wrong.map(({ name, value }) => [name, value])) };
    const result = loadSettings({ env, cwd });
    const named = new Set(result.problems.filter((problem) => problem.level === 'error').map((problem) => problem.name));
    expect(result.settings).toBeNull();
    for (const { name, value } of wrong) expect(named, `${name}=${JSON.stringify(value)}`).toContain(name);
    // A value with newlines or control characters must not forge lines of its own.
    for (const problem of result.problems) expect(problem.given ?? '').not.toMatch(/\p{Cc}/u);
  });

  const names = fc.constantFrom(
    ...ENTRIES.map(({ setting }) => setting.name),
    'MAX_TRIES',
    'DEFAULT_RETRY_NUMBER',
    'MONGODB_URI',
    'DATABASE_URL',
    '__proto__',
    'constructor',
  );
  test.prop([fc.dictionary(names, fc.string({ unit: 'binary', maxLength: 30 }), { maxKeys: 40 })], { numRuns: 300 })(
    'any text anywhere: settings or errors, never neither',
    (env) => {
      const result = loadSettings({ env, cwd });
      expect(result.settings === null).toBe(result.problems.some((problem) => problem.level === 'error'));
    },
  );
});

describe('secrets', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9!$%*+_=-]{10,40}$/).filter((text) => /[A-Z]/.test(text) && /\d/.test(text));
  const place = fc.constantFrom(
    (s: string) => ({ RETELL_API_KEY: s }),
    (s: string) => ({ RETELL_API_KEY: `${s} with more words` }),
    (s: string) => ({ MONGO_PASSWORD: s, MONGO_HOST: 'db', MONGO_USER: 'u' }),
    (s: string) => ({ MONGO_PASSWORD: s }),
    (s: string) => ({ MONGO_URI: `mongodb://u:${encodeURIComponent(s)}@db/?w=x y` }),
    (s: string) => ({ MONGO_URI: `mongodb://u:${s}@db` }),
    (s: string) => ({ MONGO_URI: `mongodb//u:${s}@db` }),
    (s: string) => ({ MONGO_URI: `mongodb://u:${s}` }),
    (s: string) => ({ MONGO_URI: `mongodb://db/?tlsCertificateKeyFilePassword=${encodeURIComponent(s)}` }),
    (s: string) => ({ MONGODB_URI: `mongodb://u:${s}@a@b` }),
    (s: string) => ({ MONGODB_URI: `mongodb://u:${encodeURIComponent(s)}@a`, MONGO_URI: 'mongodb://b' }),
    (s: string) => ({ DATABASE_URL: `mongodb://u:${encodeURIComponent(s)}@a` }),
    (s: string) => ({ ALERT_WEBHOOK_URL: `https://hooks.example.net/${encodeURIComponent(s)}` }),
    (s: string) => ({ ALERT_WEBHOOK_URL: s }),
    (s: string) => ({ RETELL_API_KEY_FILE: s }),
    (s: string) => ({ RETEL_API_KEY: s }),
    (s: string) => ({ RETELL_API_KEY: s, WORKER_COUNT: s, LOG_DIR: `/var/${s}`, MONGO_DB: s }),
    (s: string) => ({ RETELL_BASE_URL: `https://u:${s}@api.example.net` }),
  );
  test.prop([secret, fc.array(place, { minLength: 1, maxLength: 4 }), fc.constantFrom('development', 'testing', 'production')], {
    numRuns: 600,
  })('appear in nothing that check and show print', (text, places, env) => {
    const result = loadSettings({ env: Object.assign({ ENV: env }, ...places.map((put) => put(text))) as Record<string, string>, cwd });
    const shown = [JSON.stringify(result.problems), JSON.stringify([...result.origins]), result.fingerprint].join('\n');
    expect(shown).not.toContain(text);
    expect(shown).not.toContain(encodeURIComponent(text));
  });
});
