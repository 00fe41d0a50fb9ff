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
}

const REFUSED_IN_A_ROW = 20;
const UNCLEAR_IN_A_ROW = 3;

export function createRefusals(cx: Pick<Context, 'breaker' | 'alert' | 'slowdown'>): Refusals {
  let refused = 0;
  let unclear = 0;
  return {
    accepted: () => {
      refused = 0;
      unclear = 0;
    },
    refused: () => {
      refused += 1;
      unclear = 0;
      if (refused % REFUSED_IN_A_ROW !== 0) return;
      cx.alert(
        'REFUSED_IN_A_ROW',
        `the provider refused ${refused} calls in a row; dialling stops until it accepts the key again. Check RETELL_AGENT_ID and RETELL_FROM_NUMBER`,
      );
      cx.breaker.trip('http_403');
    },
    unclear: () => {
      unclear += 1;
      if (unclear >= UNCLEAR_IN_A_ROW) cx.slowdown.trouble(null);
    },
  };
}
