/** One play of a batch on a virtual clock: claims in order, `decide` before every call, an outcome by the dice, the rules after a call. */
import { afterCall } from './after-call.js';
import type { Outcome } from './call.js';
import { batchGates, decide } from './decide.js';
import type { DialPlan, PastCall } from './decision.js';
import type { ForecastInput, OutcomeShare } from './forecast-input.js';
import type { Job } from './job.js';
import { callCost } from './money.js';
import type { Random } from './ports.js';
import { createBooks, createCallerBook, createPast, scaledAccount, scaledLimit } from './simulated-books.js';
import { createTimeline } from './timeline.js';

export interface Binding {
  readonly code: string;
  readonly text: string;
  readonly ms: number;
}

export interface Run {
  /** When the last job was finished; null: some never are. */
  readonly endedAt: Date | null;
  readonly calls: number;
  readonly talkMs: number;
  readonly costMicros: number;
  readonly answered: number;
  readonly failed: number;
  readonly left: number;
  readonly leftBecause: string | null;
  readonly binding: readonly Binding[];
}

type Happening =
  | { readonly kind: 'due'; readonly job: Job }
  | {
      readonly kind: 'end';
      readonly job: Job;
      readonly plan: DialPlan;
      readonly share: OutcomeShare;
      readonly durationMs: number;
      readonly call: PastCall;
    };

/** A batch that is still not through by then is told as one that does not end. */
const HORIZON_MS = 366 * 86_400_000;
/** Setting a call up, where it is answered: how long a phone usually rings. */
const ANSWER_AFTER_MS = 9_000;
/** A wait whose end lies now or in the past is looked at again so much later, so that the clock always moves. */
const STEP_MS = 1_000;

