/** Many refusals in a row with nothing accepted between are not many bad jobs but one bad setting: dialling stops before they are set aside. */
import type { Context } from './context.js';

export interface Refusals {
  accepted(): void;
  refused(): void;
}

const IN_A_ROW = 20;

export function createRefusals(cx: Pick<Context, 'breaker' | 'alert'>): Refusals {
  let row = 0;
  return {
    accepted: () => {
      row = 0;
    },
    refused: () => {
      row += 1;
      if (row % IN_A_ROW !== 0) return;
      cx.alert(
        'REFUSED_IN_A_ROW',
        `the provider refused ${row} calls in a row; dialling stops until it accepts the key again. Check RETELL_AGENT_ID and RETELL_FROM_NUMBER`,
      );
      cx.breaker.trip('http_403');
    },
  };
}
