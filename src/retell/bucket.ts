/** A token bucket: so many per second, a few at once. First come, first served; nobody waits on a timer of his own. */
import type { Clock, Mark } from '../domain/ports.js';

export interface BucketOptions {
  readonly perSecond: number;
  readonly burst: number;
  readonly clock: Clock;
}

export interface Bucket {
  /** False when the signal ended the wait: no token was taken. */
  take(signal?: AbortSignal): Promise<boolean>;
  /** 0 lets nobody through until the next change. */
  setRate(perSecond: number): void;
  /** A token that was taken and not used. */
  giveBack(): void;
  /** Nobody passes for so long, and afterwards one by one: what had been saved up is gone. */
  penalise(ms: number): void;
}

interface Waiter {
  readonly done: (taken: boolean) => void;
}

/** An idle bucket that is not refilled looks again this often; its rate may be changed at any time before. */
const LONGEST_NAP_MS = 60_000;

export function createBucket(options: BucketOptions): Bucket {
  const { clock, burst } = options;
  let perSecond = options.perSecond;
  let tokens = burst;
  let filled: Mark = clock.mark();
  let pause: { since: Mark; ms: number } | null = null;
  let waiters: Waiter[] = [];
  let pumping = false;
  let nap = new AbortController();

  const refill = (): void => {
    tokens = Math.min(burst, tokens + (clock.elapsedMs(filled) / 1000) * perSecond);
    filled = clock.mark();
  };

  /** Milliseconds until the next token, 0 when there is one now. */
  const shortfall = (): number => {
    if (pause !== null) {
      const left = pause.ms - clock.elapsedMs(pause.since);
      if (left > 0) return left;
      pause = null;
      // Time spent paused earns nothing, or the pause would end in the very burst that caused it.
      tokens = Math.min(tokens, 1);
      filled = clock.mark();
    }
    refill();
    if (tokens >= 1) return 0;
    return perSecond <= 0 ? LONGEST_NAP_MS : ((1 - tokens) / perSecond) * 1000;
  };

  const serve = (): number => {
    for (;;) {
      const waitMs = shortfall();
      if (waitMs > 0) return waitMs;
      const next = waiters.shift();
      if (next === undefined) return 0;
      tokens -= 1;
      next.done(true);
    }
  };

  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    while (waiters.length > 0) {
      const waitMs = serve();
      if (waiters.length === 0) break;
      nap = new AbortController();
      await clock.sleep(Math.min(LONGEST_NAP_MS, Math.max(1, Math.ceil(waitMs))), nap.signal);
    }
    pumping = false;
  };

  return {
    take(signal) {
      if (signal?.aborted === true) return Promise.resolve(false);
      return new Promise((resolve) => {
        const leave = (): void => {
          waiters = waiters.filter((other) => other !== waiter);
          if (waiters.length === 0) nap.abort();
          waiter.done(false);
        };
        const waiter: Waiter = {
          done: (taken) => {
            signal?.removeEventListener('abort', leave);
            resolve(taken);
          },
        };
        signal?.addEventListener('abort', leave);
        waiters.push(waiter);
        void pump();
      });
    },
    setRate(next) {
      refill();
      perSecond = Math.max(0, next);
      nap.abort();
    },
    giveBack() {
      tokens = Math.min(burst, tokens + 1);
      nap.abort();
    },
    penalise(ms) {
      const left = pause === null ? 0 : pause.ms - clock.elapsedMs(pause.since);
      if (ms > left) pause = { since: clock.mark(), ms };
    },
  };
}
