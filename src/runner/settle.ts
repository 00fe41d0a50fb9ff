/**
 * Step 9: close the attempt, charge, move the job, let the lease go, in that order. Each step is idempotent and stored with the
 * attempt, so that whoever finds it half done finishes it (`finishSettled`).
 */
import { afterCall } from '../domain/after-call.js';
import type { Account } from '../domain/account.js';
import { callResult, jobFields } from '../domain/call-result.js';
import { callbackTime } from '../domain/callbacks.js';
import type { CallReading, NextStep, Outcome } from '../domain/call.js';
import { dispose } from '../domain/dispositions.js';
import { messageOf } from '../domain/errors.js';
import { inForce } from '../domain/gates-job.js';
import type { Job } from '../domain/job.js';
import { callCost } from '../domain/money.js';
import { readAccount } from '../domain/read-account.js';
import { readJob } from '../domain/read-job.js';
import type { AttemptCost, AttemptDoc } from '../store/attempt.js';
import type { Settlement } from '../store/attempts.js';
import type { Board } from './board.js';
import { idsOf, type AttemptFacts, type Call, type SettledAttempt } from './call.js';
import type { Context } from './context.js';
import { persist } from './persist.js';
import { centsOf, createRecords } from './records.js';
import { isRefusal } from '../store/writer.js';

export interface Settler {
  /** Settles a call that is over. False: it was not ours any more. */
  settle(call: Call, reading: CallReading | null, outcome: Outcome): Promise<boolean>;
  /** Finishes what an earlier owner (or this one) has stored. */
  finishSettled(attempt: SettledAttempt): Promise<void>;
  /** A price that came after the call's end: charged, booked, and put where the job and its batch show one. */
  reprice(attempt: AttemptDoc, cost: AttemptCost): Promise<void>;
  /** Closes an attempt of which nothing was placed, and frees its hold. */
  annul(facts: AttemptFacts, reason: string): Promise<void>;
}

/** A price that is not final is asked for again after this long. */
const PRICE_LOOK_MS = 10 * 60_000;

