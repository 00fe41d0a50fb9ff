/** The daemon as a child process: `node dist/main.js run`, heard line by line, asked and killed by signals like any other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { childEnvironment } from './settings.js';

export type LogLine = Readonly<Record<string, unknown>>;

export interface DaemonProcess {
  readonly pid: number;
  /** Resolves true at its line "ready", false when it ended before. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<string>;
  running(): boolean;
  /** The end of what it wrote to its error stream, for the story when it ends by itself. */
  lastWords(): string;
  signal(name: NodeJS.Signals): void;
}

const LAST_WORDS = 2_000;

export function startDaemon(entry: string, envFile: string, hear: (line: LogLine) => void): DaemonProcess {
  const child = spawn(process.execPath, [entry, '--env-file', envFile, 'run'], {
    env: childEnvironment(process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-LAST_WORDS);
  });
  let isRunning = true;
  const ended = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      isRunning = false;
      resolve(how);
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
  });
  let isReady: (value: boolean) => void = () => undefined;
  const ready = new Promise<boolean>((resolve) => {
    isReady = resolve;
  });
  void ended.then(() => isReady(false));
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parsed(text);
    if (line === null) return;
    if (line['msg'] === 'ready') isReady(true);
    hear(line);
  });
  return {
    pid: child.pid ?? 0,
    ready,
    ended,
    running: () => isRunning,
    lastWords: () => words.trim(),
    signal: (name) => send(child, name),
  };
}

function send(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) child.kill(name);
}

function parsed(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
