/**
 * Reports as files. Written beside their place first, so that a report that fails leaves no half of one; readable by their owner alone,
 * since they name people; an older file is not overwritten unasked.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, renameSync, rmSync, writeFileSync, type WriteStream } from 'node:fs';
import { extname } from 'node:path';
import type { SheetData } from 'write-excel-file/node';
import { csvCell } from '../domain/csv-cell.js';
import { EXIT, messageOf, SpeechAiError } from '../domain/errors.js';
import type { Cell, Column } from './columns.js';
import { htmlOf } from './html.js';
import { cellText, type About, type Section } from './sections.js';

/** Anything that takes text and says when it has taken enough for now: a file, or standard output. */
export type Sink = Pick<NodeJS.WritableStream, 'write' | 'once'>;

export type RowFormat = 'csv' | 'jsonl' | 'xlsx';

/** A sheet is made in memory, 8 KB a row: what a spreadsheet could hold is more than that of a small machine. */
const SHEET_ROWS = 50_000;
const SHEET_CHARACTERS = 100_000_000;
/** What a cell of a sheet holds at most. */
const CELL_CHARACTERS = 32_767;
/** How spreadsheets are told that a file is UTF-8; a program that reads standard output knows. */
const BOM = '\uFEFF';

export const asCsv = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => (typeof cell === 'string' ? csvCell(cell) : cellText(cell))).join(',')}\r\n`;

/** Rows as they come; the reader's pace is the writer's. Returns how many there were. */
export async function writeRows<T>(
  sink: Sink,
  format: 'csv' | 'jsonl',
  columns: readonly Column<T>[],
  from: AsyncIterable<T>,
): Promise<number> {
  let rows = 0;
  const put = async (line: string): Promise<void> => {
    // `once` rejects where the sink fails meanwhile.
    if (!sink.write(line)) await once(sink as WriteStream, 'drain');
  };
  if (format === 'csv') await put(asCsv(columns.map(({ name }) => name)));
  for await (const one of from) {
    const cells = columns.map(({ value }) => value(one));
    rows += 1;
    await put(format === 'csv' ? asCsv(cells) : `${JSON.stringify(Object.fromEntries(columns.map(({ name }, n) => [name, cells[n]])))}\n`);
  }
  return rows;
}

export async function writeRowFile<T>(
  path: string,
  format: RowFormat,
  columns: readonly Column<T>[],
  from: AsyncIterable<T>,
): Promise<number> {
  if (format !== 'xlsx') {
    return placed(path, async (draft) => {
      const file = createWriteStream(draft);
      if (format === 'csv') file.write(BOM);
      const failed = once(file, 'error').then(([error]) => Promise.reject(error as Error));
      failed.catch(() => undefined);
      const rows = await Promise.race([writeRows(file, format, columns, from), failed]);
      file.end();
      await Promise.race([once(file, 'close'), failed]);
      return rows;
    });
  }
  const rows: Cell[][] = [];
  let characters = 0;
  for await (const one of from) {
    const cells = columns.map(({ value }) => value(one));
    characters += cells.reduce((sum: number, cell) => sum + (typeof cell === 'string' ? cell.length : 0), 0);
    rows.push(cells);
    if (rows.length <= SHEET_ROWS && characters <= SHEET_CHARACTERS) continue;
    throw new SpeechAiError(
      'REPORT_TOO_LONG',
      `It is too long for a sheet, which takes ${SHEET_ROWS} rows and ${SHEET_CHARACTERS} characters at most.`,
      {
        remedy: 'Name a file that ends in .csv: it may be of any length, and spreadsheets open it.',
        exitCode: EXIT.usage,
      },
    );
  }
  await writeSheets(path, [{ title: 'Report', head: columns.map(({ name }) => name), rows }]);
  return rows.length;
}

export async function writeSheets(path: string, sections: readonly Section[]): Promise<void> {
  const { default: writeExcel } = await import('write-excel-file/node');
  await placed(path, (draft) =>
    writeExcel(
      sections.map(({ title, head, rows }) => ({
        sheet: title.slice(0, 31),
        data: sheetOf(head, rows),
        columns: head.map((name) => ({ width: Math.max(12, name.length + 2) })),
        stickyRowsCount: 1,
      })),
    ).toFile(draft),
  );
}

export async function writeHtml(path: string, about: About, sections: readonly Section[]): Promise<void> {
  await placed(path, async (draft) => {
    const file = createWriteStream(draft);
    file.end(htmlOf(about, sections));
    await once(file, 'close');
  });
}

function sheetOf(head: readonly string[], rows: readonly (readonly Cell[])[]): SheetData {
  // A time in a sheet has no zone of its own.
  const isTime = head.map((_, n) => rows.some((row) => row[n] instanceof Date));
  const named = head.map((name, n) => ({ value: isTime[n] === true ? `${name} (UTC)` : name, fontWeight: 'bold' as const }));
  return [named, ...rows.map((row) => row.map(sheetCell))];
}

/** Text is never a formula in a sheet; only its length has a limit there. */
function sheetCell(cell: Cell): SheetData[number][number] {
  if (cell instanceof Date) return { value: cell, format: 'yyyy-mm-dd hh:mm:ss' };
  return typeof cell === 'string' ? { value: cell.slice(0, CELL_CHARACTERS), type: String } : cell;
}

/** The kind of file that a path's ending asks for. */
export function formatOf<F extends string>(path: string, formats: readonly F[]): F {
  const ending = extname(path).slice(1).toLowerCase();
  const format = formats.find((each) => each === ending);
  if (format !== undefined) return format;
  throw new SpeechAiError('REPORT_FORMAT', `${path}: the file type cannot be determined from the name.`, {
    remedy: `Let it end in ${formats.map((each) => `.${each}`).join(', ')}.`,
    exitCode: EXIT.usage,
  });
}

export function refuseExisting(path: string, force: boolean): void {
  if (force || !existsSync(path)) return;
  throw new SpeechAiError('REPORT_EXISTS', `${path} exists already.`, {
    remedy: 'Name another file, or add --force to replace it.',
    exitCode: EXIT.usage,
  });
}

async function placed<T>(path: string, write: (draft: string) => Promise<T>): Promise<T> {
  const draft = `${path}.${process.pid}.part`;
  const forget = (): void => rmSync(draft, { force: true });
  process.once('exit', forget);
  try {
    writeFileSync(draft, '', { mode: 0o600, flag: 'wx' });
    const written = await write(draft);
    renameSync(draft, path);
    return written;
  } catch (error) {
    forget();
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new SpeechAiError('REPORT_FILE', `${path} cannot be written: ${messageOf(error)}`, {
      remedy: 'Name a file in a folder that exists and is yours to write to.',
    });
  } finally {
    process.removeListener('exit', forget);
  }
}
