/**
 * What becomes of a job after a call: the rules of retrying, rotating numbers and giving up, as one pure function.
 * Three bounds hold whatever calls end with: attempts never exceed the limit, calls never exceed the limit plus
 * TRANSIENT_RETRIES, and a job left pending is due at a known time.
 */
import { attemptLimit } from './attempt-limit.js';
import type { Batch } from './batch.js';
import type { NextStep, Outcome } from './call.js';
import type { Policy } from './decision.js';
import type { Job } from './job.js';
import type { OutcomeAction, OutcomeTable } from './outcomes.js';
import type { Random } from './ports.js';
import { spanText } from './spans.js';

export interface AfterCall {
  /** As it stands when the call ended, before this call is counted. */
  readonly job: Job;
  readonly batch: Batch | null;
  readonly outcome: Outcome;
  /** Which number rang. The line decides: the document may have been replaced since. */
  readonly dialled: { readonly phoneIndex: number; readonly line: string };
  readonly policy: Policy;
  readonly table: OutcomeTable;
  readonly requested: { readonly cancel: boolean; readonly suspend: boolean };
  /** Lines of the contact that may not be dialled now. */
  readonly blocked?: readonly string[];
  /** A time the contact agreed to (callbacks.ts), already checked to lie ahead. */
  readonly callbackAt: Date | null;
  readonly random: Random;
  /** The attempt is in the job's count already: the old worker counts when it begins. */
  readonly counted?: boolean;
}

interface Counted {
  readonly countsAttempt: boolean;
  readonly countsTransient: boolean;
  /** Free of charge by its class, but past the cap: it counts and waits like any other failure. */
  readonly pastCap: boolean;
  readonly attempts: number;
  readonly limit: number;
}

interface Numbers {
  readonly current: number;
  /** The next number of this round; null: all were tried. */
  readonly next: number | null;
  /** Where the next round begins; null: no number is left at all. */
  readonly first: number | null;
}

export function afterCall(input: AfterCall): NextStep {
  const action = actionFor(input);
  const counted = count(input, action);
  const badLine = action.badLine ? input.dialled.line : null;
  const numbers = numbersLeft(input, badLine);
  const base = baseStep(input, action, counted, numbers, badLine);
  return respectRequests(decideStep(input, action, counted, numbers, base), input.requested);
}

/** VOICEMAIL_POLICY rules over the table's row, which says what `retry` means. */
function actionFor({ outcome, policy, table }: AfterCall): OutcomeAction {
  const action = table.classes[outcome.class];
  if (outcome.class !== 'voicemail' || policy.voicemailPolicy === 'retry') return action;
  return { ...action, endsJob: true, status: policy.voicemailPolicy === 'done' ? 'success' : 'failed' };
}

function count({ job, batch, policy, counted = false }: AfterCall, action: OutcomeAction): Counted {
  const capReached = job.transientCalls >= policy.transientRetries;
  const costs = action.costsAttempt || capReached;
  const countsAttempt = costs && !(counted && job.attempts > 0);
  return {
    countsAttempt,
    countsTransient: !costs,
    pastCap: !action.costsAttempt && capReached,
    attempts: job.attempts + (countsAttempt ? 1 : 0),
    limit: attemptLimit(job, batch, policy),
  };
}

function numbersLeft({ job, dialled, blocked = [] }: AfterCall, badLine: string | null): Numbers {
  const { phones } = job.contact;
  const isFirst = (line: string | null, index: number): boolean => phones.findIndex((phone) => phone.line === line) === index;
  const found = phones.findIndex((phone) => phone.line === dialled.line);
  const atIndex = phones[dialled.phoneIndex]?.line === dialled.line;
  const current = atIndex ? dialled.phoneIndex : found >= 0 ? found : clampIndex(job.contact.phoneIndex, phones.length);
  const usable = phones.flatMap((phone, index) => {
    const dead = phone.line === null || phone.line === badLine || job.badLines.includes(phone.line);
    // A number listed twice is not another number.
    return dead || !isFirst(phone.line, index) ? [] : [index];
  });
  // Where the document was replaced in mid-call, its number at the index has not rung yet; otherwise the search goes on
  // after the one that has. One that may not be dialled is passed over when its turn comes: it does not go on with the round.
  const from = atIndex || found >= 0 ? current + 1 : current;
  const goesOn = (line: string | null | undefined): boolean => line !== dialled.line && !blocked.includes(line ?? '');
  const next = usable.find((index) => index >= from && goesOn(phones[index]?.line)) ?? null;
  return { current, next, first: usable[0] ?? null };
}

function clampIndex(index: number, length: number): number {
  return Number.isInteger(index) && index >= 0 && index < length ? index : 0;
}

/** A failed step, which the rules below turn into something better where they can. */
function baseStep(input: AfterCall, action: OutcomeAction, counted: Counted, numbers: Numbers, badLine: string | null): NextStep {
  const { outcome } = input;
  return {
    status: 'failed',
    phoneIndex: numbers.current,
    dueAt: null,
    countsAttempt: counted.countsAttempt,
    countsTransient: counted.countsTransient,
    badLine,
    suspendReason: null,
    lastError: describe(outcome),
    why: '',
  };
}

