/** What every part of the runner is given: its effects, its rules, and the two signals that end it. */
import type { Packs } from '../domain/rules.js';
import type { Policy } from '../domain/decision.js';
import type { DispositionTable } from '../domain/dispositions.js';
import type { OutcomeTable } from '../domain/outcomes.js';
import type { Clock, Journal, Log, Random } from '../domain/ports.js';
import type { Routes } from '../domain/routes.js';
import type { Retell } from '../retell/client.js';
import type { Breaker } from '../retell/breaker.js';
import type { Slowdown } from '../retell/slowdown.js';
import type { Store } from '../store/store.js';
import type { Alert } from './alerts.js';
import type { FailPoints } from './failpoints.js';

export interface Timing {
  readonly leaseMs: number;
  readonly dialWithinMs: number;
  readonly requestTimeoutMs: number;
  readonly pollingIntervalMs: number;
  readonly pollTimeoutMs: number;
  readonly reconcileWindowMs: number;
  readonly analysisWaitMs: number;
  readonly secondLookMs: number;
  readonly claimPollMs: number;
  readonly batchRefreshMs: number;
}

export interface Context {
  /** Unique per boot: a restarted process is another owner. */
  readonly me: string;
  readonly workspace: string;
  readonly store: Store;
  readonly retell: Retell;
  readonly breaker: Breaker;
  readonly slowdown: Slowdown;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly alert: Alert;
  readonly journal: Journal;
  readonly policy: Policy;
  readonly packs: Packs;
  readonly outcomes: OutcomeTable;
  readonly dispositions: DispositionTable;
  readonly timing: Timing;
  /** Empty: all. */
  readonly queues: readonly string[];
  readonly routes: Routes;
  readonly failPoints: FailPoints;
  /** No new work from here on; what is live goes on. */
  readonly noMoreClaims: AbortSignal;
  /** Let go of everything now: leases do the rest. */
  readonly abandon: AbortSignal;
}
