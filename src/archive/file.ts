/**
 * An archive as a file: gzipped lines of JSON. The first says what it is, each other holds one document in MongoDB's extended JSON (so that
 * `zcat FILE | jq` reads it and every type comes back), the last counts them: a file without its last line is none.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BSON } from 'mongodb';
import { SpeechAiError, messageOf } from '../domain/errors.js';
import { record } from '../domain/lenient.js';
import { ARCHIVED_NOUNS, type ArchivedDocument, type ArchivedNoun } from '../store/archive.js';

export interface ArchiveHeader {
  readonly speechai_archive: 1;
  readonly id: string;
  readonly batch: string;
  readonly at: string;
  readonly database: string;
}

export type ArchiveCounts = Readonly<Record<ArchivedNoun, number>>;

/** Written beside its place, read once more as a whole, stored durably, and only then given its name. Readable by its owner alone: it names people. */
export async function writeArchive(path: string, header: ArchiveHeader, from: AsyncIterable<ArchivedDocument>): Promise<ArchiveCounts> {
  const draft = `${path}.part`;
  const counts = { jobs: 0, attempts: 0, results: 0 };
  async function* lines(): AsyncGenerator<string> {
    yield `${JSON.stringify(header)}\n`;
    for await (const one of from) {
      counts[one.noun] += 1;
      yield `${lineOf(one)}\n`;
    }
    yield `${JSON.stringify({ end: counts })}\n`;
  }
  try {
    await pipeline(Readable.from(lines()), createGzip(), createWriteStream(draft, { mode: 0o600, flags: 'wx' }));
    const seen = await checkArchive(draft);
    if (JSON.stringify(seen.counts) !== JSON.stringify(counts)) throw unreadable(draft, 'it does not hold what was written');
    await makeDurable(draft);
    await rename(draft, path);
    // The name too: the database may be on another machine, and goes by it.
    await makeDurable(dirname(path));
    return counts;
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof SpeechAiError || !isFileError(error)) throw error;
    throw new SpeechAiError('ARCHIVE_NOT_WRITTEN', `The archive could not be written: ${messageOf(error)}`, {
      remedy: 'Give --to a folder that exists, may be written to and has room; nothing was taken out of the database.',
      cause: error,
    });
  }
}

/** Extended JSON cannot say everything: what would not come back to the last byte is kept as its bytes. */
function lineOf({ noun, bytes }: ArchivedDocument): string {
  const json = asJson(bytes);
  return json === null ? JSON.stringify({ in: noun, bson: Buffer.from(bytes).toString('base64') }) : `{"in":"${noun}","doc":${json}}`;
}

function asJson(bytes: Uint8Array): string | null {
  try {
    const json = BSON.EJSON.stringify(BSON.deserialize(bytes, { promoteValues: false }), { relaxed: false });
    return Buffer.compare(bytesOf(JSON.parse(json) as BSON.Document), bytes) === 0 ? json : null;
  } catch {
    return null;
  }
}

const bytesOf = (json: BSON.Document): Uint8Array => BSON.serialize(BSON.EJSON.deserialize(json, { relaxed: false }) as BSON.Document);

export interface CheckedArchive {
  readonly header: ArchiveHeader;
  readonly counts: ArchiveCounts;
}

/** The whole of it, before anything of it is believed. */
export async function checkArchive(path: string): Promise<CheckedArchive> {
  const counts = { jobs: 0, attempts: 0, results: 0 };
  let header: ArchiveHeader | null = null;
  let end: unknown = null;
  for await (const line of linesOf(path)) {
    if (end !== null) throw unreadable(path, 'it goes on after its end');
    if (header === null) header = headerOf(path, line);
    else if (line.startsWith('{"end"')) end = parsed(path, line)['end'];
    else counts[documentOf(path, line).noun] += 1;
  }
  if (header === null || end === null) throw unreadable(path, 'it is cut off');
  if (JSON.stringify(end) !== JSON.stringify(counts)) throw unreadable(path, 'it does not hold as many documents as it says');
  return { header, counts };
}

/** Of a file that was checked. */
export async function* readArchive(path: string): AsyncGenerator<ArchivedDocument> {
  let first = true;
  for await (const line of linesOf(path)) {
    if (!first && !line.startsWith('{"end"')) yield documentOf(path, line);
    first = false;
  }
}

/** Split at line feeds alone: a transcript may hold whatever else ends a line somewhere. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  try {
    const text = createGunzip();
    const file = createReadStream(path).on('error', (error) => text.destroy(error));
    for await (const chunk of file.pipe(text) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, at)]).toString();
        rest = [];
        from = at + 1;
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
    }
  } catch (error) {
    if (error instanceof SpeechAiError || !isFileError(error)) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new SpeechAiError('NO_SUCH_FILE', `There is no file ${path}.`, {
        remedy: 'Give the path of a file that `db archive` made; `batch show` names them.',
      });
    }
    throw unreadable(path, messageOf(error));
  }
  if (rest.length > 0) throw unreadable(path, 'it is cut off');
}

function headerOf(path: string, line: string): ArchiveHeader {
  const header = parsed(path, line);
  const named = ['id', 'batch', 'database'].every((name) => typeof header[name] === 'string' && header[name] !== '');
  if (header['speechai_archive'] !== 1 || !named) throw unreadable(path, 'it does not begin like an archive of this version');
  return header as unknown as ArchiveHeader;
}

function documentOf(path: string, line: string): ArchivedDocument {
  const { in: noun, doc, bson } = parsed(path, line);
  const known = ARCHIVED_NOUNS.find((each) => each === noun);
  try {
    if (known !== undefined && typeof bson === 'string') return { noun: known, bytes: whole(Buffer.from(bson, 'base64')) };
    if (known !== undefined && typeof doc === 'object' && doc !== null && '_id' in doc) return { noun: known, bytes: bytesOf(doc) };
  } catch (error) {
    throw unreadable(path, messageOf(error));
  }
  throw unreadable(path, 'a line of it is not a document');
}

function whole(bytes: Buffer): Uint8Array {
  BSON.deserialize(bytes);
  return bytes;
}

function parsed(path: string, line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw unreadable(path, 'a line of it is not JSON');
  }
  const object = record(value);
  if (object === null) throw unreadable(path, 'a line of it is not an object');
  return object;
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Of the disk or of zlib: both tell a number and a code. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && 'code' in error;
}

function unreadable(path: string, why: string): SpeechAiError {
  return new SpeechAiError('ARCHIVE_UNREADABLE', `${path} cannot be used as an archive: ${why}.`, {
    remedy: 'Take another copy of it; a file that `db archive` did not finish ends in .part and can be removed.',
  });
}
