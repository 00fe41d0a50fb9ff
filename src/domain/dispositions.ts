/** What a call was worth to the campaign: qualification, outcome and sentiment, by the rules of config/dispositions.json. */
import { plainText, saysNothing } from './blanks.js';
import type { CallReading, Outcome } from './call.js';

/** One value, any of several, or whether there is a value at all. Text is compared without case and accents. */
export type Condition = string | number | boolean | readonly (string | number | boolean)[] | { readonly present: boolean };

export interface DispositionRule {
  readonly name: string;
  /** All must hold. Keys: `class`, `reason`, `success`, `sentiment`, `reached`, `custom.X`, `collected.X`, `analysis.X`. */
  readonly when: Readonly<Record<string, Condition>>;
  readonly set: {
    readonly outcome?: string | undefined;
    readonly qualification?: string | undefined;
    readonly sentiment?: string | undefined;
  };
}

export interface DispositionTable {
  /** Name and score: hot 3, neutral 2, cold 1. */
  readonly qualifications: Readonly<Record<string, number>>;
  readonly outcomes: readonly string[];
  readonly sentiments: readonly string[];
  /** In order; for each of the three answers the first rule that gives it wins. */
  readonly rules: readonly DispositionRule[];
  readonly default: { readonly outcome: string; readonly qualification: string; readonly sentiment: string };
}

export interface Disposition {
  readonly qualification: string;
  readonly score: number;
  readonly outcome: string;
  readonly sentiment: string;
  /** Names of the rules that decided something, for `job show`. */
  readonly rules: readonly string[];
}

const SUBJECTS = ['class', 'reason', 'success', 'sentiment', 'reached'] as const;
const GROUPS = ['custom.', 'collected.', 'analysis.'] as const;

/** Whether a rule may ask for this: a misspelt subject would never match and nobody would notice. */
export function isSubject(key: string): boolean {
  return SUBJECTS.some((subject) => subject === key) || GROUPS.some((group) => key.startsWith(group) && key.length > group.length);
}

export function dispose(reading: CallReading | null, outcome: Outcome, table: DispositionTable): Disposition {
  const matching = table.rules.filter((rule) =>
    Object.entries(rule.when).every(([subject, condition]) => holds(condition, valueOf(subject, reading, outcome))),
  );
  const byOutcome = matching.find((rule) => rule.set.outcome !== undefined);
  const byQualification = matching.find((rule) => rule.set.qualification !== undefined);
  const bySentiment = matching.find((rule) => rule.set.sentiment !== undefined);
  const qualification = byQualification?.set.qualification ?? table.default.qualification;
  const deciding = new Set([byOutcome, byQualification, bySentiment].flatMap((rule) => (rule === undefined ? [] : [rule.name])));
  return {
    qualification,
    score: table.qualifications[qualification] ?? 0,
    outcome: byOutcome?.set.outcome ?? table.default.outcome,
    sentiment: bySentiment?.set.sentiment ?? table.default.sentiment,
    rules: [...deciding],
  };
}

function valueOf(subject: string, reading: CallReading | null, outcome: Outcome): unknown {
  if (subject === 'class') return outcome.class;
  if (subject === 'reason') return outcome.reason;
  if (subject === 'reached') return outcome.reached;
  // Without an analysis nobody knows whether the call reached its aim; that is not the same as failing it.
  if (subject === 'success') return own(reading?.analysis, 'call_successful') === undefined ? undefined : outcome.success;
  if (subject === 'sentiment') return own(reading?.analysis, 'user_sentiment');
  if (subject.startsWith('custom.')) return own(own(reading?.analysis, 'custom_analysis_data'), subject.slice('custom.'.length));
  if (subject.startsWith('collected.')) return own(reading?.collected, subject.slice('collected.'.length));
  if (subject.startsWith('analysis.')) return own(reading?.analysis, subject.slice('analysis.'.length));
  return undefined;
}

function own(from: unknown, key: string): unknown {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, key)) return undefined;
  return Reflect.get(from, key);
}

function holds(condition: Condition, value: unknown): boolean {
  if (isPresence(condition)) return condition.present !== saysNothing(value);
  const wanted = Array.isArray(condition) ? condition : [condition];
  return wanted.some((one) => sameValue(one, value));
}

function isPresence(condition: Condition): condition is { readonly present: boolean } {
  return typeof condition === 'object' && !Array.isArray(condition);
}

function sameValue(wanted: unknown, value: unknown): boolean {
  if (typeof wanted === 'boolean') return truthOf(value) === wanted;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  return plainText(String(wanted)) === plainText(String(value));
}

/** Truth as agents write it, in the languages they speak; null for what is neither. */
function truthOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = plainText(String(value));
  if (['true', 'yes', 'si', '1'].includes(text)) return true;
  return ['false', 'no', '0'].includes(text) ? false : null;
}
