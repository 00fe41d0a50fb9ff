/**
 * The last gate before the POST: no more starts in any one second than this process may make. The bucket paces the claims, and between a
 * claim and its POST lie steps that take now longer, now shorter; a provider that counts exactly would answer the difference with 429.
 * What the network adds (a first connection takes longer than the next) it cannot know.
 */
import type { Clock, Mark } from '../domain/ports.js';

export interface Sends {
  setRate(perSecond: number): void;
  /** First come, first served. Resolves when the POST may be made, or the signal ends the wait. */
  turn(signal: AbortSignal): Promise<void>;
}

/** Two that leave a second apart arrive a little less than that apart. */
const MARGIN = 1.02;
/** Claims come a little slower than their POSTs may leave, or each would wait longer here than the one before, until its moment had passed. */
export const CLAIMS_SHARE = 0.97;

export function createSends(clock: Clock): Sends {
  let perSecond = Number.POSITIVE_INFINITY;
  let sent: Mark[] = [];
  let line: Promise<void> = Promise.resolve();

  /** At one start in three seconds: one in any three seconds; at 2.5 a second: two in any 0.8. */
  function leftMs(): number {
    const count = Math.max(1, Math.floor(perSecond));
    const oldest = sent.at(-count);
    sent = sent.slice(-count);
    return oldest === undefined ? 0 : (count / perSecond) * 1000 * MARGIN - clock.elapsedMs(oldest);
  }

  async function wait(signal: AbortSignal): Promise<void> {
    for (let ms = leftMs(); ms > 0 && !signal.aborted; ms = leftMs()) await clock.sleep(Math.ceil(ms), signal);
    sent.push(clock.mark());
  }

  return {
    setRate: (next) => {
      perSecond = next;
    },
    turn: (signal) => {
      if (perSecond === Number.POSITIVE_INFINITY) return Promise.resolve();
      line = line.then(() => wait(signal));
      return line;
    },
  };
}
