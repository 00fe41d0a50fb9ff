/**
 * What a batch will do if nothing changes: its jobs played through on a virtual clock with the same `decide` and the same rules after a
 * call, and calls that end as the batch's own calls did. Pure: the same seed gives the same forecast.
 */
import type { OutcomeClass } from './call.js';
import type { ForecastInput, OutcomeShare } from './forecast-input.js';
import { seededRandom } from './random.js';
import { playOnce, type Binding, type Run } from './simulation.js';

export interface Forecast {
  /** null: in most runs it does not end by itself. */
  readonly endP50: Date | null;
  readonly endP90: Date | null;
  readonly costMicrosP50: number;
  readonly costMicrosP90: number;
  readonly callsP50: number;
  readonly minutesP50: number;
  /** Jobs by how they end, in the middle of the runs. */
  readonly answered: number;
  readonly failed: number;
  /** Not finished when nothing moves any more, and why. */
  readonly left: number;
  readonly leftBecause: string | null;
  /** What the batch waited for, by share of the time, longest first. */
  readonly binding: readonly Binding[];
  readonly runs: number;
}

/** What calls end with where a batch has none of its own yet: a usual collection campaign. */
const USUAL: readonly OutcomeShare[] = [
  { class: 'answered', weight: 0.32, meanDurationMs: 80_000, meanCostMicros: null },
  { class: 'no_answer', weight: 0.34, meanDurationMs: 0, meanCostMicros: null },
  { class: 'voicemail', weight: 0.18, meanDurationMs: 20_000, meanCostMicros: null },
  { class: 'busy', weight: 0.06, meanDurationMs: 0, meanCostMicros: null },
  { class: 'bad_number', weight: 0.05, meanDurationMs: 0, meanCostMicros: null },
  { class: 'dial_failed', weight: 0.04, meanDurationMs: 0, meanCostMicros: null },
  { class: 'transient', weight: 0.01, meanDurationMs: 0, meanCostMicros: null },
];

/** So many of its own calls weigh as much as what is usual: a batch's first ten calls say little. */
const PRIOR_CALLS = 20;

export interface SeenOutcome {
  readonly class: OutcomeClass;
  readonly calls: number;
  readonly meanDurationMs: number;
  readonly meanCostMicros: number;
}

/** The batch's own mix, leaning on what is usual while it has few calls. */
export function mixOf(seen: readonly SeenOutcome[]): readonly OutcomeShare[] {
  const classes = new Set([...USUAL.map((one) => one.class), ...seen.map((one) => one.class)]);
  return [...classes].flatMap((name): OutcomeShare[] => {
    const usual = USUAL.find((one) => one.class === name);
    const own = seen.find((one) => one.class === name);
    const weight = (usual?.weight ?? 0) * PRIOR_CALLS + (own?.calls ?? 0);
    if (weight <= 0) return [];
    if (own === undefined || own.calls === 0)
      return [{ class: name, weight, meanDurationMs: usual?.meanDurationMs ?? 0, meanCostMicros: null }];
    return [{ class: name, weight, meanDurationMs: own.meanDurationMs, meanCostMicros: own.meanCostMicros }];
  });
}

export function forecast(input: ForecastInput): Forecast {
  const runs = Array.from({ length: Math.max(1, input.runs) }, (_, n) => playOnce(input, seededRandom(input.seed + n)));
  const by = (figure: (run: Run) => number): readonly number[] => runs.map(figure).toSorted((a, b) => a - b);
  // A run that never ends counts as later than all that do.
  const ends = by((run) => run.endedAt?.getTime() ?? Number.POSITIVE_INFINITY);
  const costs = by((run) => run.costMicros);
  const middle = (figure: (run: Run) => number): number => quantile(by(figure), 0.5);
  return {
    endP50: moment(quantile(ends, 0.5)),
    endP90: moment(quantile(ends, 0.9)),
    costMicrosP50: Math.round(quantile(costs, 0.5) * input.scale),
    costMicrosP90: Math.round(quantile(costs, 0.9) * input.scale),
    callsP50: Math.round(middle((run) => run.calls) * input.scale),
    minutesP50: Math.round((middle((run) => run.talkMs) * input.scale) / 60_000),
    answered: Math.round(middle((run) => run.answered) * input.scale),
    failed: Math.round(middle((run) => run.failed) * input.scale),
    left: Math.round(middle((run) => run.left) * input.scale),
    leftBecause: runs.find((run) => run.leftBecause !== null)?.leftBecause ?? null,
    binding: together(runs),
    runs: runs.length,
  };
}

/** The smallest figure that at least this share of the runs does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? 0;
}

function moment(ms: number): Date | null {
  return Number.isFinite(ms) ? new Date(ms) : null;
}

function together(runs: readonly Run[]): readonly Binding[] {
  const total = new Map<string, Binding>();
  for (const { code, text, ms } of runs.flatMap((run) => run.binding))
    total.set(code, { code, text, ms: (total.get(code)?.ms ?? 0) + ms / runs.length });
  return [...total.values()].filter(({ ms }) => ms >= 1).toSorted((a, b) => b.ms - a.ms);
}
