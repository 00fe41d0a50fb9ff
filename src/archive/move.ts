/** One batch's history out of the database and back. Each step can be repeated: whatever dies in between, running it again finishes it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveEntry } from '../domain/archived.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import type { ArchivedDocument, ArchivedNoun, ArchiveStore, Standing } from '../store/archive.js';
import { checkArchive, readArchive, writeArchive } from './file.js';

/** Told while documents are moved: of long work somebody wants to know that it goes on. */
export type Progress = (documents: number) => void;

export interface MoveOut {
  readonly batch: string;
  readonly folder: string;
  readonly id: string;
  readonly by: string;
  readonly database: string;
  /** Database time, before the first look at the batch. */
  readonly at: Date;
}

export interface Moved {
  readonly file: string;
  readonly jobs: number;
  readonly calls: number;
}

/** Why it stays; null: it may go. */
export function whyNot(standing: Standing, olderThan: Date): string | null {
  const waiting = Object.entries(standing.waiting).map(([status, n]) => `${n} ${status}`);
  if (waiting.length > 0) return `it has jobs that are not at their end (${waiting.join(', ')})`;
  if (standing.unfinished > 0) return `${standing.unfinished} of its calls are open, or wait for their price or a last look`;
  if (standing.last === null) return standing.jobs + standing.calls === 0 ? 'it has neither jobs nor calls' : 'nothing says how old it is';
  if (standing.last > olderThan) return `it was last at work at ${standing.last.toISOString()}`;
  return null;
}

/** The file first, whole and durable; then the batch knows of it; then, bit by bit, what is in the file is taken away. */
export async function moveOut(store: ArchiveStore, order: MoveOut, progress: Progress): Promise<Moved> {
  const { batch, at, id, by } = order;
  const file = `${fileName(batch)}-${at.toISOString().replace(/[-:]|\.\d+/g, '')}-${id.slice(0, 6)}.jsonl.gz`;
  const path = join(order.folder, file);
  const sums = { completed_jobs: 0, failed_jobs: 0, micros: 0, ms: 0 };
  async function* summed(): AsyncGenerator<ArchivedDocument> {
    for await (const one of store.read(batch, at)) {
      add(sums, one);
      progress(1);
      yield one;
    }
  }
  const header = { speechai_archive: 1, id, batch, at: at.toISOString(), database: order.database } as const;
  const counts = await writeArchive(path, header, summed());
  const entry: ArchiveEntry = { id, file, at, by, jobs: counts.jobs, calls: counts.attempts, done: false, ...sums };
  if ((await store.begin(batch, entry)) === 'busy') {
    await rm(path);
    throw new SpeechAiError('ARCHIVE_BUSY', `The history of ${batch} is being moved by somebody else.`, {
      remedy: 'Wait until that is over; where it was interrupted, run `db archive` again and it is finished first.',
      exitCode: EXIT.tryAgain,
    });
  }
  await store.end(batch, id, await store.remove(batch, at, progress));
  return { file: path, jobs: counts.jobs, calls: counts.attempts };
}

/** What an interrupted run has left of a batch whose file is complete. The figures it noted stand. */
export async function finish(store: ArchiveStore, batch: string, { id, at }: ArchiveEntry, progress: Progress): Promise<void> {
  await store.remove(batch, at, progress);
  await store.end(batch, id, null);
}

const TOGETHER = 500;

/** Looked through as a whole before the first document is put back. Says how many were missing. */
export async function moveBack(store: ArchiveStore, path: string, progress: Progress): Promise<Moved & { readonly restored: number }> {
  const { header, counts } = await checkArchive(path);
  await store.reopen(header.batch, header.id);
  const groups: Record<ArchivedNoun, ArchivedDocument['doc'][]> = { jobs: [], attempts: [], results: [] };
  let restored = 0;
  const flush = async (noun: ArchivedNoun): Promise<void> => {
    restored += await store.restore(noun, groups[noun]);
    progress(groups[noun].length);
    groups[noun] = [];
  };
  for await (const { noun, doc } of readArchive(path)) {
    groups[noun].push(doc);
    if (groups[noun].length === TOGETHER) await flush(noun);
  }
  for (const noun of Object.keys(groups) as ArchivedNoun[]) await flush(noun);
  await store.forget(header.batch, header.id);
  return { file: path, jobs: counts.jobs, calls: counts.attempts, restored };
}

/** An id may hold anything; a name of a file must not. */
function fileName(batch: string): string {
  return batch.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '_').slice(0, 100); // prettier-ignore
}

/** Numbers are read as they are stored, in the wrappers of their types. */
function add(sums: { completed_jobs: number; failed_jobs: number; micros: number; ms: number }, { noun, doc }: ArchivedDocument): void {
  if (noun === 'jobs') {
    if (doc['status'] === 'done' || doc['status'] === 'completed') sums.completed_jobs += 1;
    if (doc['status'] === 'failed') sums.failed_jobs += 1;
  }
  if (noun !== 'attempts' || doc['state'] !== 'settled') return;
  const cost = doc['cost'] as Record<string, unknown> | undefined;
  sums.micros += Number(cost?.['micros'] ?? 0);
  sums.ms += Number(cost?.['ms'] ?? 0);
}
