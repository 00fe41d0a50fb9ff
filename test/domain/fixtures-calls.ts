/** Values that the tests of what follows a call start from; each test changes the one thing it is about. */
import { loadDispositions, loadOutcomes } from '../../src/config/outcomes-file.js';
import type { Batch } from '../../src/domain/batch.js';
import type { CallReading, Outcome, OutcomeClass } from '../../src/domain/call.js';
import type { Policy } from '../../src/domain/decision.js';
import type { Job, Phone } from '../../src/domain/job.js';

export const MINUTE = 60_000;
export const ENDED = new Date('2026-03-10T15:00:00Z');
export const SEEN = new Date('2026-03-10T15:00:20Z');

export const table = loadOutcomes(null).table;
export const dispositions = loadDispositions(null).table;

export function reading(change: Partial<CallReading> = {}): CallReading {
  return {
    callId: 'call_1',
    status: 'ended',
    live: false,
    talking: false,
    reason: 'user_hangup',
    startedAt: new Date(ENDED.getTime() - 75_700),
    endedAt: ENDED,
    durationMs: 75_700,
    costCents: 13.93,
    inVoicemail: false,
    userSpoke: true,
    analysis: null,
    collected: null,
    metadata: null,
    toNumber: '+56911112222',
    fromNumber: '+56222223333',
    raw: {},
    ...change,
  };
}

/** A record of a call nobody picked up. */
export function unconnected(reason: string | null, change: Partial<CallReading> = {}): CallReading {
  return reading({
    status: 'not_connected',
    reason,
    startedAt: null,
    endedAt: null,
    durationMs: 0,
    costCents: 0,
    userSpoke: null,
    ...change,
  });
}

export function outcome(name: OutcomeClass, change: Partial<Outcome> = {}): Outcome {
  return { class: name, reason: `because_${name}`, success: false, reached: 'placed', endedAt: ENDED, durationMs: 0, ...change };
}

/** `a` dialable, `a!` no telephone number. */
export function phones(...lines: string[]): Phone[] {
  return lines.map((line) => {
    const bad = line.endsWith('!');
    return { raw: line, e164: bad ? null : `+${line}`, line: bad ? null : line };
  });
}

export function job(change: Partial<Omit<Job, 'contact'>> = {}, lines: readonly string[] = ['a', 'b'], phoneIndex = 0): Job {
  return {
    id: 'j1',
    ref: 'job_1',
    status: 'in_progress',
    account: 'acc-1',
    batch: 'batch-1',
    queue: null,
    attempts: 0,
    maxAttempts: 3,
    transientCalls: 0,
    rescues: 0,
    refusals: 0,
    badLines: [],
    contact: {
      name: 'Ana Prueba',
      dni: '12345678K',
      person: 'p',
      formerPerson: null,
      phones: phones(...lines),
      phoneIndex,
      timezone: null,
    },
    reservedUntil: null,
    nextTryAt: null,
    startedAt: null,
    createdAt: null,
    leaseToken: 't',
    callId: null,
    callStartedAt: null,
    succeeded: false,
    lastError: null,
    suspendReason: null,
    cancelRequested: false,
    suspendRequested: false,
    payload: {},
    raw: {},
    ...change,
  };
}

export function batch(settings: Partial<Batch['settings']> = {}): Batch {
  return {
    id: 'batch-1',
    name: 'b',
    account: 'acc-1',
    state: 'running',
    stateReason: null,
    startAt: null,
    endAt: null,
    priority: 1,
    queue: null,
    useCase: null,
    rules: null,
    fromNumbers: [],
    agentId: null,
    contactZones: [],
    settings: {
      maxAttempts: null,
      retryDelayMs: null,
      week: null,
      timezone: null,
      closedDates: [],
      holidays: null,
      ringTimeoutMs: null,
      maxDurationMs: null,
      maxConcurrentCalls: null,
      maxCallsPerDay: null,
      ...settings,
    },
    problems: [],
  };
}

export const policy: Policy = {
  maxAttempts: null,
  transientRetries: 2,
  minRedialMs: 5 * MINUTE,
  retryDelayMs: 30 * MINUTE,
  noAnswerRetryMs: 60 * MINUTE,
  transientRetryMs: MINUTE,
  voicemailPolicy: 'retry',
  successStatus: 'done',
  ringMs: 30_000,
  maxDurationMs: 600_000,
  maxConcurrentCalls: 20,
  maxCallsPerDay: null,
  defaultMaxCallsPerDay: null,
  holdMinutes: 3,
  priceSource: 'provider',
  fromNumbers: ['+56222223333'],
  callerRules: { maxPerHour: null, blocksToRest: 3, restMs: 60 * 60_000 },
  agentId: 'agent',
  defaultTimezone: 'America/Santiago',
  closingMarginMs: 0,
  defaultRules: 'none',
  callbackVariable: 'callback_at',
};
