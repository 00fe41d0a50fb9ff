/** Walks every state that can be reached, breadth first, so that the first violation found has the shortest story. */

export interface Move<S> {
  readonly name: string;
  /** What it is an instance of. */
  readonly step: string;
  readonly next: S;
  /** What this very step did wrong, if anything. */
  readonly broken?: string | undefined;
  /** The world's doing (crashes, rivals), which nobody may rely on. */
  readonly mischief?: boolean | undefined;
}

export interface Model<S> {
  readonly start: S;
  moves(state: S): Move<S>[];
  /** What is wrong with a state, or null. */
  violation(state: S): string | null;
  /** Nothing is left to do. From everywhere such a state must be reachable without further mischief (P2). */
  settled(state: S): boolean;
  /** States that differ only in names have one key. */
  key(state: S): string;
}

export interface Exploration {
  readonly states: number;
  /** How often each step was taken. */
  readonly taken: ReadonlyMap<string, number>;
  readonly violation: { readonly what: string; readonly story: readonly string[] } | null;
  /** A state from which nothing settles any more. */
  readonly stuck: readonly string[] | null;
}

interface Seen {
  readonly from: number;
  readonly by: string;
  readonly settled: boolean;
}

export const explore = <S>(model: Model<S>, most = 1_000_000): Exploration => {
  const index = new Map<string, number>();
  const seen: Seen[] = [];
  /** Every step that may be relied on: whence, whither. */
  const steps: number[] = [];
  const taken = new Map<string, number>();
  const queue: (S | undefined)[] = [];
  const storyOf = (at: number, last?: string): string[] => {
    const story = last === undefined ? [] : [last];
    for (let here = seen[at]; here !== undefined && here.from >= 0; here = seen[here.from]) story.unshift(here.by);
    return story;
  };
  const visit = (state: S, from: number, by: string): number => {
    const key = model.key(state);
    const known = index.get(key);
    if (known !== undefined) return known;
    const at = seen.length;
    index.set(key, at);
    seen.push({ from, by, settled: model.settled(state) });
    queue.push(state);
    return at;
  };

  visit(model.start, -1, '');
  for (let at = 0; at < queue.length; at += 1) {
    if (at > most) throw new RangeError(`the model has more than ${most} states; bound it more tightly`);
    const state = queue[at] as S;
    // Walked from, it is not needed any more; half a million of them would be kept otherwise.
    queue[at] = undefined;
    for (const move of model.moves(state)) {
      taken.set(move.step, (taken.get(move.step) ?? 0) + 1);
      const what = move.broken ?? model.violation(move.next);
      if (what !== null) return { states: seen.length, taken, violation: { what, story: storyOf(at, move.name) }, stuck: null };
      const to = visit(move.next, at, move.name);
      if (move.mischief !== true) steps.push(at, to);
    }
  }
  return { states: seen.length, taken, violation: null, stuck: stuckIn(seen, steps, storyOf) };
};

/** Backwards from all settled states: what is not met on the way can never settle. */
const stuckIn = (seen: readonly Seen[], steps: readonly number[], storyOf: (at: number) => string[]): string[] | null => {
  // Where the steps that lead to a state begin in `from`, one state after the other.
  const begin = new Uint32Array(seen.length + 1);
  for (let at = 1; at < steps.length; at += 2) begin[(steps[at] ?? 0) + 1]! += 1;
  for (let at = 0; at < seen.length; at += 1) begin[at + 1]! += begin[at]!;
  const from = new Uint32Array(steps.length / 2);
  const next = begin.slice();
  for (let at = 0; at < steps.length; at += 2) from[next[steps[at + 1]!]!++] = steps[at]!;

  const reaches = seen.map((one) => one.settled);
  const todo = seen.flatMap((one, at) => (one.settled ? [at] : []));
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    for (const before of from.subarray(begin[at], begin[at + 1])) {
      if (reaches[before] === true) continue;
      reaches[before] = true;
      todo.push(before);
    }
  }
  const stuck = reaches.indexOf(false);
  return stuck < 0 ? null : storyOf(stuck);
};
