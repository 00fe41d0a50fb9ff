/** Carries the planned faults out at their times and counts what was really done to whom. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Simulator } from '../../src/simulator/server.js';
import type { DatabaseWay } from './database-way.js';
import type { Fleet } from './fleet.js';
import type { Election } from '../support/fault-proxy-set.js';
import { LATE_CREATE_MS } from './options.js';
import type { Rival } from './rival.js';
import type { Fault, Planned } from './schedule.js';

export interface Injector {
  /** Resolves when the last fault has begun; those that last still go on. */
  run(faults: readonly Planned[]): Promise<void>;
  heal(): Promise<void>;
  counts(): Readonly<Record<string, number>>;
}

export interface InjectorParts {
  readonly fleet: Fleet;
  /** One for each daemon. */
  readonly ways: readonly DatabaseWay[];
  readonly simulator: Simulator;
  readonly rival: Rival;
  readonly killEngine: () => boolean;
}

/** Of ten creates one goes wrong: each of the five ways in two of a hundred, and some are carried out late. */
const CREATE_FAULTS = [
  { kind: 'refuse', probability: 0.02 },
  { kind: 'accept-drop', probability: 0.02 },
  { kind: 'accept-500', probability: 0.02 },
  { kind: 'accept-late', probability: 0.02, delayMs: LATE_CREATE_MS },
  { kind: 'accept-truncate', probability: 0.02 },
  { kind: 'slow', path: '/v2/create-phone-call', probability: 0.01, delayMs: LATE_CREATE_MS },
] as const;

const PROXY_FAULTS = {
  'db-reset-before': 'reset-before',
  'db-reset-after': 'reset-after',
  'db-half-open': 'silent',
  'db-stepdown': 'error',
  'db-write-conflict': 'error',
  'db-wtimeout': 'write-concern-error',
  'db-slow': 'delay',
} as const;

type OfDatabase = Extract<Fault, { command: string }>;
/** Answers about writes have no place on a read. */
const ON_WRITES: ReadonlySet<string> = new Set(['db-wtimeout', 'db-write-conflict']);
const WRITES = ['update', 'bulkWrite', 'findAndModify'];
/** Counted by what was seen of them, not by their having been begun: the kind, and the simulator's word for it. */
const BY_LEDGER: Readonly<Record<string, string>> = { 'retell-outage': 'outage', 'retell-429': 'status' };
const WITNESSED: ReadonlySet<string> = new Set([...Object.keys(PROXY_FAULTS), ...Object.keys(BY_LEDGER)]);

