/** The gates that look at one job: what was asked for it, its attempts, its delay, its numbers, and how often they were called. */
import { attemptLimit } from './attempt-limit.js';
import type { Suppression } from './decision.js';
import type { ChosenPhone, Finding, Gate, JobScene } from './gates.js';
import { finding, packOf, wait } from './gates.js';
import type { Job } from './job.js';
import { CLAIMABLE, personsOf } from './job.js';
import { callsInScope, limitReached, redialableAt } from './limits.js';
import { minutesOf, spanText } from './spans.js';

/** True for a job that may be dialled by its status; in progress means that the asker holds it. */
export function isWaiting(job: Job): boolean {
  return job.status === 'in_progress' || CLAIMABLE.some((status) => status === job.status);
}

function checkStatus({ job }: JobScene): readonly Finding[] {
  if (isWaiting(job)) return [];
  const why = job.suspendReason === null ? '' : ` (${job.suspendReason})`;
  const code = job.status === 'suspended' ? 'SUSPENDED' : 'NOT_WAITING';
  return [wait(code, `The job is ${job.status === '' ? 'without a status' : job.status}${why}.`, 'status', { value: job.status })];
}

/** Whoever was talked to with success must not be called again because the process that recorded it went down before it said so. */
function checkSuccess({ job }: JobScene): readonly Finding[] {
  if (!job.succeeded) return [];
  return [finding('done', 'SUCCEEDED', 'A call of the earlier worker succeeded; the job is done.', 'call_result.success')];
}

/** The workflows before the old worker wrote none. Waiting would not help: it would be claimed again for ever. */
function checkAccountNamed({ job }: JobScene): readonly Finding[] {
  if (job.account !== null) return [];
  return [finding('set_aside', 'ACCOUNT_UNNAMED', 'The job names no account, so nobody could be charged for its call.', 'account_id')];
}

function checkRequests({ job }: JobScene): readonly Finding[] {
  return [
    ...(job.cancelRequested ? [finding('cancel', 'CANCEL_REQUESTED', 'Somebody asked to cancel the job.', 'cancel_requested')] : []),
    ...(job.suspendRequested ? [finding('suspend', 'SUSPEND_REQUESTED', 'Somebody asked to suspend the job.', 'suspend_requested')] : []),
  ];
}

/** A draining batch finishes what it began: no first calls, retries go on. */
function checkDraining({ job, batch }: JobScene): readonly Finding[] {
  if (batch === 'missing' || batch.state !== 'draining' || job.attempts + job.transientCalls > 0) return [];
  return [wait('DRAINING', 'The batch is draining: it begins no new contacts.', 'batch.state')];
}

function checkAttempts({ job, batch, policy }: JobScene): readonly Finding[] {
  const limit = attemptLimit(job, batch === 'missing' ? null : batch, policy);
  const calls = job.attempts + job.transientCalls;
  const most = limit + policy.transientRetries;
  if (job.attempts >= limit) {
    return [
      finding('fail', 'ATTEMPTS_EXHAUSTED', `${job.attempts} of ${limit} attempts were made.`, 'max_attempts', {
        value: job.attempts,
        limit,
      }),
    ];
  }
  if (calls < most) return [];
  // Calls that fail on the provider's side cost no attempt; without this cap they could ring somebody for ever.
  return [
    finding('fail', 'CALLS_EXHAUSTED', `${calls} calls were placed for the job.`, 'TRANSIENT_RETRIES', { value: calls, limit: most }),
  ];
}

function checkDelay({ job, at }: JobScene): readonly Finding[] {
  // While in progress, reserved_until is the lease.
  const dates = [job.status === 'in_progress' ? null : job.reservedUntil, job.nextTryAt];
  const until = dates.reduce<Date | null>((latest, each) => (each !== null && (latest === null || each > latest) ? each : latest), null);
  if (until === null || until <= at) return [];
  return [wait('RETRY_DELAY', `The job waits until ${until.toISOString()}.`, 'next_try_at', { limit: until.toISOString(), until })];
}

export const inForce = (suppression: Suppression, job: Job, at: Date): boolean =>
  (suppression.account === null || suppression.account === job.account) &&
  (suppression.batch === null || suppression.batch === job.batch) &&
  (suppression.expiresAt === null || suppression.expiresAt > at);

