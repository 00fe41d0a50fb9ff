/** The ways the simulated Retell misbehaves with --faults: each of them on a share of requests that the seed chooses. */
import type { FaultSpec } from '../../src/simulator/faults.js';

const CREATE = '/v2/create-phone-call';

/** Longer than the client waits, shorter than the time a call is looked for. */
export const LATE_MS = 2_000;

export const FAULTS: readonly FaultSpec[] = [
  { kind: 'a', probability: 0.02 },
  { kind: 'b', probability: 0.03 },
  { kind: 'c', probability: 0.03 },
  { kind: 'd', probability: 0.02, delayMs: LATE_MS },
  { kind: 'e', probability: 0.02 },
  { kind: 'status', path: CREATE, status: 429, retryAfterSeconds: 1, probability: 0.02 },
  { kind: 'status', path: CREATE, status: 429, probability: 0.02 },
  { kind: 'status', path: CREATE, status: 401, skip: 30, times: 1 },
  { kind: 'html502', path: CREATE, probability: 0.02 },
  { kind: 'html502', path: CREATE, probability: 0.01, accept: true },
  { kind: 'slow', path: CREATE, probability: 0.02, delayMs: LATE_MS },
  { kind: 'slow', path: '/v3/list-calls', probability: 0.05, delayMs: 300 },
  { kind: 'not-json', path: '/v3/list-calls', probability: 0.02 },
  { kind: 'empty500', path: '/v3/list-calls', probability: 0.02 },
];

/** For the moment when the daemon dies: its successor finds the provider away as well. */
export const OUTAGE: FaultSpec = { kind: 'outage', how: 'reset', forMs: 1_000 };

/** One call that is dropped without a trace, in every demo: the daemon must look for it, find nothing, and only then go on. */
export const lost = (number: string): FaultSpec => ({ kind: 'refuse', to: number, times: 1 });
