/**
 * The intent: the attempt with all its locks, stored before the call is placed. One unique index makes a fact of each lock: one open call
 * per job, line, person, and slot of each concurrency limit.
 */
import type { DialPlan } from '../domain/decision.js';
import { idKey } from '../domain/job.js';
import type { Mark } from '../domain/ports.js';
import { DuplicateKeyError } from '../store/writer.js';
import { newCall, type AttemptFacts, type Call } from './call.js';
import type { Claim } from './claim.js';
import type { Context } from './context.js';
import type { Parts } from './parts.js';
import { scopesOf } from './slots.js';

/** When the intent was begun, by this machine's clocks and by the estimate of the database's time that dates it. */
export interface Begun {
  readonly since: Mark;
  readonly at: Date;
}

export type Intended =
  | { readonly kind: 'intended'; readonly call: Call; readonly begun: Begun }
  /** The database did not answer while there was time; the intent may have arrived. */
  | { readonly kind: 'late'; readonly call: Call; readonly begun: Begun }
  /** Something it needs is held by another call. */
  | { readonly kind: 'busy' };

/** How many taken slots are passed over before the job waits. */
const SLOT_TRIES = 8;

export function createIntend(cx: Context, parts: Pick<Parts, 'registry' | 'slots'>): (claim: Claim, plan: DialPlan) => Promise<Intended> {
  /** Step 3: the attempt with all its locks, in one write. A taken slot means the next one; anything else taken means wait. */
  return async function intend(claim: Claim, plan: DialPlan): Promise<Intended> {
    const { job } = claim;
    const scopes = scopesOf(plan, job.account, job.batch);
    const since = cx.clock.mark();
    const at = cx.store.time.now();
    for (let tries = 0; tries < SLOT_TRIES; tries += 1) {
      const picked = parts.slots.pick(scopes);
      if (picked === null) break;
      const locks = [`job:${idKey(job.id)}`, `line:${plan.line}`, ...(plan.person === null ? [] : [`person:${plan.person}`]), ...picked];
      const call = register(claim, plan, locks, since);
      cx.failPoints.before('intend');
      const answer = await insert(call, since);
      cx.failPoints.after('intend');
      if (answer === 'inserted') return { kind: 'intended', call, begun: { since, at } };
      if (answer === 'expired') return { kind: 'late', call, begun: { since, at } };
      parts.registry.remove(call.facts._id);
      parts.slots.release(picked);
      if (!picked.includes(answer)) break;
      parts.slots.taken(answer);
    }
    return { kind: 'busy' };
  };

  /** Sent again while the time for it lasts: a resend of an intent that arrived changes nothing. A lock's name: that one is taken. */
  async function insert(call: Call, since: Mark): Promise<string> {
    const { dial_by: _, ...facts } = call.facts;
    const intent = { ...facts, locks: call.locks, runner: cx.me };
    while (cx.clock.elapsedMs(since) < cx.timing.dialWithinMs && cx.store.time.understood() && !cx.abandon.aborted) {
      try {
        await cx.store.attempts.intend(intent, cx.timing.leaseMs, cx.timing.dialWithinMs);
        return 'inserted';
      } catch (error) {
        if (error instanceof DuplicateKeyError) return error.value;
        await cx.clock.sleep(20, cx.abandon);
      }
    }
    return 'expired';
  }

  function register(claim: Claim, plan: DialPlan, locks: string[], since: Mark): Call {
    const { job, token } = claim;
    const now = cx.store.time.now();
    const facts: AttemptFacts = {
      _id: token,
      job: job.id,
      job_ref: job.ref,
      account: job.account,
      batch: job.batch,
      workspace: cx.workspace,
      to_number: plan.to,
      from_number: plan.from,
      line: plan.line,
      person: plan.person,
      phone_index: plan.phoneIndex,
      ring_ms: plan.ringMs,
      max_duration_ms: plan.maxDurationMs,
      estimate: plan.estimate,
      counts: plan.counts,
      timezone: plan.timezone,
      dial_by: new Date(now.getTime() + cx.timing.dialWithinMs),
    };
    const limitMs = cx.timing.dialWithinMs + cx.timing.requestTimeoutMs + cx.timing.leaseMs;
    const call = newCall(facts, job, locks, { mark: since, date: now }, { name: 'placing', since, limitMs });
    parts.registry.add(call);
    return call;
  }
}
