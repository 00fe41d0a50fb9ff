/** Where values come from: flags, the process environment, secrets in files, an env file, the profile; the first that has a name wins. */
import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ALIASES } from './aliases.js';
import { complain, shownPath } from './complain.js';
import type { Layer, SourceKind, Written } from './layer.js';
import type { DotenvEntry } from './dotenv.js';
import { readDotenv, stripComment } from './dotenv.js';
import type { Problem } from './problem.js';
import { findConfigFile, PACKAGE_CONFIG_DIR } from './profiles.js';
import { ENTRIES, entryNamed } from './schema.js';

export interface SourceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags?: Readonly<Record<string, string>>;
  /** Must exist. Without it, `.env` of the working directory where there is one. */
  readonly envFile?: string;
  readonly cwd: string;
}

const LARGEST_FILE = 1_048_576;
const LARGEST_SECRET = 65_536;

export interface Sources {
  /** Strongest first. */
  readonly layers: readonly Layer[];
  readonly problems: readonly Problem[];
}

/** All but the profile, which depends on what these say about ENV. */
export function readSources(options: SourceOptions): Sources {
  const problems: Problem[] = [];
  const flags = layerOf(Object.entries(options.flags ?? {}), 'flag', 'command line');
  const environment = expandFiles(layerOf(Object.entries(options.env), 'environment', 'environment'), problems);
  const credentials = readCredentials(options.env['CREDENTIALS_DIRECTORY'], problems);
  const envFile = readEnvFile(options, problems);
  return { layers: [flags, environment, credentials, expandFiles(envFile, problems)], problems };
}

export function readProfile(env: string, ownDir: string | null): Sources {
  const problems: Problem[] = [];
  if (ownDir !== null && !isDirectory(ownDir)) {
    problems.push(
      complain('SPEECHAI_CONFIG_DIR', {
        message: 'This folder cannot be read.',
        given: ownDir,
        remedy: 'Name an existing folder, or remove the setting.',
      }),
    );
  }
  const path = findConfigFile(`${env}.env`, ownDir);
  const kind = path?.startsWith(PACKAGE_CONFIG_DIR) === true ? 'profile' : 'own-profile';
  const layer =
    path === null
      ? new Map<string, Written>()
      : readFileLayer(path, kind, `profile ${kind === 'profile' ? basename(path) : path}`, problems);
  return { layers: [expandFiles(layer, problems)], problems };
}

function layerOf(pairs: readonly (readonly [string, string | undefined])[], kind: SourceKind, where: string): Layer {
  const layer = new Map<string, Written>();
  for (const [name, raw] of pairs) {
    if (raw === undefined) continue;
    // Docker's --env-file hands comments over as part of the value, so they are stripped here as well.
    const verbatim = entryNamed(name)?.setting.verbatim === true;
    layer.set(name, { text: verbatim ? raw : stripComment(raw), kind, where });
  }
  return layer;
}

function readEnvFile(options: SourceOptions, problems: Problem[]): Layer {
  if (options.envFile !== undefined) {
    return readFileLayer(resolve(options.cwd, options.envFile), 'env-file', options.envFile, problems);
  }
  const path = join(options.cwd, '.env');
  return exists(path) ? readFileLayer(path, 'env-file', '.env', problems) : new Map();
}

function readFileLayer(path: string, kind: SourceKind, label: string, problems: Problem[]): Layer {
  const read = readWhole(path, LARGEST_FILE);
  if ('error' in read) {
    problems.push(complain(label, { message: `The file ${path} ${read.error}.`, remedy: 'Name a readable file of NAME=value lines.' }));
    return new Map();
  }
  const { entries, errors } = readDotenv(read.content);
  for (const error of errors) {
    problems.push(
      complain(`${label}:${error.line}`, {
        message: `${path} line ${error.line}: ${error.message}.`,
        remedy: 'Write one NAME=value per line; comments start with #.',
      }),
    );
  }
  warnAboutDoubles(entries, label, problems);
  return new Map(entries.map((entry) => [entry.name, { text: entry.text, kind, where: `${label} line ${entry.line}` }]));
}

function warnAboutDoubles(entries: readonly DotenvEntry[], label: string, problems: Problem[]): void {
  const seen = new Map<string, DotenvEntry>();
  for (const entry of entries) {
    const before = seen.get(entry.name);
    if (before !== undefined && before.text !== entry.text && isOurs(entry.name)) {
      problems.push(
        complain(entry.name, {
          level: 'warning',
          message: `${label} sets it on line ${before.line} and again, differently, on line ${entry.line}; the last one counts.`,
          remedy: 'Remove one of the two lines.',
        }),
      );
    }
    seen.set(entry.name, entry);
  }
}

/** `NAME_FILE` holds the path of a file with the value (Docker secrets). */
function expandFiles(layer: Layer, problems: Problem[]): Layer {
  const expanded = new Map(layer);
  for (const { setting } of ENTRIES) {
    const pointer = layer.get(`${setting.name}_FILE`);
    if (pointer === undefined) continue;
    const value = readSecret(`${setting.name}_FILE`, pointer.text, problems);
    if (value === null) continue;
    const direct = layer.get(setting.name);
    if (direct !== undefined && direct.text !== value) {
      problems.push(
        complain(setting.name, {
          message: `${setting.name} and ${setting.name}_FILE are both set, to different values.`,
          remedy: `Keep only ${setting.name}_FILE.`,
        }),
      );
    }
    expanded.set(setting.name, { text: value, kind: pointer.kind, where: `file ${pointer.text}` });
  }
  return expanded;
}

/** systemd's LoadCredential= puts files into $CREDENTIALS_DIRECTORY, named after the setting in either case. */
function readCredentials(directory: string | undefined, problems: Problem[]): Layer {
  const layer = new Map<string, Written>();
  if (directory === undefined || directory === '') return layer;
  for (const { setting } of ENTRIES) {
    for (const name of [setting.name, setting.name.toLowerCase()]) {
      const path = join(directory, name);
      if (!exists(path)) continue;
      const value = readSecret(setting.name, path, problems);
      if (value !== null) layer.set(setting.name, { text: value, kind: 'credential', where: `credential ${name}` });
      break;
    }
  }
  return layer;
}

function readSecret(name: string, path: string, problems: Problem[]): string | null {
  const read = path === '' ? { error: 'is not named' } : readWhole(path, LARGEST_SECRET);
  const content = 'error' in read ? null : read.content.replace(/(?:\r?\n)+$/, '');
  const error = 'error' in read ? read.error : content === '' ? 'is empty' : content?.includes('\0') === true ? 'is not text' : null;
  if (error === null) return content;
  problems.push({
    ...complain(name, {
      message: `The file with its value ${error}.`,
      remedy: 'Name a readable file that holds the value and nothing else.',
    }),
    given: shownPath(path),
  });
  return null;
}

function readWhole(path: string, largest: number): { readonly content: string } | { readonly error: string } {
  try {
    const stat = statSync(path);
    // A pipe or a device would block the start for ever.
    if (stat.isDirectory()) return { error: 'is a folder' };
    if (!stat.isFile()) return { error: 'is not an ordinary file' };
    if (stat.size > largest) return { error: `is larger than ${largest} bytes` };
    return { content: readFileSync(path, 'utf8') };
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'an error';
    return {
      error: code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${code})`,
    };
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isOurs(name: string): boolean {
  return entryNamed(name) !== undefined || ALIASES.some((alias) => alias.name === name);
}
