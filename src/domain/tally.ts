/** The jobs of a batch counted by what stands in their way, and by the hour in which they can be dialled. */
import type { Decision } from './decision.js';
import type { GateReport } from './decide.js';

export interface ReasonCount {
  readonly code: string;
  /** One example of the sentence. */
  readonly text: string;
  /** Jobs for which it is the first gate that is shut. */
  readonly first: number;
  /** Jobs for which it is shut at all. */
  readonly any: number;
}

export interface TallyResult {
  readonly looked: number;
  readonly dialable: number;
  /** Would end without a call: cancelled, failed, suspended. */
  readonly stopping: number;
  readonly reasons: readonly ReasonCount[];
  /** Jobs that become dialable in each of the next 24 hours; the first holds those of now. */
  readonly hours: readonly number[];
  readonly later: number;
  /** Only somebody's act opens them. */
  readonly never: number;
}

export interface Tally {
  add(decision: Decision, gates: readonly GateReport[]): void;
  result(): TallyResult;
}

const HOUR_MS = 3_600_000;

export function createTally(now: Date): Tally {
  const reasons = new Map<string, { text: string; first: number; any: number }>();
  const hours = Array.from({ length: 24 }, () => 0);
  let looked = 0;
  let dialable = 0;
  let stopping = 0;
  let later = 0;
  let never = 0;

  function place(at: Date | null): void {
    if (at === null) never += 1;
    else {
      const hour = Math.max(0, Math.floor((at.getTime() - now.getTime()) / HOUR_MS));
      if (hour >= hours.length) later += 1;
      else hours[hour] = (hours[hour] ?? 0) + 1;
    }
  }

  return {
    add: (decision, gates) => {
      looked += 1;
      if (decision.kind === 'dial') {
        dialable += 1;
        place(now);
        return;
      }
      if (decision.kind === 'stop') stopping += 1;
      place(decision.kind === 'wait' ? decision.until : null);
      const shut = gates.filter((gate) => !gate.pass).flatMap((gate) => gate.reasons);
      const codes = new Map(shut.map(({ code, text }) => [code, text]));
      const first = shut[0]?.code;
      for (const [code, text] of codes) {
        const row = reasons.get(code) ?? { text, first: 0, any: 0 };
        row.any += 1;
        if (code === first) row.first += 1;
        reasons.set(code, row);
      }
    },
    result: () => ({
      looked,
      dialable,
      stopping,
      reasons: [...reasons]
        .map(([code, row]) => ({ code, ...row }))
        .toSorted((a, b) => b.first - a.first || b.any - a.any || (a.code < b.code ? -1 : 1)),
      hours: [...hours],
      later,
      never,
    }),
  };
}