export function playOnce(input: ForecastInput, random: Random): Run {
  const { batch, policy, packs, scale } = input;
  const account = scaledAccount(input);
  const allSlots = Math.min(
    policy.maxConcurrentCalls,
    account.maxConcurrentCalls ?? Infinity,
    batch.settings.maxConcurrentCalls ?? Infinity,
  );
  const slots = Math.max(1, Math.floor(allSlots / scale));
  // A sample's share of five slots may be less than one: one that is held for longer is the same throughput.
  const stretch = (slots * scale) / allSlots;
  const paceMs = (1_000 * scale) / Math.max(0.001, input.callsPerSecond);
  const ownBatch =
    scale === 1 ? batch : { ...batch, settings: { ...batch.settings, maxCallsPerDay: scaledLimit(batch.settings.maxCallsPerDay, scale) } };
  const callers = createCallerBook(input);
  const ownPolicy = {
    ...policy,
    maxCallsPerDay: scaledLimit(policy.maxCallsPerDay, scale),
    defaultMaxCallsPerDay: scaledLimit(policy.defaultMaxCallsPerDay, scale),
    callerRules: callers.rules,
  };
  const books = createBooks(input);
  const past = createPast(input.history);
  const timeline = createTimeline<Happening>();
  const waited = new Map<string, Binding>();
  const ready: Job[] = [];
  let nowMs = input.from.getTime();
  let live = 0;
  let nextStartMs = nowMs;
  let gate = { untilMs: -1, openUntilMs: -1, code: '', text: '' };
  let calls = 0;
  let talkMs = 0;
  let costMicros = 0;
  let answered = 0;
  let failed = 0;
  let stuck = 0;
  let stuckBecause: string | null = null;
  let lastMs = nowMs;

  for (const job of input.jobs)
    timeline.put(Math.max(nowMs, dueMs(job)), { kind: 'due', job: { ...job, status: 'pending', leaseToken: null, reservedUntil: null } });

  /** Moves the clock, and says what the time was spent on. */
  function pass(toMs: number, code: string, text: string): void {
    const ms = Math.max(0, toMs - nowMs);
    if (ms > 0) waited.set(code, { code, text, ms: (waited.get(code)?.ms ?? 0) + ms });
    nowMs = Math.max(nowMs, toMs);
  }

  /** The rules of the whole batch, asked again each virtual minute: shut, they stop all jobs together. */
  function batchShut(): boolean {
    if (nowMs < gate.openUntilMs) return false;
    const reasons = batchGates(ownBatch, account, books.ledger(), new Date(nowMs), ownPolicy, packs, zonesOf(ready), callers.uses());
    const shut = reasons[0];
    if (shut === undefined) {
      gate = { ...gate, openUntilMs: nowMs + 60_000 };
      return false;
    }
    const untils = reasons.map((reason) => reason.until?.getTime() ?? Infinity);
    gate = { untilMs: Math.max(nowMs + STEP_MS, ...untils), openUntilMs: -1, code: shut.code, text: shut.text };
    return true;
  }

  function finish(job: Job): void {
    lastMs = Math.max(lastMs, nowMs);
    if (job.status === 'done' || job.status === 'completed') answered += 1;
    else failed += 1;
  }

  function happen(what: Happening): void {
    if (what.kind === 'due') {
      ready.push(what.job);
      return;
    }
    const { job, plan, share, durationMs, call } = what;
    live -= 1;
    const outcome = outcomeOf(share, durationMs, nowMs, input);
    past.reached(call, outcome.reached);
    const isAnswered = outcome.reached === 'answered' || outcome.reached === 'conversation';
    const byTariff = callCost({ durationMs, costCents: null, answered: isAnswered }, account.tariff, 'tariff').micros;
    const micros =
      share.meanCostMicros === null
        ? byTariff
        : share.meanDurationMs > 0
          ? Math.round(share.meanCostMicros * (durationMs / share.meanDurationMs))
          : share.meanCostMicros;
    books.charge(plan, micros, durationMs);
    costMicros += micros;
    talkMs += durationMs;
    const next = afterCall({
      job,
      batch: ownBatch,
      outcome,
      dialled: { phoneIndex: plan.phoneIndex, line: plan.line },
      policy: ownPolicy,
      table: input.table,
      requested: { cancel: false, suspend: false },
      callbackAt: null,
      random,
    });
    const after: Job = {
      ...job,
      status: next.status,
      attempts: job.attempts + (next.countsAttempt ? 1 : 0),
      transientCalls: job.transientCalls + (next.countsTransient ? 1 : 0),
      badLines: next.badLine === null ? job.badLines : [...job.badLines, next.badLine],
      contact: { ...job.contact, phoneIndex: next.phoneIndex },
      nextTryAt: next.dueAt,
      reservedUntil: null,
    };
    if (next.status === 'pending') timeline.put(Math.max(nowMs, next.dueAt?.getTime() ?? nowMs), { kind: 'due', job: after });
    else finish(after);
  }

  function start(job: Job): void {
    const decision = decide(
      {
        job,
        batch: ownBatch,
        account,
        ledger: books.ledger(),
        suppressions: input.suppressions,
        history: past.of(job),
        ownHold: null,
        callers: callers.uses(),
        now: new Date(nowMs),
      },
      ownPolicy,
      packs,
    );
    if (decision.kind === 'dial') {
      const share = draw(input.mix, random);
      const talkedMs = Math.min(decision.maxDurationMs, Math.round(-Math.log(1 - random() * 0.999) * share.meanDurationMs));
      const ringMs = share.class === 'no_answer' ? decision.ringMs : ANSWER_AFTER_MS;
      const call: PastCall = { at: new Date(nowMs), line: decision.line, person: decision.person, reached: 'placed' };
      past.add(call);
      books.hold(decision);
      callers.note(decision.from, call.at);
      live += 1;
      calls += 1;
      nextStartMs = Math.max(nextStartMs, nowMs - 1_000) + paceMs;
      timeline.put(nowMs + Math.round((ringMs + talkedMs) * stretch), {
        kind: 'end',
        job,
        plan: decision,
        share,
        durationMs: talkedMs,
        call,
      });
      return;
    }
    if (decision.kind === 'wait' && decision.until !== null) {
      // A job that waits tells no more of the batch than the batch's own gates do, unless a counter has just filled.
      gate = { ...gate, openUntilMs: -1 };
      timeline.put(Math.max(decision.until.getTime(), nowMs + STEP_MS), { kind: 'due', job });
    } else if (decision.kind === 'wait' || decision.status === 'suspended') {
      stuck += 1;
      stuckBecause ??= decision.reasons[0]?.text ?? null;
    } else finish({ ...job, status: decision.status });
  }

  const endMs = nowMs + HORIZON_MS;
  while (nowMs < endMs) {
    for (let at = timeline.nextMs(); at !== null && at <= nowMs; at = timeline.nextMs()) {
      const what = timeline.take();
      if (what !== null) happen(what);
    }
    const nextMs = timeline.nextMs();
    if (ready.length === 0) {
      if (nextMs === null) break;
      if (live > 0) pass(nextMs, 'CALLS', 'Nothing waits but calls under way.');
      else pass(nextMs, 'RETRY_DELAY', 'All contacts wait for their next try.');
    } else if (batchShut()) {
      if (!Number.isFinite(gate.untilMs) && nextMs === null) {
        stuck += ready.length;
        stuckBecause ??= gate.text;
        break;
      }
      pass(Math.min(gate.untilMs, nextMs ?? Infinity), gate.code, gate.text);
    } else if (live >= slots && nextMs !== null) {
      pass(nextMs, 'CONCURRENCY', `Every slot for calls is taken (${String(allSlots)}).`);
    } else if (nextStartMs > nowMs) {
      pass(Math.min(nextStartMs, nextMs ?? Infinity), 'PACE', `Calls start at ${String(input.callsPerSecond)} per second at most.`);
    } else {
      const job = ready.shift();
      if (job !== undefined) start(job);
    }
  }
  const left = stuck + (nowMs >= endMs ? ready.length + live : 0) + (nowMs >= endMs ? pending(timeline) : 0);
  return {
    endedAt: left > 0 ? null : new Date(lastMs),
    calls,
    talkMs,
    costMicros,
    answered,
    failed,
    left,
    leftBecause: left > 0 ? (stuckBecause ?? 'It takes longer than a year.') : null,
    binding: [...waited.values()],
  };
}

