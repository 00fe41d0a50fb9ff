/** Makes the settings of a process: gathers, translates, validates, cross-checks, and says everything that is wrong at once. */
import { createHash } from 'node:crypto';
import { translateAliases, unitlessNames } from './aliases.js';
import { complain } from './complain.js';
import { deepFreeze, settingsFrom } from './assemble.js';
import { composeMongoUri } from './mongo-parts.js';
import { maskValue, scrub } from './mask.js';
import { nearMisses } from './near-miss.js';
import type { Problem } from './problem.js';
import { SECTIONS } from './problem.js';
import { REFUSALS, usesSimulator } from './refusals.js';
import type { Entry } from './schema.js';
import { ENTRIES, entryNamed, validate } from './schema.js';
import { SENSE } from './sense.js';
import type { Privacy } from './setting.js';
import { defaultIn } from './setting.js';
import type { Environment, Settings } from './settings.js';
import type { Layer, SourceKind, Written } from './layer.js';
import { lookUp } from './layer.js';
import type { SourceOptions } from './sources.js';
import { readProfile, readSources } from './sources.js';
import { encodePart } from './uri.js';

export interface LoadOptions extends Partial<SourceOptions> {
  /** For commands that never speak to Retell: its key, agent and number may be missing. */
  readonly withoutRetell?: boolean;
}

export interface Origin {
  /** As it is shown: secrets hidden. */
  readonly value: string;
  /** In words: `environment`, `.env line 4`, `default`. */
  readonly origin: string;
  readonly source: SourceKind | 'default';
  readonly default: string;
}

export interface LoadResult {
  /** Frozen to the last leaf; null while there is an error. */
  readonly settings: Settings | null;
  readonly problems: readonly Problem[];
  readonly origins: ReadonlyMap<string, Origin>;
  /** Equal for two processes exactly when they run with the same settings, secrets included. */
  readonly fingerprint: string;
  /** Without a key, development and testing talk to a simulator that the command has to start. */
  readonly simulator: boolean;
}

/** Never throws. */
export function loadSettings(options: LoadOptions = {}): LoadResult {
  const sources = readSources({ ...options, env: options.env ?? process.env, cwd: options.cwd ?? process.cwd() });
  const env = readEnv(sources.layers);
  const profile = readProfile(env, lookUp(sources.layers, 'SPEECHAI_CONFIG_DIR')?.text || null);
  const written = [...sources.layers, ...profile.layers];
  const translated = translateAliases(written);
  const parts = composeMongoUri(translated.layers);
  const python = pythonLogFormat(parts.layers);
  const { layers } = python;
  const chosen = choose(layers);
  const { values, refused } = validate(new Map([...chosen].map(([name, { text }]) => [name, text])), env);
  const settings = settingsFrom(values);

  const isWritten = (name: string): boolean => {
    const source = chosen.get(name);
    return source !== undefined && source.kind !== 'profile' && source.text !== '';
  };
  const context = { settings, written: isWritten, withoutRetell: options.withoutRetell === true };
  const broken = new Set([...refused, ...unreadable(sources.problems), ...unreadable(profile.problems), ...unreadable(parts.problems)]);
  const crossed = [...REFUSALS, ...SENSE]
    .filter((rule) => !rule.reads.some((name) => broken.has(name)))
    .flatMap((rule) => rule.check(context));
  const found = [
    ...sources.problems,
    ...profile.problems,
    ...translated.problems,
    ...unitlessNames(written),
    ...parts.problems,
    ...python.problems,
    ...[...refused].map((name) => refusal(name, chosen.get(name), env)),
    ...crossed,
    ...nearMisses(written),
  ];
  const secrets = secretsIn(layers);
  const problems = tidy(found, secrets);
  return deepFreeze({
    settings: problems.some((problem) => problem.level === 'error') ? null : settings,
    problems,
    origins: origins(chosen, env, secrets),
    fingerprint: fingerprintOf(values),
    simulator: usesSimulator(settings, isWritten),
  });
}

function readEnv(layers: readonly Layer[]): Environment {
  const read = entryNamed('ENV')?.setting.parser.parse(lookUp(layers, 'ENV')?.text ?? 'development');
  const value = read?.value;
  return value === 'testing' || value === 'staging' || value === 'production' ? value : 'development';
}

function choose(layers: readonly Layer[]): ReadonlyMap<string, Written> {
  const chosen = new Map<string, Written>();
  for (const { setting } of ENTRIES) {
    const written = lookUp(layers, setting.name);
    if (written !== undefined) chosen.set(setting.name, written);
  }
  return chosen;
}

