/** Waiting for something that another process does and does not tell. */

import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 40;

/** Looks until `good` says nothing is missing any more; `good` answers with what is. Fails with that after `withinMs`. */
export const eventually = async <T>(look: () => Promise<T> | T, missing: (seen: T) => string | null, withinMs = 60_000): Promise<T> => {
  const started = performance.now();
  for (;;) {
    const seen = await look();
    const lacks = missing(seen);
    if (lacks === null) return seen;
    if (performance.now() - started > withinMs) throw new Error(`after ${withinMs} ms still: ${lacks}`);
    await delay(LOOK_EVERY_MS);
  }
};