function pending(timeline: { take(): Happening | null }): number {
  let count = 0;
  for (let what = timeline.take(); what !== null; what = timeline.take()) if (what.kind === 'due') count += 1;
  return count;
}

function dueMs(job: Job): number {
  const reserved = job.status === 'in_progress' ? 0 : (job.reservedUntil?.getTime() ?? 0);
  return Math.max(reserved, job.nextTryAt?.getTime() ?? 0);
}

function draw(mix: readonly OutcomeShare[], random: Random): OutcomeShare {
  const total = mix.reduce((sum, share) => sum + share.weight, 0);
  let left = random() * total;
  for (const share of mix) {
    left -= share.weight;
    if (left < 0) return share;
  }
  return mix.at(-1) ?? { class: 'no_answer', weight: 1, meanDurationMs: 0, meanCostMicros: null };
}

function outcomeOf(share: OutcomeShare, durationMs: number, endedMs: number, { table }: ForecastInput): Outcome {
  const { reached } = table.classes[share.class];
  return { class: share.class, reason: share.class, success: share.class === 'answered', reached, endedAt: new Date(endedMs), durationMs };
}

function zonesOf(jobs: readonly Job[]): readonly string[] {
  const zones = new Set<string>();
  for (const job of jobs.slice(0, 200)) if (job.contact.timezone !== null) zones.add(job.contact.timezone);
  return [...zones];
}
