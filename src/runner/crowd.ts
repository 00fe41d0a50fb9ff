/**
 * How many jobs may be between their intent and their POST at once. Each has DIAL_WITHIN_MS for it; on a database that has more to do than it
 * can, too many at once would all come too late, and be given back for nothing: the more there is to do, the less would be done. So where it
 * takes most of that time fewer are let in, and where it does not, more again. They are let in together, since steps of many cost less.
 */
import type { Clock, Mark } from '../domain/ports.js';

export interface Crowd {
  /** How many more may come in. Waits while there is room for none; 0: the signal ended the wait. */
  room(signal: AbortSignal): Promise<number>;
  /** One more is on its way. */
  enter(): Visit;
}

export interface Visit {
  /** It has got to its POST, whether in time or not. */
  arrived(since: Mark): void;
  /** Or it ended before. Safe to call more than once, and after it arrived. */
  leave(): void;
}

const MOST = 500;
/** Slower than this nobody is, whatever the reason of the slowness. */
const LEAST = 8;
const CUT = 0.7;
/** Of DIAL_WITHIN_MS. */
const IN_TIME = 0.6;
/** Once the place was full, the next come in when no more than this part of it is still there: those that hang on do not hold up all. */
const LEFT = 0.1;
/** For each that got there in time while the place was in use: a twentieth more each time that all have come through. */
const GROWTH = 0.05;
/** For each that got there in less than this part of the time: a process that was slow at its start must not stay small for long. */
const EARLY = 0.2;
const FAST_GROWTH = 0.5;
/** From here on a small place is full: who comes in alone, after the others, costs as much as all of them together. */
const FULL = 0.75;

export function createCrowd(clock: Clock, dialWithinMs: number): Crowd {
  let limit = MOST;
  let inside = 0;
  let isOpen = true;
  let cut: Mark | null = null;
  let wake = new AbortController();

  function arrived(tookMs: number): void {
    if (tookMs <= dialWithinMs * IN_TIME) {
      if (inside >= limit / 2) limit = Math.min(MOST, limit + (tookMs <= dialWithinMs * EARLY ? FAST_GROWTH : GROWTH));
      return;
    }
    // Those that were inside at the last cut are late for the same reason.
    if (cut !== null && clock.elapsedMs(cut) < tookMs) return;
    cut = clock.mark();
    limit = Math.max(LEAST, Math.min(limit, inside) * CUT);
  }

  return {
    room: async (signal) => {
      if (inside >= Math.floor(limit < MOST ? limit * FULL : limit)) isOpen = false;
      while (!isOpen && !signal.aborted) {
        wake = new AbortController();
        await clock.sleep(dialWithinMs, wake.signal, signal);
        // Whoever is still inside by then hangs on an answer that may come much later, or never.
        if (inside < Math.floor(limit)) isOpen = true;
      }
      return signal.aborted ? 0 : Math.max(1, Math.floor(limit) - inside);
    },
    enter: () => {
      inside += 1;
      let isInside = true;
      const leave = (): void => {
        if (!isInside) return;
        isInside = false;
        inside -= 1;
        if (isOpen || inside > limit * LEFT) return;
        isOpen = true;
        wake.abort('room');
      };
      return {
        leave,
        arrived: (since) => {
          if (isInside) arrived(clock.elapsedMs(since));
          leave();
        },
      };
    },
  };
}
