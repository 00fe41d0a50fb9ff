/** The schedule of faults: a pure function of the seed and the size of the run, so that a failing seed replays the same faults at the same times. */

import { STEPS } from '../../src/runner/failpoints.js';
import { chance } from './chance.js';
import type { Chance } from './chance.js';
import { LEASE_MS } from './options.js';
import type { ChaosOptions } from './options.js';
import type { Election } from '../support/fault-proxy-set.js';

export type Fault =
  | { readonly kind: 'kill' | 'term'; readonly slot: number }
  | { readonly kind: 'freeze'; readonly slot: number; readonly forMs: number }
  /** `slot` null: the database is gone for everybody. */
  | { readonly kind: 'db-stop'; readonly slot: number | null; readonly forMs: number }
  | { readonly kind: 'engine-kill' }
  /** For every daemon at once; only where they see a replica set. */
  | { readonly kind: 'election'; readonly how: Election['how']; readonly unconfirmedMs: number; readonly withoutPrimaryMs: number }
  | {
      readonly kind:
        'db-reset-before' | 'db-reset-after' | 'db-half-open' | 'db-stepdown' | 'db-write-conflict' | 'db-wtimeout' | 'db-slow';
      readonly slot: number;
      readonly command: string;
      readonly times: number;
      readonly after: boolean;
      readonly code: number;
      readonly delayMs: number;
    }
  | { readonly kind: 'retell-outage'; readonly how: 'refused' | 'reset' | '503'; readonly forMs: number }
  | { readonly kind: 'retell-429'; readonly retryAfterSeconds: number | null; readonly forMs: number }
  | { readonly kind: 'retell-index-lag'; readonly lagMs: number; readonly forMs: number }
  | { readonly kind: 'retell-hides-ringing'; readonly forMs: number }
  | { readonly kind: 'pause' | 'close'; readonly pick: number; readonly forMs: number }
  | { readonly kind: 'cancel' | 'delete'; readonly pick: number }
  | { readonly kind: 'replace'; readonly pick: number; readonly delayMs: number }
  | { readonly kind: 'top-up'; readonly pick: number; readonly amount: number }
  | { readonly kind: 'rewrite-account'; readonly pick: number; readonly delayMs: number }
  | { readonly kind: 'edit-settings'; readonly pick: number; readonly maxAttempts: number };

export type Planned = Fault & { readonly atMs: number };

/** One process of a slot: how wrong its clock is, and at which point of the protocol it dies or freezes by itself. */
export interface Life {
  readonly offsetMs: number;
  readonly failPoint: string | null;
  readonly pauseBeforeMs: number;
}

export interface Schedule {
  readonly faults: readonly Planned[];
  /** Per slot; when they are used up they begin again. */
  readonly lives: readonly (readonly Life[])[];
}

/** How often each happens: once in so many seconds of the run, on the average. */
const EVERY_SECONDS: Readonly<Record<Exclude<Fault['kind'], 'election'>, number>> = {
  kill: 11,
  term: 30,
  freeze: 20,
  'db-stop': 45,
  'engine-kill': 120,
  'db-reset-before': 15,
  'db-reset-after': 8,
  'db-half-open': 20,
  'db-stepdown': 15,
  'db-write-conflict': 20,
  'db-wtimeout': 20,
  'db-slow': 15,
  'retell-outage': 60,
  'retell-429': 60,
  'retell-index-lag': 30,
  'retell-hides-ringing': 45,
  pause: 8,
  close: 15,
  cancel: 4,
  delete: 8,
  replace: 6,
  'top-up': 12,
  'rewrite-account': 6,
  'edit-settings': 10,
};

const COMMANDS = ['update', 'bulkWrite', 'findAndModify', 'find', '*'] as const;
/** NotWritablePrimary, PrimarySteppedDown, ShutdownInProgress. */
const STEPDOWN_CODES = [10107, 189, 91] as const;
const HOUR_MS = 3_600_000;
const LIVES = 40;

