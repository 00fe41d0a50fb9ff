/** One daemon of the fleet, by what it told of itself. */
import type { RunnerView, Standstill } from '../store/runners.js';

export interface Member {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly state: RunnerView['state'] | 'gone';
  readonly alive: boolean;
  readonly workers: number;
  readonly queues: readonly string[];
  readonly liveCalls: number;
  readonly breaker: string;
  /** Why it dials nothing although it is at work; null: it dials what is due. */
  readonly standstill: Standstill | null;
  readonly settings: string;
  readonly silentSeconds: number;
  readonly startedAt: string;
}

/** Alive: it gave a sign of life within a lease, as its rivals count it. `calls` where they were counted now; else as it told last. */
export function memberOf(view: RunnerView, now: Date, leaseMs: number, calls?: number): Member {
  const silentMs = now.getTime() - view.heartbeatAt.getTime();
  const alive = view.state !== 'stopped' && silentMs <= leaseMs;
  return {
    id: view.id,
    host: view.host,
    pid: view.pid,
    version: view.version,
    state: view.state === 'stopped' || alive ? view.state : 'gone',
    alive,
    workers: view.workers,
    queues: view.queues,
    liveCalls: calls ?? view.liveCalls,
    breaker: view.breaker,
    standstill: view.standstill,
    settings: view.fingerprint,
    silentSeconds: Math.max(0, Math.round(silentMs / 1000)),
    startedAt: view.startedAt.toISOString(),
  };
}

/** "the provider refuses the account (http_401); check RETELL_API_KEY" */
export function standstillText({ text, remedy }: Standstill): string {
  return remedy === '' ? text : `${text}; ${remedy}`;
}
