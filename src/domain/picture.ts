/** What an account's document shows of its ledger, for the API and the front end: the one that paints it and the one that judges it agree. */
import type { Account, Ledger, Plan } from './account.js';

export type Picture = Readonly<Record<string, number>>;

/**
 * Only what the plan is paid in: the front end adds `minutes_used` and `credit_used` up, each with a price. Whatever is not bought in minutes
 * is shown as money, as the API's own books do for unlimited accounts; the other plan's fields stay as they are.
 */
export function pictureOf(plan: Plan | null, ledger: Ledger, dayKey: string): Picture {
  const calls = { calls_today: ledger.counts[dayKey] ?? 0 };
  return plan === 'minutes_based'
    ? { minutes_used: ledger.usedMs / 60_000, minutes_reserved: ledger.heldMs / 60_000, ...calls }
    : { credit_used: ledger.usedMicros / 1e6, credit_reserved: ledger.heldMicros / 1e6, ...calls };
}

/** False after a rival's stale write, and on the first look of a new day: yesterday's calls would fill the API's limit for today. */
export function isPainted(account: Account, ledger: Ledger, dayKey: string): boolean {
  const [shown, used] =
    account.plan === 'minutes_based' ? [account.minutesUsedMs, ledger.usedMs] : [account.creditUsedMicros, ledger.usedMicros];
  return Math.abs(shown - used) < 1 && account.callsToday === (ledger.counts[dayKey] ?? 0);
}