export const planFaults = ({
  seed,
  minutes,
  daemons,
  elections,
}: Pick<ChaosOptions, 'seed' | 'minutes' | 'daemons' | 'elections'>): Schedule => {
  const lengthMs = minutes * 60_000;
  const kinds = [...(Object.keys(EVERY_SECONDS) as (keyof typeof EVERY_SECONDS)[]), 'election' as const];
  const faults = kinds.flatMap((kind) => {
    const draw = chance(seed, 'faults', kind);
    const count = kind === 'election' ? elections : Math.max(1, Math.round(lengthMs / 1_000 / EVERY_SECONDS[kind]));
    // Spread evenly with jitter, not before the daemons are up: each kind happens even in a short run.
    return Array.from({ length: count }, (_, n): Planned => {
      const atMs = Math.round(1_500 + ((n + draw.next()) / count) * (lengthMs - 1_500));
      return { ...shape(kind, draw, daemons), atMs };
    });
  });
  return {
    faults: faults.toSorted((a, b) => a.atMs - b.atMs || a.kind.localeCompare(b.kind)),
    lives: Array.from({ length: daemons }, (_, slot) => livesOf(chance(seed, 'lives', slot))),
  };
};

const shape = (kind: Fault['kind'], draw: Chance, daemons: number): Fault => {
  const slot = draw.whole(0, daemons - 1);
  const pick = draw.whole(0, 999_999);
  switch (kind) {
    case 'kill':
    case 'term':
      return { kind, slot };
    case 'freeze':
      return { kind, slot, forMs: Math.round(draw.once(0.6) ? draw.between(1.1, 2) * LEASE_MS : draw.between(300, LEASE_MS)) };
    case 'db-stop':
      return { kind, slot: draw.once(0.5) ? null : slot, forMs: draw.whole(200, 3_500) };
    case 'engine-kill':
      return { kind };
    case 'election':
      return {
        kind,
        how: draw.pick(['step-down', 'cut', 'crash'] as const),
        unconfirmedMs: draw.whole(0, 120),
        withoutPrimaryMs: draw.whole(100, 1_500),
      };
    case 'db-reset-before':
    case 'db-reset-after':
    case 'db-half-open':
    case 'db-stepdown':
    case 'db-write-conflict':
    case 'db-wtimeout':
    case 'db-slow':
      return {
        kind,
        slot,
        // An answer about writes has no place on a read.
        command: draw.pick(kind === 'db-wtimeout' || kind === 'db-write-conflict' ? COMMANDS.slice(0, 3) : COMMANDS),
        times: draw.whole(1, kind === 'db-half-open' ? 2 : 4),
        after: draw.once(0.5),
        code: kind === 'db-stepdown' ? draw.pick(STEPDOWN_CODES) : kind === 'db-wtimeout' ? 64 : 112,
        delayMs: draw.whole(200, 1_500),
      };
    case 'retell-outage':
      return { kind, how: draw.pick(['refused', 'reset', '503'] as const), forMs: draw.whole(500, 4_000) };
    case 'retell-429':
      return { kind, retryAfterSeconds: draw.once(0.5) ? 1 : null, forMs: draw.whole(500, 2_500) };
    case 'retell-index-lag':
      return { kind, lagMs: draw.whole(200, 1_500), forMs: draw.whole(2_000, 6_000) };
    case 'retell-hides-ringing':
      return { kind, forMs: draw.whole(2_000, 6_000) };
    case 'pause':
    case 'close':
      return { kind, pick, forMs: draw.whole(2_500, 6_000) };
    case 'cancel':
    case 'delete':
      return { kind, pick };
    case 'replace':
    case 'rewrite-account':
      return { kind, pick, delayMs: draw.whole(20, 1_500) };
    case 'top-up':
      return { kind, pick, amount: draw.whole(1, 6) / 4 };
    case 'edit-settings':
      return { kind, pick, maxAttempts: draw.whole(2, 4) };
  }
};

const livesOf = (draw: Chance): Life[] =>
  Array.from({ length: LIVES }, () => {
    // `follow` and what comes before it are passed often, the others seldom: the nth is small for those.
    const step = draw.pick(STEPS);
    const rare = ['annul', 'rescue', 'handover'].includes(step);
    const point = `${step === 'rescue' ? 'after' : step === 'handover' ? 'before' : draw.pick(['before', 'after'])}:${step}:${draw.whole(1, rare ? 2 : 25)}`;
    const act = draw.once(0.2) ? ':stop' : '';
    return {
      offsetMs: draw.pick([0, 0, HOUR_MS, -HOUR_MS, 1_700, -2_300]),
      failPoint: draw.once(0.6) ? point + act : null,
      pauseBeforeMs: draw.whole(50, 1_200),
    };
  });
