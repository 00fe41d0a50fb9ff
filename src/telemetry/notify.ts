/** Tells the service manager what the daemon is doing. Without one, or when it does not listen, nothing happens. */
import { execFile } from 'node:child_process';

export interface Notifier {
  ready(status: string): Promise<void>;
  stopping(status: string): Promise<void>;
  status(text: string): Promise<void>;
  watchdog(): Promise<void>;
  /** How often `watchdog()` is expected at most, half of what the unit allows; null: not at all. */
  readonly watchdogEveryMs: number | null;
}

export interface NotifierOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Runs `systemd-notify` with these arguments; tests give their own. */
  readonly run?: (args: readonly string[]) => Promise<void>;
}

/** The tool waits up to 5 s for a manager that does not answer. */
const TIMEOUT_MS = 8_000;
const MAX_STATUS_LENGTH = 200;

/**
 * Through the tool because Node cannot send to a datagram socket of the file system. Never with --no-block: the tool would
 * be gone before the manager has looked up which unit the message came from, and the message would be dropped.
 */
const runTool = (args: readonly string[]): Promise<void> =>
  new Promise((resolve) => {
    execFile('systemd-notify', [...args], { timeout: TIMEOUT_MS }, () => resolve());
  });

function watchdogInterval(environment: NotifierOptions['environment'], pid: number): number | null {
  const usec = Number(environment['WATCHDOG_USEC']);
  const owner = environment['WATCHDOG_PID'];
  if (!Number.isFinite(usec) || usec <= 0) return null;
  if (owner !== undefined && owner !== '' && Number(owner) !== pid) return null;
  return Math.floor(usec / 2_000);
}

// A line break would start another variable of the protocol.
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, MAX_STATUS_LENGTH);

export function createNotifier(options: NotifierOptions): Notifier {
  const socket = options.environment['NOTIFY_SOCKET'] ?? '';
  const run = options.run ?? runTool;
  let last: Promise<void> = Promise.resolve();
  let pinging = false;

  /** One after another, so that READY cannot overtake STOPPING. */
  function send(...variables: readonly string[]): Promise<void> {
    if (socket === '') return Promise.resolve();
    last = last.then(() => run(variables)).catch(() => undefined);
    return last;
  }

  return {
    watchdogEveryMs: socket === '' ? null : watchdogInterval(options.environment, options.pid),
    ready: (status) => send('READY=1', `STATUS=${oneLine(status)}`),
    stopping: (status) => send('STOPPING=1', `STATUS=${oneLine(status)}`),
    status: (text) => send(`STATUS=${oneLine(text)}`),
    async watchdog() {
      // A manager that answers slowly must not collect a queue of pings.
      if (pinging) return;
      pinging = true;
      await send('WATCHDOG=1');
      pinging = false;
    },
  };
}
