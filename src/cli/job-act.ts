/** `job suspend|resume|cancel|retry`: one conditional write per job, and a sentence for each that says what it did or why it did not. */
import { attemptLimit } from '../domain/attempt-limit.js';
import { decide } from '../domain/decide.js';
import type { Facts } from '../domain/decision.js';
import { batchState } from '../domain/gates-batch.js';
import { CLAIMABLE } from '../domain/job.js';
import type { AnyDocument } from '../store/connection.js';
import type { JobAct } from '../store/job-admin.js';
import { hangUpJob } from './call-stop.js';
import { factsOf, findJob, packsOf } from './job-find.js';
import type { Session } from './session.js';

export interface ActOptions {
  readonly reason: string | null;
  readonly hangUp: boolean;
  readonly resetAttempts: boolean;
}

export interface Report {
  readonly job: string;
  readonly ok: boolean;
  readonly text: string;
  /** Of what is an error, and no answer to the state of the job. */
  readonly code?: string;
  readonly remedy?: string;
  /** Done as asked, and yet not what was meant. */
  readonly warning?: string;
}

export function refusedFor(
  job: string,
  { code, why, remedy }: { readonly code: string; readonly why: string; readonly remedy: string },
): Report {
  return { job, ok: false, text: why, code, remedy };
}

export async function actOnJob(session: Session, act: JobAct, ref: string, options: ActOptions): Promise<Report> {
  const say = (ok: boolean, text: string): Report => ({ job: ref, ok, text });
  const found = await findJob(session, ref);
  if (found.kind === 'none') return refusedFor(ref, found);
  const job = found.kind === 'job' && (act === 'retry' || act === 'resume') ? found.job : null;
  const facts = job === null ? null : await factsOf(session, job);
  const over = facts === null ? null : overOf(facts);
  if (over !== null) return refusedFor(ref, over);
  if (act === 'retry' && facts !== null && !options.resetAttempts) {
    const spent = spentOf(session, facts);
    if (spent !== null) return say(false, spent);
  }
  const { reason, resetAttempts } = options;
  const result = await session.store.jobAdmin.act(found.doc._id, { act, by: session.by, reason, resetAttempts });
  switch (result.kind) {
    case 'changed': {
      const warning = facts === null ? null : await blockedText(session, facts);
      return { ...say(true, `${pastOf(act, result.was)}${afterwards(act)}`), ...(warning === null ? {} : { warning }) };
    }
    case 'withdrawn':
      return say(true, 'it is in progress and goes on: the request to suspend it is taken back');
    case 'requested': {
      if (!options.hangUp) return say(true, `it is in progress: it is ${PAST[act]} when its call ends (--hang-up ends the call now)`);
      const stopped = await hangUpJob(session, found.doc._id);
      return say(stopped.ok, `it is ${PAST[act]} when its call ends: ${stopped.text}`);
    }
    case 'refused':
      return say(false, whyRefused(act, result.doc, ref));
  }
}

const PAST: Readonly<Record<JobAct, string>> = { suspend: 'suspended', resume: 'resumed', cancel: 'cancelled', retry: 'pending again' };

function pastOf(act: JobAct, was: string): string {
  return act === 'retry' && (was === 'pending' || was === 'scheduled') ? 'its delay is over' : `${PAST[act]} (it was ${was})`;
}

function afterwards(act: JobAct): string {
  return act === 'retry' ? ', due now' : '';
}

/** A retry without attempts would be closed by the first worker that reads it, and look like a fault. */
function spentOf({ policy }: Session, { job, batch }: Facts): string | null {
  const limit = attemptLimit(job, batch === 'missing' ? null : batch, policy);
  if (job.attempts < limit && job.attempts + job.transientCalls < limit + policy.transientRetries) return null;
  return `${job.attempts} of ${limit} attempts are used, so it would be closed again at once; add --reset-attempts to start from zero`;
}

/** Nobody looks for jobs in a batch that is over: it would be pending for ever. */
function overOf({ job, batch, now }: Facts): { readonly code: string; readonly why: string; readonly remedy: string } | null {
  if (job.status === 'in_progress') return null;
  const elsewhere = 'Add its contact to a batch that runs: `speechai job add --batch ID`, or `speechai batch import` for many.';
  if (batch === 'missing')
    return { code: 'NO_SUCH_BATCH', why: `its batch ${job.batch ?? ''} does not exist, so nobody would dial it`, remedy: elsewhere };
  const id = batch.id ?? job.batch ?? '';
  const state = batchState(batch, now);
  const why = `its batch ${id} is ${state}, so nobody would dial it`;
  switch (state) {
    case 'cancelled':
      return { code: 'BATCH_CANCELLED', why, remedy: elsewhere };
    case 'completed':
      return { code: 'BATCH_COMPLETED', why, remedy: `Let the batch run again first: speechai batch resume ${id}` };
    case 'expired':
      return { code: 'BATCH_EXPIRED', why, remedy: `Give the batch a later end first: speechai batch set ${id} end_at=DATE` };
    default:
      return null;
  }
}

/** How many of these may be called because of the act. */
export async function toBeDialled(session: Session, act: 'resume' | 'retry', refs: readonly string[]): Promise<number> {
  let jobs = 0;
  for (const ref of new Set(refs)) {
    const found = await findJob(session, ref);
    if (found.kind === 'none' || !BEGINS[act].some((status) => status === found.doc['status'])) continue;
    if (found.kind !== 'job' || overOf(await factsOf(session, found.job)) === null) jobs += 1;
  }
  return jobs;
}

const BEGINS = { resume: ['suspended'], retry: ['failed', 'suspended', 'cancelled', ...CLAIMABLE] } as const satisfies Record<
  string,
  readonly string[]
>;

/** Blocked contacts are closed without a call: whoever asks for one should not wait for it. */
async function blockedText(session: Session, facts: Facts): Promise<string | null> {
  const asWaiting: Facts = {
    ...facts,
    job: { ...facts.job, status: 'pending', attempts: 0, transientCalls: 0, cancelRequested: false, suspendRequested: false },
  };
  const decision = decide(asWaiting, session.policy, await packsOf(session));
  const blocks = decision.kind === 'dial' ? [] : decision.reasons.filter(({ code }) => code === 'SUPPRESSED');
  if (blocks.length === 0) return null;
  return `${blocks.map(({ text }) => text).join(' ')} It will be closed without a call; \`speechai suppress list\` shows the entry.`;
}

/** Why the write found nothing to change, by what stands there now. */
function whyRefused(act: JobAct, doc: AnyDocument | null, ref: string): string {
  if (doc === null) return 'it was deleted meanwhile';
  const status = String(doc['status']);
  switch (status) {
    case 'pending':
    case 'scheduled':
      return act === 'retry'
        ? `it is ${status} and waits for no delay: speechai explain job ${ref}`
        : `it is ${status} already: nothing to ${act}`;
    case 'in_progress':
      return `it is in progress; to end its call: speechai job cancel ${ref} --hang-up`;
    case 'suspended':
      return act === 'suspend' ? 'it is suspended already' : `it is suspended: speechai job resume ${ref}`;
    case 'failed':
      return act === 'cancel' ? 'it moved meanwhile; try again' : `it is failed: speechai job retry ${ref}`;
    case 'cancelled':
      return act === 'cancel' ? 'it is cancelled already' : `it is cancelled: speechai job retry ${ref}`;
    case 'done':
    case 'completed':
      return `it is ${status}: its contact was reached, and nothing more happens to it`;
    default:
      return `its status "${status.slice(0, 40)}" belongs to another program; it is left alone`;
  }
}