/** How long a fault waits for somebody to hit. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 200;

export const createInjector = ({ fleet, ways, simulator, rival, killEngine }: InjectorParts): Injector => {
  const counts = new Map<string, number>();
  const down = new Set<DatabaseWay>();
  const lasting = new Set<Promise<unknown>>();
  const healing = new AbortController();
  for (const fault of CREATE_FAULTS) simulator.addFault(fault);

  const during = async (forMs: number, end: () => unknown): Promise<void> => {
    await delay(forMs, undefined, { signal: healing.signal }).catch(() => undefined);
    await end();
  };

  const stopDatabase = async (slot: number | null, forMs: number): Promise<boolean> => {
    const hit = ways.filter((way, index) => (slot === null || index === slot) && !down.has(way));
    if (hit.length === 0) return false;
    for (const way of hit) down.add(way);
    await Promise.all(hit.map((way) => way.stopListening()));
    await during(forMs, () => Promise.all(hit.map((way) => way.startListening())));
    for (const way of hit) down.delete(way);
    return true;
  };

  /** They lie in wait: whether they hit is known at the end. */
  const laid: { readonly fault: OfDatabase; readonly hits: () => number }[] = [];
  const lay = (fault: OfDatabase, way: DatabaseWay | undefined, command: string): boolean => {
    const { kind, times, code, delayMs, after } = fault;
    const labels = kind === 'db-write-conflict' ? ['TransientTransactionError'] : ['RetryableWriteError'];
    const hits = way?.add({ command, times, fault: PROXY_FAULTS[kind], side: after ? 'after' : 'before', code, delayMs, labels });
    if (hits !== undefined) laid.push({ fault, hits });
    return hits !== undefined;
  };
  /** Of a kind that met nobody so far one is laid for every process and every command it is fit for. */
  const layForAll = async (): Promise<void> => {
    const missed = laid.filter(({ fault: { kind } }) => laid.every((one) => one.fault.kind !== kind || one.hits() === 0));
    for (const { fault } of missed)
      for (const way of ways) for (const command of ON_WRITES.has(fault.kind) ? WRITES : ['*']) lay(fault, way, command);
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const isMissing = ({ fault: { kind } }: { fault: OfDatabase }): boolean =>
      laid.every((one) => one.fault.kind !== kind || one.hits() === 0);
    while (missed.some(isMissing) && !patience.aborted) await delay(LOOK_AGAIN_MS);
  };

  /** One set has one election: all daemons see it at once. */
  const elect = async (election: Election): Promise<boolean> => {
    const held = await Promise.all(ways.map((way) => way.elect(election)));
    return held.some(Boolean);
  };

  const switched = async (
    change: Parameters<Simulator['change']>[0],
    back: Parameters<Simulator['change']>[0],
    forMs: number,
  ): Promise<boolean> => {
    simulator.change(change);
    await during(forMs, () => simulator.change(back));
    return true;
  };

  const act = (fault: Fault): boolean | Promise<boolean> => {
    switch (fault.kind) {
      case 'kill':
        return fleet.kill(fault.slot);
      case 'term':
        return fleet.term(fault.slot);
      case 'freeze':
        return fleet.freeze(fault.slot, fault.forMs);
      case 'db-stop':
        return stopDatabase(fault.slot, fault.forMs);
      case 'engine-kill':
        return killEngine();
      case 'election':
        return elect(fault);
      case 'retell-outage':
        simulator.addFault({ kind: 'outage', how: fault.how, forMs: fault.forMs });
        return true;
      case 'retell-429':
        simulator.addFault({ kind: 'status', status: 429, retryAfterSeconds: fault.retryAfterSeconds, forMs: fault.forMs });
        return true;
      case 'retell-index-lag':
        return switched({ indexLagMs: fault.lagMs }, { indexLagMs: 0 }, fault.forMs);
      case 'retell-hides-ringing':
        return switched({ hideRegistered: true }, { hideRegistered: false }, fault.forMs);
      case 'pause':
        return rival.pause(fault.pick, fault.forMs);
      case 'close':
        return rival.close(fault.pick, fault.forMs);
      case 'cancel':
        return rival.cancel(fault.pick);
      case 'delete':
        return rival.remove(fault.pick);
      case 'replace':
        return rival.replace(fault.pick, fault.delayMs);
      case 'top-up':
        return rival.topUp(fault.pick, fault.amount);
      case 'rewrite-account':
        return rival.rewriteAccount(fault.pick, fault.delayMs);
      case 'edit-settings':
        return rival.editSettings(fault.pick, fault.maxAttempts);
      default:
        return lay(fault, ways[fault.slot], fault.command);
    }
  };

  /** A daemon may be down at the moment, a batch shut already: the fault waits for its victim, so that a slow machine sees the same faults. */
  const untilItHits = async (fault: Fault): Promise<boolean> => {
    const patience = AbortSignal.any([healing.signal, AbortSignal.timeout(PATIENCE_MS)]);
    while (!(await act(fault))) {
      if (patience.aborted) return false;
      await delay(LOOK_AGAIN_MS);
    }
    return true;
  };

  const begin = (fault: Fault): void => {
    const done = (async () => {
      if ((await untilItHits(fault)) && !WITNESSED.has(fault.kind)) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
    })();
    lasting.add(done);
    void done.finally(() => lasting.delete(done)).catch(() => undefined);
  };

  return {
    run: async (faults) => {
      const started = performance.now();
      for (const fault of faults) {
        await delay(Math.max(0, started + fault.atMs - performance.now()));
        begin(fault);
      }
      await layForAll();
    },
    heal: async () => {
      healing.abort();
      await Promise.all(lasting);
      for (const way of ways) {
        way.clear();
        // Connections that went silent would stay silent for ever.
        way.resetAll();
      }
      simulator.clearFaults();
      simulator.change({ indexLagMs: 0, hideRegistered: false });
    },
    counts: () => {
      const seen = simulator.ledger().filter((entry) => entry.event === 'fault');
      const creates = seen.filter((entry) => entry.reason === '/v2/create-phone-call');
      const byKind = new Map(counts);
      for (const { fault, hits } of laid) if (hits() > 0) byKind.set(fault.kind, (byKind.get(fault.kind) ?? 0) + 1);
      for (const [kind, code] of Object.entries(BY_LEDGER)) byKind.set(kind, seen.filter((entry) => entry.code === code).length);
      for (const entry of creates) byKind.set(`create: ${entry.code}`, (byKind.get(`create: ${entry.code}`) ?? 0) + 1);
      return Object.fromEntries(byKind);
    },
  };
};
