import { duration } from '../parser.js';
import type { Section } from '../setting.js';

export const calls: Section<'calls'> = {
  'calls.pollingIntervalMs': {
    name: 'CALL_POLLING_INTERVAL',
    parser: duration('seconds', { min: 0.01, max: 300 }),
    default: '10',
    unit: 'seconds',
    describe: 'How often all live calls are checked.',
    example: '10',
  },
  'calls.pollTimeoutMs': {
    name: 'POLL_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 7_200 }),
    default: '300',
    unit: 'seconds',
    describe: 'Longest time a call may go unanswered (dialling and ringing) before it is stopped; it does not limit the talk time.',
    example: '300',
  },
  'calls.maxDurationMs': {
    name: 'CALL_MAX_DURATION_MINUTES',
    parser: duration('minutes', { min: 0.001, max: 120 }),
    default: '10',
    unit: 'minutes',
    describe: 'Longest talk time, counted from the answer; then the call is stopped. It does not limit the ringing.',
    example: '10',
  },
  'calls.dialWithinMs': {
    name: 'DIAL_WITHIN_MS',
    parser: duration('ms', { min: 10, max: 60_000 }),
    default: '2000',
    unit: 'milliseconds',
    describe:
      'Longest time between the last check of the rules and the request that places the call; a pause takes effect within this time.',
    example: '2000',
  },
  'calls.reconcileWindowMs': {
    name: 'RECONCILE_WINDOW_SECONDS',
    parser: duration('seconds', { min: 0.05, max: 86_400 }),
    default: '360',
    unit: 'seconds',
    describe: 'How long to look for a call that may have been placed: request timeout, ring time and a margin.',
    example: '360',
  },
  'calls.analysisWaitMs': {
    name: 'ANALYSIS_WAIT_SECONDS',
    parser: duration('seconds', { min: 0, max: 3_600 }),
    default: '60',
    unit: 'seconds',
    describe: "How long to wait for Retell's analysis and final cost after a call ends; then the call is closed without them.",
    example: '60',
  },
  'calls.ringTimeoutMs': {
    name: 'RING_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.05, max: 300 }),
    default: '30',
    unit: 'seconds',
    describe: 'How long Retell lets the phone ring, unless the batch sets it (Retell accepts 5 to 300).',
    example: '30',
  },
  'calls.secondLookMs': {
    name: 'SECOND_LOOK_HOURS',
    parser: duration('hours', { min: 0, max: 720 }),
    default: '24',
    unit: 'hours',
    describe: 'How long after giving up on a call as never placed to look for it once more.',
    example: '24',
  },
};
