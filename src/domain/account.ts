/** Accounts as read from SpeechAI's documents (read-account.ts). Money in micro-dollars, time in milliseconds. */

export type Plan = 'minutes_based' | 'credit_based' | 'unlimited';

export interface Tariff {
  readonly perMinuteMicros: number;
  readonly setupMicros: number;
  readonly failedMicros: number;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  /** null: missing or unknown plan; nothing may be dialled for it. */
  readonly plan: Plan | null;
  readonly status: string;
  /** Bought: the API's to write. */
  readonly creditBalanceMicros: number;
  readonly minutesPurchasedMs: number;
  /** Used as the account document says: only the opening of our own ledger. */
  readonly creditUsedMicros: number;
  readonly minutesUsedMs: number;
  /** What the document shows; null: nothing that is a count. */
  readonly callsToday: number | null;
  readonly tariff: Tariff;
  readonly maxConcurrentCalls: number | null;
  readonly dailyCallLimit: number | null;
  readonly country: string;
  readonly timezone: string | null;
  readonly expiresAt: Date | null;
  readonly fromNumbers: readonly string[];
  /** Values that could not be understood. Not empty: the account is closed and says why (P4). */
  readonly problems: readonly string[];
}

/** What we hold and have used for an account: the view of its ledger that rules need. */
export interface Ledger {
  readonly usedMicros: number;
  readonly usedMs: number;
  readonly heldMicros: number;
  readonly heldMs: number;
  /** Calls counted per key (`a:2026-11-21`, `b:<batch hash>:2026-11-21`). */
  readonly counts: Readonly<Record<string, number>>;
}