/** SpeechAI's own example files give LOG_FORMAT in the language of Python's logging, which means nothing here and harms nobody. */
function pythonLogFormat(layers: readonly Layer[]): { readonly layers: readonly Layer[]; readonly problems: readonly Problem[] } {
  const written = lookUp(layers, 'LOG_FORMAT');
  if (written === undefined || !/%\(\w+\)|\{(?:asctime|levelname|message)\}|\$\{?(?:asctime|levelname)/.test(written.text))
    return { layers, problems: [] };
  const cleaned = layers.map((layer) => new Map([...layer].filter(([name]) => name !== 'LOG_FORMAT')));
  const warning = complain('LOG_FORMAT', {
    level: 'warning',
    message: "This is a format of Python's logging; it is ignored.",
    given: written.text,
    remedy: 'Remove LOG_FORMAT, or write auto, json or pretty.',
  });
  return { layers: cleaned, problems: [warning] };
}

function refusal(name: string, written: Written | undefined, env: Environment): Problem {
  const where = written === undefined ? '' : ` (${written.where})`;
  const setting = entryNamed(name)?.setting;
  const fallback = setting === undefined ? '' : defaultIn(setting, env);
  const removal = fallback === '' ? '' : `, or remove it to get ${fallback}`;
  return complain(name, {
    message: written?.text === '' ? `It is set to nothing${where}.` : `This value cannot be used${where}.`,
    given: written?.text ?? null,
    remedy: `Write for example ${name}=${setting?.example ?? ''}${removal}.`,
  });
}

/** Names whose value could not be had at all: rules about them would only repeat it. */
function unreadable(problems: readonly Problem[]): readonly string[] {
  return problems.filter((problem) => problem.level === 'error').map((problem) => problem.name.replace(/_FILE$/, ''));
}

/** Sorted by section, each said once, and no secret in any of them, whatever variable it was pasted into. */
function tidy(problems: readonly Problem[], secrets: readonly string[]): readonly Problem[] {
  const clean = (text: string): string => scrub(text, secrets);
  const once = new Map<string, Problem>();
  for (const problem of problems) {
    const shown = {
      ...problem,
      message: clean(problem.message),
      given: problem.given === null ? null : clean(problem.given),
      remedy: clean(problem.remedy),
    };
    once.set(`${shown.level} ${shown.name} ${shown.message}`, shown);
  }
  const rank = (problem: Problem): number => SECTIONS.indexOf(problem.section) * 2 + (problem.level === 'error' ? 0 : 1);
  return [...once.values()].toSorted((a, b) => rank(a) - rank(b));
}

/** Every text that must not be shown, in each spelling and piece in which it might stand somewhere else. */
function secretsIn(layers: readonly Layer[]): readonly string[] {
  const secrets = new Set<string>();
  for (const layer of layers) {
    for (const [name, { text }] of layer) {
      const secret = secretPart(entryNamed(name)?.setting.privacy, text);
      if (secret === null) continue;
      for (const spelling of [secret, decoded(secret), encodePart(secret)]) {
        secrets.add(spelling);
        for (const word of spelling.split(/\s+/)) if (word.length >= 8) secrets.add(word);
      }
    }
  }
  // Longest first, so that a secret inside another does not leave the other's rest to be read.
  return [...secrets].toSorted((a, b) => b.length - a.length);
}

function secretPart(privacy: Privacy | undefined, text: string): string | null {
  if (privacy === 'secret') return text;
  return privacy === 'uri' ? (/^[^/]*\/\/[^:@/]*:(.+)@/.exec(text)?.[1] ?? null) : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function origins(chosen: ReadonlyMap<string, Written>, env: Environment, secrets: readonly string[]): ReadonlyMap<string, Origin> {
  return new Map(ENTRIES.map((entry) => [entry.setting.name, originOf(entry, chosen.get(entry.setting.name), env, secrets)]));
}

function originOf({ setting }: Entry, written: Written | undefined, env: Environment, secrets: readonly string[]): Origin {
  const fallback = defaultIn(setting, env);
  if (written === undefined) return { value: fallback, origin: 'default', source: 'default', default: fallback };
  const value = scrub(maskValue(setting.privacy, written.text), secrets);
  return { value, origin: scrub(written.where, secrets), source: written.kind, default: fallback };
}

function fingerprintOf(values: ReadonlyMap<string, unknown>): string {
  const hash = createHash('sha256');
  for (const { setting } of ENTRIES) hash.update(`${setting.name}=${JSON.stringify(values.get(setting.name)) ?? ''}\n`);
  return hash.digest('hex');
}
