/** The files of LOG_DIR: which line goes where. */
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import { createRotatingFile, makePrivateFolder, type RotatingFile } from './rotate.js';

export interface LogFilesOptions {
  readonly dir: string;
  readonly files: readonly string[];
  readonly maxBytes: number;
  readonly backups: number;
  readonly retentionDays: number;
}

export interface LogFiles {
  /** False when any of the line's files could not take it. */
  write(component: string, level: string, line: string, time: string): boolean;
  /** The audit trail. False: the line is in no file. */
  writeJournal(line: string, time: string): boolean;
  reopen(): void;
  close(): void;
}

/** The parts of the program whose lines belong in a file of another name. */
const COMPONENTS_OF_FILE: Readonly<Record<string, readonly string[]>> = {
  database: ['database', 'store', 'mongodb', 'embedded'],
  retell: ['retell', 'undici'],
  calls: ['calls', 'journal', 'worker', 'tracker', 'settle', 'rescue', 'reconcile'],
};

/** The file for everything that no other named file takes. */
const REST = 'app';
const ALWAYS = new Set(['all', 'error']);

function unusable(dir: string, cause: unknown): SpeechAiError {
  return new SpeechAiError('LOG_DIR_UNUSABLE', `Log files cannot be written in ${dir}: ${messageOf(cause)}.`, {
    remedy: 'Give LOG_DIR a folder this user may write to, or leave it empty to log to standard output only.',
    exitCode: EXIT.config,
    cause,
  });
}

export function openLogFiles(options: LogFilesOptions): LogFiles {
  const { dir, maxBytes, backups, retentionDays } = options;
  for (const name of options.files) {
    if (!/^[A-Za-z0-9_-]+$/.test(name)) throw unusable(dir, new Error(`"${name}" in LOG_FILES is not a plain file name`));
  }
  try {
    makePrivateFolder(dir);
  } catch (error) {
    throw unusable(dir, error);
  }
  const file = (name: string, extension: string, kept: number | null): RotatingFile =>
    createRotatingFile({ dir, name, extension, maxBytes, backups: kept, retentionDays });
  const all = file('all', 'log', backups);
  const error = file('error', 'log', backups);
  // No count: an audit trail is kept as long as it was promised to be, however much was called.
  const journal = file('calls', 'jsonl', null);
  const named = new Map(options.files.filter((name) => !ALWAYS.has(name)).map((name) => [name, file(name, 'log', backups)]));
  const routes = new Map<string, RotatingFile>();
  for (const [name, target] of named) for (const component of COMPONENTS_OF_FILE[name] ?? [name]) routes.set(component, target);
  const rest = named.get(REST);
  const everything = [all, error, journal, ...named.values()];
  return {
    write(component, level, line, time) {
      let complete = all.write(line, time);
      if (level === 'error' || level === 'fatal') complete = error.write(line, time) && complete;
      const target = routes.get(component) ?? rest;
      if (target !== undefined) complete = target.write(line, time) && complete;
      return complete;
    },
    writeJournal: (line, time) => journal.write(line, time),
    reopen: () => {
      for (const each of everything) each.reopen();
    },
    close: () => {
      for (const each of everything) each.close();
    },
  };
}
