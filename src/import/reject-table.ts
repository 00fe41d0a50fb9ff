/** A table of what could not be used: made when there is something to write, to be opened in a spreadsheet, mended and imported again. */
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { csvCell } from '../domain/csv-cell.js';
import { messageOf, SpeechAiError } from '../domain/errors.js';

export interface RejectTable {
  add(cells: readonly string[]): void;
  /** The path, where anything was written. */
  close(): string | null;
}

/** In front of the columns of the file itself. */
export const EFFECT_COLUMN = 'rejected_effect';
export const REJECT_COLUMNS = ['rejected_line', 'rejected_why', EFFECT_COLUMN] as const;

export const isRejectColumn = (name: string): boolean => REJECT_COLUMNS.some((own) => own === name);

/** The mark in front is how spreadsheets are told that it is UTF-8. */
export function openRejectTable(path: string, delimiter: string, head: () => readonly string[] | null): RejectTable {
  // A device or a pipe is written as it is.
  const isOther = existsSync(path) && !statSync(path).isFile();
  const part = isOther ? path : `${path}.part`;
  let file: number | null = null;
  const write = (cells: readonly string[]): void => {
    if (file !== null) writeSync(file, `${cells.map((cell) => csvCell(cell, delimiter)).join(delimiter)}\r\n`);
  };
  return {
    add: (cells) => {
      if (file === null) {
        file = opened(part);
        writeSync(file, '\uFEFF');
        const names = head();
        if (names !== null) write(names);
      }
      write(cells);
    },
    close: () => {
      if (file === null) return null;
      closeSync(file);
      file = null;
      return isOther ? path : settled(part, path);
    },
  };
}

/** What stands there already may have been mended since: it stays, and the new table gets a name of its own. */
function settled(part: string, path: string): string {
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? path : path.replace(/(\.[^./]+)?$/, `.${String(n)}$1`);
    if (existsSync(name) && readFileSync(name).equals(readFileSync(part))) {
      unlinkSync(part);
      return name;
    }
    if (!existsSync(name)) {
      renameSync(part, name);
      return name;
    }
  }
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
