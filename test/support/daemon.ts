/** `speechai run` as a process of its own: started with an environment, heard line by line, ended by real signals. */

import { spawn } from 'node:child_process';
import { builtProgram } from './build.js';
import { inheritedEnv } from './processes.js';

export interface DaemonOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export type LogLine = Readonly<Record<string, unknown>>;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly at: number;
}

export interface Daemon {
  readonly pid: number;
  /** Everything it wrote, both streams. */
  output(): string;
  lines(): readonly LogLine[];
  /** The first line that fits, now or later; rejects when the process ends before. */
  line(fits: (line: LogLine) => boolean, what: string): Promise<LogLine>;
  /** A journal line by its event's name. */
  event(name: string): Promise<LogLine>;
  readonly ready: Promise<LogLine>;
  readonly ended: Promise<Ending>;
  hasEnded(): boolean;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM once it listens for signals, and how it ended. */
  stop(): Promise<Ending>;
}

/** A wait for what never comes must end with a reason before its test ends without one. On a busy machine a start alone may take half of it. */
const PATIENCE_MS = 60_000;

export const startDaemon = async ({ env, args = [] }: DaemonOptions): Promise<Daemon> => {
  const entry = await builtProgram();
  const child = spawn(process.execPath, [entry, 'run', ...args], { env: { ...inheritedEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: LogLine[] = [];
  const waiting = new Set<{
    fits: (line: LogLine) => boolean;
    resolve: (line: LogLine) => void;
    reject: (error: Error) => void;
    what: string;
  }>();
  let output = '';
  let rest = '';
  let ending: Ending | null = null;

  const hear = (line: LogLine): void => {
    lines.push(line);
    for (const one of waiting) {
      if (!one.fits(line)) continue;
      waiting.delete(one);
      one.resolve(line);
    }
  };
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line = parsed(part);
      if (line !== null) hear(line);
    }
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  // A process that has written nothing yet may still be reading its modules, and a signal then ends it as it ends any other.
  const spoken = Promise.race([child.stdout, child.stderr].map((stream) => new Promise((resolve) => void stream.once('data', resolve))));
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => {
      ending = { code, signal, at: performance.now() };
      for (const { reject, what } of waiting)
        reject(new Error(`the daemon ended (${code ?? signal}) before ${what}:\n${output.slice(-4_000)}`));
      waiting.clear();
      resolve(ending);
    });
  });
  const line: Daemon['line'] = (fits, what) =>
    new Promise((resolve, reject) => {
      const known = lines.find(fits);
      if (known !== undefined) {
        resolve(known);
        return;
      }
      if (ending !== null) {
        reject(new Error(`the daemon had ended before ${what}:\n${output.slice(-4_000)}`));
        return;
      }
      const timer = setTimeout(() => {
        waiting.delete(one);
        reject(new Error(`after ${PATIENCE_MS} ms the daemon still had not said that ${what}`));
      }, PATIENCE_MS);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      const one = { fits, resolve: settled(resolve), reject: settled(reject), what };
      waiting.add(one);
    });
  const ready = line((one) => one['msg'] === 'ready', 'it was ready');
  // A daemon that is killed at its first step never says so, and then nobody waits for it.
  ready.catch(() => undefined);

  return {
    pid: child.pid ?? 0,
    output: () => output,
    lines: () => lines,
    line,
    event: (name) => line((one) => one['event'] === name, `the event "${name}"`),
    ready,
    ended,
    hasEnded: () => ending !== null,
    signal: (name) => void child.kill(name),
    stop: async () => {
      await Promise.race([spoken, ended]);
      child.kill('SIGTERM');
      return ended;
    },
  };
};

const parsed = (text: string): LogLine | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
};
