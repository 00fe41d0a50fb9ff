/** One attempt in this process's hands, from its intent to its settlement. */
import type { CallReading, StopReason } from '../domain/call.js';
import type { Suppression } from '../domain/decision.js';
import type { Contact, Job } from '../domain/job.js';
import type { Seen } from '../domain/outcomes.js';
import type { Mark } from '../domain/ports.js';
import type { AttemptDoc } from '../store/attempt.js';

const FACTS = [
  '_id',
  'job',
  'job_ref',
  'account',
  'batch',
  'workspace',
  'to_number',
  'from_number',
  'line',
  'person',
  'phone_index',
  'ring_ms',
  'max_duration_ms',
  'estimate',
  'counts',
  'timezone',
  'dial_by',
  'stray',
  'foreign',
] as const satisfies readonly (keyof AttemptDoc)[];

/** What of the attempt does not change while it is followed. */
export type AttemptFacts = Pick<AttemptDoc, (typeof FACTS)[number]>;

export type SettledAttempt = AttemptFacts &
  Pick<AttemptDoc, 'call_id' | 'outcome' | 'cost' | 'next' | 'result' | 'job_fields'> & {
    /** Where the job was read anyway. */
    readonly contact?: Contact;
  };

export function factsOf(attempt: AttemptDoc): AttemptFacts {
  return Object.fromEntries(FACTS.flatMap((key) => (attempt[key] === undefined ? [] : [[key, attempt[key]]]))) as unknown as AttemptFacts;
}

export interface Call {
  readonly facts: AttemptFacts;
  /** The job as it was when it was last read under our token; null when it is gone or somebody else's (its call is followed all the same). */
  job: Job | null;
  locks: readonly string[];
  /** Of the contact, as the last look found them; null: this process has not looked. */
  suppressions: readonly Suppression[] | null;
  callId: string | null;
  stopReason: StopReason | null;
  /** The provider has acknowledged a stop that this process asked for. An earlier owner's may never have been sent. */
  stopped: boolean;
  /** Its POST was let through: from then on a call may exist. */
  posted: boolean;
  /** Since when the call may exist, as this process saw it. */
  placed: Mark;
  placedAt: Date;
  talkingSince: Mark | null;
  /** Set when the call was seen to be over while its analysis was still missing. */
  overSince: Mark | null;
  overAt: Date | null;
  lastReading: Seen | null;
  /** Not renewed past this: whoever holds it longer than its stage can last has lost its way, and a rescuer must get it. */
  stage: { name: string; since: Mark; limitMs: number };
  /** Another process took it over; nothing of it is written any more. */
  lost: boolean;
  /** Resolved when nothing of the call occupies a worker any more. */
  readonly over: Promise<void>;
  readonly endWait: () => void;
}

export function newCall(
  facts: AttemptFacts,
  job: Job | null,
  locks: readonly string[],
  at: { mark: Mark; date: Date },
  stage: Call['stage'],
): Call {
  let endWait: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    endWait = resolve;
  });
  return {
    facts,
    job,
    locks,
    suppressions: null,
    callId: null,
    stopReason: null,
    stopped: false,
    posted: false,
    placed: at.mark,
    placedAt: at.date,
    talkingSince: null,
    overSince: null,
    overAt: null,
    lastReading: null,
    stage,
    lost: false,
    over,
    endWait,
  };
}

/** The oldest first. What has no start yet began last. */
export function byStart(a: Pick<CallReading, 'startedAt'>, b: Pick<CallReading, 'startedAt'>): number {
  const start = (at: Date | null): number => at?.getTime() ?? Number.MAX_SAFE_INTEGER;
  return start(a.startedAt) - start(b.startedAt);
}

/** Fields of every log line about the call. */
export function idsOf(call: Call): Record<string, unknown> {
  const { facts } = call;
  return {
    attempt_id: facts._id,
    job_id: facts.job_ref,
    batch_id: facts.batch,
    account_id: facts.account,
    ...(call.callId === null ? {} : { call_id: call.callId }),
  };
}

/** The locks that count concurrency: free as soon as the call is over; the others wait for the settlement. */
export function slotLocks(locks: readonly string[]): { slots: string[]; rest: string[] } {
  const slots = locks.filter((lock) => /^(slot|acct|batch):/.test(lock));
  return { slots, rest: locks.filter((lock) => !slots.includes(lock)) };
}
