/**
 * Whose turn it is: a fair share between accounts, then between batches by priority as a weight, then between new work and retries.
 * Stride scheduling: everyone has a clock that runs slower the larger the weight; the one furthest behind is next.
 */
import type { Random } from '../domain/ports.js';
import type { ClaimKind, Lane } from '../store/claims.js';
import type { Group } from './board.js';

export interface Choice {
  readonly group: Group;
  readonly kind: ClaimKind;
  readonly lane: Lane;
}

export interface Shares {
  next(candidates: readonly Choice[]): Choice | null;
}

export function createShares(retryShare: number, random: Random): Shares {
  const passes = new Map<string, number>();
  /** How far each contest has come: where whoever was not in it for a while stands when it comes back. */
  const reached = new Map<string, number>();

  /**
   * The one furthest behind. Newcomers, and those that had nothing to do for a while, start level with the others: what they did not ask
   * for then is not owed to them, or they would be served alone until they caught up.
   */
  function furthestBehind<T>(contest: string, entries: readonly { key: string; weight: number; item: T }[]): T | undefined {
    const level = reached.get(contest) ?? 0;
    let best: { key: string; weight: number; item: T; pass: number } | undefined;
    for (const entry of entries) {
      const pass = Math.max(passes.get(entry.key) ?? level, level);
      if (best === undefined || pass < best.pass || (pass === best.pass && random() < 0.5)) best = { ...entry, pass };
    }
    if (best === undefined) return undefined;
    reached.set(contest, best.pass);
    passes.set(best.key, best.pass + 1 / best.weight);
    return best.item;
  }

  return {
    next: (candidates) => {
      const byAccount = groupBy(candidates, ({ group }) => `account ${group.batch.account ?? ''}`);
      const ofAccount = furthestBehind(
        'accounts',
        [...byAccount].map(([key, item]) => ({ key, weight: 1, item })),
      );
      if (ofAccount === undefined) return null;
      const byBatch = groupBy(ofAccount, ({ group }) => `batch ${group.batch.id ?? ''}`);
      const ofBatch = furthestBehind(
        `batches of ${ofAccount[0]?.group.batch.account ?? ''}`,
        [...byBatch].map(([key, item]) => ({ key, weight: item[0]?.group.batch.priority ?? 1, item })),
      );
      if (ofBatch === undefined) return null;
      return (
        furthestBehind(
          `kinds of ${ofBatch[0]?.group.batch.id ?? ''}`,
          ofBatch.map((item) => ({
            key: `${item.kind} ${item.lane.name} of ${item.group.batch.id ?? ''}`,
            weight: weightOf(item.kind, retryShare),
            item,
          })),
        ) ?? null
      );
    },
  };
}

function weightOf(kind: ClaimKind, retryShare: number): number {
  const share = Math.min(0.99, Math.max(0.01, retryShare));
  return kind === 'retry' ? share : (1 - share) / (kind === 'new' ? 1 : 4);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
