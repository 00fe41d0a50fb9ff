/** The daemon: puts the parts together, starts them, and stops them within the budget (P6). */
import { messageOf } from '../domain/errors.js';
import { createBucket } from '../retell/bucket.js';
import { createBoard } from './board.js';
import type { Call } from './call.js';
import { createConfirm } from './confirm.js';
import type { Context } from './context.js';
import { createCrowd } from './crowd.js';
import { createDesk, type Desk } from './desk.js';
import { createDial } from './dial.js';
import { createHeadroom } from './headroom.js';
import { createKeeper } from './keeper.js';
import type { Parts } from './parts.js';
import { persist } from './persist.js';
import { createPictures } from './pictures.js';
import { createPresence } from './presence.js';
import { createReconciler } from './reconcile.js';
import { createRefusals } from './refusals.js';
import { createRegistry } from './registry.js';
import { createReleases } from './releases.js';
import { createRescue } from './rescue.js';
import { createSecondLooks } from './second-looks.js';
import { createSends } from './sends.js';
import { createSettler } from './settle.js';
import { createSlots } from './slots.js';
import { createStrays } from './stray.js';
import { createSweep } from './sweep.js';
import { createTracker } from './tracker.js';
import { wakeOnChanges } from './wake.js';
import { createWorker, type WorkerView } from './worker.js';

export interface DaemonOptions {
  readonly version: string;
  readonly workers: number;
  readonly fingerprint: string;
  readonly callsPerSecond: number;
  readonly retryShare: number;
  readonly graceMs: number;
  readonly handOverAtOnce: boolean;
  readonly useProviderConcurrency: boolean;
  readonly indexesStand: () => Promise<boolean>;
}

export interface Snapshot {
  readonly runner: string;
  readonly workers: readonly WorkerView[];
  readonly parked: number;
  readonly liveCalls: number;
  readonly heldAttempts: number;
  readonly breaker: string;
  readonly openBatches: number;
  readonly closedBatches: number;
  readonly leaseTrustedMs: number;
}

export interface Daemon {
  start(): Promise<void>;
  /** Drains for the grace, then hands over. Never needs the database to return. */
  stop(reason: string): Promise<void>;
  /** A second signal: no more waiting. */
  handOverNow(): void;
  /** Resolves when nothing is due and nothing is live. */
  untilIdle(): Promise<void>;
  /** Resolves with the error by which a part of it ended. */
  readonly failed: Promise<unknown>;
  nudge(): void;
  snapshot(): Snapshot;
}

/** What lies between the end of the grace and the exit: leases are ended if the database answers in this time. */
const HANDOVER_MS = 1_200;
/** Before that: so long what was never sent may take to be given back. */
const UNSENT_MS = 400;

