/** Other processes, as the tests of things shared between processes need them. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Script {
  readonly child: ChildProcess;
  /** The next line of its stdout; rejects when it ends before. */
  line(): Promise<string>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** What it wrote to stderr so far. */
  errors(): string;
  kill(signal?: NodeJS.Signals): void;
}

/** Runs a TypeScript file of the project in a process of its own. */
export const runScript = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Script => {
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8');
  });
  return {
    child,
    line: async () => {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${file} ended: ${errors}`);
      return next.value;
    },
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? 0))),
    errors: () => errors,
    kill: (signal = 'SIGKILL') => child.kill(signal),
  };
};

/** The environment a child gets of ours: enough to find node and its libraries, nothing that is a setting. */
export const inheritedEnv = (): Record<string, string> =>
  Object.fromEntries(
    ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'TMPDIR'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** One letter, as /proc tells it: T is stopped, Z has ended and waits to be reaped. null: there is no such process, or no /proc. */
export const processState = (pid: number | undefined): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return null;
  }
};

/** Is there a process of that number that still runs? One that has ended and only waits to be reaped does not. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const state = processState(pid);
  return state === null ? process.platform !== 'linux' : !'ZX'.includes(state);
};
