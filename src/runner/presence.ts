/** This process among the others: its heartbeat, how many share the pace, whether an old worker is still at work, whether the clocks are understood. */
import { hostname } from 'node:os';
import { messageOf } from '../domain/errors.js';
import type { Bucket } from '../retell/bucket.js';
import { remedyFor } from '../retell/breaker.js';
import type { Presence as PresenceDoc, Standstill } from '../store/runners.js';
import type { Context } from './context.js';
import { CLAIMS_SHARE, type Sends } from './sends.js';

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
  /** Why the provider cannot be reached; null: it can, as far as is known. */
  readonly away: () => string | null;
  readonly askAgain: () => Promise<void>;
  /** Makes or checks the indexes; false: one that keeps calls from doubling is missing. */
  readonly indexesStand: () => Promise<boolean>;
}

const INDEXES_EVERY_MS = 60_000;
/** A claim of the old worker is a sign of life for so much of a lease: longer than from one look to the next, a third of it. */
const OLD_CLAIM_LEASES = 0.5;
/** How soon others hear that this process dials no more, or again. Nothing is asked of anybody to find that out. */
const NOTICE_MS = 1_000;

export function createPresence(cx: Context, options: PresenceOptions): Presence {
  let state: PresenceDoc['state'] = 'starting';
  let sharers = 1;
  let old: string[] = [];
  let standing = true;
  let indexesSeen = cx.clock.mark();
  /** The last standstill that was told, by its text. */
  let told: string | null = null;
  let answered = cx.clock.mark();
  let awaySince: Date | null = null;

  async function beat(next: PresenceDoc['state']): Promise<void> {
    state = next;
    const still = standstill();
    told = still?.text ?? null;
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
      standstill: still,
    });
    sharers = Math.max(1, await cx.store.runners.liveCount(cx.timing.leaseMs));
    const found = await cx.store.runners.oldWorkers(new Date(cx.store.time.now().getTime() - cx.timing.leaseMs * OLD_CLAIM_LEASES));
    if (found.length > 0 && old.length === 0) {
      cx.alert('OLD_WORKER', 'an old worker is still at work in this database; nothing is dialled until it stops', {
        workers: found,
        cause: found.join(', '),
        remedy: 'stop it; dialling begins by itself',
      });
    } else if (found.length === 0 && old.length > 0) cx.log.info('no old worker is at work any more; dialling begins');
    old = found;
  }

  /** Why nothing is dialled although somebody is at work. What a pause or a rule forbids is not of this process. */
  function standstill(): Standstill | null {
    const { state: breaker, reason, kind } = cx.breaker.view();
    if (breaker === 'open') {
      const text = `the provider refuses the account${reason === null ? '' : ` (${reason})`}`;
      return { code: 'PROVIDER_REFUSES', text, remedy: kind === null ? '' : remedyFor(kind) };
    }
    if (old.length > 0) {
      const text = `an old worker is still at work in this database (${old.join(', ')})`;
      return { code: 'OLD_WORKER', text, remedy: 'stop it; dialling begins by itself' };
    }
    const away = options.away();
    if (standing && away !== null) {
      const text = `the provider cannot be reached (${away})`;
      return {
        code: 'PROVIDER_AWAY',
        text,
        remedy: 'see that it is up and RETELL_BASE_URL can be reached from here; dialling goes on by itself',
      };
    }
    if (standing) return null;
    return { code: 'INDEX_MISSING', text: 'an index that prevents duplicate calls is missing', remedy: 'run `speechai db init`' };
  }

  /** Until the next sign of life is due, or there is something that others should hear of at once. */
  async function untilNextBeat(): Promise<void> {
    const since = cx.clock.mark();
    const everyMs = cx.timing.leaseMs / 3;
    while (!cx.abandon.aborted && (standstill()?.text ?? null) === told) {
      const leftMs = everyMs - cx.clock.elapsedMs(since);
      if (leftMs <= 0) return;
      await cx.clock.sleep(Math.min(NOTICE_MS, leftMs), cx.abandon);
    }
  }

  /** Told once when it has been away for a lease, which is when others take this process for dead, and once when it answers again. */
  function noteAnswer(answer: boolean): void {
    const { leaseMs } = cx.timing;
    if (answer) answered = cx.clock.mark();
    if (answer && awaySince !== null) {
      cx.alert('DATABASE_BACK', 'the database answers again; dialling goes on', { about: awaySince.toISOString() });
      awaySince = null;
    } else if (!answer && awaySince === null && cx.clock.elapsedMs(answered) > leaseMs) {
      awaySince = cx.clock.now();
      cx.alert('DATABASE_AWAY', 'the database does not answer; nothing is dialled, live calls are followed on', {
        about: awaySince.toISOString(),
        cause: `no answer for ${String(Math.round(cx.clock.elapsedMs(answered) / 1000))} s, longer than a lease`,
        remedy: 'see that the server is up and can be reached from here; dialling goes on by itself',
      });
    }
  }

  async function lookAtIndexes(): Promise<void> {
    if (cx.clock.elapsedMs(indexesSeen) < INDEXES_EVERY_MS) return;
    indexesSeen = cx.clock.mark();
    const stand = await options.indexesStand();
    if (!stand && standing)
      cx.alert('INDEX_MISSING', 'an index that prevents duplicate calls is missing; nothing is dialled', {
        remedy: 'run `speechai db init`',
      });
    standing = stand;
  }

  return {
    beat,
    oldWorkers: () => old,
    mayDial: () => old.length === 0 && standing,
    setPace: () => {
      const share = options.callsPerSecond / sharers;
      options.pace.setRate(share * CLAIMS_SHARE * cx.slowdown.rateFactor());
      options.sends.setRate(share);
    },
    run: async () => {
      while (!cx.abandon.aborted) {
        await untilNextBeat();
        if (cx.abandon.aborted) return;
        // Not waited for: it may take as long as a request may.
        options.askAgain().catch((error: unknown) => cx.log.debug('the provider could not be asked', { error: messageOf(error) }));
        try {
          await cx.store.time.sync();
          await beat(state);
          noteAnswer(true);
          await lookAtIndexes();
        } catch (error) {
          noteAnswer(false);
          cx.log.debug('no sign of life could be given', { error: messageOf(error) });
          // What is to be told is still untold, and a database may refuse in a millisecond.
          await cx.clock.sleep(NOTICE_MS, cx.abandon);
        }
      }
    },
  };
}
