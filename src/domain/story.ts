/** A job's story in plain values: every call, what the provider said of it, what was decided and why, and what comes next. */
import type { Decision, Reason } from './decision.js';
import type { NextStep, Outcome, StopReason } from './call.js';
import type { Job } from './job.js';
import { maskPhone } from './phones.js';
import { isFinal } from './transitions.js';

/** An attempt as far as it is told; the store's documents fit. */
export interface ToldAttempt {
  readonly _id: string;
  readonly at: Date;
  readonly state: 'placing' | 'unknown' | 'live' | 'ended' | 'settled' | 'void';
  readonly open: boolean;
  readonly runner: string;
  readonly to_number: string;
  readonly phone_index: number;
  readonly call_id?: string;
  readonly stray?: boolean;
  readonly stop_reason?: StopReason;
  readonly outcome?: Outcome;
  readonly next?: NextStep | null;
  readonly cost?: { readonly micros: number; readonly final: boolean };
  readonly void_reason?: string;
}

export interface StoryFacts {
  readonly job: Job;
  readonly attempts: readonly ToldAttempt[];
  readonly limit: number;
  /** What the rules say of it now. */
  readonly decision: Decision;
  /** Masks whatever may be a person's number in free text. */
  readonly mask: (text: string) => string;
}

export interface ToldCall {
  readonly at: Date;
  readonly number: string;
  readonly phone: number;
  readonly state: ToldAttempt['state'];
  readonly callId: string | null;
  readonly said: string;
  readonly reached: Outcome['reached'] | null;
  readonly seconds: number | null;
  readonly costDollars: number | null;
  readonly costFinal: boolean;
  readonly decided: string | null;
  readonly stoppedFor: StopReason | null;
  readonly runner: string;
  readonly attempt: string;
}

export interface Story {
  readonly job: string;
  readonly id: unknown;
  readonly status: string;
  readonly account: string | null;
  readonly batch: string | null;
  readonly name: string | null;
  readonly numbers: readonly string[];
  readonly nextNumber: number;
  readonly attempts: number;
  readonly limit: number;
  readonly freeCalls: number;
  readonly calls: readonly ToldCall[];
  readonly costDollars: number;
  readonly lastError: string | null;
  readonly reasons: readonly Reason[];
  /** One sentence. */
  readonly next: string;
}

/** Of a job that is over or in somebody's hands the rules have nothing to say. */
const WAITING = new Set(['pending', 'scheduled', 'suspended']);

const MICROS_PER_DOLLAR = 1_000_000;

export function tellStory(facts: StoryFacts): Story {
  const { job, attempts, limit, decision, mask } = facts;
  const calls = attempts.map((attempt) => tellCall(attempt, mask));
  return {
    job: job.ref,
    id: job.id,
    status: job.status,
    account: job.account,
    batch: job.batch,
    name: job.contact.name,
    numbers: job.contact.phones.map(({ e164, line }) => numberText(e164, line !== null && job.badLines.includes(line))),
    nextNumber: job.contact.phones.length === 0 ? 0 : job.contact.phoneIndex + 1,
    attempts: job.attempts,
    limit,
    freeCalls: job.transientCalls,
    calls,
    costDollars: attempts.reduce((sum, { cost }) => sum + (cost?.micros ?? 0), 0) / MICROS_PER_DOLLAR,
    lastError: job.lastError === null ? null : mask(job.lastError),
    reasons: decision.kind === 'dial' || !WAITING.has(job.status) ? [] : decision.reasons,
    // Ids and moments only, while it is in progress: a runner's id would be taken for a number.
    next: job.status === 'in_progress' ? nextSentence(facts) : mask(nextSentence(facts)),
  };
}

function numberText(e164: string | null, dead: boolean): string {
  return `${e164 === null ? 'no telephone number' : maskPhone(e164)}${dead ? ' (never dialled again)' : ''}`;
}

