/** `job suspend|resume|cancel|retry`: one conditional write per job, and a sentence for each that says what it did or why it did not. */
import { attemptLimit } from '../domain/attempt-limit.js';
import type { Job } from '../domain/job.js';
import { readBatch } from '../domain/read-batch.js';
import type { AnyDocument } from '../store/connection.js';
import type { JobAct } from '../store/job-admin.js';
import { hangUpJob } from './call-stop.js';
import { findJob } from './job-find.js';
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
}

export async function actOnJob(session: Session, act: JobAct, ref: string, options: ActOptions): Promise<Report> {
  const say = (ok: boolean, text: string): Report => ({ job: ref, ok, text });
  const found = await findJob(session, ref);
  if (found.kind === 'none') return say(false, found.why);
  if (act === 'retry' && found.kind === 'job' && !options.resetAttempts) {
    const spent = await spentOf(session, found.job);
    if (spent !== null) return say(false, spent);
  }
  const { reason, resetAttempts } = options;
  const result = await session.store.jobAdmin.act(found.doc._id, { act, by: session.by, reason, resetAttempts });
  switch (result.kind) {
    case 'changed':
      return say(true, `${pastOf(act, result.was)}${afterwards(act)}`);
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
async function spentOf({ store, policy }: Session, job: Job): Promise<string | null> {
  const [doc] = job.batch === null ? [] : await store.campaigns.batches([job.batch]);
  const limit = attemptLimit(job, doc === undefined ? null : readBatch(doc), policy);
  if (job.attempts < limit && job.attempts + job.transientCalls < limit + policy.transientRetries) return null;
  return `${job.attempts} of ${limit} attempts are used, so it would be closed again at once; add --reset-attempts to start from zero`;
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
