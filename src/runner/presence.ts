/** This process among the others: its heartbeat, how many share the pace, whether an old worker is still at work, whether the clocks are understood. */
import { hostname } from 'node:os';
import { messageOf } from '../domain/errors.js';
import type { Bucket } from '../retell/bucket.js';
import type { Presence as PresenceDoc } from '../store/runners.js';
import type { Context } from './context.js';
import type { Sends } from './sends.js';

export interface Presence {
  beat(state: PresenceDoc['state']): Promise<void>;
  run(): Promise<void>;
  /** Adjusts the start pace to the slow-down and to how many runners share it. */
  setPace(): void;
  /** `bot-N` workers that still write: while there are any, nothing is dialled. */
  oldWorkers(): readonly string[];
  /** False while an old worker writes or a needed index is missing. */
  mayDial(): boolean;
}

export interface PresenceOptions {
  readonly version: string;
  readonly workers: number;
  readonly fingerprint: string;
  readonly callsPerSecond: number;
  readonly liveCalls: () => number;
  readonly pace: Pick<Bucket, 'setRate'>;
  readonly sends: Pick<Sends, 'setRate'>;
  /** Makes or checks the indexes; false: one that keeps calls from doubling is missing. */
  readonly indexesStand: () => Promise<boolean>;
}

const INDEXES_EVERY_MS = 60_000;

export function createPresence(cx: Context, options: PresenceOptions): Presence {
  let state: PresenceDoc['state'] = 'starting';
  let sharers = 1;
  let old: string[] = [];
  let standing = true;
  let indexesSeen = cx.clock.mark();
  const startedAt = cx.store.time.now();

  async function beat(next: PresenceDoc['state']): Promise<void> {
    state = next;
    await cx.store.runners.beat({
      id: cx.me,
      host: hostname(),
      pid: process.pid,
      version: options.version,
      workers: options.workers,
      queues: cx.queues,
      fingerprint: options.fingerprint,
      dialWithinMs: cx.timing.dialWithinMs,
      state,
      liveCalls: options.liveCalls(),
      breaker: cx.breaker.state(),
    });
    sharers = Math.max(1, await cx.store.runners.liveCount(cx.timing.leaseMs));
    const found = await cx.store.runners.oldWorkers(startedAt);
    if (found.length > 0 && old.length === 0) {
      cx.alert('OLD_WORKER', 'an old worker is still at work in this database; nothing is dialled until it stops', { workers: found });
    } else if (found.length === 0 && old.length > 0) cx.log.info('no old worker is at work any more; dialling begins');
    old = found;
  }

  async function lookAtIndexes(): Promise<void> {
    if (cx.clock.elapsedMs(indexesSeen) < INDEXES_EVERY_MS) return;
    indexesSeen = cx.clock.mark();
    const stand = await options.indexesStand();
    if (!stand && standing)
      cx.alert('INDEX_MISSING', 'an index is missing that keeps calls from doubling; nothing is dialled. Run `speechai db init`');
    standing = stand;
  }

  return {
    beat,
    oldWorkers: () => old,
    mayDial: () => old.length === 0 && standing,
    setPace: () => {
      const share = options.callsPerSecond / sharers;
      options.pace.setRate(share * cx.slowdown.rateFactor());
      options.sends.setRate(share);
    },
    run: async () => {
      while (!cx.abandon.aborted) {
        await cx.clock.sleep(cx.timing.leaseMs / 3, cx.abandon);
        if (cx.abandon.aborted) return;
        try {
          await cx.store.time.sync();
          await beat(state);
          await lookAtIndexes();
        } catch (error) {
          cx.log.debug('no sign of life could be given', { error: messageOf(error) });
        }
      }
    },
  };
}
