/** Faults of the whole account (key refused, no payment, account blocked) stop all dialling of the process until they are gone. */
import type { Clock, Log, Random } from '../domain/ports.js';
import type { ProbeReply } from './replies.js';

/**
 * credential: the key was refused, so a key that is accepted again closes the breaker.
 * standing: payment or conduct. A good key proves nothing about them, and each try is a call: only a person closes it.
 */
export type FaultKind = 'credential' | 'standing';

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
  readonly onChange?: (view: BreakerView) => void;
}

export interface Breaker {
  state(): 'closed' | 'open';
  mayDial(): boolean;
  /** `http_401`, or a disconnection reason of the account class. */
  trip(reason: string, kind?: FaultKind): void;
  /** Closed by a person, or by whoever knows that the account is in order again. */
  reset(why: string): void;
  view(): BreakerView;
  /** Ends probing; an open breaker stays open. */
  stop(): void;
}

const CREDENTIAL = /\b(?:http[_ ]?)?40[13]\b/i;

export const faultKindOf = (reason: string): FaultKind => (CREDENTIAL.test(reason.replaceAll('_', ' ')) ? 'credential' : 'standing');

const CLOSED: BreakerView = { state: 'closed', reason: null, kind: null, since: null };

export function createBreaker(options: BreakerOptions): Breaker {
  const { clock, random } = options;
  const log = options.log.child('breaker');
  const firstDelayMs = options.probeDelayMs ?? 5_000;
  const maxDelayMs = options.maxProbeDelayMs ?? 5 * 60_000;
  let now: BreakerView = CLOSED;
  let stopped = false;
  let probing: AbortController | null = null;

  const become = (next: BreakerView): void => {
    now = next;
    options.onChange?.(next);
  };

  const close = (why: string): void => {
    if (now.state === 'closed') return;
    probing?.abort();
    probing = null;
    log.warn('dialling goes on', { why, was: now.reason });
    become(CLOSED);
  };

  const probeUntilGood = async (mine: AbortController): Promise<void> => {
    for (let tries = 0; !mine.signal.aborted; tries += 1) {
      const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** tries);
      // Many processes share one account and lose it together; they must not all ask in the same second.
      await clock.sleep(Math.round(delayMs * (0.5 + random() / 2)), mine.signal);
      if (mine.signal.aborted) return;
      const answer = await options.probe(mine.signal).catch((): ProbeReply => 'unavailable');
      // A fault of standing may have been reported while this ran, and ended it: the good key does not speak for that one.
      if (mine.signal.aborted) return;
      log.debug('probe', { answer, reason: now.reason });
      if (answer === 'ok') return close('the key is accepted again');
    }
  };

  return {
    state: () => now.state,
    mayDial: () => now.state === 'closed',
    view: () => now,

    trip(reason, kind = faultKindOf(reason)) {
      const wasOpen = now.state === 'open';
      // The graver fault decides: a refused key that works again says nothing about an unpaid bill seen meanwhile.
      const graver: FaultKind = kind === 'standing' || now.kind === 'standing' ? 'standing' : 'credential';
      if (wasOpen && graver === now.kind) return;
      log.error('dialling stopped: the account is refused', {
        reason,
        remedy:
          graver === 'credential'
            ? 'check RETELL_API_KEY; dialling goes on when it is accepted'
            : 'put the account in order at Retell, then restart or reset',
      });
      become({ state: 'open', reason, kind: graver, since: now.since ?? clock.now() });
      if (graver === 'standing') {
        probing?.abort();
        probing = null;
      } else if (!stopped) {
        probing = new AbortController();
        void probeUntilGood(probing);
      }
    },

    reset: (why) => close(why),

    stop() {
      stopped = true;
      probing?.abort();
      probing = null;
    },
  };
}
