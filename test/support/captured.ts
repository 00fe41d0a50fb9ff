/** What a command writes while it runs in this process. */
import { vi } from 'vitest';

export interface Captured<T> {
  readonly value: T;
  readonly out: string;
  readonly err: string;
}

export async function captured<T>(work: () => Promise<T>): Promise<Captured<T>> {
  let out = '';
  let err = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += String(chunk);
    return true;
  });
  try {
    const value = await work();
    return { value, out, err };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}
