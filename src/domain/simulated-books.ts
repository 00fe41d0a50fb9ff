/** The ledger and the earlier calls of a play, and what a sample of the jobs has of the account's limits. */
import type { Account, Ledger } from './account.js';
import { NO_USES, type CallerUses } from './callers.js';
import type { DialPlan, PastCall } from './decision.js';
import type { ForecastInput } from './forecast-input.js';
import type { Job } from './job.js';

export function scaledLimit(limit: number | null, scale: number): number | null {
  return limit === null ? null : Math.max(limit === 0 ? 0 : 1, Math.round(limit / scale));
}

/** A sample has its share of what the account can spend, as it has its share of the slots. */
export function scaledAccount({ account, scale, ledger }: ForecastInput): Account {
  if (scale === 1) return account;
  const usedMicros = ledger?.usedMicros ?? account.creditUsedMicros;
  const usedMs = ledger?.usedMs ?? account.minutesUsedMs;
  return {
    ...account,
    creditBalanceMicros: Math.round(usedMicros + (account.creditBalanceMicros - usedMicros) / scale),
    minutesPurchasedMs: Math.round(usedMs + (account.minutesPurchasedMs - usedMs) / scale),
    dailyCallLimit: scaledLimit(account.dailyCallLimit, scale),
  };
}

/** The ledger as the virtual calls fill it. */
export function createBooks({ ledger, account, scale }: ForecastInput) {
  const counts: Record<string, number> = Object.fromEntries(
    Object.entries(ledger?.counts ?? {}).map(([key, value]) => [key, Math.round(value / scale)]),
  );
  let usedMicros = ledger?.usedMicros ?? account.creditUsedMicros;
  let usedMs = ledger?.usedMs ?? account.minutesUsedMs;
  let heldMicros = 0;
  let heldMs = 0;
  return {
    ledger: (): Ledger => ({ usedMicros, usedMs, heldMicros, heldMs, counts }),
    hold: (plan: DialPlan): void => {
      heldMicros += plan.estimate.micros;
      heldMs += plan.estimate.ms;
      for (const { key } of plan.counts) counts[key] = (counts[key] ?? 0) + 1;
    },
    charge: (plan: DialPlan, micros: number, ms: number): void => {
      heldMicros -= plan.estimate.micros;
      heldMs -= plan.estimate.ms;
      usedMicros += micros;
      usedMs += ms;
    },
  };
}

/** Our own numbers as the virtual calls use them. A sample has its share of what a number may call, and has called. */
export function createCallerBook({ callers = NO_USES, policy, scale }: Pick<ForecastInput, 'callers' | 'policy' | 'scale'>) {
  const most = scaledLimit(policy.callerRules.maxPerHour, scale);
  const step = Math.max(1, Math.round(scale));
  const uses = new Map([...callers].map(([number, use]) => [number, { ...use, calls: use.calls.filter((_, n) => n % step === 0) }]));
  return {
    rules: { ...policy.callerRules, maxPerHour: most },
    uses: (): CallerUses => uses,
    note: (from: string, at: Date): void => {
      if (most === null) return;
      const { blocks = [], calls = [] } = uses.get(from) ?? {};
      uses.set(from, { blocks, calls: [at, ...calls].slice(0, most) });
    },
  };
}

/** Earlier calls by line and person, those of the play included. */
export function createPast(earlier: readonly PastCall[]) {
  const byKey = new Map<string, PastCall[]>();
  const keysOf = (call: Pick<PastCall, 'line' | 'person'>): readonly string[] => [
    call.line,
    ...(call.person === null ? [] : [`person ${call.person}`]),
  ];
  const add = (call: PastCall): void => {
    for (const key of keysOf(call)) byKey.set(key, [call, ...(byKey.get(key) ?? [])]);
  };
  for (const call of earlier.toReversed()) add(call);
  return {
    add,
    reached: (call: PastCall, reached: PastCall['reached']): void => {
      for (const key of keysOf(call))
        byKey.set(
          key,
          (byKey.get(key) ?? []).map((one) => (one === call || (one.at === call.at && one.line === call.line) ? { ...one, reached } : one)),
        );
    },
    of: (job: Job): readonly PastCall[] => {
      const lines = job.contact.phones.flatMap((phone) => byKey.get(phone.line ?? '') ?? []);
      const person = job.contact.person === null ? [] : (byKey.get(`person ${job.contact.person}`) ?? []);
      return [...new Map([...lines, ...person].map((call) => [`${call.line} ${String(call.at.getTime())}`, call])).values()].toSorted(
        (a, b) => b.at.getTime() - a.at.getTime(),
      );
    },
  };
}
