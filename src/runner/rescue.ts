/**
 * Rescue: what dead processes left behind, blind to batch, account and queue. Attempts first: their calls may be live. Then jobs, taken
 * before their attempt is looked for, so that an owner who inserts the attempt and then reads the job always meets a rescuer (P1).
 */
import pLimit from 'p-limit';
import { messageOf } from '../domain/errors.js';
import type { Job } from '../domain/job.js';
import { readJob } from '../domain/read-job.js';
import type { AttemptDoc } from '../store/attempt.js';
import type { Release, Rescued } from '../store/jobs.js';
import { isRefusal } from '../store/writer.js';
import { newCall, type Call } from './call.js';
import type { Context } from './context.js';
import { agedMark, createForeignRecovery } from './foreign.js';
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
  const recoverForeign = createForeignRecovery(cx, parts, follow);

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
      { mark: agedMark(cx, attempt), date: attempt.placed_at ?? attempt.at },
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
    if (own.length === 0) return;
    const [jobs, tokens] = [own.map(({ job }) => job), own.map(({ _id }) => _id)];
    try {
      await cx.store.jobs.renew(jobs, tokens, cx.timing.leaseMs);
    } catch (error) {
      // It saves work and no more: what else is expired must not wait for another pass.
      cx.log.debug('the jobs of adopted calls could not be held; each is looked at by itself', { error: messageOf(error) });
    }
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
      // With a date where it is due by a clock of its own (after-call.ts).
      dueAt: quarantined || job.contact.timezone === null ? null : cx.store.time.now(),
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
