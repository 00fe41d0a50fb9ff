/** Reads the data files of the rules, config/rules/*.json and config/holidays/*.json, and refuses what is malformed before any call is placed. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import type { Packs, RulePack } from '../domain/rules.js';
import { readWeek } from '../domain/week.js';

/** The same two steps up from src/config and from dist/config. */
const PACKAGE_CONFIG_DIR = fileURLToPath(new URL('../../config', import.meta.url));

const DATE = z
  .string()
  .refine((text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(Date.parse(`${text}T00:00:00Z`)), 'is not a date like 2026-09-18');
const LOCAL_TIME = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/, 'is not a local time like 2026-09-18T12:00');
const REACHED = z.enum(['placed', 'rang', 'answered', 'conversation']);

const LIMIT = z
  .strictObject({
    scope: z.enum(['number', 'person', 'batch', 'account']),
    basis: REACHED,
    window: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('day') }),
      z.strictObject({ kind: z.literal('week') }),
      z.strictObject({ kind: z.literal('rolling'), hours: z.number().positive().max(8_784) }),
    ]),
    max: z.int().min(0),
    reason: z.string().min(10),
  })
  .refine(
    ({ scope, basis, window }) => scope === 'number' || scope === 'person' || (basis === 'placed' && window.kind === 'day'),
    'limits of a batch or an account are counters of calls placed per day: basis "placed", window "day"',
  );

/** A worked example: the documentation of a rule, and its test. Times are the wall clock's in the zone. */
const EXAMPLE = z.strictObject({
  say: z.string().min(10),
  at: LOCAL_TIME,
  zone: z.string(),
  earlier: z.array(z.strictObject({ at: LOCAL_TIME, reached: REACHED, same: z.enum(['number', 'person']) })).default([]),
  expect: z.enum(['dial', 'wait']),
  code: z.string().optional(),
  until: LOCAL_TIME.optional(),
});

const RULES = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]*$/),
  title: z.string().min(5),
  hours: z.strictObject({ allowed: z.record(z.string(), z.unknown()), reason: z.string().min(10) }).optional(),
  holidays: z.strictObject({ closed: z.boolean(), reason: z.string().min(10) }).optional(),
  limits: z.array(LIMIT),
  examples: z.array(EXAMPLE).min(1),
});

const HOLIDAYS = z.strictObject({
  country: z.string().regex(/^[A-Z]{2}$/),
  note: z.string().optional(),
  dates: z.array(z.strictObject({ date: DATE, name: z.string() })).min(1),
});

type RuleExample = z.infer<typeof EXAMPLE>;

/** All packs under a directory with `rules` and `holidays`; by default those that come with the program. */
export function loadPacks(dir: string = PACKAGE_CONFIG_DIR): Packs {
  return {
    rules: Object.fromEntries(readAll(join(dir, 'rules'), RULES, packFrom).map((pack) => [pack.name, pack])),
    holidays: Object.fromEntries(readAll(join(dir, 'holidays'), HOLIDAYS, calendarFrom)),
  };
}

/** The worked examples of each pack by its name. */
export function loadExamples(dir: string = PACKAGE_CONFIG_DIR): ReadonlyMap<string, readonly RuleExample[]> {
  return new Map(readAll(join(dir, 'rules'), RULES, ({ name, examples }) => [name, examples] as const));
}

function readAll<T, R>(dir: string, schema: z.ZodType<T>, convert: (value: T) => R): R[] {
  const names = attempt(dir, () => readdirSync(dir).filter((name) => name.endsWith('.json')));
  return names.toSorted().map((name) => {
    const path = join(dir, name);
    const parsed = schema.safeParse(attempt(path, (): unknown => JSON.parse(readFileSync(path, 'utf8'))));
    if (!parsed.success) throw malformed(path, z.prettifyError(parsed.error));
    return attempt(path, () => convert(parsed.data));
  });
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof SpeechAiError) throw thrown;
    throw malformed(path, messageOf(thrown), thrown);
  }
}

function malformed(path: string, why: string, cause?: unknown): SpeechAiError {
  return new SpeechAiError('CONFIG_PACK', `${path} cannot be used: ${why}`, {
    remedy: 'Correct the file, or put back the one that comes with the program.',
    exitCode: EXIT.config,
    cause,
  });
}

function packFrom(file: z.infer<typeof RULES>): RulePack {
  const { week, problems } = readWeek(file.hours?.allowed, null, 'hours.allowed', 'days');
  if (problems.length > 0) throw new Error(problems.join('; '));
  return {
    name: file.name,
    title: file.title,
    week,
    weekReason: file.hours?.reason ?? '',
    holidays: file.holidays?.closed ?? false,
    holidaysReason: file.holidays?.reason ?? '',
    limits: file.limits,
  };
}

function calendarFrom(file: z.infer<typeof HOLIDAYS>): readonly [string, ReadonlySet<string>] {
  const dates = new Set(file.dates.map(({ date }) => date));
  // New Year's Day is how the rules see that a year is covered at all.
  const bare = [...new Set([...dates].map((date) => date.slice(0, 4)))].find((year) => !dates.has(`${year}-01-01`));
  if (bare !== undefined) throw new Error(`${bare} has no 01-01: a year is listed whole or not at all`);
  return [file.country.toLowerCase(), dates];
}
