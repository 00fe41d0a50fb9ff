/** Faults of the whole account (key refused, no payment, account blocked) stop all dialling of the process until they are gone. */
import type { Clock, Log, Mark, Random } from '../domain/ports.js';
import type { ProbeReply } from './replies.js';

/**
 * credential: the key was refused, so a key that is accepted again closes the breaker.
 * payment: a good key proves nothing about a bill, only a call does; so dialling is tried again now and then, in the hope that it was paid.
 * conduct: each try could make it worse; a person puts it in order and starts the process again.
 */
export type FaultKind = 'credential' | 'payment' | 'conduct';

export interface BreakerView {
  readonly state: 'closed' | 'open';
  readonly reason: string | null;
  readonly kind: FaultKind | null;
  readonly since: Date | null;
}

export interface BreakerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly probe: (signal: AbortSignal) => Promise<ProbeReply>;
  readonly probeDelayMs?: number;
  readonly maxProbeDelayMs?: number;
  readonly trialDelayMs?: number;
  readonly maxTrialDelayMs?: number;
  readonly onChange?: (view: BreakerView) => void;
}

export interface Breaker {
  state(): 'closed' | 'open';
  mayDial(): boolean;
  /** `http_401`, or a disconnection reason of the account class. */
  trip(reason: string, kind?: FaultKind): void;
  view(): BreakerView;
  /** Ends probing; an open breaker stays open. */
  stop(): void;
}

const CREDENTIAL = /\b(?:http )?40[13]\b/i;
const PAYMENT = /\b402\b|payment|credit exhausted|budget/i;
const GRAVITY: Readonly<Record<FaultKind, number>> = { credential: 0, payment: 1, conduct: 2 };
const REMEDY: Readonly<Record<FaultKind, string>> = {
  credential: 'check RETELL_API_KEY; dialling goes on when it is accepted',
  payment: 'pay at Retell; dialling is tried again from time to time, and at once after a restart',
  conduct: 'put the account in order at Retell, then restart',
};

/** For a person, who should not have to look into the log of a daemon for it. */
export const remedyFor = (kind: FaultKind): string => REMEDY[kind];

export const faultKindOf = (reason: string): FaultKind => {
  const words = reason.replaceAll('_', ' ');
  if (CREDENTIAL.test(words)) return 'credential';
  return PAYMENT.test(words) ? 'payment' : 'conduct';
};

const CLOSED: BreakerView = { state: 'closed', reason: null, kind: null, since: null };

export function createBreaker(options: BreakerOptions): Breaker {
  const { clock, random } = options;
  const log = options.log.child('breaker');
  const probeDelayMs = options.probeDelayMs ?? 5_000;
  const maxProbeDelayMs = options.maxProbeDelayMs ?? 5 * 60_000;
  const trialDelayMs = options.trialDelayMs ?? 5 * 60_000;
  const maxTrialDelayMs = options.maxTrialDelayMs ?? 60 * 60_000;
  let now: BreakerView = CLOSED;
  let stopped = false;
  let waiting: AbortController | null = null;
  /** Trials of dialling in a row that met the same unpaid bill. */
  let trials = 0;
  let triedAt: Mark | null = null;

  const become = (next: BreakerView): void => {
    now = next;
    options.onChange?.(next);
  };

  const close = (why: string): void => {
    waiting = null;
    log.warn('dialling goes on', { why, was: now.reason });
    become(CLOSED);
  };

  /** Many processes share one account and lose it together; they must not all ask in the same second. */
  const pause = (delayMs: number, signal: AbortSignal): Promise<void> => clock.sleep(Math.round(delayMs * (0.5 + random() / 2)), signal);

  const probeUntilGood = async ({ signal }: AbortController): Promise<void> => {
    for (let tries = 0; !signal.aborted; tries += 1) {
      await pause(Math.min(maxProbeDelayMs, probeDelayMs * 2 ** tries), signal);
      if (signal.aborted) return;
      const answer = await options.probe(signal).catch((): ProbeReply => 'unavailable');
      // A graver fault may have been reported while this ran, and ended it: the good key does not speak for that one.
      if (signal.aborted) return;
      log.debug('probe', { answer, reason: now.reason });
      if (answer === 'ok') return close('the key is accepted again');
    }
  };

  const tryAgainLater = async ({ signal }: AbortController): Promise<void> => {
    if (triedAt !== null && clock.elapsedMs(triedAt) > maxTrialDelayMs) trials = 0;
    await pause(Math.min(maxTrialDelayMs, trialDelayMs * 2 ** trials), signal);
    if (signal.aborted) return;
    trials += 1;
    triedAt = clock.mark();
    close('the bill may have been paid: the next call will tell');
  };

  return {
    state: () => now.state,
    mayDial: () => now.state === 'closed',
    view: () => now,

    trip(reason, given = faultKindOf(reason)) {
      // The graver fault decides: a refused key that works again says nothing about an unpaid bill seen meanwhile.
      if (now.kind !== null && GRAVITY[given] <= GRAVITY[now.kind]) return;
      log.error('dialling stopped: the account is refused', { reason, remedy: REMEDY[given] });
      become({ state: 'open', reason, kind: given, since: now.since ?? clock.now() });
      waiting?.abort();
      waiting = null;
      if (stopped || given === 'conduct') return;
      waiting = new AbortController();
      void (given === 'credential' ? probeUntilGood(waiting) : tryAgainLater(waiting));
    },

    stop() {
      stopped = true;
      waiting?.abort();
      waiting = null;
    },
  };
}
