/**
 * Rescue: what dead processes left behind, blind to batch, account and queue. Attempts first: their calls may be live. Then jobs, taken
 * before their attempt is looked for, so that an owner who inserts the attempt and then reads the job always meets a rescuer (P1).
 */
import pLimit from 'p-limit';
import { lostOutcome } from '../domain/outcomes.js';
import { afterCall } from '../domain/after-call.js';
import { jobFields } from '../domain/call-result.js';
import { messageOf } from '../domain/errors.js';
import { idKey, type Job } from '../domain/job.js';
import { readJob } from '../domain/read-job.js';
import { lineHash } from '../domain/phones.js';
import type { AttemptDoc } from '../store/attempt.js';
import type { Release, Rescued } from '../store/jobs.js';
import { DuplicateKeyError, isRefusal } from '../store/writer.js';
import { byStart, newCall, type Call } from './call.js';
import type { Context } from './context.js';
import { tellFull } from './full.js';
import { newToken } from './ids.js';
import type { Parts } from './parts.js';
import { persist } from './persist.js';
import { repeat } from './repeat.js';

export interface Rescue {
  /** Takes everything that is expired. What the provider has to be asked about goes on meanwhile, until `recovered`. */
  pass(): Promise<{ readonly recovered: Promise<unknown> }>;
  run(): Promise<void>;
}

/** What a dead process left half settled is finished so many at a time: live calls must not wait for hundreds of writes. */
const AT_ONCE = 16;
/** A job that brought down so many owners without a hand-over is set aside. */
const MAX_RESCUES = 3;

