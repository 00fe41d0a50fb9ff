/** Which limits of calls at once are used up now. The rules do not say: the next call begins when one of these ends, whoever's it is. */
import type { Account } from '../domain/account.js';
import type { Batch } from '../domain/batch.js';
import type { Session } from './session.js';

export interface FullLimit {
  readonly whose: 'installation' | 'account' | 'batch';
  readonly live: number;
  readonly limit: number;
  /** Where it is set. */
  readonly source: string;
}

export async function fullLimitsOf(
  { store, policy }: Session,
  batch: Batch | 'missing',
  account: Account | 'missing',
): Promise<readonly FullLimit[]> {
  const locks = await store.attempts.openLocks();
  const full = (whose: FullLimit['whose'], prefix: string, limit: number | null, source: string): readonly FullLimit[] => {
    const live = locks.filter((lock) => lock.startsWith(`${prefix}:`) && /^\d+$/.test(lock.slice(prefix.length + 1))).length;
    return limit === null || live < limit ? [] : [{ whose, live, limit, source }];
  };
  return [
    ...full('installation', 'slot', policy.maxConcurrentCalls, 'MAX_CONCURRENT_CALLS'),
    ...(account === 'missing' ? [] : full('account', `acct:${account.id}`, account.maxConcurrentCalls, 'account.max_concurrent_calls')),
    ...(batch === 'missing' || batch.id === null
      ? []
      : full('batch', `batch:${batch.id}`, batch.settings.maxConcurrentCalls, 'batch.call_settings.max_concurrent_calls')),
  ];
}

export function fullLimitText({ whose, live, limit, source }: FullLimit): string {
  return `Just now ${String(live)} of ${String(limit)} calls of the ${whose} are live (${source}): the next one begins when one ends.`;
}
