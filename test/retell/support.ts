/** A clock that only moves when something sleeps on it or a test pushes it, a silent log that remembers, and a client on top of them. */
import type { Clock, Log, LogFields } from '../../src/domain/ports.js';
import type { CallOrder, Retell, RetellOptions } from '../../src/retell/client.js';
import { createRetell } from '../../src/retell/client.js';

export interface FakeClock extends Clock {
  /** Moves time and wakes those whose time has come. */
  advance(ms: number): Promise<void>;
  /** What was slept, in order. */
  readonly slept: number[];
  readonly sleeping: () => number;
}

/** `automatic`: a sleep moves the clock itself and ends at once. */
export function fakeClock(automatic = false): FakeClock {
  let nowMs = Date.UTC(2026, 10, 21, 12, 0, 0);
  const slept: number[] = [];
  let sleepers: { at: number; wake: () => void }[] = [];
  const wakeDue = async (): Promise<void> => {
    for (const sleeper of sleepers.filter((one) => one.at <= nowMs)) sleeper.wake();
    sleepers = sleepers.filter((one) => one.at > nowMs);
    await settled();
  };
  return {
    slept,
    sleeping: () => sleepers.length,
    now: () => new Date(nowMs),
    mark: () => ({ monoMs: nowMs, wallMs: nowMs }),
    elapsedMs: (since) => nowMs - since.monoMs,
    disagreementMs: () => 0,
    sleep: (ms, ...signals) =>
      new Promise((resolve) => {
        if (signals.some((signal) => signal?.aborted === true)) return resolve();
        slept.push(ms);
        if (automatic) {
          nowMs += ms;
          return resolve();
        }
        const wake = (): void => {
          for (const signal of signals) signal?.removeEventListener('abort', end);
          resolve();
        };
        const sleeper = { at: nowMs + ms, wake };
        const end = (): void => {
          sleepers = sleepers.filter((one) => one !== sleeper);
          wake();
        };
        sleepers.push(sleeper);
        for (const signal of signals) signal?.addEventListener('abort', end);
      }),
    async advance(ms) {
      nowMs += ms;
      await wakeDue();
    },
  };
}

/** Lets everything that was waiting on promises go on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export function memoryLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ level, message, fields });
  const log: Log & { readonly lines: Line[] } = {
    lines,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: () => log,
  };
  return log;
}

export const POLICY = { tries: 3, delayMs: 100, factor: 2, maxDelayMs: 5_000, jitter: 0, honourRetryAfter: true };

export const ORDER: CallOrder = {
  from: '+56221112222',
  to: '+56911112222',
  agentId: 'agent_1',
  ringMs: 30_000,
  maxDurationMs: 600_000,
  variables: { nombre: 'Ana' },
  metadata: { job_id: 'job_1', attempt_id: 'attempt-1' },
};

export function clientFor(baseUrl: string, overrides: Partial<RetellOptions> = {}): Retell {
  const clock = fakeClock(true);
  const options = {
    apiKey: 'key_secret',
    timeoutMs: 2_000,
    read: POLICY,
    list: POLICY,
    stop: POLICY,
    clock,
    random: () => 0.5,
    log: memoryLog(),
  };
  return createRetell({ baseUrl, ...options, ...overrides });
}
