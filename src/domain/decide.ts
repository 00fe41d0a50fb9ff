/**
 * May this job's contact be called now? One pure, total function answers: for the claim desk, for the last look before dialling, for
 * `explain` and for the forecast. Every gate is looked at, so that all reasons are known and not only the first.
 */
import type { Account, Ledger } from './account.js';
import type { Batch } from './batch.js';
import { chooseCaller, NO_USES, type CallerUses } from './callers.js';
import type { Decision, DialPlan, Facts, Policy, Reason } from './decision.js';
import { BATCH_GATES, callersOf, countsOf } from './gates-batch.js';
import { HOURS_GATE } from './gates-hours.js';
import { JOB_GATES, choosePhone, isWaiting } from './gates-job.js';
import type { BatchScene, Effect, Finding, Gate, JobScene } from './gates.js';
import { maxDurationMsOf, ringMsOf, rulesKnown } from './gates.js';
import { estimate } from './money.js';
import type { Packs } from './rules.js';
import { batchZone, contactZone } from './zones.js';

const GATES: readonly Gate<JobScene>[] = [...JOB_GATES, HOURS_GATE, ...BATCH_GATES];

/** A wait is looked at again this often at most: every look moves it to a later opening of some gate. */
const MAX_LOOKS = 60;
/** Times further away are not worked out: nobody knows the rules of then. */
const HORIZON_MS = 2 * 366 * 86_400_000;

export function decide(facts: Facts, policy: Policy, packs: Packs): Decision {
  const scene = sceneAt(facts, policy, packs, facts.now);
  const found = look(scene);
  const reasons = found.map(({ reason }) => reason);
  const has = (effect: Effect): boolean => found.some((each) => each.effect === effect);
  if (has('done')) return { kind: 'stop', status: policy.successStatus, suspendReason: null, reasons };
  if (has('cancel')) return { kind: 'stop', status: 'cancelled', suspendReason: null, reasons };
  if (has('fail')) return { kind: 'stop', status: 'failed', suspendReason: null, reasons };
  if (has('suspend')) return { kind: 'stop', status: 'suspended', suspendReason: 'operator', reasons };
  if (has('set_aside')) return { kind: 'stop', status: 'suspended', suspendReason: 'unreadable', reasons };
  if (has('wait')) return waitFor(facts, policy, packs, found);
  if (has('no_credit')) return { kind: 'stop', status: 'suspended', suspendReason: 'no_credit', reasons };
  return dialPlan(scene);
}

function sceneAt(facts: Facts, policy: Policy, packs: Packs, at: Date): JobScene {
  const { job, batch, account, ledger, ownHold, suppressions, history } = facts;
  const present = at.getTime() === facts.now.getTime();
  const zone = contactZone(job.contact, batch, account, policy);
  return {
    job,
    batch,
    account,
    ledger,
    ownHold,
    ...(facts.callers === undefined ? {} : { callers: facts.callers }),
    suppressions,
    history,
    at,
    present,
    policy,
    packs,
    zone,
    phone: choosePhone({ job, suppressions, at }),
  };
}

/**
 * What stands in the way. Where rules cannot be read, nothing final is concluded from them: the job waits until they can. A job that
 * waits for nothing (done, suspended, cancelled) is never moved at all.
 */
function look(scene: JobScene): readonly Finding[] {
  const found = GATES.flatMap((gate) => gate.check(scene));
  if (!isWaiting(scene.job)) return found.map((each): Finding => ({ ...each, effect: 'wait' }));
  return rulesKnown(scene) ? found : found.map((each): Finding => (each.effect === 'fail' ? { ...each, effect: 'wait' } : each));
}

function waitFor(facts: Facts, policy: Policy, packs: Packs, found: readonly Finding[]): Decision {
  const reasons = found.map(({ reason }) => reason);
  const { at, met } = firstDialable(facts, policy, packs, found);
  // Why the wait is longer than the reasons of now: what was met on the way, once per rule.
  const said = new Set(reasons.map(({ code }) => code));
  for (const reason of met) {
    if (!said.has(reason.code)) reasons.push(reason);
    said.add(reason.code);
  }
  return { kind: 'wait', until: at, reasons };
}

/**
 * The first moment at which every rule that is known is open: when one gate opens another may have shut, so each candidate is looked at
 * again. Null where no such moment is known. `met` are the reasons that stood in the way of the candidates.
 */
