/**
 * What several creates in a row tell that one does not. Many refusals with nothing accepted between are not many bad jobs but one bad setting:
 * dialling stops before they are set aside. Several without a clear answer are a provider that is down: each may cost a job an attempt, so
 * that starts are slowed down before a whole campaign has lost its own.
 */
import type { Context } from './context.js';

export interface Refusals {
  accepted(): void;
  refused(): void;
  unclear(): void;
  unreachable(why: string): void;
  /** It answered, if only that it is too much, or that the account is refused. */
  reached(): void;
  /** Why the provider could not be reached the last few times; null: it answered the last time, whatever it said. */
  away(): string | null;
  /** Whether it is still away: with nothing due no create would tell. Does nothing while it is not. */
  askAgain(): Promise<void>;
}

const REFUSED_IN_A_ROW = 20;
const UNCLEAR_IN_A_ROW = 3;
const UNREACHED_IN_A_ROW = 3;

type Needs = Pick<Context, 'breaker' | 'alert' | 'slowdown' | 'log' | 'abandon'> & { readonly retell: Pick<Context['retell'], 'probe'> };

export function createRefusals(cx: Needs): Refusals {
  let refused = 0;
  let unclear = 0;
  let asking = false;
  let unreached: { times: number; why: string } | null = null;

  function answered(): void {
    if (unreached !== null && unreached.times >= UNREACHED_IN_A_ROW) cx.log.info('the provider can be reached again; dialling goes on');
    unclear = 0;
    unreached = null;
  }

  function away(): string | null {
    return unreached !== null && unreached.times >= UNREACHED_IN_A_ROW ? unreached.why : null;
  }

  return {
    accepted: () => {
      refused = 0;
      answered();
    },
    refused: () => {
      refused += 1;
      answered();
      if (refused % REFUSED_IN_A_ROW !== 0) return;
      cx.alert(
        'REFUSED_IN_A_ROW',
        `the provider refused ${refused} calls in a row; dialling stops until it accepts the key again. Check RETELL_AGENT_ID and RETELL_FROM_NUMBER`,
      );
      cx.breaker.trip('http_403');
    },
    reached: answered,
    unclear: () => {
      unclear += 1;
      if (unclear >= UNCLEAR_IN_A_ROW) cx.slowdown.trouble(null);
    },
    unreachable: (why) => {
      unreached = { times: (unreached?.times ?? 0) + 1, why };
      if (unreached.times === UNREACHED_IN_A_ROW)
        cx.log.warn('the provider cannot be reached; nothing can be dialled until it can', { error: why });
    },
    away,
    askAgain: async () => {
      if (away() === null || asking) return;
      asking = true;
      try {
        if ((await cx.retell.probe(cx.abandon)) !== 'unavailable') answered();
      } finally {
        asking = false;
      }
    },
  };
}
