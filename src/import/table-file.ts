/** What a file is, found by looking at all of it once: its kind by its content as well as its name, its encoding, its separator, its fingerprint. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { EXIT, messageOf, SpeechAiError } from '../domain/errors.js';
import { refuseFile } from './refuse.js';

export type Encoding = 'utf-8' | 'utf-16le' | 'windows-1252';

export interface TableFile {
  readonly path: string;
  readonly name: string;
  readonly kind: 'csv' | 'xlsx';
  readonly bytes: number;
  /** SHA-256 of the content. */
  readonly fingerprint: string;
  /** CSV only. */
  readonly encoding: Encoding;
  readonly delimiter: string;
}

const EXTENSIONS: Readonly<Record<string, TableFile['kind']>> = { '.csv': 'csv', '.txt': 'csv', '.xlsx': 'xlsx' };
/** Longer lines are no table; reading one of 100 MB as a row would need all of it in memory. */
const MAX_LINE_BYTES = 1_000_000;
const HEAD_BYTES = 65_536;
/** What a spreadsheet is told about the file; not a row of it. */
export const SEPARATOR_LINE = /^\uFEFF?"?sep=([;,\t|])"?$/i;

export async function inspectFile(path: string, maxMb: number): Promise<TableFile> {
  const kind = EXTENSIONS[extname(path).toLowerCase()];
  if (kind === undefined) {
    throw refuseFile(`${basename(path)} is none of .csv, .txt and .xlsx.`, 'Save it as CSV (UTF-8) or as .xlsx; the old .xls is not read.');
  }
  const bytes = await sizeOf(path);
  if (bytes === 0) throw refuseFile(`${basename(path)} is empty.`, 'Export it again.');
  if (bytes > maxMb * 1_000_000) {
    throw refuseFile(
      `${basename(path)} has ${(bytes / 1e6).toFixed(1)} MB; IMPORT_MAX_MB allows ${maxMb}.`,
      'Split the file, or raise IMPORT_MAX_MB.',
    );
  }
  const file = { path, name: basename(path), kind, bytes };
  return kind === 'xlsx' ? { ...file, ...(await lookAtZip(path)) } : { ...file, ...(await lookAtText(path)) };
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (thrown) {
    throw new SpeechAiError('IMPORT_FILE', `${path} cannot be read: ${messageOf(thrown)}`, {
      remedy: 'Give the path of a file that exists.',
      exitCode: EXIT.usage,
    });
  }
  throw new SpeechAiError('IMPORT_FILE', `${path} is not a file.`, { remedy: 'Give the path of a file.', exitCode: EXIT.usage });
}

type Look = Pick<TableFile, 'fingerprint' | 'encoding' | 'delimiter'>;

async function lookAtZip(path: string): Promise<Look> {
  const hash = createHash('sha256');
  let first: Buffer | null = null;
  for await (const chunk of chunksOf(path)) {
    first ??= chunk.subarray(0, 4);
    hash.update(chunk);
  }
  if (first?.toString('latin1') !== 'PK\u0003\u0004')
    throw refuseFile(`${basename(path)} is named .xlsx and is none.`, 'Open it in the spreadsheet and save it as .xlsx or CSV.');
  return { fingerprint: hash.digest('hex'), encoding: 'utf-8', delimiter: ',' };
}

async function lookAtText(path: string): Promise<Look> {
  const hash = createHash('sha256');
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let isUtf8 = true;
  let head: Buffer = Buffer.alloc(0);
  let wide = false;
  const lines = { number: 1, bytes: 0 };
  for await (const chunk of chunksOf(path)) {
    hash.update(chunk);
    if (head.length === 0) wide = startsWide(chunk, path);
    if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
    if (!wide) checkBytes(chunk, lines, path);
    isUtf8 &&= !wide && decodes(utf8, chunk);
  }
  const encoding = wide ? 'utf-16le' : isUtf8 && decodes(utf8) ? 'utf-8' : 'windows-1252';
  return { fingerprint: digest(hash), encoding, delimiter: delimiterOf(new TextDecoder(encoding).decode(head)) };
}

const digest = (hash: Hash): string => hash.digest('hex');

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: 65_536 })) {
    if (Buffer.isBuffer(chunk)) yield chunk;
  }
}

/** Spreadsheets' "Unicode text" begins with a mark; the other byte order is met nowhere. */
function startsWide(chunk: Buffer, path: string): boolean {
  const mark = chunk.subarray(0, 2).toString('hex');
  if (mark === 'feff') throw refuseFile(`${basename(path)} is UTF-16 with the high byte first.`, 'Save it as CSV (UTF-8).');
  return mark === 'fffe';
}

function checkBytes(chunk: Buffer, lines: { number: number; bytes: number }, path: string): void {
  // NUL and the other control characters are in no text; PDF, ZIP and the old .xls all have them early.
  const control = chunk.findIndex((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127);
  if (control >= 0)
    throw refuseFile(
      `${basename(path)} is not a text: it holds the byte 0x${(chunk[control] ?? 0).toString(16).padStart(2, '0')}.`,
      'Save the table as CSV (UTF-8) or .xlsx.',
    );
  let from = 0;
  for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
    lines.number += 1;
    lines.bytes = 0;
    from = end + 1;
  }
  lines.bytes += chunk.length - from;
  if (lines.bytes > MAX_LINE_BYTES)
    throw refuseFile(
      `Line ${lines.number} of ${basename(path)} is longer than ${MAX_LINE_BYTES / 1e6} MB.`,
      'Export the table with one row per line.',
    );
}

function decodes(decoder: InstanceType<typeof TextDecoder>, chunk?: Buffer): boolean {
  try {
    decoder.decode(chunk, { stream: chunk !== undefined });
    return true;
  } catch {
    return false;
  }
}

/** The one the header has most of, outside of quotation marks; a first line `sep=;` says it itself. */
function delimiterOf(head: string): string {
  const header = head.split(/\r?\n/).find((line) => line.trim() !== '') ?? '';
  const said = SEPARATOR_LINE.exec(header)?.[1];
  if (said !== undefined) return said;
  const bare = header.replace(/"[^"]*"/g, '');
  const counts = [';', ',', '\t', '|'].map((mark) => ({ mark, count: bare.split(mark).length - 1 }));
  const most = counts.reduce((best, each) => (each.count > best.count ? each : best));
  return most.count === 0 ? ',' : most.mark;
}
