/** One daemon of the fleet, by what it told of itself. */
import type { RunnerView } from '../store/runners.js';

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
  readonly settings: string;
  readonly silentSeconds: number;
  readonly startedAt: string;
}

/** Alive: it gave a sign of life within a lease, as its rivals count it. */
export function memberOf(view: RunnerView, now: Date, leaseMs: number): Member {
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
    liveCalls: view.liveCalls,
    breaker: view.breaker,
    settings: view.fingerprint,
    silentSeconds: Math.max(0, Math.round(silentMs / 1000)),
    startedAt: view.startedAt.toISOString(),
  };
}
