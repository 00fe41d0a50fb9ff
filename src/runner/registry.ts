/** The attempts this process holds: what the keeper renews, the tracker follows and a stop hands over. */
import type { Call } from './call.js';

export interface Registry {
  add(call: Call): void;
  remove(id: string): void;
  get(id: string): Call | undefined;
  all(): Call[];
  size(): number;
  /** Resolves when nothing is held any more, or the signal aborts. */
  empty(signal: AbortSignal): Promise<void>;
}

export function createRegistry(): Registry {
  const held = new Map<string, Call>();
  let waiters: (() => void)[] = [];

  return {
    add: (call) => void held.set(call.facts._id, call),
    remove: (id) => {
      held.delete(id);
      if (held.size > 0) return;
      for (const wake of waiters.splice(0)) wake();
    },
    get: (id) => held.get(id),
    all: () => [...held.values()],
    size: () => held.size,
    empty: (signal) =>
      new Promise((resolve) => {
        if (held.size === 0 || signal.aborted) {
          resolve();
          return;
        }
        const done = (): void => {
          signal.removeEventListener('abort', done);
          waiters = waiters.filter((one) => one !== done);
          resolve();
        };
        waiters.push(done);
        signal.addEventListener('abort', done, { once: true });
      }),
  };
}
