/** How patiently a question is asked again. Never used for placing a call: there is no key that makes two posts one call. */
import type { Clock, Random } from '../domain/ports.js';

export interface RetryPolicyLike {
  readonly tries: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Share of the delay that is left to chance, 0 to 1. */
  readonly jitter: number;
  readonly honourRetryAfter: boolean;
}

export interface Verdict<T> {
  readonly value: T;
  readonly again: boolean;
  /** What the other side asked for. */
  readonly retryAfterMs: number | null;
}

export interface RetryEffects {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

export function delayOf(policy: RetryPolicyLike, triesDone: number, random: Random): number {
  const grown = Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (triesDone - 1));
  return Math.max(0, Math.round(grown * (1 + policy.jitter * (2 * random() - 1))));
}

/** The last value, good or not. Waits no longer than the policy's longest delay: asked for more, it leaves the waiting to the caller. */
export async function withRetries<T>(policy: RetryPolicyLike, effects: RetryEffects, attempt: () => Promise<Verdict<T>>): Promise<T> {
  const givenUp = (): boolean => effects.signal?.aborted === true;
  for (let tries = 1; ; tries += 1) {
    const verdict = await attempt();
    if (!verdict.again || tries >= policy.tries || givenUp()) return verdict.value;
    const asked = policy.honourRetryAfter ? (verdict.retryAfterMs ?? 0) : 0;
    if (asked > policy.maxDelayMs) return verdict.value;
    await effects.clock.sleep(Math.max(asked, delayOf(policy, tries, effects.random)), effects.signal);
    if (givenUp()) return verdict.value;
  }
}
