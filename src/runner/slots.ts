/**
 * Concurrency as locks: each limit of size n is n slot names, and an open attempt holds one of each that applies to it. The database
 * decides (a taken name is a duplicate key); this is only the guess which names are free, good enough that a try rarely collides.
 */
import type { DialPlan } from '../domain/decision.js';
import type { Mark, Random } from '../domain/ports.js';

export interface SlotScope {
  readonly prefix: string;
  readonly size: number;
}

export interface Slots {
  /** More than there are slots: the limit was lowered while so many calls were live. */
  used(prefix: string): number;
  /** Free slots of the installation as far as known. */
  free(scope: SlotScope): number;
  /** One free name per scope, reserved until `release`; null: one of them is full. */
  pick(scopes: readonly SlotScope[]): string[] | null;
  /** Another process holds it. */
  taken(name: string): void;
  release(names: readonly string[]): void;
  /** Reads which names are taken, unless that was just done and no try collided since. */
  refresh(): Promise<void>;
}

export const INSTALLATION = 'slot';

export function scopesOf(plan: DialPlan, account: string | null, batch: string | null): SlotScope[] {
  const scopes: SlotScope[] = [{ prefix: INSTALLATION, size: plan.slots.installation }];
  if (plan.slots.account !== null && account !== null) scopes.push({ prefix: `acct:${account}`, size: plan.slots.account });
  if (plan.slots.batch !== null && batch !== null) scopes.push({ prefix: `batch:${batch}`, size: plan.slots.batch });
  return scopes;
}

export function createSlots(
  readOpenLocks: () => Promise<string[]>,
  random: Random,
  isStale: (since: Mark) => boolean,
  mark: () => Mark,
): Slots {
  const others = new Map<string, Set<number>>();
  const own = new Map<string, Set<number>>();
  let read: Mark | null = null;

  const has = (map: Map<string, Set<number>>, prefix: string, n: number): boolean => map.get(prefix)?.has(n) === true;
  const isFree = (prefix: string, n: number): boolean => !has(own, prefix, n) && !has(others, prefix, n);

  /** Random, so that two processes with the same picture do not race for the same name. Few tries hit a taken one until most are taken. */
  function anyFree({ prefix, size }: SlotScope): number | undefined {
    for (let tries = 0; tries < 8; tries += 1) {
      const n = Math.floor(random() * size);
      if (isFree(prefix, n)) return n;
    }
    const open: number[] = [];
    for (let n = 0; n < size; n += 1) if (isFree(prefix, n)) open.push(n);
    return open[Math.floor(random() * open.length)];
  }

  function used(prefix: string): number {
    let taken = own.get(prefix)?.size ?? 0;
    for (const n of others.get(prefix) ?? []) if (!has(own, prefix, n)) taken += 1;
    return taken;
  }

  const free = ({ prefix, size }: SlotScope): number => Math.max(0, size - used(prefix));

  return {
    used,
    free,
    pick: (scopes) => {
      const picked: { prefix: string; n: number }[] = [];
      for (const scope of scopes) {
        const n = free(scope) > 0 ? anyFree(scope) : undefined;
        if (n === undefined) return null;
        picked.push({ prefix: scope.prefix, n });
      }
      for (const { prefix, n } of picked) add(own, prefix, n);
      return picked.map(({ prefix, n }) => `${prefix}:${n}`);
    },
    taken: (name) => {
      const { prefix, n } = parse(name);
      own.get(prefix)?.delete(n);
      add(others, prefix, n);
      read = null;
    },
    release: (names) => {
      for (const name of names) {
        const { prefix, n } = parse(name);
        own.get(prefix)?.delete(n);
        others.get(prefix)?.delete(n);
      }
    },
    refresh: async () => {
      if (read !== null && !isStale(read)) return;
      const now = mark();
      const locks = await readOpenLocks();
      read = now;
      others.clear();
      for (const lock of locks) {
        if (!/^(slot|acct|batch):/.test(lock)) continue;
        const { prefix, n } = parse(lock);
        if (!has(own, prefix, n)) add(others, prefix, n);
      }
    },
  };
}

function add(map: Map<string, Set<number>>, prefix: string, n: number): void {
  const set = map.get(prefix) ?? new Set<number>();
  set.add(n);
  map.set(prefix, set);
}

function parse(name: string): { prefix: string; n: number } {
  const at = name.lastIndexOf(':');
  return { prefix: name.slice(0, at), n: Number(name.slice(at + 1)) };
}
