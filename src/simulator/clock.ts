/** The real time the simulator lives in. Tests may put a clock of their own in its place. */

export interface SimulatorClock {
  /** Wall clock: what timestamps show. */
  wallMs(): number;
  /** Never goes back: what durations are measured with. */
  monoMs(): number;
  /** Runs once after that many real milliseconds; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** Longest delay setTimeout understands; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function systemClock(): SimulatorClock {
  return {
    wallMs: () => Date.now(),
    monoMs: () => performance.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
      return () => clearTimeout(timer);
    },
  };
}
