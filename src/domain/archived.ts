/** What a batch keeps of a history that was moved out: where it is, and the figures that its counters go on counting. */
import { date, list, number, record, text } from './lenient.js';

export interface ArchivedFigures {
  readonly completed_jobs: number;
  readonly failed_jobs: number;
  readonly micros: number;
  readonly ms: number;
}

/**
 *   writing --the file is whole and durable--> moving --what is in it is gone--> done --unarchive--> restoring --all is back--> (no entry)
 * Interrupted while writing it is forgotten: nothing was taken. While moving it is finished from its file, while restoring by another unarchive.
 */
export type ArchiveState = 'writing' | 'moving' | 'done' | 'restoring';

export interface ArchiveEntry extends ArchivedFigures {
  readonly id: string;
  readonly state: ArchiveState;
  /** Its whole path, on `host`. */
  readonly file: string;
  readonly host: string;
  /** Of whoever takes it out there, or did; 0: it is being put back, from anywhere. */
  readonly pid: number;
  readonly by: string;
  /** Database time, from before the first document was read. */
  readonly at: Date;
  /** When whoever is at it was last alive. */
  readonly renewed_at: Date;
  readonly jobs: number;
  readonly calls: number;
}

const STATES: readonly ArchiveState[] = ['writing', 'moving', 'done', 'restoring'];

/** Entries that nobody can read are left out: no query of ours looks at them either. */
export function readArchived(value: unknown): readonly ArchiveEntry[] {
  return (list(value) ?? []).flatMap((one) => {
    const entry = record(one) ?? {};
    const state = STATES.find((each) => each === entry['state']);
    const [id, at] = [entry['id'], date(entry['at'])];
    if (typeof id !== 'string' || state === undefined || at === null) return [];
    const of = (name: string): number => number(entry[name]) ?? 0;
    return [
      {
        id,
        state,
        at,
        file: text(entry['file']) ?? 'an unknown file',
        host: text(entry['host']) ?? 'an unknown machine',
        pid: of('pid'),
        by: text(entry['by']) ?? 'somebody',
        renewed_at: date(entry['renewed_at']) ?? at,
        jobs: of('jobs'),
        calls: of('calls'),
        completed_jobs: of('completed_jobs'),
        failed_jobs: of('failed_jobs'),
        micros: of('micros'),
        ms: of('ms'),
      },
    ];
  });
}

/** One sentence, without its full stop, for people who miss something. */
export function archivedText({ file, host, by, at, jobs, calls, state }: ArchiveEntry): string {
  const where = `${file} (on ${host}${state === 'done' ? '' : `, by ${by}`})`;
  if (state === 'writing') return `a move of its history into ${where} was begun; nothing was taken yet`;
  const what = `${jobs} ${jobs === 1 ? 'job' : 'jobs'} and ${calls} ${calls === 1 ? 'call' : 'calls'}`;
  if (state === 'done') return `${what} were moved out into ${where} on ${at.toISOString().slice(0, 10)}`;
  return state === 'moving'
    ? `${what} are on their way out into ${where}, some of them are gone`
    : `${what} are on their way back from ${where}, some of them are here`;
}
