/** When what was just forbidden is certain: no process can place a call any more on what it read before. */
import type { Session } from './session.js';

/** Between the last look at batch and account and the POST lie at most DIAL_WITHIN_MS of the process that dials, which may not be this shell's. */
export async function certainAfterMs({ store, loaded }: Session): Promise<number> {
  return Math.max(loaded.settings.calls.dialWithinMs, await store.runners.longestDialWithinMs());
}

export async function untilCertain(session: Session): Promise<void> {
  await session.clock.sleep(await certainAfterMs(session));
}