function firstDialable(
  facts: Facts,
  policy: Policy,
  packs: Packs,
  found: readonly Finding[],
): { readonly at: Date | null; readonly met: readonly Reason[] } {
  const met: Reason[] = [];
  let at = facts.now;
  let shut: readonly Finding[] = found.filter(({ effect }) => effect !== 'no_credit');
  for (let looks = 0; shut.length > 0; looks += 1) {
    const untils = shut.map(({ effect, reason }) => (effect === 'wait' ? reason.until : null));
    if (untils.some((until) => until === null)) return { at: null, met };
    const next = new Date(Math.max(...untils.map((until) => until?.getTime() ?? 0)));
    if (next.getTime() <= at.getTime() || looks >= MAX_LOOKS) return { at: null, met };
    at = next;
    if (at.getTime() > facts.now.getTime() + HORIZON_MS) break;
    shut = look(sceneAt(facts, policy, packs, at));
    met.push(...shut.map(({ reason }) => reason));
  }
  return { at, met };
}

function callerFor(scene: JobScene, line: string): string | null {
  const { job, callers = NO_USES, policy, at } = scene;
  const choice = chooseCaller(callersOf(scene), job.contact.person ?? line, callers, policy.callerRules, at);
  return choice.kind === 'caller' ? choice.from : null;
}

function dialPlan(scene: JobScene): Decision {
  const { job, batch, account, ledger, ownHold, policy, phone, zone } = scene;
  const money = account === 'missing' ? null : estimate(account, ledger, ownHold, policy, maxDurationMsOf(scene));
  const from = phone === null ? null : callerFor(scene, phone.line);
  if (phone === null || from === null || money?.kind !== 'ok') {
    // The gates looked at all three; a plan without them must not exist even if a gate were removed.
    const reason: Reason = {
      code: 'INCOMPLETE',
      text: 'There is no number, no caller number or no price for the call.',
      source: 'decide',
      until: null,
    };
    return { kind: 'wait', until: null, reasons: [reason] };
  }
  const plan: DialPlan = {
    kind: 'dial',
    phoneIndex: phone.index,
    to: phone.e164,
    line: phone.line,
    person: job.contact.person,
    from,
    agentId: (batch === 'missing' ? null : batch.agentId) ?? (policy.agentId === '' ? null : policy.agentId),
    ringMs: ringMsOf(scene),
    maxDurationMs: money.maxDurationMs,
    estimate: money.estimate,
    counts: countsOf(scene).map(({ key, max }) => ({ key, max })),
    slots: {
      installation: policy.maxConcurrentCalls,
      account: account === 'missing' ? null : account.maxConcurrentCalls,
      batch: batch === 'missing' ? null : batch.settings.maxConcurrentCalls,
    },
    timezone: zone.name,
  };
  return plan;
}

function batchSceneAt(
  batch: Batch,
  account: Account | 'missing',
  ledger: Ledger | null,
  at: Date,
  policy: Policy,
  packs: Packs,
  callers: CallerUses,
): BatchScene {
  return { batch, account, ledger, ownHold: null, callers, at, present: true, policy, packs, zone: batchZone(batch, account, policy) };
}

/**
 * Why no job of this batch can be dialled now; empty: some may. `zones` are the zones its contacts live in, where that is known: the hours
 * only count as closed when they are closed in all of them.
 */
export function batchGates(
  batch: Batch,
  account: Account | 'missing',
  ledger: Ledger | null,
  now: Date,
  policy: Policy,
  packs: Packs,
  zones: readonly string[] = [],
  callers: CallerUses = NO_USES,
): Reason[] {
  const scene = batchSceneAt(batch, account, ledger, now, policy, packs, callers);
  const hours = [scene.zone, ...zones.map((name) => ({ name, source: 'contact.timezone' as const }))].map((zone) =>
    HOURS_GATE.check({ ...scene, zone }),
  );
  const shut = hours.every((found) => found.length > 0) ? earliest(hours) : [];
  return [...BATCH_GATES.flatMap((gate) => gate.check(scene)), ...shut].map(({ reason }) => reason);
}

function earliest(all: readonly (readonly Finding[])[]): readonly Finding[] {
  const opens = (found: readonly Finding[]): number => found[0]?.reason.until?.getTime() ?? Number.POSITIVE_INFINITY;
  return all.toSorted((a, b) => opens(a) - opens(b))[0] ?? [];
}

export interface GateReport {
  readonly gate: string;
  readonly pass: boolean;
  readonly reasons: readonly Reason[];
}

/** Every gate with what it says, for `explain`. */
export function explainGates(facts: Facts, policy: Policy, packs: Packs): readonly GateReport[] {
  const scene = sceneAt(facts, policy, packs, facts.now);
  return GATES.map(({ name, check }) => {
    const reasons = check(scene).map(({ reason }) => reason);
    return { gate: name, pass: reasons.length === 0, reasons };
  });
}
