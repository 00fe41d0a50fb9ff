/** Parts of the runner on a real store, with a provider that answers what a test says and a journal that a test can read. */

import { createBoard } from '../../src/runner/board.js';
import type { Board } from '../../src/runner/board.js';
import { loadDispositions, loadOutcomes } from '../../src/config/outcomes-file.js';
import { loadPacks } from '../../src/config/packs.js';
import type { CallReading } from '../../src/domain/call.js';
import type { Clock, Log, LogFields } from '../../src/domain/ports.js';
import type { Call } from '../../src/runner/call.js';
import { createConfirm } from '../../src/runner/confirm.js';
import { createCrowd } from '../../src/runner/crowd.js';
import type { Context, Timing } from '../../src/runner/context.js';
import { NO_FAIL_POINTS } from '../../src/runner/failpoints.js';
import type { FailPoints } from '../../src/runner/failpoints.js';
import type { Parts } from '../../src/runner/parts.js';
import { createRefusals } from '../../src/runner/refusals.js';
import { createRegistry } from '../../src/runner/registry.js';
import { createReleases } from '../../src/runner/releases.js';
import { createSends } from '../../src/runner/sends.js';
import { createSettler } from '../../src/runner/settle.js';
import { createSlots } from '../../src/runner/slots.js';
import type { BreakerView } from '../../src/retell/breaker.js';
import type { Retell } from '../../src/retell/client.js';
import type { Store } from '../../src/store/store.js';
import { createClock } from '../../src/telemetry/clock.js';
import { POLICY } from '../domain/samples.js';

export const TIMING: Timing = {
  leaseMs: 30_000,
  dialWithinMs: 3_000,
  requestTimeoutMs: 1_000,
  pollingIntervalMs: 500,
  pollTimeoutMs: 60_000,
  reconcileWindowMs: 5_000,
  analysisWaitMs: 5_000,
  secondLookMs: 86_400_000,
  claimPollMs: 500,
  batchRefreshMs: 2_000,
};

export interface Said {
  readonly level: string;
  readonly message: string;
}

export const logTo = (said: Said[]): Log => {
  const at =
    (level: string) =>
    (message: string): void =>
      void said.push({ level, message });
  const log: Log = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: () => log,
  };
  return log;
};

const unasked = (what: string) => () => Promise.reject(new Error(`nobody should ask the provider for ${what}`));

/** A provider that must not be asked for what the test does not expect. */
export const provider = (answers: Partial<Retell> = {}): Retell => ({
  place: unasked('a call'),
  read: unasked('a reading'),
  listByIds: unasked('a list by ids'),
  listByAttempt: unasked('a list by attempt'),
  listByNumber: unasked('a list by number'),
  stop: unasked('a stop'),
  concurrency: unasked('its concurrency'),
  probe: unasked('a probe'),
  close: () => Promise.resolve(),
  ...answers,
});

export const reading = (callId: string, more: Partial<CallReading> = {}): CallReading => ({
  callId,
  status: 'ended',
  live: false,
  talking: false,
  startedAt: new Date(Date.now() - 60_000),
  endedAt: new Date(),
  durationMs: 30_000,
  costCents: 25,
  reason: 'user_hangup',
  inVoicemail: null,
  userSpoke: true,
  analysis: { call_successful: true },
  collected: null,
  metadata: null,
  toNumber: null,
  fromNumber: null,
  raw: {},
  ...more,
});

export interface Runner {
  readonly cx: Context;
  readonly parts: Parts;
  readonly board: Board;
  readonly said: Said[];
  readonly journal: { readonly event: string; readonly fields: LogFields }[];
  readonly followed: Call[];
  readonly reconciled: Call[];
  readonly strays: { readonly of: string; readonly callId: string }[];
  abandon(): void;
}

export interface RunnerOptions {
  readonly me?: string;
  readonly retell?: Partial<Retell>;
  readonly timing?: Partial<Timing>;
  readonly failPoints?: FailPoints;
  /** Waits between tries take so much of their time. */
  readonly patience?: number;
}

const CLOSED: BreakerView = { state: 'closed', reason: null, kind: null, since: null };

export const openRunner = (
  store: Store,
  { me = 'runner-b', retell = {}, timing = {}, failPoints = NO_FAIL_POINTS, patience = 1 }: RunnerOptions = {},
): Runner => {
  const said: Said[] = [];
  const journal: Runner['journal'] = [];
  const followed: Call[] = [];
  const reconciled: Call[] = [];
  const strays: { of: string; callId: string }[] = [];
  const abandon = new AbortController();
  const real = createClock();
  const clock: Clock = { ...real, sleep: (ms, ...signals) => real.sleep(ms * patience, ...signals) };
  const log = logTo(said);
  const cx: Context = {
    me,
    workspace: 'workspace',
    store,
    retell: provider(retell),
    breaker: {
      mayDial: () => true,
      trip: () => undefined,
      state: () => 'closed',
      view: () => CLOSED,
      stop: () => undefined,
    } as unknown as Context['breaker'],
    slowdown: { trouble: () => undefined, rateFactor: () => 1 } as unknown as Context['slowdown'],
    clock,
    random: () => 0.5,
    log,
    alert: (code, message) => void said.push({ level: `alert ${code}`, message }),
    journal: { write: (event, fields) => void journal.push({ event, fields }) },
    policy: POLICY,
    packs: loadPacks(),
    outcomes: loadOutcomes(null).table,
    dispositions: loadDispositions(null).table,
    timing: { ...TIMING, ...timing },
    queues: [],
    routes: { defaultQueue: 'default', rules: [] },
    failPoints,
    noMoreClaims: new AbortController().signal,
    abandon: abandon.signal,
  };
  const board = createBoard(cx);
  const refusals = createRefusals(cx);
  const parts: Parts = {
    board,
    slots: createSlots(
      () => store.attempts.openLocks(),
      cx.random,
      () => true,
      () => clock.mark(),
    ),
    registry: createRegistry(),
    releases: createReleases(cx, refusals, () => undefined),
    refusals,
    settler: createSettler(cx, board, () => undefined),
    confirm: createConfirm(cx),
    sends: createSends(clock),
    crowd: createCrowd(clock, TIMING.dialWithinMs),
    placed: () => Promise.resolve(),
    reconcile: (call) => void reconciled.push(call),
    stray: (of, callId) => {
      strays.push({ of: of.facts._id, callId });
      return Promise.resolve();
    },
    finishAnnulled: async (attempt) => {
      await store.attempts.finish(attempt, me, null);
    },
  };
  return { cx, parts, board, said, journal, followed, reconciled, strays, abandon: () => abandon.abort() };
};
