/**
 * An archive as a file: gzipped lines of JSON. The first says what it is, each other holds one document in MongoDB's extended JSON (so that
 * `zcat FILE | jq` reads it and every type comes back), the last counts them: a file without its last line is none.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BSON } from 'mongodb';
import { SpeechAiError, messageOf } from '../domain/errors.js';
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
    for await (const { noun, doc } of from) {
      counts[noun] += 1;
      yield `{"in":"${noun}","doc":${BSON.EJSON.stringify(doc, { relaxed: false })}}\n`;
    }
    yield `${JSON.stringify({ end: counts })}\n`;
  }
  try {
    await pipeline(Readable.from(lines()), createGzip(), createWriteStream(draft, { mode: 0o600, flags: 'w' }));
    const seen = await checkArchive(draft);
    if (JSON.stringify(seen.counts) !== JSON.stringify(counts)) throw unreadable(draft, 'it does not hold what was written');
    await makeDurable(draft);
    await rename(draft, path);
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

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    const text = createGunzip();
    // Whichever of the two fails, the reading of lines ends with its error.
    const file = createReadStream(path).on('error', (error) => text.destroy(error));
    yield* createInterface({ input: file.pipe(text), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (error instanceof SpeechAiError || !isFileError(error)) throw error;
    throw unreadable(path, messageOf(error));
  }
}

function headerOf(path: string, line: string): ArchiveHeader {
  const header = parsed(path, line);
  if (header['speechai_archive'] !== 1) throw unreadable(path, 'it does not begin like an archive of this version');
  return header as unknown as ArchiveHeader;
}

function documentOf(path: string, line: string): ArchivedDocument {
  const { in: noun, doc } = parsed(path, line);
  const known = ARCHIVED_NOUNS.find((each) => each === noun);
  if (known === undefined || typeof doc !== 'object' || doc === null) throw unreadable(path, 'a line of it is no document');
  return { noun: known, doc: BSON.EJSON.deserialize(doc, { relaxed: false }) as ArchivedDocument['doc'] };
}

function parsed(path: string, line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw unreadable(path, 'a line of it is not JSON');
  }
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r+');
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
