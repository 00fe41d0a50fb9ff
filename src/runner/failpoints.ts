/** Places where a test may kill the process. Outside tests every one of them does nothing. */

/** The protocol's steps (docs/protocol.md), as the tests name them. */
export const STEPS = [
  'claim',
  'decide',
  'intend',
  'hold',
  'confirm',
  'place',
  'record',
  'follow',
  'settle',
  'charge',
  'job',
  'finish',
  'annul',
  'rescue',
  'handover',
] as const;
export type Step = (typeof STEPS)[number];

export interface FailPoints {
  before(step: Step): void;
  after(step: Step): void;
}

export const NO_FAIL_POINTS: FailPoints = { before: () => undefined, after: () => undefined };

/**
 * `spec` is `when:step:nth[:act]`, e.g. `before:place:3` or `after:intend:1:stop` (SIGSTOP instead of SIGKILL).
 * The signal goes to the process itself at that instant: no clean-up runs, as when the machine loses power.
 */
export function parseFailPoints(spec: string, signal: (name: 'SIGKILL' | 'SIGSTOP') => void): FailPoints {
  const [when, step, nth, act] = spec.split(':');
  let left = Number(nth ?? 1);
  const hit = (here: string, at: Step): void => {
    if (here !== when || at !== step) return;
    left -= 1;
    if (left === 0) signal(act === 'stop' ? 'SIGSTOP' : 'SIGKILL');
  };
  return { before: (at) => hit('before', at), after: (at) => hit('after', at) };
}
