/** One batch's history out of the database and back. Each step can be repeated: whatever dies in between, running it again finishes it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from 'mongodb';
import type { ArchiveEntry, ArchivedFigures } from '../domain/archived.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import { date } from '../domain/lenient.js';
import { decode, type ArchivedDocument, type ArchivedNoun, type ArchiveStore, type Restored, type Standing } from '../store/archive.js';
import { checkArchive, readArchive, writeArchive, type ArchiveHeader } from './file.js';

/** Told while documents are moved: of long work somebody wants to know that it goes on. */
export type Progress = (doing: 'written' | 'taken' | 'put back', documents: number) => void;

export interface MoveOut {
  readonly batch: string;
  readonly folder: string;
  readonly id: string;
  readonly by: string;
  readonly host: string;
  readonly pid: number;
  readonly database: string;
  /** Database time, before the first look at the batch. */
  readonly at: Date;
  /** Of a batch that was at work since nothing goes. */
  readonly olderThan: Date;
}

export interface Moved {
  readonly file: string;
  readonly jobs: number;
  readonly calls: number;
}

interface Sums extends ArchivedFigures {
  readonly documents: number;
  readonly jobs: number;
  readonly calls: number;
}

/** Why it stays; null: it may go, unless its jobs turn out to be younger. */
export function whyNot(standing: Standing, olderThan: Date): string | null {
  const waiting = Object.entries(standing.waiting).map(([status, n]) => `${n} ${status}`);
  if (standing.jobs + standing.calls === 0) return 'it has neither jobs nor calls';
  if (waiting.length > 0) return `it has jobs that are not at their end (${waiting.join(', ')})`;
  if (standing.unfinished) return 'one of its calls is open, or waits for its price, its bill or a last look';
  return standing.lastCall !== null && standing.lastCall > olderThan ? `it called last at ${standing.lastCall.toISOString()}` : null;
}

/** A batch at work since: told by its jobs, which are read anyway. */
export class StillYoung extends Error {
  constructor(readonly touched: Date) {
    super(`one of its jobs was changed at ${touched.toISOString()}`);
  }
}

/** The batch knows first; then the file, whole and durable; then what is in the file is taken, as long as it is what is in the file. */
export async function moveOut(store: ArchiveStore, order: MoveOut, progress: Progress): Promise<Moved | null> {
  const { batch, at, id, by, host, pid, olderThan } = order;
  const file = join(order.folder, `${fileName(batch)}-${at.toISOString().replace(/[-:]|\.\d+/g, '')}-${id}.jsonl.gz`);
  const entry: ArchiveEntry = { id, state: 'writing', file, host, pid, at, by, renewed_at: at, ...FIGURES };
  const begun = await store.begin(batch, entry);
  if (begun === 'busy') throw busy(batch);
  let sums = NOTHING;
  async function* read(): AsyncGenerator<ArchivedDocument> {
    let documents = 0;
    for await (const one of store.read(batch)) {
      const doc = decode(one.bytes);
      const touched = one.noun === 'jobs' ? latestOf(doc) : null;
      if (touched !== null && touched > olderThan) throw new StillYoung(touched);
      sums = plus(sums, one.noun, doc);
      progress('written', 1);
      documents += 1;
      if (documents % RENEWED_EVERY === 0) await store.change(batch, id, ['writing'], {});
      yield one;
    }
  }
  const header: ArchiveHeader = { speechai_archive: 1, id, batch, at: at.toISOString(), database: order.database };
  try {
    await writeArchive(file, header, read());
  } catch (error) {
    await store.forget(batch, id);
    throw error;
  }
  const { documents, ...figures } = sums;
  if (!(await store.change(batch, id, ['writing'], { state: 'moving', ...figures })) && begun === 'begun') throw busy(batch);
  const left = await takeAway(store, entry, { batch, remembered: begun === 'begun' }, progress);
  if (left.documents < documents) return { file, jobs: sums.jobs - left.jobs, calls: sums.calls - left.calls };
  // All of it is somebody else's by now, or not to be told apart: no file for nothing, each time anew.
  await store.forget(batch, id);
  await rm(file, { force: true });
  return null;
}

/** What an interrupted run has left of a batch, by the file that it left. */
export async function finish(store: ArchiveStore, batch: string, entry: ArchiveEntry, progress: Progress): Promise<void> {
  const { header } = await checkArchive(entry.file);
  if (header.id !== entry.id || header.batch !== batch) throw notTheFile(entry.file, batch);
  await store.change(batch, entry.id, ['moving'], { pid: process.pid });
  await takeAway(store, entry, { batch, remembered: true }, progress);
}

