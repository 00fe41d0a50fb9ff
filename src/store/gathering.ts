/**
 * How long a group gathers before it is sent. A command costs the server as much as many of its items, so on a server that is slow to answer
 * a little patience makes fewer and larger groups, and all of them come sooner; where it answers at once nobody waits.
 */
export interface Gathering {
  /** Until the next group is sent. */
  readonly waitMs: number;
  /** Passes on what a group came to, and learns from it how long one takes. */
  timed<T>(group: Promise<T>): Promise<T>;
}

/** A durable write takes so long on a disk that has nothing else to do: where few calls are under way, waiting would only make them slower. */
const USUAL_MS = 25;
/** Of what the last group took beyond that. */
const PART = 0.3;
/** Whatever the reason of the slowness: a step of the protocol must not become slow by waiting. */
const LONGEST_MS = 60;

export function createGathering(leastMs: number, now: () => number = () => performance.now()): Gathering {
  let tookMs = 0;
  return {
    get waitMs() {
      return Math.min(LONGEST_MS, Math.max(leastMs, (tookMs - USUAL_MS) * PART));
    },
    timed: async (group) => {
      const started = now();
      try {
        return await group;
      } finally {
        tookMs = now() - started;
      }
    },
  };
}
