/** The rows of a spreadsheet's first sheet. A spreadsheet is unpacked as a whole, so how large that is is found out before. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInflateRaw } from 'node:zlib';
import { messageOf } from '../domain/errors.js';
import type { Cell, TableRow } from './cells.js';
import { refuseFile } from './refuse.js';
import type { TableFile } from './table-file.js';

/** Unpacked, a row of ten cells is about 700 bytes: 80 MB are some 100,000 rows. */
const MAX_UNPACKED_BYTES = 80_000_000;
const MAX_DIRECTORY_BYTES = 2_000_000;
const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
/** The end record and the longest comment behind it. */
const TAIL_BYTES = 22 + 65_535;

export async function* xlsxRows({ path, name }: Pick<TableFile, 'path' | 'name'>): AsyncGenerator<TableRow> {
  const unpacked = await unpackedBytes(path);
  if (unpacked === null) throw refuseFile(`${name} is not a complete .xlsx file.`, 'Open it in the spreadsheet and save it again.');
  if (unpacked > MAX_UNPACKED_BYTES) {
    throw refuseFile(
      `${name} unpacks to more than ${MAX_UNPACKED_BYTES / 1e6} MB.`,
      'Save the sheet as CSV (UTF-8), which is read in any size.',
    );
  }
  const { readSheet } = await import('read-excel-file/node');
  let rows: readonly (readonly unknown[])[];
  try {
    rows = await readSheet(path, 1);
  } catch (thrown) {
    throw refuseFile(`${name} cannot be read: ${messageOf(thrown)}.`, 'Open it in the spreadsheet and save it again as .xlsx or CSV.');
  }
  for (const [index, cells] of rows.entries()) {
    if (cells.some((cell) => cell !== null && cell !== '')) yield { line: index + 1, cells: cells.map(cellOf) };
  }
}

function cellOf(value: unknown): Cell {
  if (value instanceof Date || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

/** What all its parts unpack to, by unpacking them: the directory of a bomb lies. null: it is no whole ZIP. */
async function unpackedBytes(path: string): Promise<number | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const tail = await readAt(file, Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES));
    const end = lastIndexOf(tail, DIRECTORY_END);
    if (end === null) return null;
    const [length, offset] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
    if (offset + length > size || length > MAX_DIRECTORY_BYTES) return null;
    let sum = 0;
    for (const part of partsIn(await readAt(file, offset, length))) {
      sum += await inflated(path, part, MAX_UNPACKED_BYTES - sum);
      if (sum > MAX_UNPACKED_BYTES) break;
    }
    return sum;
  } catch (thrown) {
    if (thrown instanceof RangeError || (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('Z_'))) return null;
    throw thrown;
  } finally {
    await file.close();
  }
}

interface Part {
  readonly headerAt: number;
  readonly packedBytes: number;
}

function partsIn(directory: Buffer): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at + 46 <= directory.length;) {
    if (directory.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new RangeError('a directory entry is missing');
    parts.push({ headerAt: directory.readUInt32LE(at + 42), packedBytes: directory.readUInt32LE(at + 20) });
    at += 46 + directory.readUInt16LE(at + 28) + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return parts;
}

/** Counts and throws away; stops as soon as there is more than `most`. */
async function inflated(path: string, { headerAt, packedBytes }: Part, most: number): Promise<number> {
  if (packedBytes === 0) return 0;
  const header = await readOnce(path, headerAt, 30);
  const from = headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed = createReadStream(path, { start: from, end: from + packedBytes - 1 });
  if (header.readUInt16LE(8) === 0) {
    packed.destroy();
    return packedBytes;
  }
  const unpacked = packed.pipe(createInflateRaw());
  let sum = 0;
  try {
    for await (const chunk of unpacked) {
      sum += Buffer.isBuffer(chunk) ? chunk.length : 0;
      if (sum > most) break;
    }
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
  return sum;
}

async function readOnce(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    return await readAt(file, position, length);
  } finally {
    await file.close();
  }
}

async function readAt(file: Awaited<ReturnType<typeof open>>, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function lastIndexOf(buffer: Buffer, signature: number): number | null {
  for (let at = buffer.length - 22; at >= 0; at -= 1) if (buffer.readUInt32LE(at) === signature) return at;
  return null;
}
