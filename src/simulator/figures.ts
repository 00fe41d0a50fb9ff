/** Counts since the start or the last reset, for assertions and for people. */
import type { Calls } from './calls.js';
import type { LedgerEntry } from './ledger.js';
import type { Limits } from './limits.js';

export interface Figures {
  readonly dials: number;
  readonly live: number;
  readonly peakConcurrency: number;
  readonly peakCallsPerSecond: number;
  readonly dialsByNumber: Readonly<Record<string, number>>;
  readonly dialsByAttempt: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly stops: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** By method and path, ids left out: `GET /v2/get-call/:id`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly replies: Readonly<Record<string, number>>;
}

export type Tally = Map<string, number>;

export const count = (tally: Tally, key: string): void => {
  tally.set(key, (tally.get(key) ?? 0) + 1);
};

export interface FigureSources {
  readonly calls: Calls;
  readonly limits: Limits;
  readonly entries: readonly LedgerEntry[];
  readonly requests: Tally;
  readonly replies: Tally;
}

export function figuresOf({ calls, limits, entries, requests, replies }: FigureSources): Figures {
  const outcomes: Tally = new Map();
  const refusals: Tally = new Map();
  const faults: Tally = new Map();
  let stops = 0;
  for (const entry of entries) {
    if (entry.event === 'transition' && entry.live === false) count(outcomes, entry.reason ?? 'none');
    if (entry.event === 'refusal') count(refusals, entry.reason ?? 'none');
    if (entry.event === 'fault') count(faults, String(entry.code));
    if (entry.event === 'stop') stops += 1;
  }
  const lengths = (map: ReadonlyMap<string, readonly unknown[]>): Record<string, number> =>
    Object.fromEntries([...map].map(([key, list]) => [key, list.length]));
  return {
    dials: calls.all().length,
    live: calls.liveCount(),
    peakConcurrency: calls.peakLive(),
    peakCallsPerSecond: limits.peakCps(),
    dialsByNumber: lengths(calls.dialsByNumber()),
    dialsByAttempt: lengths(calls.dialsByAttempt()),
    outcomes: Object.fromEntries(outcomes),
    stops,
    refusals: Object.fromEntries(refusals),
    faults: Object.fromEntries(faults),
    requests: Object.fromEntries(requests),
    replies: Object.fromEntries(replies),
  };
}
