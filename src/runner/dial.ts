/**
 * One claimed job on its way to one call: decide, intend, hold, confirm, place, record (steps 2 to 7 of docs/protocol.md). Between the intent and the
 * POST lie at most DIAL_WITHIN_MS; whatever goes wrong before the POST is undone, whatever is unclear after it is reconciled.
 */
import { decide } from '../domain/decide.js';
import type { DialPlan, Facts, Stop, Wait } from '../domain/decision.js';
import type { Job } from '../domain/job.js';
import { dynamicVariables } from '../domain/variables.js';
import { idsOf, slotLocks, type Call } from './call.js';
import type { Claim } from './claim.js';
import type { Context } from './context.js';
import type { Visit } from './crowd.js';
import { createIntend, type Begun } from './intend.js';
import type { Parts } from './parts.js';
import { scopesOf } from './slots.js';
import { reasonOf, type Verdict } from './verdict.js';

/** More than this between the two clocks since the intent: the machine was suspended, or its clock moved. Nothing is dialled by it. */
const DISAGREEMENT_MS = 250;
const TOO_LATE = 'the moment for the call had passed';
const HELD_BY_OTHERS = 'others hold what is left';
const REFUSED_MEANWHILE = 'the provider had refused the account meanwhile';
/** A change of the estimate by which an intent's own dates are wrong: a new reading of a clock is less than that. */
const REDATED_MS = 1_000;

