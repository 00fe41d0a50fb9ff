/** Work that comes round again, whatever came of it the last time, until the process claims no more. */
import { messageOf } from '../domain/errors.js';
import type { Context } from './context.js';

export async function repeat(
  { abandon, noMoreClaims, log, clock, random }: Pick<Context, 'abandon' | 'noMoreClaims' | 'log' | 'clock' | 'random'>,
  what: string,
  everyMs: number,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!abandon.aborted && !noMoreClaims.aborted) {
    try {
      await work();
    } catch (error) {
      log.warn(`${what} was cut short`, { error: messageOf(error) });
    }
    // Jittered, so that processes started together do not ask together.
    await clock.sleep(everyMs * (0.9 + 0.2 * random()), abandon, noMoreClaims);
  }
}
