/** Evidence must not be lost to a database that is away: such a write is tried until it is acknowledged, or the process lets go. */
import { messageOf } from '../domain/errors.js';
import type { Context } from './context.js';

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;
/** An election is over by then; a refusal that is still the same is final. */
const REFUSALS = 10;

/** null: abandoned; the lease ends by itself and the next owner finishes the step (each step is idempotent). */
export async function persist<T>(
  cx: Pick<Context, 'clock' | 'random' | 'log' | 'abandon'>,
  what: string,
  write: () => Promise<T>,
  /** For writes whose failure may be passed over: true for an answer that says no. So many of them in a row are thrown. */
  isRefusal: (error: unknown) => boolean = () => false,
): Promise<T | null> {
  let refusals = 0;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    if (cx.abandon.aborted) return null;
    try {
      return await write();
    } catch (error) {
      refusals = isRefusal(error) ? refusals + 1 : 0;
      if (refusals >= REFUSALS) throw error;
      cx.log.warn(`${what}: the database did not acknowledge it yet`, { error: messageOf(error) });
      await cx.clock.sleep(delayMs * (0.5 + cx.random()), cx.abandon);
    }
  }
}