export function createRescue(cx: Context, parts: Parts, follow: (call: Call) => void, mayTakeForeign: () => boolean): Rescue {
  const atOnce = pLimit(AT_ONCE);

  /** R1: an attempt whose owner is gone. Adopting needs no worker loop, so a successor takes every live call however small it is. */
  function adopt(attempt: AttemptDoc): void {
    const held = parts.registry.get(attempt._id);
    if (held !== undefined && cx.clock.elapsedMs(held.stage.since) < held.stage.limitMs) return; // our own, whose renewal was late
    // Or whose work was cut short, or took longer than its stage can: it is taken up anew. What may be left of that work writes nothing more,
    // and the worker that waits for its end waits no longer.
    if (held !== undefined) {
      held.lost = true;
      held.endWait();
    }
    cx.journal.write('adopted', {
      attempt_id: attempt._id,
      job_id: attempt.job_ref,
      state: attempt.state,
      call_id: attempt.call_id ?? null,
    });
    const since = cx.clock.mark();
    const call = newCall(
      attempt,
      null,
      attempt.locks ?? [],
      { mark: agedMark(attempt), date: attempt.placed_at ?? attempt.at },
      { name: 'adopted', since, limitMs: cx.timing.leaseMs },
    );
    call.callId = attempt.call_id ?? null;
    call.stopReason = attempt.stop_reason ?? null;
    parts.registry.add(call);
    if (attempt.open && attempt.locks?.includes(`call:${attempt.call_id ?? ''}`) === true) void openBill(attempt);
    if (attempt.state === 'settled' || attempt.state === 'void') void atOnce(() => finish(call, attempt));
    else if (call.callId === null) parts.reconcile(call);
    else follow(call);
  }

  /** Step 8 for what was just taken: else R2 would find their jobs expired, and take each of them only to hand it back. */
  async function holdJobs(taken: readonly AttemptDoc[]): Promise<void> {
    const own = taken.filter(({ stray }) => stray !== true);
    const [jobs, tokens] = [own.map(({ job }) => job), own.map(({ _id }) => _id)];
    await cx.store.jobs.renew(jobs, tokens, cx.timing.leaseMs);
  }

  /** A stray's owner may have died between its record and its hold; a hold that is there already is not made again. */
  async function openBill({ _id: id, account, estimate }: AttemptDoc): Promise<void> {
    if (account !== null)
      await persist(cx, 'opening the bill of an adopted call', () => cx.store.ledgers.holdAnyway(account, id, estimate));
  }

  /** In the background: what it waits for may be the very job that this pass takes next. */
  async function finish(call: Call, attempt: AttemptDoc): Promise<void> {
    call.stage = { name: 'settling', since: cx.clock.mark(), limitMs: Number.POSITIVE_INFINITY };
    try {
      await (attempt.state === 'settled' ? parts.settler.finishSettled(attempt) : finishVoid(attempt));
    } catch (error) {
      cx.log.warn('a settled call could not be finished; its lease ends and another look begins', {
        attempt_id: attempt._id,
        error: messageOf(error),
      });
    }
    parts.registry.remove(attempt._id);
  }

  /** The monotonic clock of a dead process says nothing here: the call's age comes from the database's time. */
  function agedMark(attempt: AttemptDoc): Call['placed'] {
    const ageMs = Math.max(0, cx.store.time.now().getTime() - (attempt.placed_at ?? attempt.at).getTime());
    const { monoMs, wallMs } = cx.clock.mark();
    return { monoMs: monoMs - ageMs, wallMs: wallMs - ageMs };
  }

  async function finishVoid(attempt: AttemptDoc): Promise<void> {
    await parts.settler.annul(attempt, attempt.void_reason ?? 'annulled by an earlier owner');
    while (!cx.abandon.aborted && !(await givenBack(attempt))) await cx.clock.sleep(cx.timing.leaseMs / 20, cx.abandon);
    await parts.finishAnnulled(attempt._id);
  }

  /** False: a rescuer holds the job for a moment, and is about to hand it to this attempt, with which it would wait for a whole lease. */
  async function givenBack({ job, _id: token }: AttemptDoc): Promise<boolean> {
    const release: Release = { status: 'pending', dueAt: null, dueBefore: null, suspendReason: null, lastError: null };
    if ((await cx.store.jobs.release(job, token, release)).matched > 0) return true;
    const doc = await cx.store.jobs.byId(job);
    const holder: unknown = doc?.['lease_token'];
    if (doc?.['status'] !== 'in_progress' || typeof holder !== 'string') return true;
    return holder !== token && (await cx.store.attempts.byId(holder)) !== null;
  }

  /** R2: a job in progress whose lease is over, already taken under `token`. Resolves with it where the old worker may have called. */
  async function recover(rescued: Rescued, token: string): Promise<Job | null> {
    const { doc, foreign, before } = rescued;
    const attempt = await cx.store.attempts.leasedFor(doc._id);
    // A finished one whose job was claimed by another since has told the job already: handed back to it, the job would count it twice (P3).
    if (attempt !== null && (attempt.open || attempt._id === before)) {
      await cx.store.jobs.passOn(doc._id, token, attempt._id);
      return null;
    }
    const account: unknown = doc['account_id'];
    const reading = readJob(doc, typeof account === 'string' ? await parts.board.countryOf(account) : null);
    if (reading.kind === 'unreadable') {
      await parts.releases.unreadable(doc._id, token, reading.why);
      return null;
    }
    const { job } = reading;
    cx.journal.write('rescued', { job_id: job.ref, attempt_id: token, foreign, rescues: job.rescues });
    if (foreign) return job;
    // Ours, without an attempt: nothing was ever sent.
    const quarantined = job.rescues >= MAX_RESCUES;
    const release: Release = {
      status: quarantined ? 'suspended' : 'pending',
      dueAt: null,
      dueBefore: null,
      suspendReason: quarantined ? 'quarantined' : null,
      lastError: quarantined
        ? `${job.rescues} times a process went down, or hung, while it worked on this job; a person should look at it.`
        : null,
      keepRescues: !quarantined,
    };
    await persist(cx, 'giving a rescued job back', () => cx.store.jobs.release(job.id, token, release));
    return null;
  }

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
      { mark: agedMark(attempt), date: now },
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

  /** One that has no room for another lease would be the first to be taken for ever. */
  async function takeJob(token: string): Promise<Rescued | 'full' | null> {
    const bound = cx.store.time.now();
    const foreignToo = mayTakeForeign();
    try {
      return await cx.store.jobs.takeExpired(token, cx.me, cx.timing.leaseMs, bound, foreignToo);
    } catch (error) {
      if (isRefusal(error) && tellFull(cx, await cx.store.jobs.failFullExpired(bound, foreignToo))) return 'full';
      throw error;
    }
  }

  /** A provider that answers slowly must not keep the calls of a dead process without an owner. */
  async function pass(): Promise<{ recovered: Promise<unknown> }> {
    const foreign: Promise<void>[] = [];
    for (;;) {
      const taken = await cx.store.attempts.takeExpired(cx.me, cx.timing.leaseMs, cx.store.time.now());
      if (taken.length === 0 || cx.abandon.aborted) break;
      taken.forEach(adopt);
      await holdJobs(taken);
    }
    for (;;) {
      const token = newToken(cx.store.time.now());
      const rescued = await takeJob(token);
      if (rescued === 'full') continue;
      if (rescued === null || cx.abandon.aborted) break;
      cx.failPoints.after('rescue');
      const job = await recover(rescued, token);
      if (job !== null) foreign.push(atOnce(() => recoverForeign(job, token)).catch(cutShort));
    }
    return { recovered: Promise.all(foreign) };
  }

  /** Its lease ends, and the next pass takes it again. */
  function cutShort(error: unknown): void {
    cx.log.warn('the recovery of a job of the old worker was cut short', { error: messageOf(error) });
  }

  return {
    pass,
    run: () => repeat(cx, 'a rescue pass', cx.timing.leaseMs / 4, pass),
  };
}
