/** What a finished call means: from the provider's words, or from our own stop, to one class of config/outcomes.json. */
import type { CallReading, Outcome, OutcomeClass, StopReason } from './call.js';

/** What follows from a class. `delay` as a list is minutes by charged attempt; its last figure repeats. */
export interface OutcomeAction {
  readonly delay: 'retry' | 'noAnswer' | 'transient' | 'none' | readonly number[];
  /** Another number of the contact is tried at once. */
  readonly rotate: boolean;
  readonly costsAttempt: boolean;
  readonly endsJob: boolean;
  /** `success` becomes JOB_SUCCESS_STATUS. */
  readonly status: 'success' | 'pending' | 'failed' | 'suspended';
  /** How far such a call got at least, for the limits that count contacts. */
  readonly reached: Outcome['reached'];
  readonly suspendReason: string | null;
  /** This number is never dialled again for this contact. */
  readonly badLine: boolean;
  /** Nobody of this contact is ever called again. */
  readonly suppress: boolean;
  /** A person should hear of each such call. */
  readonly alert: boolean;
}

/** `ifSilent`: the class instead, when nobody on the other side said anything. */
export interface ReasonRow {
  readonly class: OutcomeClass;
  readonly ifSilent: OutcomeClass | null;
}

export interface OutcomeTable {
  /** Keys: a reason, `stopped:X` (our own stops), `status:X` (no reason given), a prefix ending in `*`, and `*` for the rest. */
  readonly reasons: Readonly<Record<string, ReasonRow>>;
  readonly classes: Readonly<Record<OutcomeClass, OutcomeAction>>;
}

export const OUTCOME_CLASSES = [
  'answered',
  'voicemail',
  'no_answer',
  'busy',
  'bad_number',
  'dial_failed',
  'caller_id',
  'transient',
  'account',
  'no_contact',
  'operator',
  'unknown',
  'lost',
  'unreadable',
] as const satisfies readonly OutcomeClass[];

export interface ClassifyContext {
  /** Stored on the attempt before our stop was sent; null when the call ended by itself. */
  readonly stopReason: StopReason | null;
  readonly seenEndedAt: Date;
}

const UNKNOWN_ROW: ReasonRow = { class: 'unknown', ifSilent: null };

/** A mailbox answers like a person, and a reason nobody knows may be a new word for one. Other classes keep their harder facts. */
const MAY_BE_VOICEMAIL: readonly OutcomeClass[] = ['answered', 'no_answer', 'unknown'];

/** What a call ended with when the provider saw our stop and nothing of its own. */
const EXPLAINED_BY_OUR_STOP: readonly OutcomeClass[] = ['operator', 'unknown'];

/** What an operator's hang-up never hides: the person was reached, asked for no more calls, or the account is in trouble. */
const STRONGER_THAN_OPERATOR: readonly OutcomeClass[] = ['answered', 'no_contact', 'account'];

/** A provider that sends seconds for milliseconds says 1970: taken as said, the contact would be redialled at once. */
const PLAUSIBLE_AGE_MS = 30 * 24 * 3_600_000;

/** The row of a reason: exact, else the longest prefix, else `*`. Total: every string has one. */
export function reasonRow(reason: string, table: OutcomeTable): ReasonRow {
  if (Object.hasOwn(table.reasons, reason)) return table.reasons[reason] ?? UNKNOWN_ROW;
  const prefixes = Object.keys(table.reasons).filter((key) => key.endsWith('*') && reason.startsWith(key.slice(0, -1)));
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  return (longest === undefined ? undefined : table.reasons[longest]) ?? UNKNOWN_ROW;
}

export function classify(reading: CallReading, context: ClassifyContext, table: OutcomeTable): Outcome {
  const given = reading.reason ?? `status:${reading.status}`;
  // Without a transcript nobody knows who spoke; a call that did what it was for was no call to nobody.
  const spoke = reading.userSpoke ?? reading.analysis?.['call_successful'] === true;
  const said = classOf(reasonRow(given, table), spoke);
  const ours = context.stopReason !== null && stopExplains(context.stopReason, reading, said) ? `stopped:${context.stopReason}` : null;
  // A call we stopped for its length was seen talking: no transcript is then no sign of silence, as it is for inactivity.
  const base = ours === null ? said : classOf(reasonRow(ours, table), reading.userSpoke !== false);
  const finalClass = reading.inVoicemail === true && MAY_BE_VOICEMAIL.includes(base) ? 'voicemail' : base;
  return {
    class: finalClass,
    reason: ours ?? given,
    success: finalClass === 'answered' && reading.analysis?.['call_successful'] === true,
    reached: reachedBy(reading, finalClass, table),
    endedAt: plausibleEnd(reading.endedAt, context.seenEndedAt),
    durationMs: durationOf(reading),
  };
}

/** Never found at the provider although it may have been placed. */
export function lostOutcome(at: Date): Outcome {
  return { class: 'lost', reason: 'lost', success: false, reached: 'placed', endedAt: at, durationMs: 0 };
}

/** A reading, and when it was made. */
export interface Seen {
  readonly reading: CallReading;
  readonly at: Date;
}

/** Known by its id, but not readable past its longest possible duration. What was seen of it before is all that is known, and never longer than `mostMs`. */
export function unreadableOutcome(at: Date, seen: Seen | null = null, mostMs = 0): Outcome {
  const unknown = { class: 'unreadable', reason: 'unreadable', success: false, reached: 'rang', endedAt: at, durationMs: 0 } as const;
  if (seen === null) return unknown;
  const { reading } = seen;
  const talkedMs = reading.talking && reading.startedAt !== null ? Math.min(mostMs, seen.at.getTime() - reading.startedAt.getTime()) : 0;
  return { ...unknown, reached: surelyReached(reading) ?? unknown.reached, durationMs: Math.max(0, durationOf(reading), talkedMs) };
}

function classOf(row: ReasonRow, spoken: boolean): OutcomeClass {
  return spoken || row.ifSilent === null ? row.class : row.ifSilent;
}

function stopExplains(stop: StopReason, reading: CallReading, said: OutcomeClass): boolean {
  if (reading.reason === null || EXPLAINED_BY_OUR_STOP.includes(said)) return true;
  // A ringing call that an operator stops may be reported as unanswered; only an operator may requeue it all the same.
  return stop === 'operator' && !STRONGER_THAN_OPERATOR.includes(said);
}

function reachedBy(reading: CallReading, outcomeClass: OutcomeClass, table: OutcomeTable): Outcome['reached'] {
  // A mailbox's greeting is in the transcript too, and is no conversation.
  if (outcomeClass === 'voicemail') return table.classes.voicemail.reached;
  return surelyReached(reading) ?? table.classes[outcomeClass].reached;
}

function surelyReached(reading: CallReading): 'conversation' | 'answered' | null {
  if (reading.userSpoke === true) return 'conversation';
  // Calls that never connected carry no start.
  return reading.startedAt === null ? null : 'answered';
}

function plausibleEnd(endedAt: Date | null, seenAt: Date): Date {
  const age = endedAt === null ? Number.NaN : seenAt.getTime() - endedAt.getTime();
  return endedAt !== null && age >= 0 && age <= PLAUSIBLE_AGE_MS ? endedAt : seenAt;
}

function durationOf(reading: CallReading): number {
  const span = reading.startedAt !== null && reading.endedAt !== null ? reading.endedAt.getTime() - reading.startedAt.getTime() : 0;
  const durationMs = reading.durationMs ?? span;
  return Number.isFinite(durationMs) && durationMs > 0 ? durationMs : 0;
}
