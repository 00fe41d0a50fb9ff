/**
 * How our own numbers fared lately, read with the board. What this process dials between two readings is added here, so that a cap is not
 * passed by more than what other processes dial meanwhile.
 */
import { NO_USES, type CallerUse, type CallerUses } from '../domain/callers.js';
import type { Context } from './context.js';

export interface Callers {
  refresh(numbers: readonly string[]): Promise<void>;
  uses(): CallerUses;
  /** A call from this number is about to be placed. */
  note(number: string): void;
}

const HOUR_MS = 3_600_000;

export function createCallers(cx: Pick<Context, 'store' | 'policy'>): Callers {
  let read: CallerUses = NO_USES;
  let own: { number: string; at: Date }[] = [];
  let seen: CallerUses | null = null;
  const { maxPerHour, blocksToRest, restMs } = cx.policy.callerRules;

  async function usesOf(numbers: readonly string[], now: Date): Promise<CallerUses> {
    const ago = (ms: number): Date => new Date(now.getTime() - ms);
    const { attempts } = cx.store;
    // Twice the rest: the newest of the blocks may be as old as one rest, the others older by another.
    const blocks = blocksToRest === null ? [] : await attempts.callerBlocks(numbers, ago(2 * restMs));
    const calls = new Map(
      maxPerHour === null
        ? []
        : await Promise.all(numbers.map(async (each) => [each, await attempts.callsFrom(each, ago(HOUR_MS), maxPerHour)] as const)),
    );
    return new Map(
      numbers.map((number): [string, CallerUse] => [
        number,
        { blocks: blocks.flatMap((block) => (block.from === number ? [block.at] : [])), calls: calls.get(number) ?? [] },
      ]),
    );
  }

  return {
    refresh: async (numbers) => {
      if (maxPerHour === null && blocksToRest === null) return;
      const before = own.length;
      read = await usesOf([...new Set(numbers)], cx.store.time.now());
      own = own.slice(before);
      seen = null;
    },
    uses: () => {
      seen ??= own.length === 0 ? read : withOwn(read, own);
      return seen;
    },
    note: (number) => {
      if (maxPerHour === null) return;
      own.push({ number, at: cx.store.time.now() });
      seen = null;
    },
  };
}

function withOwn(read: CallerUses, own: readonly { readonly number: string; readonly at: Date }[]): CallerUses {
  const both = new Map(read);
  for (const { number, at } of own) {
    const use = both.get(number) ?? { blocks: [], calls: [] };
    both.set(number, { ...use, calls: [at, ...use.calls] });
  }
  return both;
}
