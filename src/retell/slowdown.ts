/** One brake for the whole process: when the provider says "too many", or cannot answer, every start is made more slowly, not one job. */
import type { Clock, Mark } from '../domain/ports.js';
import { LONGEST_PAUSE_MS } from './faults.js';

export interface SlowdownOptions {
  readonly clock: Clock;
  /** How long a full stop lasts when the provider names no time. */
  readonly pauseMs?: number;
  /** From the lowest rate back to the full one, in which time it doubles again and again. */
  readonly doubleEveryMs?: number;
}

export interface Slowdown {
  /** It refused for now, could not be reached, or gave no clear answer; null: it named no time to come back at. */
  trouble(retryAfterMs: number | null): void;
  /** What CALLS_PER_SECOND is multiplied with: 0 while paused, 1 when nothing is wrong. */
  rateFactor(): number;
  /** How much longer nothing may start at all. */
  pausedForMs(): number;
}

const LEAST_FACTOR = 1 / 64;

export function createSlowdown(options: SlowdownOptions): Slowdown {
  const { clock } = options;
  const defaultPauseMs = options.pauseMs ?? 1_000;
  const doubleEveryMs = options.doubleEveryMs ?? 15_000;
  let last: { since: Mark; pauseMs: number; factor: number } | null = null;

  const leftMs = (): number => (last === null ? 0 : Math.max(0, last.pauseMs - clock.elapsedMs(last.since)));
  /** The rate that applies once the pause is over. */
  const factorNow = (): number => {
    if (last === null) return 1;
    const ramping = Math.max(0, clock.elapsedMs(last.since) - last.pauseMs);
    return Math.min(1, last.factor * 2 ** (ramping / doubleEveryMs));
  };

  return {
    trouble(retryAfterMs) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(0, retryAfterMs ?? defaultPauseMs));
      const left = leftMs();
      // Refusals of one burst arrive together: they lengthen the pause, but only the first of them halves the rate.
      const factor = last !== null && left > 0 ? last.factor : Math.max(LEAST_FACTOR, factorNow() / 2);
      last = { since: clock.mark(), pauseMs: Math.max(pauseMs, left), factor };
    },
    rateFactor: () => (leftMs() > 0 ? 0 : factorNow()),
    pausedForMs: leftMs,
  };
}
