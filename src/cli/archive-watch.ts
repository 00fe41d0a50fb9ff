/** Who is at the history of a batch, and how far. */
import { hostname } from 'node:os';
import type { Progress } from '../archive/move.js';
import type { ArchiveEntry } from '../domain/archived.js';
import { say } from './output.js';
import type { Session } from './session.js';

/** Whoever is at it tells every few seconds that he is. */
const STALE_MS = 120_000;
const TOLD_EVERY = 20_000;

/** Of this machine it can be seen, of others it must be waited for. */
export function isStale({ store }: Session, entry: ArchiveEntry): boolean {
  if (entry.host === hostname() && entry.pid > 0 && !lives(entry.pid)) return true;
  return store.time.now().getTime() - entry.renewed_at.getTime() > STALE_MS;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** What a run is at, for whoever ends it. */
export interface Doing {
  batch: string | null;
  /** null: it looks, and has begun nothing. */
  step: Parameters<Progress>[0] | null;
}

export function progressOf(batch: string, at?: Doing): Progress {
  const done = new Map<string, number>();
  return (doing, more) => {
    if (at !== undefined) Object.assign(at, { batch, step: doing });
    const before = done.get(doing) ?? 0;
    done.set(doing, before + more);
    if (Math.floor((before + more) / TOLD_EVERY) > Math.floor(before / TOLD_EVERY))
      say(`${batch}: ${before + more} documents ${doing} ...`);
  };
}
