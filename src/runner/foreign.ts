/**
 * What the old worker left in progress: its call is followed when it belongs to the job's latest start, otherwise looked for by number and time,
 * otherwise counted as one attempt. Never called again before that is known.
 */
import { afterCall } from '../domain/after-call.js';
import { jobFields } from '../domain/call-result.js';
import { idKey, type Job } from '../domain/job.js';
import { lostOutcome } from '../domain/outcomes.js';
import { lineHash } from '../domain/phones.js';
import type { AttemptDoc } from '../store/attempt.js';
import type { Release } from '../store/jobs.js';
import { DuplicateKeyError } from '../store/writer.js';
import { byStart, newCall, type Call } from './call.js';
import type { Context } from './context.js';
import type { Parts } from './parts.js';
import { persist } from './persist.js';

/** Of a job that a rescuer has taken under `token`. */
export function createForeignRecovery(cx: Context, parts: Parts, follow: (call: Call) => void): (job: Job, token: string) => Promise<void> {
  /** The old worker's: its call, when it belongs to the latest start; otherwise one found by number and time; otherwise one attempt. */
  async function recoverForeign(job: Job, token: string): Promise<void> {
    if (job.succeeded) {
      const release: Release = { status: cx.policy.successStatus, dueAt: null, dueBefore: null, suspendReason: null, lastError: null };
      await cx.store.jobs.release(job.id, token, release);
      return;
    }
    const started = job.startedAt?.getTime() ?? 0;
    const own = job.callId !== null && (job.callStartedAt?.getTime() ?? 0) >= started - 1_000 ? job.callId : null;
    if (own !== null) return adoptForeign(job, token, own);
    const phone = job.contact.phones[job.contact.phoneIndex];
    if (phone?.e164 != null) {
      const reply = await cx.retell.listByNumber(phone.e164, new Date(started - 60_000), cx.abandon);
      if (reply.kind !== 'calls' || !reply.complete) return; // the lease ends, and the next pass asks again
      // What still rings has no start yet; a call that carries an attempt's id is one of ours, for another job with this number.
      const since = reply.calls.filter(
        (call) => call.metadata?.['attempt_id'] === undefined && (call.live || (call.startedAt?.getTime() ?? 0) >= started - 5_000),
      );
      const call = since.toSorted(byStart).at(-1);
      if (call !== undefined) return adoptForeign(job, token, call.callId);
    }
    const outcome = lostOutcome(cx.store.time.now());
    const { phoneIndex } = job.contact;
    const next = afterCall({
      job,
      batch: await parts.board.batchOf(job),
      counted: true,
      outcome,
      dialled: { phoneIndex, line: phone?.line ?? '' },
      policy: cx.policy,
      table: cx.outcomes,
      requested: { cancel: job.cancelRequested, suspend: job.suspendRequested },
      callbackAt: null,
      random: cx.random,
    });
    const now = cx.store.time.now();
    await cx.store.jobs.settle(job.id, token, next, jobFields({ reading: null, outcome, next, now }), {
      success: false,
      status: 'unknown',
      summary: {},
      timestamp: now,
    });
  }

  /** From here on it is a call like any other: an attempt of ours protects it. */
  async function adoptForeign(job: Job, token: string, callId: string): Promise<void> {
    // The provider may have answered later than a lease lasts: whoever took the job since adopts its call.
    if ((await cx.store.jobs.byToken(token)) === null) return;
    const phone = job.contact.phones[job.contact.phoneIndex];
    const line = phone?.line ?? lineHash(`job:${idKey(job.id)}`);
    const now = cx.store.time.now();
    const settings = (await parts.board.batchOf(job))?.settings;
    const attempt: AttemptDoc = {
      _id: token,
      job: job.id,
      job_ref: job.ref,
      account: job.account,
      batch: job.batch,
      runner: cx.me,
      workspace: cx.workspace,
      state: 'live',
      open: true,
      at: job.startedAt ?? now,
      placed_at: job.callStartedAt ?? now,
      dial_by: now,
      locks: [`job:${idKey(job.id)}`, `call:${callId}`],
      to_number: phone?.e164 ?? '',
      from_number: '',
      line,
      person: job.contact.person,
      phone_index: job.contact.phoneIndex,
      ring_ms: settings?.ringTimeoutMs ?? cx.policy.ringMs,
      max_duration_ms: settings?.maxDurationMs ?? cx.policy.maxDurationMs,
      estimate: { micros: 0, ms: 0 },
      counts: [],
      timezone: cx.policy.defaultTimezone,
      call_id: callId,
      foreign: true,
    };
    await persist(cx, 'adopting a call of the old worker', () => insertForeign(attempt));
    const { account } = job;
    if (account !== null) await persist(cx, 'opening its bill', () => cx.store.ledgers.holdAnyway(account, token, attempt.estimate));
    const call = newCall(
      attempt,
      job,
      attempt.locks ?? [],
      { mark: agedMark(cx, attempt), date: now },
      { name: 'adopted', since: cx.clock.mark(), limitMs: cx.timing.leaseMs },
    );
    call.callId = callId;
    parts.registry.add(call);
    follow(call);
  }

  /** Its number and person are locked like any other's, unless a call of ours holds them already: two live calls are then a fact. */
  async function insertForeign(attempt: AttemptDoc): Promise<void> {
    const person = attempt.person === null ? [] : [`person:${attempt.person}`];
    try {
      await cx.store.attempts.insertStray(
        { ...attempt, locks: [...(attempt.locks ?? []), `line:${attempt.line}`, ...person] },
        cx.timing.leaseMs,
      );
    } catch (error) {
      if (!(error instanceof DuplicateKeyError)) throw error;
      await cx.store.attempts.insertStray(attempt, cx.timing.leaseMs);
    }
  }

  return recoverForeign;
}

/** The monotonic clock of a dead process says nothing here: the call's age comes from the database's time. */
export function agedMark(cx: Pick<Context, 'clock' | 'store'>, attempt: AttemptDoc): Call['placed'] {
  const ageMs = Math.max(0, cx.store.time.now().getTime() - (attempt.placed_at ?? attempt.at).getTime());
  const { monoMs, wallMs } = cx.clock.mark();
  return { monoMs: monoMs - ageMs, wallMs: wallMs - ageMs };
}
