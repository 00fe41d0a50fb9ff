/** What a batch keeps of a history that was moved out: where it is, and the figures that its counters go on counting. */
import { date, list, number, record, text } from './lenient.js';

export interface ArchivedFigures {
  readonly completed_jobs: number;
  readonly failed_jobs: number;
  readonly micros: number;
  readonly ms: number;
}

export interface ArchiveEntry extends ArchivedFigures {
  readonly id: string;
  readonly file: string;
  /** Database time, from before the first document was read: what is newer stays. */
  readonly at: Date;
  readonly by: string;
  readonly jobs: number;
  readonly calls: number;
  /** False: the file is complete, the documents are being taken away or put back. */
  readonly done: boolean;
}

/** Entries that nobody can read are left out: they are for people to look at. */
export function readArchived(value: unknown): readonly ArchiveEntry[] {
  return (list(value) ?? []).flatMap((one) => {
    const [id, at] = [text(record(one)?.['id']), date(record(one)?.['at'])];
    if (id === null || at === null) return [];
    const of = (name: string): number => number(record(one)?.[name]) ?? 0;
    return [
      {
        id,
        at,
        file: text(record(one)?.['file']) ?? 'an unknown file',
        by: text(record(one)?.['by']) ?? 'somebody',
        jobs: of('jobs'),
        calls: of('calls'),
        done: record(one)?.['done'] !== false,
        completed_jobs: of('completed_jobs'),
        failed_jobs: of('failed_jobs'),
        micros: of('micros'),
        ms: of('ms'),
      },
    ];
  });
}

/** One sentence for people who miss something. */
export function archivedText({ file, at, jobs, calls, done }: ArchiveEntry): string {
  const what = `${jobs} jobs and ${calls} calls were moved out into ${file} on ${at.toISOString().slice(0, 10)}`;
  return done ? what : `${what}, which was interrupted`;
}
