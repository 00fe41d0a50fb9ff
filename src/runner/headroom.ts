/** How many more calls the workspace takes, asked from the provider where USE_PROVIDER_CONCURRENCY allows it: inbound calls share the limit. */
import type { Clock } from '../domain/ports.js';
import type { Retell } from '../retell/client.js';

/** Of the daemon's context no more than it needs. */
interface Needs {
  readonly clock: Clock;
  readonly retell: Pick<Retell, 'concurrency'>;
  readonly noMoreClaims: AbortSignal;
}

export interface Headroom {
  /** Infinity where it is not asked for, or the provider did not say. */
  free(): Promise<number>;
  used(calls: number): void;
}

const FRESH_MS = 5_000;

export function createHeadroom(cx: Needs, enabled: boolean): Headroom {
  let known = Number.POSITIVE_INFINITY;
  let asked = cx.clock.mark();
  let ever = false;

  return {
    free: async () => {
      if (!enabled) return Number.POSITIVE_INFINITY;
      if (!ever || cx.clock.elapsedMs(asked) > FRESH_MS) {
        ever = true;
        asked = cx.clock.mark();
        const reply = await cx.retell.concurrency(cx.noMoreClaims);
        known = reply.kind === 'headroom' ? reply.free : Number.POSITIVE_INFINITY;
      }
      return Math.max(0, known);
    },
    used: (calls) => {
      known -= calls;
    },
  };
}
