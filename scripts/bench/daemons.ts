/** The program as users run it: processes of the built entry, and what they say about themselves. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const PROBE = new URL('./probe.mjs', import.meta.url);

/** What the probe inside a process tells when asked. */
export interface ProbeFigures {
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  readonly residentMb: number;
  readonly peakMb: number;
}

export interface Daemon {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  /** Begins the event-loop histogram anew. Probed daemons only. */
  resetProbe(): void;
  probe(): Promise<ProbeFigures>;
  stop(): Promise<void>;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** A wait for what never comes ends with a reason. */
export async function within<T>(ms: number, wanted: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${ms} ms ${otherwise}`)), ms);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function environment(uri: string, database: string, retell: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    ENV: 'testing',
    MONGO_URI: uri,
    MONGO_DB: database,
    RETELL_BASE_URL: retell,
    RETELL_API_KEY: 'key_bench',
    LOG_LEVEL: 'INFO',
    RETELL_AGENT_ID: 'agent_bench',
    RETELL_FROM_NUMBER: '+56600000001',
    CALLS_PER_SECOND: '1000',
    MAX_CONCURRENT_CALLS: '10000',
    LEASE_SECONDS: '120',
    ...more,
  };
}

/** The probe is loaded before the program and shares its event loop: a timer every 10 ms, nothing else until it is asked. */
export function startDaemon(env: Record<string, string>, options: { readonly probed?: boolean } = {}): Daemon {
  const probed = options.probed === true;
  const child = spawn(process.execPath, [...(probed ? ['--import', PROBE.href] : []), MAIN, 'run'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore', ...(probed ? (['ipc'] as const) : [])],
  });
  let rest = '';
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    isReady = resolve;
    // Never said where its log leaves it out: that must not look like a daemon that takes its time.
    setTimeout(() => reject(new Error('the daemon did not say that it is ready')), 60_000).unref();
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code} before it was ready`)));
  });
  child.stdout?.on('data', (data: Buffer) => {
    const lines = (rest + data.toString()).split('\n');
    rest = lines.pop() ?? '';
    if (lines.some((line) => line.includes('"msg":"ready"'))) isReady();
  });
  return {
    child,
    ready,
    resetProbe: () => void child.send('reset'),
    probe: () =>
      new Promise((resolve, reject) => {
        child.once('message', (figures) => resolve(figures as ProbeFigures));
        child.once('exit', () => reject(new Error('the daemon ended before it told its figures')));
        child.send('figures');
      }),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) {
          resolve();
          return;
        }
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
        child.kill('SIGTERM');
      }),
  };
}

export interface Ended {
  readonly seconds: number;
  readonly code: number | null;
  readonly peakMb: number;
  readonly errors: string;
}

/** One command of the program, from its start to its end. */
export function runToEnd(
  args: readonly string[],
  env: Record<string, string>,
  options: { readonly probed?: boolean } = {},
): Promise<Ended> {
  const probed = options.probed === true;
  const started = performance.now();
  const child = spawn(process.execPath, [...(probed ? ['--import', PROBE.href] : []), MAIN, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', ...(probed ? (['ipc'] as const) : [])],
  });
  let errors = '';
  let peakMb = Number.NaN;
  child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
  child.on('message', (figures) => (peakMb = (figures as ProbeFigures).peakMb));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ seconds: (performance.now() - started) / 1000, code, peakMb, errors }));
  });
}