/** When the last of these blocks ends; null: one of them has no end. */
function endOf(blocks: readonly Suppression[]): Date | null {
  const last = Math.max(...blocks.map(({ expiresAt }) => expiresAt?.getTime() ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(last) ? new Date(last) : null;
}

function blocked({ reason }: Suppression, until: Date | null): string {
  return `blocked${until === null ? '' : ` until ${until.toISOString()}`}: ${reason}.`;
}

interface Refusal {
  readonly code: string;
  readonly text: string;
  /** From when the number may be dialled again, where that is known. */
  readonly until: Date | null;
}

/** Why a number may not be dialled; null where it may. */
function refusal(scene: Pick<JobScene, 'job' | 'suppressions' | 'at'>, index: number): Refusal | null {
  const { job, suppressions, at } = scene;
  const phone = job.contact.phones[index];
  const which = `Number ${index + 1} of the contact`;
  if (phone === undefined || phone.e164 === null || phone.line === null)
    return { code: 'PHONE_INVALID', text: `${which} is not a telephone number.`, until: null };
  if (job.badLines.includes(phone.line)) return { code: 'PHONE_DEAD', text: `${which} was found not to be in service.`, until: null };
  const blocks = suppressions.filter((each) => each.line === phone.line && inForce(each, job, at));
  const [block] = blocks;
  if (block === undefined) return null;
  const until = endOf(blocks);
  return { code: 'SUPPRESSED', text: `${which} is ${blocked(block, until)}`, until };
}

/** The number whose turn it is; those that may not be dialled are passed over, round to the beginning. */
export function choosePhone(scene: Pick<JobScene, 'job' | 'suppressions' | 'at'>): ChosenPhone | null {
  const { phones, phoneIndex } = scene.job.contact;
  for (let step = 0; step < phones.length; step += 1) {
    const index = (phoneIndex + step) % phones.length;
    const phone = phones[index];
    if (phone === undefined || phone.e164 === null || phone.line === null || refusal(scene, index) !== null) continue;
    return { index, phone, e164: phone.e164, line: phone.line };
  }
  return null;
}

function checkPhones(scene: JobScene): readonly Finding[] {
  if (scene.phone !== null) return [];
  const { phones } = scene.job.contact;
  const text = phones.length === 0 ? 'The contact has no telephone number.' : "None of the contact's numbers may be dialled.";
  const refusals = phones.flatMap((_, index) => refusal(scene, index) ?? []);
  // A block that ends is waited for: failed is for good.
  const ends = refusals.flatMap(({ until }) => until?.getTime() ?? []);
  const until = ends.length === 0 ? null : new Date(Math.min(...ends));
  const effect = until === null ? 'fail' : 'wait';
  return [
    finding(effect, 'NO_PHONE_LEFT', text, 'contact.phones', { value: phones.length, until }),
    ...refusals.map(({ code, text: why }) =>
      finding(effect, code, why, code === 'SUPPRESSED' ? 'suppressions' : 'contact.phones', { until }),
    ),
  ];
}

function checkPerson({ job, suppressions, at }: JobScene): readonly Finding[] {
  const persons = personsOf(job.contact);
  const blocks = suppressions.filter((each) => each.person !== null && persons.includes(each.person) && inForce(each, job, at));
  const [block] = blocks;
  if (block === undefined) return [];
  const until = endOf(blocks);
  return [finding(until === null ? 'fail' : 'wait', 'SUPPRESSED', `The person is ${blocked(block, until)}`, 'suppressions', { until })];
}

function checkLimits(scene: JobScene): readonly Finding[] {
  const { job, phone, history, at, zone } = scene;
  const pack = packOf(scene);
  if (pack === null || phone === null) return [];
  return pack.limits.flatMap((limit) => {
    // Limits of batches and accounts are counters, which the database enforces.
    if (limit.scope === 'batch' || limit.scope === 'account') return [];
    const reached = limitReached(limit, callsInScope(history, limit.scope, job.contact, phone.phone), at, zone.name);
    if (reached === null) return [];
    const code = limit.scope === 'number' ? 'LIMIT_PHONE' : 'LIMIT_PERSON';
    return [wait(code, limit.reason, `rules ${pack.name}`, { value: reached.count, limit: limit.max, until: reached.until })];
  });
}

/** Always on, whatever the rules: a number that has just rung is left alone. */
function checkRedial({ phone, history, at, policy }: JobScene): readonly Finding[] {
  const until = phone === null ? null : redialableAt(history, phone.line, at, policy.minRedialMs);
  if (until === null) return [];
  const limit = minutesOf(policy.minRedialMs);
  return [
    wait('LIMIT_PHONE', `The number was dialled less than ${spanText(policy.minRedialMs)} ago.`, 'MIN_REDIAL_MINUTES', { limit, until }),
  ];
}

export const JOB_GATES: readonly Gate<JobScene>[] = [
  { name: 'status', check: checkStatus },
  { name: 'success', check: checkSuccess },
  { name: 'account named', check: checkAccountNamed },
  { name: 'requests', check: checkRequests },
  { name: 'draining', check: checkDraining },
  { name: 'attempts', check: checkAttempts },
  { name: 'delay', check: checkDelay },
  { name: 'numbers', check: checkPhones },
  { name: 'person', check: checkPerson },
  { name: 'limits', check: checkLimits },
  { name: 'redial', check: checkRedial },
];