export function createDaemon(cx: Context, options: DaemonOptions, signals: { stopClaims: () => void; abandon: () => void }): Daemon {
  const registry = createRegistry();
  const slots = createSlots(
    () => cx.store.attempts.openLocks(),
    cx.random,
    (since) => cx.clock.elapsedMs(since) > cx.timing.batchRefreshMs,
    () => cx.clock.mark(),
  );
  const board = createBoard(cx);
  const refusals = createRefusals(cx);
  const pictures = createPictures(cx, board);
  const releases = createReleases(cx, refusals, (batch) => pictures.touched(null, batch));
  const settler = createSettler(cx, board, pictures.touched);
  const tracker = createTracker(cx, { settler, slots, registry });
  const stray = createStrays(cx, (call) => {
    registry.add(call);
    tracker.follow(call);
  });
  const sends = createSends(cx.clock);
  const crowd = createCrowd(cx.clock, cx.timing.dialWithinMs);
  const parts: Parts = {
    board,
    slots,
    registry,
    releases,
    refusals,
    settler,
    confirm: createConfirm(cx),
    sends,
    crowd,
    placed,
    reconcile: (call) => reconciler.reconcile(call),
    stray,
    finishAnnulled: async (attempt) => {
      await persist(cx, 'closing an annulled attempt', () => cx.store.attempts.finish(attempt, cx.me, null));
    },
  };
  const reconciler = createReconciler(cx, parts, (call) => tracker.drop(call));
  const keeper = createKeeper(cx, registry, letGo);
  const pace = createBucket({
    perSecond: options.callsPerSecond,
    burst: Math.max(1, Math.ceil(options.callsPerSecond / 10)),
    clock: cx.clock,
  });
  const presence = createPresence(cx, {
    ...options,
    away: refusals.away,
    askAgain: refusals.askAgain,
    pace,
    sends,
    liveCalls: () => tracker.live().length,
  });
  const rescue = createRescue(
    cx,
    parts,
    (call) => tracker.follow(call),
    () => presence.oldWorkers().length === 0,
  );
  const looks = createSecondLooks(cx, parts);
  const sweep = createSweep(cx, board, pictures.touched);
  const desk: Desk = createDesk(cx, {
    board,
    slots,
    crowd,
    pace,
    releases,
    headroom: createHeadroom(cx, options.useProviderConcurrency),
    retryShare: options.retryShare,
    mayDial: presence.mayDial,
  });
  const dial = createDial(cx, parts);
  const workers = Array.from({ length: options.workers }, (_, n) => createWorker(`worker-${n + 1}`, cx, desk, dial));
  const running: Promise<void>[] = [];
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });

  /** Step 7: the call's id is evidence, written until it is acknowledged. */
  async function placed(call: Call, callId: string): Promise<void> {
    call.callId = callId;
    call.placed = cx.clock.mark();
    call.placedAt = cx.store.time.now();
    cx.failPoints.before('record');
    const recorded = await persist(cx, "writing a call's id", () => cx.store.attempts.recordCall(call.facts._id, callId));
    cx.failPoints.after('record');
    if (recorded === 'recorded') return tracker.follow(call);
    if (recorded === 'closed') await stray(call, callId, null);
    letGo(call);
  }

  function letGo(call: Call): void {
    tracker.drop(call);
    registry.remove(call.facts._id);
  }

  async function ticker(): Promise<void> {
    while (!cx.abandon.aborted) {
      presence.setPace();
      await cx.clock.sleep(250, cx.abandon);
      if (!cx.store.time.understood()) {
        cx.log.warn('the clocks of this machine disagree; nothing is dialled until the time is read again');
        await cx.store.time.sync().catch((error: unknown) => cx.log.debug('the time could not be read', { error: messageOf(error) }));
      }
    }
  }

  const isUnsent = ({ stage, posted }: Call): boolean => stage.name === 'placing' && !posted;

  /** No POST is let through any more: those on their way to one give their jobs back by themselves, if the database answers. */
  async function unsentGivenBack(): Promise<void> {
    while ((desk.claiming() > 0 || registry.all().some(isUnsent)) && !cx.abandon.aborted) await cx.clock.sleep(10, cx.abandon);
  }

  /** Still in progress, lease ended: the next process follows the calls on, with no attempt burned. */
  async function handOver(): Promise<void> {
    const held = registry.all();
    cx.failPoints.before('handover');
    signals.abandon();
    if (held.length === 0) return;
    const ids = held.map((call) => call.facts._id);
    cx.log.info('handing over what is still live', { calls: held.length });
    const unsent = held.filter(isUnsent).map((call) => call.facts._id);
    await Promise.all([
      cx.store.attempts.handOver(
        ids.filter((id) => !unsent.includes(id)),
        unsent,
        cx.me,
      ),
      cx.store.jobs.endLeases(
        held.map((call) => call.facts.job),
        ids,
      ),
    ]);
  }

  /** A part that ends by a surprise ends the process: half a daemon would look alive and follow nobody's calls. */
  function keepRunning(part: string, work: Promise<void>): void {
    running.push(
      work.catch((error: unknown) => {
        cx.log.fatal('a part of the daemon ended', { part, error });
        fail(error);
      }),
    );
  }

  let hurry: () => void = () => undefined;
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve;
  });

  return {
    start: async () => {
      await cx.store.time.sync();
      await presence.beat('starting');
      await presence.beat('running');
      // Whatever is adopted has to be kept and followed at once, however many there are; new calls wait until all of them are.
      keepRunning('keeper', keeper.run());
      keepRunning('presence', presence.run());
      keepRunning('tracker', tracker.run());
      keepRunning('ticker', ticker());
      await rescue.pass().catch((error: unknown) => cx.log.warn('the first rescue was cut short', { error: messageOf(error) }));
      keepRunning('rescue', rescue.run());
      keepRunning('second looks', looks.run());
      keepRunning('sweep', sweep.run());
      keepRunning('pictures', pictures.run());
      keepRunning('wake', wakeOnChanges(cx, desk.nudge));
      keepRunning('desk', desk.run());
      for (const worker of workers) keepRunning(worker.view().name, worker.run());
    },

    stop: async (reason) => {
      const since = cx.clock.mark();
      let held = 0;
      cx.log.info('stopping', { reason, live: registry.size(), grace_ms: options.handOverAtOnce ? 0 : options.graceMs });
      signals.stopClaims();
      const bounded = <T>(ms: number, work: Promise<T>): Promise<T | void> => Promise.race([work, cx.clock.sleep(ms)]);
      void presence.beat('draining').catch(() => undefined);
      if (!options.handOverAtOnce) await Promise.race([bounded(options.graceMs, registry.empty(cx.abandon)), hurried]);
      await bounded(UNSENT_MS, unsentGivenBack());
      await bounded(
        HANDOVER_MS,
        (async () => {
          held = registry.size();
          if (held === 0) await pictures.flush().catch(() => undefined);
          await Promise.all([handOver(), cx.store.runners.leave(cx.me)]);
        })().catch((error: unknown) =>
          cx.log.warn('not everything could be handed over; the leases end by themselves', { error: messageOf(error) }),
        ),
      );
      signals.abandon();
      cx.breaker.stop();
      await bounded(200, Promise.all(running));
      cx.log.info('stopped', { reason, handed_over: held, ms: Math.round(cx.clock.elapsedMs(since)) });
    },
    failed,
    handOverNow: () => hurry(),
    untilIdle: async () => {
      while (!cx.noMoreClaims.aborted) {
        if (desk.idle() && desk.parked() === options.workers && registry.size() === 0) return;
        await cx.clock.sleep(Math.min(200, cx.timing.claimPollMs), cx.noMoreClaims);
      }
    },
    nudge: () => desk.nudge(),
    snapshot: () => ({
      runner: cx.me,
      workers: workers.map((worker) => worker.view()),
      parked: desk.parked(),
      liveCalls: tracker.live().length,
      heldAttempts: registry.size(),
      breaker: cx.breaker.state(),
      openBatches: board.groups().length,
      closedBatches: board.closed().length,
      leaseTrustedMs: Math.round(keeper.sinceTrustedMs()),
    }),
  };
}
