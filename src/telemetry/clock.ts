/** The real clock: the only place where the program asks the machine for the time. */
import type { Clock, Mark } from '../domain/ports.js';

export interface ClockOptions {
  /** Tests run a daemon whose wall clock is wrong; never set elsewhere. */
  readonly wallOffsetMs?: number;
}

export function createClock(options: ClockOptions = {}): Clock {
  const offsetMs = options.wallOffsetMs ?? 0;
  const wall = (): number => Date.now() + offsetMs;
  const mono = (): number => performance.now();
  return {
    now: () => new Date(wall()),
    mark: () => ({ monoMs: mono(), wallMs: wall() }),
    elapsedMs: (since: Mark) => Math.max(mono() - since.monoMs, wall() - since.wallMs),
    disagreementMs: (since: Mark) => Math.abs(mono() - since.monoMs - (wall() - since.wallMs)),
    sleep: (ms, ...signals) =>
      new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          for (const signal of signals) signal?.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, Math.max(0, ms));
        for (const signal of signals) signal?.addEventListener('abort', wake);
        if (signals.some((signal) => signal?.aborted)) wake();
      }),
  };
}
