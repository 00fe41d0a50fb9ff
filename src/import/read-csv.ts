/** The rows of a CSV file, one at a time, whatever its size. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { TableRow } from './cells.js';
import { refuseFile } from './refuse.js';
import { SEPARATOR_LINE, type TableFile } from './table-file.js';

/** A quotation mark that is never closed swallows row after row; it is noticed here at the latest. */
const MAX_ROW_BYTES = 100_000;

export async function* csvRows(file: Pick<TableFile, 'path' | 'name' | 'encoding' | 'delimiter'>): AsyncGenerator<TableRow> {
  const parser = parse({
    bom: true,
    delimiter: file.delimiter,
    info: true,
    relax_column_count: true,
    // Names like `Juan "el Rápido" Pérez` come unescaped out of many systems.
    relax_quotes: true,
    max_record_size: MAX_ROW_BYTES,
  });
  const source = Readable.from(decoded(file));
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  let line = 1;
  try {
    for await (const read of parser) {
      const { record, info } = rowOf(read);
      const separator = line === 1 && SEPARATOR_LINE.test(record.join(file.delimiter));
      if (!separator && record.some((cell) => cell !== '')) yield { line, cells: record };
      line = info.lines + 1;
    }
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    const open = thrown.code === 'CSV_QUOTE_NOT_CLOSED' || thrown.code === 'CSV_MAX_RECORD_SIZE';
    throw refuseFile(
      open
        ? `A quotation mark on line ${line} of ${file.name} is never closed, or the row is longer than ${MAX_ROW_BYTES / 1000} kB.`
        : `Line ${line} of ${file.name} is no CSV (${thrown.code}).`,
      'Correct that line, or export the table again.',
    );
  } finally {
    source.destroy();
  }
}

/** What csv-parse gives with `info`. */
function rowOf(read: unknown): { readonly record: readonly string[]; readonly info: { readonly lines: number } } {
  return read as { record: string[]; info: { lines: number } };
}

async function* decoded({ path, encoding }: Pick<TableFile, 'path' | 'encoding'>): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of createReadStream(path, { highWaterMark: 65_536 })) {
    if (Buffer.isBuffer(chunk)) yield decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}
