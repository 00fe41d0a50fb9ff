/** Tests and sums of ledger writes, pure: what one write for many calls may do. */
import type { Document } from 'mongodb';
import type { Account, Ledger } from '../domain/account.js';
import type { Count, Estimate } from '../domain/decision.js';
import type { AnyDocument } from './connection.js';

export interface HoldAsk {
  readonly account: Account;
  readonly attempt: string;
  readonly estimate: Estimate;
  readonly counts: readonly Count[];
}

export function affordable(account: Account, estimate: Estimate): Document[] {
  if (account.plan === 'credit_based') {
    return [{ $lte: [{ $add: ['$used_micros', '$held_micros', estimate.micros] }, account.creditBalanceMicros] }];
  }
  if (account.plan === 'minutes_based') return [{ $lte: [{ $add: ['$used_ms', '$held_ms', estimate.ms] }, account.minutesPurchasedMs] }];
  // An unknown plan never gets here (decide closes it); should it, nothing is affordable.
  return account.plan === 'unlimited' ? [] : [{ $literal: false }];
}

interface Sum {
  readonly key: string;
  readonly n: number;
  readonly max: number | null;
}

export function belowCaps(counts: readonly Sum[]): Document[] {
  return counts.flatMap(({ key, n, max }) => (max === null ? [] : [{ $lte: [{ $add: [{ $ifNull: [`$counts.${key}`, 0] }, n] }, max] }]));
}

export function onePerAttempt<T extends { readonly attempt: string }>(asks: readonly T[]): T[] {
  const seen = new Set<string>();
  return asks.filter(({ attempt }) => !seen.has(attempt) && seen.add(attempt));
}

/** One entry per counter, with the smallest limit that anybody read for it. */
export function addUp(counts: readonly Count[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { key, max } of counts) {
    const before = sums.get(key);
    const limits = [before?.max, max].filter((limit) => limit != null);
    sums.set(key, { key, n: (before?.n ?? 0) + 1, max: limits.length === 0 ? null : Math.min(...limits) });
  }
  return [...sums.values()];
}

/** The account as the most careful of them read it: less was bought in no other. */
export function tightest(asks: readonly HoldAsk[]): Account {
  const accounts = asks.map((ask) => ask.account);
  const [first, ...others] = accounts;
  if (first === undefined) throw new Error('a hold was asked for without an account');
  const bought = (account: Account): number =>
    account.plan === 'minutes_based' ? account.minutesPurchasedMs : account.creditBalanceMicros;
  return others.reduce(
    (least, one) => (one.plan !== least.plan ? { ...least, plan: null } : bought(one) < bought(least) ? one : least),
    first,
  );
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

export function holdOf(doc: AnyDocument, attempt: string): unknown {
  return ((doc['holds'] ?? {}) as Record<string, unknown>)[attempt];
}

/** The ledger that counts the calls of all accounts together. It holds no money. */
export const INSTALLATION = '*';
/** The holds of a busy account are most of its document. */
export const LEDGER_FIELDS = { holds: 0, charged_strays: 0 } as const;

/** Whoever judges an account's call judges the installation's day as well. */
export function ledgersOf(docs: readonly AnyDocument[]): Map<string, Ledger & { version: number }> {
  const books = new Map(docs.map((doc) => [String(doc._id), ledgerOf(doc)]));
  const ofAll = books.get(INSTALLATION)?.counts ?? {};
  books.delete(INSTALLATION);
  return new Map([...books].map(([id, ledger]) => [id, { ...ledger, counts: { ...ledger.counts, ...ofAll } }]));
}

export function ledgerOf(doc: AnyDocument): Ledger & { version: number } {
  return {
    usedMicros: Number(doc['used_micros'] ?? 0),
    usedMs: Number(doc['used_ms'] ?? 0),
    heldMicros: Number(doc['held_micros'] ?? 0),
    heldMs: Number(doc['held_ms'] ?? 0),
    counts: (doc['counts'] ?? {}) as Record<string, number>,
    version: Number(doc['version'] ?? 0),
  };
}
