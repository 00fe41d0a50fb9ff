/**
 * Simulated time: what happens to calls happens on this line, which runs `speed` times as fast as the real clock, can stand still
 * (speed 0) and can be moved by hand. One heap and one timer serve all calls: a timer per call would make 5,000 live calls cost 5,000 timers.
 */
import type { SimulatorClock } from './clock.js';

interface Event {
  readonly atMs: number;
  /** Events of the same moment run in the order they were planned in. */
  readonly order: number;
  readonly run: () => void;
}

export interface Timeline {
  nowMs(): number;
  /** Plans an event. Planned from within an event, the delay counts from that event's own moment, so that durations stay exact. */
  plan(delayMs: number, run: () => void): void;
  speed(): number;
  setSpeed(speed: number): void;
  /** Moves time forward and runs what falls due on the way, in order. */
  advance(ms: number): void;
  pending(): number;
  clear(): void;
  close(): void;
}

const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

export function createTimeline(clock: SimulatorClock, initialSpeed: number): Timeline {
  const heap: Event[] = [];
  let speed = initialSpeed;
  let baseMs = 0;
  let baseMonoMs = clock.monoMs();
  let order = 0;
  let running: number | null = null;
  let closed = false;
  let cancelTimer: (() => void) | null = null;
  let timerForMs = Number.POSITIVE_INFINITY;

  const flowing = (): number => baseMs + (clock.monoMs() - baseMonoMs) * speed;
  const nowMs = (): number => running ?? flowing();

  function rebase(atMs: number): void {
    baseMs = atMs;
    baseMonoMs = clock.monoMs();
  }

  function push(event: Event): void {
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !before(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  function pop(): Event | undefined {
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        childAt += 1;
      }
      if (!before(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
    return top;
  }

  function runUntil(untilMs: number): void {
    for (let next = heap[0]; next !== undefined && next.atMs <= untilMs; next = heap[0]) {
      pop();
      running = next.atMs;
      try {
        next.run();
      } finally {
        running = null;
      }
    }
  }

  function arm(): void {
    const next = heap[0];
    if (next === undefined || closed || speed === 0) {
      disarm();
      return;
    }
    if (cancelTimer !== null && timerForMs <= next.atMs) return;
    disarm();
    timerForMs = next.atMs;
    cancelTimer = clock.after(Math.ceil((next.atMs - flowing()) / speed), () => {
      cancelTimer = null;
      timerForMs = Number.POSITIVE_INFINITY;
      try {
        runUntil(flowing());
      } finally {
        arm();
      }
    });
  }

  function disarm(): void {
    cancelTimer?.();
    cancelTimer = null;
    timerForMs = Number.POSITIVE_INFINITY;
  }

  return {
    nowMs,
    plan: (delayMs, run) => {
      if (closed || delayMs === Number.POSITIVE_INFINITY) return;
      order += 1;
      push({ atMs: nowMs() + Math.max(0, delayMs), order, run });
      // While events run, the timer is set once at the end of the round.
      if (running === null) arm();
    },
    speed: () => speed,
    setSpeed: (next) => {
      rebase(flowing());
      speed = next;
      disarm();
      arm();
    },
    advance: (ms) => {
      const target = flowing() + ms;
      runUntil(target);
      rebase(target);
      disarm();
      arm();
    },
    pending: () => heap.length,
    clear: () => {
      heap.length = 0;
      disarm();
    },
    close: () => {
      closed = true;
      heap.length = 0;
      disarm();
    },
  };
}
