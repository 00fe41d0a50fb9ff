/**
 * The calls and their lives: registered -> not_connected, registered -> ongoing -> ended, error from either.
 * Ring, talk and analysis run on simulated time; timestamps are real.
 */
import { attemptIdOf } from './call.js';
import type { PlaceRequest, SimulatedCall } from './call.js';
import type { SimulatorClock } from './clock.js';
import { digest } from './dice.js';
import type { Ledger } from './ledger.js';
import { chooseOutcome } from './outcomes.js';
import type { Script } from './script.js';
import { NO_COST, costOf } from './tariff.js';
import type { Timeline } from './timeline.js';

export interface CallsOptions {
  readonly seed: string;
  /** A word that is never the same again, asked for at the start and after each `clear`. */
  readonly runId: () => string;
  readonly script: Script | null;
  readonly clock: SimulatorClock;
  readonly timeline: Timeline;
  readonly ledger: Ledger;
}

export interface Calls {
  /** `rejected`: a limit is full; the call is made and fails at once, as the provider does instead of a 429. */
  place(request: PlaceRequest, rejected: boolean): SimulatedCall;
  get(id: string): SimulatedCall | undefined;
  /** False where the call is over already. */
  stop(call: SimulatedCall): boolean;
  /** Runs a call to its end now, for benchmarks of everything but waiting. */
  finishNow(call: SimulatedCall): void;
  live(): readonly SimulatedCall[];
  liveCount(): number;
  peakLive(): number;
  all(): readonly SimulatedCall[];
  toNumber(number: string): readonly SimulatedCall[];
  withAttempt(attemptId: string): readonly SimulatedCall[];
  dialsByNumber(): ReadonlyMap<string, readonly SimulatedCall[]>;
  dialsByAttempt(): ReadonlyMap<string, readonly SimulatedCall[]>;
  clear(): void;
}

