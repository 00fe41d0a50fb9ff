/** What a call may cost and what it did cost. Integers only: micro-dollars and milliseconds. */
import type { Account, Ledger, Tariff } from './account.js';
import type { DialPlan, Estimate, Policy } from './decision.js';

const MINUTE_MS = 60_000;
const MICROS_PER_CENT = 10_000;
const NOTHING: Estimate = { micros: 0, ms: 0 };

export type Affordable =
  | { readonly kind: 'ok'; readonly estimate: Estimate; readonly maxDurationMs: number }
  /** Enough was bought, but other calls hold it: it may come back when they end. */
  | { readonly kind: 'held' }
  | { readonly kind: 'out' }
  | { readonly kind: 'unknown_plan' };

/** What is left of what was bought, and how much of the rest is only held. `ownHold` is the asking attempt's, already in the ledger. */
export function balance(
  account: Account,
  ledger: Ledger | null,
  ownHold: Estimate | null,
): { readonly free: Estimate; readonly othersHold: Estimate } {
  const own = ownHold ?? NOTHING;
  const usedMicros = ledger?.usedMicros ?? account.creditUsedMicros;
  const usedMs = ledger?.usedMs ?? account.minutesUsedMs;
  const othersHold = { micros: (ledger?.heldMicros ?? 0) - own.micros, ms: (ledger?.heldMs ?? 0) - own.ms };
  return {
    othersHold,
    free: { micros: account.creditBalanceMicros - usedMicros - othersHold.micros, ms: account.minutesPurchasedMs - usedMs - othersHold.ms },
  };
}

/** The ledger of an account before its first call: it opens from what the account says was used. */
export function unopened(account: Account): Ledger {
  return { usedMicros: account.creditUsedMicros, usedMs: account.minutesUsedMs, heldMicros: 0, heldMs: 0, counts: {} };
}

/** The ledger as it will be once one more call holds what it asks for. */
export function withCall(ledger: Ledger, { estimate: { micros, ms }, counts }: Pick<DialPlan, 'estimate' | 'counts'>): Ledger {
  const counted: Record<string, number> = { ...ledger.counts };
  for (const { key } of counts) counted[key] = (counted[key] ?? 0) + 1;
  return { ...ledger, heldMicros: ledger.heldMicros + micros, heldMs: ledger.heldMs + ms, counts: counted };
}

/**
 * The hold for one more call, and the longest it may last: exactly what the hold pays for. So all calls together can never cost more than
 * was bought, by the tariff, however many talk to their end at once.
 */
export function estimate(
  account: Account,
  ledger: Ledger | null,
  ownHold: Estimate | null,
  policy: Policy,
  maxDurationMs: number,
): Affordable {
  if (account.plan === null) return { kind: 'unknown_plan' };
  if (account.plan === 'unlimited') return { kind: 'ok', estimate: NOTHING, maxDurationMs };
  const { free, othersHold } = balance(account, ledger, ownHold);
  const calls = Math.min(account.maxConcurrentCalls ?? Number.POSITIVE_INFINITY, policy.maxConcurrentCalls);
  const holdMs = Math.max(MINUTE_MS, Math.min(policy.holdMinutes * MINUTE_MS, maxDurationMs));
  if (account.plan === 'minutes_based') {
    if (free.ms < MINUTE_MS) return { kind: othersHold.ms > 0 ? 'held' : 'out' };
    const ms = Math.round(ownHold === null ? share(free.ms, calls, holdMs, maxDurationMs) : Math.min(ownHold.ms, free.ms));
    return { kind: 'ok', estimate: { micros: 0, ms }, maxDurationMs: Math.min(maxDurationMs, ms) };
  }
  const { setupMicros, perMinuteMicros } = account.tariff;
  const costOf = (ms: number): number => setupMicros + Math.ceil((ms / MINUTE_MS) * perMinuteMicros);
  // A tariff of nought must still not dial on an account that owes money.
  if (free.micros < costOf(MINUTE_MS) || free.micros < 0) return { kind: othersHold.micros > 0 ? 'held' : 'out' };
  const micros =
    ownHold === null ? share(free.micros, calls, costOf(holdMs), costOf(maxDurationMs)) : Math.min(ownHold.micros, free.micros);
  const paidMs = perMinuteMicros === 0 ? maxDurationMs : Math.floor(((micros - setupMicros) / perMinuteMicros) * MINUTE_MS);
  return { kind: 'ok', estimate: { micros, ms: 0 }, maxDurationMs: Math.min(maxDurationMs, paidMs) };
}

/** As much as the longest call may need while there is plenty; an equal part for each line when there is not; never less than a usual call needs. */
function share(free: number, calls: number, usual: number, longest: number): number {
  return Math.min(free, longest, Math.max(usual, Math.floor(free / calls)));
}

export interface Cost {
  readonly micros: number;
  readonly ms: number;
  /** The provider has not said its price yet: the tariff stands in until it does. */
  readonly provisional: boolean;
}

export interface BilledCall {
  readonly durationMs: number | null;
  readonly costCents: number | null;
  readonly answered: boolean;
}

/** Cents become dollars here, once: SpeechAI added them to dollars and was wrong a hundredfold. */
export function callCost(call: BilledCall, tariff: Tariff, priceSource: Policy['priceSource']): Cost {
  const ms = call.durationMs !== null && call.durationMs > 0 ? Math.round(call.durationMs) : 0;
  if (priceSource === 'provider' && call.costCents !== null && call.costCents >= 0) {
    return { micros: Math.round(call.costCents * MICROS_PER_CENT), ms, provisional: false };
  }
  const micros = call.answered ? tariff.setupMicros + Math.round((ms / MINUTE_MS) * tariff.perMinuteMicros) : tariff.failedMicros;
  return { micros, ms, provisional: priceSource === 'provider' };
}