export function createDial(cx: Context, parts: Parts): (claim: Claim) => Promise<Call | null> {
  const { releases, registry, slots, settler, board } = parts;
  const intend = createIntend(cx, parts);

  /** Resolves with the call to follow, or null when there is none. */
  return async function dial(claim: Claim): Promise<Call | null> {
    if (claim.job.batch !== null && board.batch(claim.job.batch, claim.job.account) === 'missing') {
      // Paused or deleted since it was chosen. The desk asks for no job of it any more, and this one keeps its place for the day it may.
      await releases.again(claim);
      return null;
    }
    cx.failPoints.before('decide');
    const first = decide(known(claim.job), cx.policy, cx.packs);
    cx.failPoints.after('decide');
    if (first.kind !== 'dial') {
      await decided(claim, first);
      return null;
    }

    board.begun(claim.job.account, first);
    const visit = parts.crowd.enter();
    try {
      const intended = await intend(claim, first);
      if (intended.kind === 'busy') {
        await busy(claim);
        return null;
      }
      const { call, begun } = intended;
      if (intended.kind === 'late') {
        // Whether the intent arrived is not known: it must not stay as a call that may exist.
        await annul(call, claim, { kind: 'again', reason: 'the database did not take the intent in time' });
        return null;
      }
      const held = await hold(call);
      const verdict = held ? await confirm(claim, call, first) : await decideAgain(claim);
      if (verdict.kind === 'dial') return await place(claim, call, verdict, begun, visit);
      await annul(call, claim, verdict);
      return null;
    } finally {
      visit.leave();
    }
  };

  /** Step 2, with what the process knows already. */
  function known(job: Job): Facts {
    const batch = board.batch(job.batch, job.account);
    const account = board.account(job.account);
    const now = cx.store.time.now();
    return {
      job,
      batch,
      account,
      ledger: board.ledger(job.account),
      suppressions: [],
      history: [],
      ownHold: null,
      callers: board.callers.uses(),
      now,
    };
  }

  /** Thousands of jobs that may not be dialled would else hold up those that may, each for the time of a call. */
  async function decided(claim: Claim, decision: Wait | Stop): Promise<void> {
    await releases.decided(claim, decision);
    // The others of its batch would be claimed for the same answer.
    if (decision.reasons.some(({ code }) => code === 'CREDIT_HELD')) board.outdated();
    // One that keeps its place is due at once, and its start is what keeps it from being claimed again as fast as the database can.
    if (decision.kind === 'stop' || !decision.reasons.some(({ code }) => code === 'PAUSED')) claim.notStarted();
  }

  async function busy(claim: Claim): Promise<void> {
    await releases.busy(claim);
    claim.notStarted();
  }

  /** Step 4. False: no money, or a daily cap. A reply that does not come leaves the hold to the annulment, which frees it if it is there. */
  async function hold(call: Call): Promise<boolean> {
    const account = board.account(call.facts.account);
    if (account === 'missing') return false;
    cx.failPoints.before('hold');
    try {
      return (await cx.store.ledgers.hold(account, call.facts._id, call.facts.estimate, call.facts.counts)) === 'held';
    } catch {
      return false;
    } finally {
      cx.failPoints.after('hold');
    }
  }

  /** Step 5: the same decision on fresh reading. Only the same call may be placed: another number is another attempt. */
  async function confirm(claim: Claim, call: Call, plan: DialPlan): Promise<DialPlan | Verdict> {
    cx.failPoints.before('confirm');
    try {
      const facts = await parts.confirm({ id: claim.job.id, token: claim.token, job: claim.job });
      cx.failPoints.after('confirm');
      if (facts === null) return { kind: 'gone' };
      call.job = facts.job;
      call.suppressions = facts.suppressions;
      const decision = decide({ ...facts, ownHold: call.facts.estimate, callers: board.callers.uses() }, cx.policy, cx.packs);
      if (decision.kind !== 'dial') return decision;
      // Another person's suppressions and earlier calls were not looked for, and the lock is on the one there was.
      const same = decision.line === plan.line && decision.from === plan.from && decision.person === plan.person;
      // A limit that was lowered since its slot was chosen.
      const { account, batch } = call.facts;
      const isOver = same && scopesOf(decision, account, batch).some(({ prefix, size }) => slots.used(prefix) > size);
      if (isOver) return { kind: 'again', reason: HELD_BY_OTHERS };
      // Blocked numbers are known here only: without the index the next claim would choose the blocked one again, and so on for ever.
      return same ? decision : { kind: 'again', reason: 'what is to be dialled changed meanwhile', phoneIndex: decision.phoneIndex };
    } catch {
      return { kind: 'again', reason: 'the database did not answer before the call' };
    }
  }

  /** The hold was refused: the rules on fresh reading say why. */
  async function decideAgain(claim: Claim): Promise<Verdict> {
    try {
      const facts = await parts.confirm({ id: claim.job.id, token: claim.token, job: claim.job });
      if (facts === null) return { kind: 'gone' };
      const decision = decide({ ...facts, ownHold: null, callers: board.callers.uses() }, cx.policy, cx.packs);
      return decision.kind === 'dial' ? { kind: 'again', reason: HELD_BY_OTHERS } : decision;
    } catch {
      return { kind: 'again', reason: 'the database did not answer before the call' };
    }
  }

  /** Steps 6 and 7: one POST, once; then what its answer proves. */
  async function place(claim: Claim, call: Call, plan: DialPlan, { since, at }: Begun, visit: Visit): Promise<Call | null> {
    const { facts } = call;
    const mayStillSend = (): boolean =>
      cx.clock.elapsedMs(since) < cx.timing.dialWithinMs &&
      cx.clock.elapsedMs(claim.claimed) < cx.timing.leaseMs &&
      cx.clock.disagreementMs(since) < DISAGREEMENT_MS &&
      cx.store.time.understood() &&
      Math.abs(cx.store.time.now().getTime() - at.getTime() - cx.clock.elapsedMs(since)) < REDATED_MS &&
      cx.breaker.mayDial() &&
      !cx.noMoreClaims.aborted;
    await parts.sends.turn(cx.noMoreClaims);
    visit.arrived(since);
    const now = cx.store.time.now();
    cx.journal.write('placing', { ...idsOf(call), to: facts.to_number, from: facts.from_number });
    board.callers.note(plan.from);
    cx.failPoints.before('place');
    const reply = await cx.retell.place(
      {
        from: plan.from,
        to: plan.to,
        agentId: plan.agentId,
        ringMs: plan.ringMs,
        maxDurationMs: plan.maxDurationMs,
        variables: dynamicVariables(call.job ?? claim.job, now, plan.timezone),
        metadata: { job_id: facts.job_ref, attempt_id: facts._id, batch_id: facts.batch ?? '', runner: cx.me },
      },
      () => (call.posted = mayStillSend()),
    );
    cx.failPoints.after('place');
    switch (reply.kind) {
      case 'placed':
        cx.journal.write('placed', { attempt_id: facts._id, job_id: facts.job_ref, call_id: reply.call.callId });
        parts.refusals.accepted();
        await parts.placed(call, reply.call.callId);
        return call;
      case 'ambiguous':
        cx.journal.write('unknown', { attempt_id: facts._id, job_id: facts.job_ref, message: reply.message });
        parts.refusals.unclear();
        parts.reconcile(call);
        return call;
      case 'dropped':
        await annul(call, claim, { kind: 'again', reason: cx.breaker.mayDial() ? TOO_LATE : REFUSED_MEANWHILE });
        return null;
      case 'refused':
        await annul(call, claim, { kind: 'refused', reply });
        return null;
    }
  }

  /** VOID: nothing was placed. The hold and the locks are freed, then the job goes where the verdict says, with no attempt counted. */
  async function annul(call: Call, claim: Claim, verdict: Verdict): Promise<void> {
    const why = reasonOf(verdict);
    cx.journal.write('void', { attempt_id: call.facts._id, job_id: call.facts.job_ref, why });
    await settler.annul(call.facts, why);
    // Its jobs keep their place: without this they would be claimed and given back until the board is read again anyway.
    if (verdict.kind === 'wait' && verdict.reasons.some(({ code }) => code === 'PAUSED')) board.outdated();
    if (verdict.kind === 'again' && verdict.reason === HELD_BY_OTHERS) board.outdated();
    if (verdict.kind === 'wait' || verdict.kind === 'stop') await decided(claim, verdict);
    else if (verdict.kind === 'again') await releases.again(claim, verdict.phoneIndex);
    else if (verdict.kind === 'refused') await releases.refused(claim, verdict.reply);
    await parts.finishAnnulled(call.facts._id);
    forget(call);
  }

  function forget(call: Call): void {
    slots.release(slotLocks(call.locks).slots);
    registry.remove(call.facts._id);
    call.endWait();
  }
}