export function createCalls({ seed, runId, script, clock, timeline, ledger }: CallsOptions): Calls {
  const byId = new Map<string, SimulatedCall>();
  const byNumber = new Map<string, SimulatedCall[]>();
  const byAttempt = new Map<string, SimulatedCall[]>();
  const all: SimulatedCall[] = [];
  const live = new Set<SimulatedCall>();
  let peak = 0;
  let run = runId();

  function place(request: PlaceRequest, rejected: boolean): SimulatedCall {
    const earlier = byNumber.get(request.to) ?? [];
    const dial = earlier.length + 1;
    const attemptId = attemptIdOf(request.metadata);
    const call: SimulatedCall = {
      id: `call_${digest('call', run, seed, request.to, dial).slice(0, 27)}`,
      request,
      attemptId,
      dial,
      outcome: chooseOutcome(seed, request.to, dial, script),
      createdAtMs: clock.wallMs(),
      status: 'registered',
      live: true,
      startedAtMs: null,
      answeredAtMs: null,
      endedAtMs: null,
      reason: null,
      durationMs: 0,
      costCents: null,
      analysed: false,
    };
    earlier.push(call);
    byNumber.set(request.to, earlier);
    byId.set(call.id, call);
    all.push(call);
    if (attemptId !== null) byAttempt.set(attemptId, [...(byAttempt.get(attemptId) ?? []), call]);
    live.add(call);
    if (!rejected) peak = Math.max(peak, live.size);
    ledger.append({
      event: 'dial',
      callId: call.id,
      to: request.to,
      from: request.from,
      agentId: request.agentId,
      dial,
      outcome: rejected ? 'concurrency_limit_reached' : call.outcome.name,
      ...(attemptId === null ? {} : { attemptId }),
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      ...(rejected ? { rejected } : {}),
    });
    if (rejected) end(call, 'error', 'concurrency_limit_reached', 0);
    else ring(call);
    return call;
  }

  function ring(call: SimulatedCall): void {
    const { outcome, request } = call;
    if (outcome.ringMs >= request.ringLimitMs) {
      timeline.plan(request.ringLimitMs, () => end(call, 'not_connected', 'dial_no_answer', 0));
    } else if (outcome.talkMs === null) {
      timeline.plan(outcome.ringMs, () => end(call, outcome.status, outcome.reason, 0));
    } else {
      timeline.plan(outcome.ringMs, () => answer(call));
    }
  }

  function answer(call: SimulatedCall): void {
    if (!call.live) return;
    begin(call);
    const { durationMs, reason, status } = talkOf(call);
    timeline.plan(durationMs, () => end(call, status, reason, durationMs));
  }

  function begin(call: SimulatedCall): void {
    call.status = call.outcome.liveStatus ?? 'ongoing';
    call.startedAtMs = clock.wallMs();
    call.answeredAtMs = timeline.nowMs();
    ledger.append({ event: 'transition', callId: call.id, to: call.request.to, status: call.status, live: true });
  }

  function end(call: SimulatedCall, status: string, reason: string, durationMs: number): void {
    if (!call.live) return;
    call.live = false;
    live.delete(call);
    call.status = status;
    call.reason = reason;
    call.endedAtMs = clock.wallMs();
    call.durationMs = durationMs;
    const cost = call.startedAtMs === null ? NO_COST : costOf(durationMs, call.outcome.costCents);
    call.costCents = call.outcome.cost ? cost.combined_cost : null;
    ledger.append({
      event: 'transition',
      callId: call.id,
      to: call.request.to,
      status,
      reason,
      live: false,
      durationMs,
      ...(call.costCents === null ? {} : { costCents: call.costCents }),
    });
    // Nobody was heard, nothing to analyse.
    if (call.startedAtMs === null || call.outcome.analysisMs === null) return;
    timeline.plan(call.outcome.analysisMs, () => {
      call.analysed = true;
    });
  }

  return {
    place,
    get: (id) => byId.get(id),
    stop: (call) => {
      if (!call.live) return false;
      ledger.append({ event: 'stop', callId: call.id, to: call.request.to });
      if (call.answeredAtMs === null) end(call, 'not_connected', 'manual_stopped', 0);
      else end(call, 'ended', 'manual_stopped', Math.round(timeline.nowMs() - call.answeredAtMs));
      return true;
    },
    finishNow: (call) => {
      if (!call.live) return;
      const { outcome, request } = call;
      if (outcome.ringMs >= request.ringLimitMs) end(call, 'not_connected', 'dial_no_answer', 0);
      else if (outcome.talkMs === null) end(call, outcome.status, outcome.reason, 0);
      else {
        begin(call);
        const { durationMs, reason, status } = talkOf(call);
        end(call, status, reason, durationMs);
      }
      call.analysed = call.startedAtMs !== null && outcome.analysisMs !== null;
    },
    live: () => [...live],
    liveCount: () => live.size,
    peakLive: () => peak,
    all: () => all,
    toNumber: (number) => byNumber.get(number) ?? [],
    withAttempt: (attemptId) => byAttempt.get(attemptId) ?? [],
    dialsByNumber: () => byNumber,
    dialsByAttempt: () => byAttempt,
    clear: () => {
      for (const call of live) call.live = false;
      live.clear();
      byId.clear();
      byNumber.clear();
      byAttempt.clear();
      all.length = 0;
      peak = 0;
      run = runId();
    },
  };
}

/** How long the talk lasts under its limit, and what ended it. */
function talkOf(call: SimulatedCall): { readonly durationMs: number; readonly reason: string; readonly status: string } {
  const { outcome, request } = call;
  const talkMs = outcome.talkMs ?? 0;
  if (talkMs < request.maxDurationMs) return { durationMs: talkMs, reason: outcome.reason, status: outcome.status };
  return { durationMs: request.maxDurationMs, reason: 'max_duration_reached', status: 'ended' };
}
