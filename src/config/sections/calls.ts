import { duration } from '../parser.js';
import type { Section } from '../setting.js';

export const calls: Section<'calls'> = {
  'calls.pollingIntervalMs': {
    name: 'CALL_POLLING_INTERVAL',
    parser: duration('seconds', { min: 0.01, max: 300 }),
    default: '10',
    unit: 'seconds',
    describe: 'How often live calls are looked at, all together.',
    example: '10',
  },
  'calls.pollTimeoutMs': {
    name: 'POLL_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 7_200 }),
    default: '300',
    unit: 'seconds',
    describe: 'Longest time a call may go unanswered (dialling and ringing) before it is stopped; it does not bound the talk.',
    example: '300',
  },
  'calls.maxDurationMs': {
    name: 'CALL_MAX_DURATION_MINUTES',
    parser: duration('minutes', { min: 0.001, max: 120 }),
    default: '10',
    unit: 'minutes',
    describe: 'Longest talk, counted from the answer; then the call is stopped. It does not bound the ringing.',
    example: '10',
  },
  'calls.dialWithinMs': {
    name: 'DIAL_WITHIN_MS',
    parser: duration('ms', { min: 10, max: 60_000 }),
    default: '2000',
    unit: 'milliseconds',
    describe:
      'Longest time between the last reading of the rules and the request that places the call; a pause is certain this long after it.',
    example: '2000',
  },
  'calls.reconcileWindowMs': {
    name: 'RECONCILE_WINDOW_SECONDS',
    parser: duration('seconds', { min: 0.05, max: 86_400 }),
    default: '360',
    unit: 'seconds',
    describe: 'How long a call that may have been placed is looked for: request timeout, ring time and a margin.',
    example: '360',
  },
  'calls.analysisWaitMs': {
    name: 'ANALYSIS_WAIT_SECONDS',
    parser: duration('seconds', { min: 0, max: 3_600 }),
    default: '60',
    unit: 'seconds',
    describe: "How long an ended call waits for Retell's analysis and final cost before it is settled without them.",
    example: '60',
  },
  'calls.ringTimeoutMs': {
    name: 'RING_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.05, max: 300 }),
    default: '30',
    unit: 'seconds',
    describe: 'How long Retell lets a telephone ring, where the batch does not say (Retell takes 5 to 300).',
    example: '30',
  },
  'calls.secondLookMs': {
    name: 'SECOND_LOOK_HOURS',
    parser: duration('hours', { min: 0, max: 720 }),
    default: '24',
    unit: 'hours',
    describe: 'When a call that was given up as never placed is looked for once more.',
    example: '24',
  },
};