function tellCall(attempt: ToldAttempt, mask: (text: string) => string): ToldCall {
  const { outcome, cost } = attempt;
  return {
    at: attempt.at,
    number: maskPhone(attempt.to_number),
    phone: attempt.phone_index + 1,
    state: attempt.state,
    callId: attempt.call_id ?? null,
    said: mask(saidOf(attempt)),
    reached: outcome?.reached ?? null,
    seconds: outcome === undefined ? null : Math.round(outcome.durationMs / 1000),
    costDollars: cost === undefined ? null : cost.micros / MICROS_PER_DOLLAR,
    costFinal: cost?.final === true,
    decided: decisionOf(attempt, mask),
    stoppedFor: attempt.stop_reason ?? null,
    runner: attempt.runner,
    attempt: attempt._id,
  };
}

function saidOf({ state, outcome, void_reason: voidReason, stray }: ToldAttempt): string {
  if (state === 'void') return `nothing was placed: ${voidReason ?? 'no reason was kept'}`;
  if (outcome !== undefined) {
    const success = outcome.success ? ', a success' : '';
    return `${outcome.reason === outcome.class ? outcome.class : `${outcome.reason} (${outcome.class})`}${success}`;
  }
  if (stray === true) return 'a call without an attempt of its own; it is stopped and booked';
  if (state === 'placing') return 'being placed';
  if (state === 'unknown') return 'may have been placed; it is being looked for';
  return state === 'ended' ? 'over; its analysis is awaited' : 'live';
}

function decisionOf({ next, state, stray }: ToldAttempt, mask: (text: string) => string): string | null {
  if (state === 'void') return 'no attempt was counted';
  if (next === undefined) return null;
  if (next === null) return stray === true ? 'the job goes by its own call' : 'the job was gone or in other hands';
  const due = next.dueAt === null ? '' : ` at ${next.dueAt.toISOString()}`;
  return `${next.status}${due}: ${mask(next.why)}`;
}

function nextSentence({ job, attempts, decision }: StoryFacts): string {
  if (job.status === 'in_progress') return inProgressSentence(job, attempts);
  if (job.status === 'suspended') return suspendedSentence(job);
  if (job.status === 'failed' && job.nextTryAt !== null) {
    return `SpeechAI left it waiting until ${job.nextTryAt.toISOString()}; \`speechai db adopt\` takes such jobs over.`;
  }
  if (job.status === 'failed' || job.status === 'cancelled') return `Nothing, unless a person asks for it: speechai job retry ${job.ref}`;
  if (isFinal(job.status)) return 'Nothing: it is finished.';
  if (job.status !== 'pending' && job.status !== 'scheduled')
    return `The status "${job.status}" belongs to another program; the job is left alone.`;
  const why = decision.kind === 'dial' ? '' : decision.reasons.map(({ text }) => text).join(' ');
  if (decision.kind === 'dial') return `It is due: number ${decision.phoneIndex + 1} is dialled as soon as a worker is free.`;
  if (decision.kind === 'stop') return `The next worker makes it ${decision.status}: ${why}`;
  return decision.until === null ? `It waits until somebody acts: ${why}` : `It waits until ${decision.until.toISOString()}: ${why}`;
}

function inProgressSentence(job: Job, attempts: readonly ToldAttempt[]): string {
  const open = attempts.find((attempt) => attempt.open);
  const wish = job.cancelRequested ? ' Then it is cancelled, as asked.' : job.suspendRequested ? ' Then it is suspended, as asked.' : '';
  if (open !== undefined) return `The call begun at ${open.at.toISOString()} is followed to its end by ${open.runner}.${wish}`;
  const lease = job.reservedUntil === null ? 'now' : `at ${job.reservedUntil.toISOString()}`;
  return `A worker holds it, no call is open; should the worker be gone, another takes it over when the lease ends, ${lease}.${wish}`;
}

function suspendedSentence({ suspendReason, ref }: Job): string {
  if (suspendReason === 'no_credit') return 'It goes on by itself when its account can pay again.';
  return `It waits for a person (${suspendReason ?? 'no reason was kept'}): speechai job resume ${ref}`;
}
