/** The provider's limits on requests and call starts, in real time: they pace the client, whatever the speed of the simulated calls. */
import type { SimulatorClock } from './clock.js';
import type { Switches } from './switches.js';

export type RequestKind = 'create' | 'list' | 'read';
export type Refusal = 'concurrency' | 'calls_per_second' | 'requests';

/** Counts what happened within the last `windowMs`. */
export interface Window {
  count(nowMs: number): number;
  add(nowMs: number): void;
}

export function createWindow(windowMs: number): Window {
  let times: number[] = [];
  let first = 0;
  function forget(nowMs: number): void {
    while (first < times.length && nowMs - (times[first] ?? nowMs) >= windowMs) first += 1;
    // Compact seldom: shifting an array for each request would make busy windows slow.
    if (first > 1024 && first * 2 > times.length) {
      times = times.slice(first);
      first = 0;
    }
  }
  return {
    count: (nowMs) => {
      forget(nowMs);
      return times.length - first;
    },
    add: (nowMs) => {
      times.push(nowMs);
    },
  };
}

export interface Limits {
  /** Counts the request, or says that it is one too many. */
  request(kind: RequestKind): Refusal | null;
  /** Whether one more call may start, with `live` calls live now. `rejected`: accept it, and let it fail. */
  start(live: number): { readonly refusal: Refusal | null; readonly rejected: boolean };
  peakCps(): number;
  clear(): void;
}

/** A full second: the audit forgives what the network moved, the provider does not. */
const ONE_SECOND_MS = 1000;
const TEN_SECONDS_MS = 10_000;

export function createLimits(switches: () => Switches, clock: SimulatorClock): Limits {
  let requests = freshRequests();
  let starts = createWindow(ONE_SECOND_MS);
  let peakCps = 0;

  const limitOf = (kind: RequestKind): number | null => {
    const { createsPer10s, listsPer10s, readsPer10s } = switches();
    return kind === 'create' ? createsPer10s : kind === 'list' ? listsPer10s : readsPer10s;
  };

  return {
    request: (kind) => {
      const limit = limitOf(kind);
      const nowMs = clock.monoMs();
      const window = requests[kind];
      if (limit !== null && window.count(nowMs) >= limit) return 'requests';
      window.add(nowMs);
      window.count(nowMs);
      return null;
    },
    start: (live) => {
      const { concurrency, cps, overConcurrency, overCps } = switches();
      const nowMs = clock.monoMs();
      const recent = starts.count(nowMs);
      if (cps !== null && recent >= cps && overCps === '429') return { refusal: 'calls_per_second', rejected: false };
      const full = concurrency !== null && live >= concurrency;
      if (full && overConcurrency === '429') return { refusal: 'concurrency', rejected: false };
      if (full && overConcurrency === 'error') return { refusal: null, rejected: true };
      starts.add(nowMs);
      peakCps = Math.max(peakCps, recent + 1);
      return { refusal: null, rejected: false };
    },
    peakCps: () => peakCps,
    clear: () => {
      requests = freshRequests();
      starts = createWindow(ONE_SECOND_MS);
      peakCps = 0;
    },
  };
}

function freshRequests(): Record<RequestKind, Window> {
  return { create: createWindow(TEN_SECONDS_MS), list: createWindow(TEN_SECONDS_MS), read: createWindow(TEN_SECONDS_MS) };
}
