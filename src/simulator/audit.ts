/** What must never happen, checked on a ledger alone: no knowledge of the daemon's own records, so it cannot repeat their mistakes. */
import type { LedgerEntry } from './ledger.js';

export interface Violation {
  readonly rule: 'double_dial' | 'two_live_calls' | 'over_concurrency' | 'over_calls_per_second';
  readonly at: string;
  /** One sentence for a person. */
  readonly text: string;
  readonly to?: string;
  readonly attemptId?: string;
  readonly callIds: readonly string[];
}

/** null: take what the ledger says was in force; both may be set tighter than the provider's. */
export interface AuditLimits {
  readonly concurrency?: number | null;
  readonly callsPerSecond?: number | null;
}

/**
 * A second is counted as 900 ms: a client that keeps exactly N starts per second is not accused because the network
 * brought two of them a little closer together.
 */
const CPS_WINDOW_MS = 900;

export function audit(entries: readonly LedgerEntry[], limits: AuditLimits = {}): Violation[] {
  const violations: Violation[] = [];
  const byAttempt = new Map<string, string[]>();
  const liveByLine = new Map<string, Set<string>>();
  const lineOf = new Map<string, string>();
  let concurrency = limits.concurrency ?? null;
  let callsPerSecond = limits.callsPerSecond ?? null;
  let live = 0;
  let recent: { atMs: number; callId: string }[] = [];

  for (const entry of entries) {
    if (entry.limits !== undefined) {
      concurrency = limits.concurrency ?? entry.limits.concurrency;
      callsPerSecond = limits.callsPerSecond ?? entry.limits.callsPerSecond;
    }
    if (entry.event === 'start' || entry.event === 'reset') {
      // The calls of an earlier simulator ended with it.
      liveByLine.clear();
      lineOf.clear();
      live = 0;
      continue;
    }
    const callId = entry.callId;
    if (callId === undefined) continue;

    if (entry.event === 'dial' && entry.to !== undefined) {
      if (entry.attemptId !== undefined) {
        const dials = byAttempt.get(entry.attemptId) ?? [];
        dials.push(callId);
        byAttempt.set(entry.attemptId, dials);
        if (dials.length > 1) {
          violations.push({
            rule: 'double_dial',
            at: entry.at,
            text: `attempt ${entry.attemptId} was dialled ${dials.length} times`,
            to: entry.to,
            attemptId: entry.attemptId,
            callIds: [...dials],
          });
        }
      }
      if (entry.rejected === true) continue;

      const line = sameLine(entry.to);
      const ringing = liveByLine.get(line) ?? new Set<string>();
      if (ringing.size > 0) {
        violations.push({
          rule: 'two_live_calls',
          at: entry.at,
          text: `${entry.to} was dialled while ${ringing.size === 1 ? 'a call' : `${ringing.size} calls`} to it was still live`,
          to: entry.to,
          callIds: [...ringing, callId],
        });
      }
      ringing.add(callId);
      liveByLine.set(line, ringing);
      lineOf.set(callId, line);
      live += 1;
      if (concurrency !== null && live > concurrency) {
        violations.push({
          rule: 'over_concurrency',
          at: entry.at,
          text: `${live} calls were live at once, ${concurrency} are allowed`,
          callIds: [callId],
        });
      }
      const atMs = Date.parse(entry.at);
      recent = recent.filter((dial) => atMs - dial.atMs < CPS_WINDOW_MS);
      recent.push({ atMs, callId });
      if (callsPerSecond !== null && recent.length > callsPerSecond) {
        violations.push({
          rule: 'over_calls_per_second',
          at: entry.at,
          text: `${recent.length} calls were started within a second, ${callsPerSecond} are allowed`,
          callIds: recent.map((dial) => dial.callId),
        });
      }
    }

    if (entry.event === 'transition' && entry.live === false) {
      const line = lineOf.get(callId);
      if (line === undefined) continue;
      lineOf.delete(callId);
      live -= 1;
      const ringing = liveByLine.get(line);
      ringing?.delete(callId);
      if (ringing?.size === 0) liveByLine.delete(line);
    }
  }
  return violations;
}

/** Argentina's +54 9 and Mexico's old +52 1 reach the same telephone with and without that digit. */
export function sameLine(number: string): string {
  return number.replace(/^\+549/, '+54').replace(/^\+521/, '+52');
}
