/** The reject file: one line per row or number that cannot be used, with the reason, to be corrected and imported again. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, SpeechAiError } from '../domain/errors.js';
import type { Remark } from './row.js';

export interface Rejects {
  add(remark: Remark): void;
  /** The path, where anything was written. */
  close(): string | null;
}

const HEAD = ['line', 'column', 'value', 'reason', 'effect'];

/** Made when there is something to write. It is opened in a spreadsheet next, which would run what looks like a formula. */
export function openRejects(path: string): Rejects {
  let file: number | null = null;
  const write = (cells: readonly string[]): void => {
    file ??= opened(path);
    writeSync(file, `${cells.map(csvCell).join(',')}\r\n`);
  };
  return {
    add: ({ line, column, value, reason, effect }) => {
      if (file === null) write(HEAD.map((name, n) => (n === 0 ? `\uFEFF${name}` : name)));
      write([String(line), column, value, reason, effect]);
    },
    close: () => {
      if (file === null) return null;
      closeSync(file);
      file = null;
      return path;
    },
  };
}

function opened(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (thrown) {
    throw new SpeechAiError('IMPORT_REJECTS', `The list of what cannot be used cannot be written: ${messageOf(thrown)}`, {
      remedy: 'Name another place with --rejects FILE.',
    });
  }
}

/** A telephone number begins with + and is no formula. */
const PHONE = /^\+[\d\s().-]{6,24}$/;

export function csvCell(text: string): string {
  const harmless = /^[\s]*[=+\-@\t\r|%]/.test(text) && !PHONE.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
