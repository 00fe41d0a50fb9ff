/** What happens when, on a virtual clock: the earliest first, and of two at the same moment the one that was put in first. */
export interface Timeline<T> {
  put(atMs: number, what: T): void;
  /** When the next thing happens; null: nothing is left. */
  nextMs(): number | null;
  take(): T | null;
}

interface Entry<T> {
  readonly atMs: number;
  readonly order: number;
  readonly what: T;
}

export function createTimeline<T>(): Timeline<T> {
  const heap: Entry<T>[] = [];
  let order = 0;
  const before = (a: Entry<T> | undefined, b: Entry<T> | undefined): boolean =>
    a !== undefined && b !== undefined && (a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));

  function swap(a: number, b: number): void {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  }

  function down(from: number): void {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      const smaller = before(heap[left + 1], heap[left]) ? left + 1 : left;
      if (!before(heap[smaller], heap[at])) return;
      swap(at, smaller);
      at = smaller;
    }
  }

  return {
    put: (atMs, what) => {
      heap.push({ atMs, order, what });
      order += 1;
      for (let at = heap.length - 1; at > 0;) {
        const parent = Math.floor((at - 1) / 2);
        if (!before(heap[at], heap[parent])) break;
        swap(at, parent);
        at = parent;
      }
    },
    nextMs: () => heap[0]?.atMs ?? null,
    take: () => {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return null;
      if (heap.length > 0) {
        heap[0] = last;
        down(0);
      }
      return first.what;
    },
  };
}
