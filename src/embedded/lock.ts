/**
 * The lock file of a database directory: who serves it and where. It is a sign, not the arbiter: what keeps two engines out of one
 * directory is the storage engine's own kernel lock, which dies with its process. So a stale file can never block, only cost a moment.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const lockSchema = z.object({
  pid: z.number().int().positive(),
  /** When that process started, in the kernel's own ticks: a later process with the same number has another. null where there is no /proc. */
  startTicks: z.string().nullable(),
  provider: z.string(),
  uri: z.string(),
  ownersSocket: z.string(),
});

export type EngineLock = z.infer<typeof lockSchema>;

export const readLock = (file: string): EngineLock | null => {
  try {
    const parsed = lockSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

export const writeLock = (file: string, lock: EngineLock): void => {
  const draft = `${file}.${lock.pid}`;
  writeFileSync(draft, `${JSON.stringify(lock)}\n`, { mode: 0o600 });
  renameSync(draft, file);
};

/** Removes the file only while it is still ours: a successor may have written its own. */
export const removeLock = (file: string, pid: number): void => {
  if (readLock(file)?.pid === pid) rmSync(file, { force: true });
};

/** Is the process that wrote the lock still the one with that number? */
export const isHolderAlive = (lock: EngineLock): boolean => {
  try {
    process.kill(lock.pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return lock.startTicks === null || lock.startTicks === startTicksOf(lock.pid);
};

export const startTicksOf = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name may hold spaces and brackets, so fields are counted after the last bracket: the start is the 22nd of all.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
};