/** Counts as what was taken all that is in the file and not in the database any more. Says what is. */
async function takeAway(
  store: ArchiveStore,
  { file, id }: ArchiveEntry,
  of: { readonly batch: string; readonly remembered: boolean },
  progress: Progress,
): Promise<Sums> {
  let [whole, left] = [NOTHING, NOTHING];
  // Whoever is ended while the first are taken must not say that nothing is.
  progress('taken', 0);
  await inPages(file, async (noun, page) => {
    // Asked before each: somebody who thought this run dead may be putting it back.
    if (!(await store.change(of.batch, id, ['moving'], {})) && of.remembered) throw busy(of.batch);
    for (const bytes of page) whole = plus(whole, noun, decode(bytes));
    for (const doc of await store.remove(noun, page)) left = plus(left, noun, doc);
    progress('taken', page.length);
  });
  const { documents: _, ...taken } = minus(whole, left);
  await store.change(of.batch, id, ['moving'], { state: 'done', ...taken });
  return left;
}

export interface MovedBack extends Restored {
  readonly batch: string;
}

/** Looked through as a whole before the first document is put back. */
export async function moveBack(store: ArchiveStore, path: string, progress: Progress): Promise<MovedBack> {
  const { header } = await checkArchive(path);
  const { batch, id } = header;
  const known = await store.change(batch, id, ['writing', 'moving', 'done', 'restoring'], { state: 'restoring', pid: 0 });
  const sum = { put: 0, differ: 0, refused: 0 };
  await inPages(path, async (noun, page) => {
    const { put, differ, refused } = await store.restore(noun, page);
    sum.put += put;
    sum.differ += differ;
    sum.refused += refused;
    progress('put back', page.length);
    if (known) await store.change(batch, id, ['restoring'], {});
  });
  await store.forget(batch, id);
  return { batch, ...sum };
}

/** Few enough to be one command, whatever their size. */
const PAGE = 100;
const RENEWED_EVERY = 2_000;

async function inPages(path: string, work: (noun: ArchivedNoun, page: readonly Uint8Array[]) => Promise<void>): Promise<void> {
  const pages: Record<ArchivedNoun, Uint8Array[]> = { jobs: [], attempts: [], results: [] };
  for await (const { noun, bytes } of readArchive(path)) {
    // A call goes only where its job is gone, a result where its call is.
    if (noun !== 'jobs' && pages.jobs.length > 0) await work('jobs', pages.jobs.splice(0));
    if (noun === 'results' && pages.attempts.length > 0) await work('attempts', pages.attempts.splice(0));
    pages[noun].push(bytes);
    if (pages[noun].length === PAGE) await work(noun, pages[noun].splice(0));
  }
  for (const noun of ['jobs', 'attempts', 'results'] as const) if (pages[noun].length > 0) await work(noun, pages[noun]);
}

const FIGURES = { jobs: 0, calls: 0, completed_jobs: 0, failed_jobs: 0, micros: 0, ms: 0 };
const NOTHING: Sums = { documents: 0, ...FIGURES };

/** A void never rang, and is no call. */
function plus(sums: Sums, noun: ArchivedNoun, doc: Document): Sums {
  const { status, state, cost } = doc as { status?: unknown; state?: unknown; cost?: Document };
  const more = { ...NOTHING, documents: 1 };
  if (noun === 'jobs') {
    const completed = status === 'done' || status === 'completed' ? 1 : 0;
    return add(sums, { ...more, jobs: 1, completed_jobs: completed, failed_jobs: status === 'failed' ? 1 : 0 });
  }
  if (noun === 'results' || state === 'void') return add(sums, more);
  const [micros, ms] = state === 'settled' ? [Number(cost?.['micros'] ?? 0), Number(cost?.['ms'] ?? 0)] : [0, 0];
  return add(sums, { ...more, calls: 1, micros, ms });
}

const combined = (a: Sums, b: Sums, sign: 1 | -1): Sums => ({
  documents: a.documents + sign * b.documents,
  jobs: a.jobs + sign * b.jobs,
  calls: a.calls + sign * b.calls,
  completed_jobs: a.completed_jobs + sign * b.completed_jobs,
  failed_jobs: a.failed_jobs + sign * b.failed_jobs,
  micros: a.micros + sign * b.micros,
  ms: a.ms + sign * b.ms,
});
const add = (a: Sums, b: Sums): Sums => combined(a, b, 1);
const minus = (a: Sums, b: Sums): Sums => combined(a, b, -1);

const DATES = ['updated_at', 'created_at', 'finished_at', 'completed_at', 'failed_at', 'call_ended_at'];

function latestOf(doc: Document): Date | null {
  const dates = DATES.flatMap((name) => date(doc[name])?.getTime() ?? []);
  return dates.length === 0 ? null : new Date(Math.max(...dates));
}

/** An id may hold anything; a name of a file must not. */
function fileName(batch: string): string {
  return batch
    .replace(/[^\w.-]+/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, 100);
}

export function busy(batch: string): SpeechAiError {
  return new SpeechAiError('ARCHIVE_BUSY', `The history of ${batch} is being moved by somebody else.`, {
    remedy: 'Wait until that is over; `batch show` shows who is moving it.',
    exitCode: EXIT.tryAgain,
  });
}

export function notTheFile(path: string, batch: string): SpeechAiError {
  return new SpeechAiError('NOT_ITS_ARCHIVE', `${path} is not what was taken out of ${batch}.`, {
    remedy: '`batch show` names its files, and the machine on which they were made.',
  });
}
