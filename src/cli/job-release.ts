/**
 * `job release`: gives a stuck job back by ending its lease, after looking whether its call may be live. The daemon's rescue does the rest,
 * which looks again by the protocol's own rules: this look only spares people a surprise, that one keeps the promise (P1).
 */
import type { Job } from '../domain/job.js';
import type { AttemptDoc } from '../store/attempt.js';
import { findJob } from './job-find.js';
import { refusedFor, type Report } from './job-act.js';
import type { Session } from './session.js';

type Look = { readonly kind: 'clear'; readonly what: string } | { readonly kind: 'live'; readonly why: string };

/** A write of an old worker within this time is a sign of life. */
const OLD_WORKER_MS = 60_000;
/** Hanging up takes time, and clocks differ. */
const MARGIN_MS = 60_000;

export async function releaseJob(session: Session, ref: string): Promise<Report> {
  const { store } = session;
  const say = (ok: boolean, text: string): Report => ({ job: ref, ok, text });
  const found = await findJob(session, ref);
  if (found.kind === 'none') return refusedFor(ref, found);
  const { doc } = found;
  const status = String(doc['status']);
  if (status !== 'in_progress') return say(false, `it is ${status}, not in progress: nobody holds it`);

  const attempt = await store.attempts.leasedFor(doc._id);
  const look = await lookFor(session, found.kind === 'job' ? found.job : null, attempt);
  if (look.kind === 'live') return say(false, look.why);

  const leaseToken = typeof doc['lease_token'] === 'string' ? doc['lease_token'] : null;
  const freed = await store.jobAdmin.endLease({ id: doc._id, leaseToken, workerId: doc['worker_id'], startedAt: doc['started_at'] });
  if (!freed) return say(false, 'another worker took it while this was looking; look at it again with `speechai job show`');
  if (attempt !== null) await store.jobAdmin.endAttemptLease(attempt._id, attempt.runner);
  return say(true, `${look.what}; its lease is ended, and the next rescue of a running daemon takes it over`);
}

async function lookFor(session: Session, job: Job | null, attempt: AttemptDoc | null): Promise<Look> {
  if (attempt !== null) return lookAtAttempt(session, attempt);
  if (job?.leaseToken != null) return { kind: 'clear', what: 'no call was begun' };
  return lookAtForeign(session, job);
}

async function lookAtAttempt(session: Session, attempt: AttemptDoc): Promise<Look> {
  if (attempt.state === 'settled' || attempt.state === 'void') return { kind: 'clear', what: 'its call is over and only has to be booked' };
  const { retell, workspace } = await session.retell();
  if (attempt.workspace !== workspace) {
    return live(
      'its call was placed with another RETELL_API_KEY or RETELL_BASE_URL than this command has; release it with the settings it was placed with',
    );
  }
  const { pollTimeoutMs } = session.loaded.settings.calls;
  const span = { begun: attempt.placed_at ?? attempt.at, longestMs: Math.max(attempt.ring_ms, pollTimeoutMs) + attempt.max_duration_ms };
  if (attempt.call_id !== undefined) return lookAtCall(session, attempt.call_id, span);
  const now = session.store.time.now().getTime();
  const reply = await retell.listByAttempt(attempt._id);
  if (reply.kind !== 'calls')
    return live(`whether its call is live is not known, because the provider does not answer (${reply.message}); try again`);
  const ringing = reply.calls.find((call) => call.live);
  if (ringing !== undefined) return live(`its call ${ringing.callId} is live; ${REMEDY}`);
  if (reply.calls.length > 0) return { kind: 'clear', what: 'its call is over' };
  if (!reply.complete) return live('the provider listed only a part of its calls; try again');
  const windowMs = session.loaded.settings.calls.reconcileWindowMs;
  const waitMs = attempt.dial_by.getTime() + windowMs - now;
  if (waitMs > 0)
    return live(
      `a call may still come to light for the next ${Math.ceil(waitMs / 1000)} s; the daemon looks for it, and so can you after that`,
    );
  return { kind: 'clear', what: 'the provider knows no call of it' };
}

async function lookAtCall(
  session: Session,
  callId: string,
  span: { readonly begun: Date | null; readonly longestMs: number },
): Promise<Look> {
  const { retell } = await session.retell();
  const reply = await retell.read(callId);
  if (reply.kind === 'call') {
    return reply.call.live ? live(`its call ${callId} is live; ${REMEDY}`) : { kind: 'clear', what: `its call ${callId} is over` };
  }
  if (reply.kind !== 'absent')
    return live(`whether its call ${callId} is live is not known, because the provider does not answer (${reply.message}); try again`);
  // Not readable is no proof that nothing rings: only time is.
  const overAt = (span.begun?.getTime() ?? 0) + span.longestMs + session.loaded.settings.calls.analysisWaitMs + MARGIN_MS;
  if (session.store.time.now().getTime() < overAt) {
    return live(`the provider does not know its call ${callId}, but it could last until ${new Date(overAt).toISOString()}; try again then`);
  }
  return { kind: 'clear', what: `the provider does not know its call ${callId} any more` };
}

/** The old worker kept no attempts: its call is the one it wrote last, if it belongs to its latest start, else one to the number since then. */
async function lookAtForeign(session: Session, job: Job | null): Promise<Look> {
  const { store } = session;
  const old = await store.runners.oldWorkers(new Date(store.time.now().getTime() - OLD_WORKER_MS));
  if (old.length > 0) return live(`an old worker (${old.join(', ')}) is still at work and may be calling; stop it first`);
  if (job === null) return live('it cannot be read, so its call cannot be looked for; fix the document first');
  const started = job.startedAt?.getTime() ?? 0;
  if (job.callId !== null && (job.callStartedAt?.getTime() ?? 0) >= started - 1_000) {
    const { pollTimeoutMs, maxDurationMs } = session.loaded.settings.calls;
    return lookAtCall(session, job.callId, { begun: job.callStartedAt, longestMs: pollTimeoutMs + maxDurationMs });
  }
  const number = job.contact.phones[job.contact.phoneIndex]?.e164;
  if (number === undefined || number === null) return { kind: 'clear', what: 'it has no number that could be ringing' };
  const { retell } = await session.retell();
  const reply = await retell.listByNumber(number, new Date(started - MARGIN_MS));
  if (reply.kind !== 'calls' || !reply.complete)
    return live('whether its call is live is not known, because the provider does not answer; try again');
  const ringing = reply.calls.find((call) => call.live);
  return ringing === undefined
    ? { kind: 'clear', what: 'no call to its number is live' }
    : live(`a call to its number (${ringing.callId}) is live; wait for its end`);
}

const REMEDY = 'end it with `speechai call stop` or `speechai job cancel --hang-up`, or wait for its end';

function live(why: string): Look {
  return { kind: 'live', why: `not released: ${why}` };
}
