/** Turns the provider's call object into a CallReading. Keys and values appear without notice: nothing but a missing id is refused. */
import type { CallReading } from '../domain/call.js';
import type { JsonRecord } from './json.js';
import { booleanOf, isRecord, numberOf, recordOf, textOf } from './json.js';

const LIVE = new Set(['registered', 'ongoing']);
const TERMINAL = new Set(['ended', 'not_connected', 'error']);
/** Both go into several fields of several documents: one of megabytes would fit into none of them. */
const LONGEST_NAME = 200;

export function readCall(raw: unknown): CallReading | null {
  if (!isRecord(raw)) return null;
  const callId = textOf(raw['call_id']);
  if (callId === null) return null;

  // Only `call_status` is the call's: an error body has a `status: "error"` of its own, which says nothing about a call.
  const status = textOf(raw['call_status'])?.slice(0, LONGEST_NAME).toLowerCase() ?? 'unknown';
  const reason = textOf(raw['disconnection_reason'])?.slice(0, LONGEST_NAME) ?? null;
  const startedAt = dateOf(raw['start_timestamp']);
  const endedAt = dateOf(raw['end_timestamp']);
  // A status nobody knows yet is followed on, because taking a live call for ended would free its line for a second dial; with a reason or
  // an end it is over, whatever it is called.
  const live = LIVE.has(status) || (!TERMINAL.has(status) && reason === null && endedAt === null);
  const analysis = recordOf(raw['call_analysis']);

  return {
    callId,
    status,
    live,
    talking: live && (status === 'ongoing' || (status !== 'registered' && startedAt !== null)),
    reason,
    startedAt,
    endedAt,
    durationMs: durationOf(raw, startedAt, endedAt),
    costCents: believable(numberOf(recordOf(raw['call_cost'])?.['combined_cost']), DEAREST_CENTS),
    inVoicemail: booleanOf(analysis?.['in_voicemail']),
    userSpoke: userSpokeIn(raw),
    analysis,
    collected: recordOf(raw['collected_dynamic_variables']),
    metadata: recordOf(raw['metadata']),
    toNumber: textOf(raw['to_number']),
    fromNumber: textOf(raw['from_number']),
    raw,
  };
}

const MAX_DATE_MS = 8.64e15;
/** Below this a timestamp cannot be milliseconds of a call (it would be 1973): it is seconds. */
const SECONDS_BELOW = 1e11;

function dateOf(value: unknown): Date | null {
  const number = numberOf(value);
  if (number === null || number <= 0) return null;
  const ms = number < SECONDS_BELOW ? number * 1000 : number;
  return ms <= MAX_DATE_MS ? new Date(ms) : null;
}

/** The provider ends calls after two hours. One reply that says more, booked as it stands, would make the whole account unreadable. */
const LONGEST_MS = 86_400_000;
const DEAREST_CENTS = 100_000;

/** What cannot be is taken for not said: a price is then asked for again, a duration counts as unknown. */
const believable = (number: number | null, most: number): number | null => (number === null || number < 0 || number > most ? null : number);

function durationOf(raw: JsonRecord, startedAt: Date | null, endedAt: Date | null): number | null {
  const told = believable(numberOf(raw['duration_ms']), LONGEST_MS);
  if (told !== null) return told;
  if (startedAt === null || endedAt === null) return null;
  return believable(endedAt.getTime() - startedAt.getTime(), LONGEST_MS);
}

const USER_LINE = /^[ \t]*user[ \t]*:[ \t]*\S/im;

function userSpokeIn(raw: JsonRecord): boolean | null {
  const turns = raw['transcript_object'];
  const text = raw['transcript'];
  if (!Array.isArray(turns) && typeof text !== 'string') return null;
  const inTurns =
    Array.isArray(turns) && turns.some((turn) => isRecord(turn) && turn['role'] === 'user' && textOf(turn['content']) !== null);
  return inTurns || (typeof text === 'string' && USER_LINE.test(text));
}