function decideStep(input: AfterCall, action: OutcomeAction, counted: Counted, numbers: Numbers, base: NextStep): NextStep {
  const { outcome, policy } = input;
  const said = describe(outcome);
  const spent = `attempt ${String(counted.attempts)} of ${String(counted.limit)}`;
  const exhausted = counted.attempts >= counted.limit;

  if (action.endsJob && action.status === 'success') {
    const callback = outcome.class === 'answered' ? input.callbackAt : null;
    if (callback !== null && !exhausted) {
      return {
        ...base,
        status: 'pending',
        dueAt: callback,
        lastError: null,
        why: `${said}; the contact agreed to another call then (${spent})`,
      };
    }
    const unkept = callback === null ? '' : '; the agreed callback is dropped because no attempt is left';
    return { ...base, status: policy.successStatus, lastError: null, why: `${said}: finished${unkept}` };
  }
  if (action.endsJob && action.status === 'suspended') {
    const suspendReason = action.suspendReason ?? 'review';
    return { ...base, status: 'suspended', suspendReason, why: `${said}: set aside (${suspendReason}), only a person resumes it` };
  }
  if (action.endsJob) {
    return { ...base, why: action.suppress ? `${said}: the contact asked not to be called again` : `${said}: finished without success` };
  }
  if (exhausted) return { ...base, why: `${said}: no attempt left (${spent})` };
  if (numbers.first === null) return { ...base, lastError: `No number left to dial (${said})`, why: `${said}: no number left to dial` };
  return { ...base, status: 'pending', ...retryStep(input, action, counted, { ...numbers, first: numbers.first }, spent) };
}

function retryStep(input: AfterCall, action: OutcomeAction, counted: Counted, numbers: Numbers & { first: number }, spent: string) {
  const { outcome, job } = input;
  const said = describe(outcome);
  if (action.rotate && numbers.next !== null) {
    return { phoneIndex: numbers.next, dueAt: atOnce(input), why: `${said}: on to the contact's next number at once (${spent})` };
  }
  const delayMs = delayOf(input, action, counted);
  const dueAt = delayMs === 0 ? atOnce(input) : new Date(outcome.endedAt.getTime() + delayMs);
  // Past the cap it is a failure like any other, and its number perhaps the reason; but nobody is rung at once for it.
  const stays = !action.rotate && !counted.pastCap && usable(job, numbers.current);
  const phoneIndex = stays ? numbers.current : counted.pastCap ? (numbers.next ?? numbers.first) : numbers.first;
  const wait = spanText(delayMs);
  if (counted.countsTransient) {
    const calls = `${String(job.transientCalls + 1)} of ${String(input.policy.transientRetries)}`;
    return { phoneIndex, dueAt, why: `${said}: not the contact's doing, again in ${wait} (free call ${calls})` };
  }
  const goesOn = counted.pastCap && numbers.next !== null;
  const where = stays ? 'the same number' : goesOn ? "the contact's next number" : 'no number left in this round, again from the first';
  return { phoneIndex, dueAt, why: `${said}: ${where} in ${wait} (${spent})` };
}

/** A contact in a zone of its own may be due while its batch's hours are over, and only a job with a date is asked for then. */
function atOnce({ job, outcome }: AfterCall): Date | null {
  return job.contact.timezone === null ? null : outcome.endedAt;
}

function usable(job: Job, index: number): boolean {
  const line = job.contact.phones[index]?.line ?? null;
  return line !== null && !job.badLines.includes(line);
}

function delayOf({ batch, policy, random }: AfterCall, action: OutcomeAction, counted: Counted): number {
  const { delay } = action;
  const batchMs = batch?.settings.retryDelayMs ?? null;
  if (counted.pastCap) return batchMs ?? policy.retryDelayMs;
  // Spread over twice the time: a provider that comes back must not meet all its failed calls at the same second.
  if (delay === 'transient') return Math.round(policy.transientRetryMs * (1 + random()));
  if (delay === 'none') return 0;
  if (batchMs !== null) return batchMs;
  if (delay === 'retry') return policy.retryDelayMs;
  if (delay === 'noAnswer') return policy.noAnswerRetryMs;
  const minutes = delay[Math.min(counted.attempts, delay.length) - 1] ?? delay[0];
  return minutes === undefined ? policy.retryDelayMs : minutes * 60_000;
}

/** What somebody asked for during the call wins over going on, never over what the call already brought about. */
function respectRequests(step: NextStep, requested: AfterCall['requested']): NextStep {
  const waiting = step.status === 'pending';
  if (requested.cancel && (waiting || step.status === 'suspended')) {
    return { ...step, status: 'cancelled', dueAt: null, suspendReason: null, why: `Cancelled as asked during the call; ${step.why}` };
  }
  if (requested.suspend && waiting) {
    return { ...step, status: 'suspended', dueAt: null, suspendReason: 'operator', why: `Suspended as asked during the call; ${step.why}` };
  }
  return step;
}

function describe(outcome: Outcome): string {
  return outcome.reason === outcome.class ? outcome.class : `${outcome.class} (${outcome.reason})`;
}