export function createSettler(
  cx: Context,
  board: Pick<Board, 'batchOf' | 'account' | 'countryOf'>,
  touched: (account: string, batch: string | null) => void,
): Settler {
  const records = createRecords(cx, accountOf);

  async function settlement(call: Call, reading: CallReading | null, outcome: Outcome): Promise<Settlement> {
    const { facts } = call;
    call.job ??= await jobUnder(facts);
    const { job } = call;
    const now = cx.store.time.now();
    const batch = await board.batchOf(facts);
    const next: NextStep | null =
      job === null
        ? null
        : afterCall({
            job,
            batch,
            outcome,
            dialled: { phoneIndex: facts.phone_index, line: facts.line },
            policy: cx.policy,
            table: cx.outcomes,
            blocked: await blockedLines(call, job, outcome),
            requested: { cancel: job.cancelRequested, suspend: job.suspendRequested },
            counted: facts.foreign === true,
            callbackAt: reading === null ? null : callbackTime(reading, cx.policy.callbackVariable, facts.timezone, now),
            random: cx.random,
          });
    const disposition = dispose(reading, outcome, cx.dispositions);
    const cost = await costOf(facts, reading, outcome);
    return {
      outcome,
      cost,
      next,
      result: callResult(reading, outcome, { attemptId: facts._id, disposition, costCents: centsOf(cost) }, now),
      jobFields: next === null ? {} : { ...jobFields({ reading, outcome, next, now }), call_started_at: call.placedAt },
    };
  }

  /** Asked for only where the next number's turn would come at once, and the last look did not find out. */
  async function blockedLines(call: Call, job: Job, outcome: Outcome): Promise<readonly string[]> {
    const lines = [...new Set(job.contact.phones.flatMap(({ line }) => line ?? []))];
    if (lines.length < 2 || !cx.outcomes.classes[outcome.class].rotate) return [];
    const now = cx.store.time.now();
    const blocks = call.suppressions ?? (await cx.store.campaigns.suppressions(lines, []));
    return blocks.filter((each) => inForce(each, job, now)).flatMap(({ line }) => line ?? []);
  }

  async function costOf(facts: AttemptFacts, reading: CallReading | null, outcome: Outcome): Promise<AttemptCost> {
    const answered = outcome.reached === 'answered' || outcome.reached === 'conversation';
    const cost = callCost(
      { durationMs: outcome.durationMs, costCents: reading?.costCents ?? null, answered },
      (await accountOf(facts.account)).tariff,
      cx.policy.priceSource,
    );
    // A lost call keeps nothing in hold: should it be found a day later, it is booked then as what it cost.
    if (outcome.class === 'lost') return { micros: 0, ms: 0, final: true };
    return { micros: cost.micros, ms: cost.ms, final: !cost.provisional || outcome.reached === 'placed' || outcome.reached === 'rang' };
  }

  async function accountOf(account: string | null): Promise<Account> {
    const known = board.account(account);
    if (known !== 'missing') return known;
    const [doc] = account === null ? [] : await cx.store.campaigns.accounts([account]);
    return readAccount(doc ?? {});
  }

  async function finishSettled(attempt: SettledAttempt): Promise<void> {
    const { _id: id, account, batch } = attempt;
    const cost = attempt.cost ?? { micros: 0, ms: 0, final: true };
    cx.failPoints.before('charge');
    if (account !== null) await persist(cx, 'charging a call', () => cx.store.ledgers.charge(account, id, cost, attempt.counts));
    cx.failPoints.after('charge');
    // Neither needs the other; both are there before the lease goes.
    const { next } = attempt;
    await Promise.all([next == null ? null : moveJob(attempt, next), records.write(attempt, cost)]);
    cx.failPoints.before('finish');
    await persist(cx, 'closing an attempt', () => cx.store.attempts.finish(id, cx.me, lookAgain(attempt, cost)));
    cx.failPoints.after('finish');
    if (account !== null) touched(account, batch);
  }

  function lookAgain(attempt: SettledAttempt, cost: AttemptCost): Date | null {
    const now = cx.store.time.now().getTime();
    if (attempt.outcome?.class === 'lost') return new Date(now + cx.timing.secondLookMs);
    return cost.final ? null : new Date(now + Math.min(PRICE_LOOK_MS, cx.timing.secondLookMs));
  }

  /** Step 9, move. Zero matches is looked into: a rescuer may hold the job for a moment on its way to handing it back. */
  async function moveJob(attempt: SettledAttempt, next: NextStep): Promise<void> {
    const { _id: token, job: id } = attempt;
    cx.failPoints.before('job');
    while (!cx.abandon.aborted) {
      const written = await told(attempt, next);
      if (written !== false) break;
      const holder = await persist(cx, 'reading a job', () => holderOf(id));
      // Handed back between the write and the look it carries our token again. Left now, it would pass for a job that was never dialled,
      // and somebody who was just talked to would be called once more.
      if (holder?.kind !== 'rescuer' && holder?.token !== token) {
        cx.journal.write('job_moved_on', { attempt_id: token, job_id: attempt.job_ref, found: holder?.status ?? 'unknown' });
        break;
      }
      await cx.clock.sleep(cx.timing.leaseMs / 20, cx.abandon);
    }
    cx.failPoints.after('job');
  }

  /** A job that another program filled to the brim has no room for the call's record; what it must know is that it was called. */
  async function told({ _id: token, job: id, job_ref, ...attempt }: SettledAttempt, next: NextStep): Promise<boolean | null> {
    const tell = (fields: Record<string, unknown>, result: Record<string, unknown>) => () =>
      cx.store.jobs.settle(id, token, next, fields, result);
    try {
      return await persist(cx, 'moving a job', tell(attempt.job_fields ?? {}, attempt.result ?? {}), isRefusal);
    } catch (error) {
      cx.log.error("the call's record does not fit in the job's document; the job is updated without it", {
        job_id: job_ref,
        error: messageOf(error),
      });
      return persist(cx, 'moving a job', tell({}, { attempt_id: token, success: attempt.outcome?.success ?? false }));
    }
  }

  /** In progress under a token that has no attempt: a rescuer's, which hands the job back as soon as it finds ours. */
  async function holderOf(
    id: AttemptFacts['job'],
  ): Promise<{ kind: 'rescuer' | 'other'; status: string; doc: unknown; token: string | null }> {
    const doc = await cx.store.jobs.byId(id);
    const token: unknown = doc?.['lease_token'];
    const status = doc === null ? 'deleted' : String(doc['status']);
    if (typeof token !== 'string') return { kind: 'other', status, doc, token: null };
    if (status !== 'in_progress') return { kind: 'other', status, doc, token };
    const attempt = await cx.store.attempts.byId(token);
    return { kind: attempt === null ? 'rescuer' : 'other', status, doc, token };
  }

  /** The job of a call that was adopted, under its own token; null when it is gone or somebody else's. */
  async function jobUnder(facts: AttemptFacts): Promise<Job | null> {
    if (facts.stray === true) return null;
    while (!cx.abandon.aborted) {
      const holder = await holderOf(facts.job);
      if (holder.kind !== 'rescuer' || holder.token === facts._id) return readUnder(facts, holder.doc);
      await cx.clock.sleep(cx.timing.leaseMs / 20, cx.abandon);
    }
    return null;
  }

  /** Whatever its status: where another program changed that but left our token, the job is still told about its call. */
  async function readUnder(facts: AttemptFacts, doc: unknown): Promise<Job | null> {
    const reading = readJob(doc, facts.account === null ? null : await board.countryOf(facts.account));
    return reading.kind === 'job' && reading.job.leaseToken === facts._id ? reading.job : null;
  }

  return {
    finishSettled,

    settle: async (call, reading, outcome) => {
      const { facts } = call;
      call.stage = { name: 'settling', since: cx.clock.mark(), limitMs: Number.POSITIVE_INFINITY };
      const planned = await persist(cx, 'preparing a settlement', () => settlement(call, reading, outcome));
      if (planned === null) return false;
      cx.failPoints.before('settle');
      const written = await persist(cx, 'settling an attempt', () => cx.store.attempts.settle(facts._id, cx.me, planned));
      cx.failPoints.after('settle');
      if (written !== true) return false;
      cx.journal.write('settled', {
        ...idsOf(call),
        class: outcome.class,
        reason: outcome.reason,
        success: outcome.success,
        duration_ms: outcome.durationMs,
        cost_micros: planned.cost.micros,
        cost_final: planned.cost.final,
        next: planned.next?.status ?? null,
        due_at: planned.next?.dueAt ?? null,
        why: planned.next?.why ?? null,
      });
      const { cost, next, result, jobFields: fields } = planned;
      await finishSettled({
        ...facts,
        outcome,
        cost,
        next,
        result,
        job_fields: fields,
        ...(call.job === null ? {} : { contact: call.job.contact }),
        ...(call.callId === null ? {} : { call_id: call.callId }),
      });
      return true;
    },

    reprice: async (attempt, cost) => {
      const { _id: id, account, batch } = attempt;
      if (account !== null) await cx.store.ledgers.charge(account, id, cost, attempt.counts);
      await records.book(attempt, cost);
      await records.correct(attempt, cost);
      await cx.store.attempts.finalCost(id, cost);
      if (account !== null) touched(account, batch);
    },

    annul: async (facts, reason) => {
      cx.failPoints.before('annul');
      await persist(cx, 'annulling an attempt', () => cx.store.attempts.annul(facts._id, reason));
      const { account } = facts;
      if (account !== null) {
        await persist(cx, 'giving a hold back', () => cx.store.ledgers.cancel(account, facts._id, facts.counts));
        // The account may have been painted while the money was held, and nothing else would ever paint it again.
        touched(account, facts.batch);
      }
      cx.failPoints.after('annul');
    },
  };
}
