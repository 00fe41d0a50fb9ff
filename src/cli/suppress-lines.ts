/** The lines of a text file of any size, none of which can fill the memory; and the cells of one. */
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse/sync';

export interface TextLine {
  readonly number: number;
  /** null: longer than any line of a list; it was passed over, not kept. */
  readonly text: string | null;
}

/** No line of such a list is longer. */
const MAX_LINE = 10_000;

/** What is no UTF-8 is what spreadsheets of these countries write otherwise. */
async function encodingOf(file: string): Promise<'utf-8' | 'windows-1252'> {
  const strict = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) strict.decode(chunk, { stream: true });
    strict.decode();
    return 'utf-8';
  } catch (thrown) {
    if (thrown instanceof TypeError) return 'windows-1252';
    throw thrown;
  }
}

/** Not `readline`: it would hold a file without line ends in memory as one line. */
export async function* linesOf(file: string): AsyncIterable<TextLine> {
  const decoder = new TextDecoder(await encodingOf(file));
  let held = '';
  let tooLong = false;
  let number = 0;
  const line = (text: string): TextLine => {
    number += 1;
    const result = tooLong || text.length > MAX_LINE ? { number, text: null } : { number, text: text.replace(/\r$/, '') };
    tooLong = false;
    return result;
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const parts = `${held}${decoder.decode(chunk, { stream: true })}`.split('\n');
    held = parts.pop() ?? '';
    for (const part of parts) yield line(part);
    if (held.length > MAX_LINE) {
      tooLong = true;
      held = '';
    }
  }
  const rest = held + decoder.decode();
  if (rest !== '' || tooLong) yield line(rest);
}

/** What its first lines have most of, outside of quotation marks; a list of single numbers gets what spreadsheets of its countries write. */
export async function delimiterOf(file: string): Promise<string> {
  for await (const { number, text } of linesOf(file)) {
    const bare = (text ?? '').replace(/"[^"]*"/g, '');
    const counts = [';', ',', '\t'].map((mark) => ({ mark, count: bare.split(mark).length - 1 }));
    const most = counts.reduce((best, each) => (each.count > best.count ? each : best));
    if (most.count > 0) return most.mark;
    if (number >= 5) break;
  }
  return ';';
}

/** Empty for a line that says nothing; null where the quotes do not close. */
export function cellsOf(text: string): readonly string[] | null {
  try {
    const [cells = []] = parse(text, {
      bom: true,
      delimiter: [',', ';', '\t'],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      trim: true,
    });
    return cells.every((cell) => cell === '') ? [] : cells;
  } catch {
    return null;
  }
}
