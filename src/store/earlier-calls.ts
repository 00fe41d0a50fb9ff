/** Earlier calls to a line or a person, as the rules that count them read an attempt. */
import type { PastCall } from '../domain/decision.js';
import type { AnyDocument } from './connection.js';

/** An earlier call, named so that an attempt does not count itself. */
export type EarlierCall = PastCall & { readonly attempt: string };

export const HISTORY_FIELDS = { at: 1, placed_at: 1, dial_by: 1, line: 1, person: 1, reached: 1 } as const;

/** Each once, newest first. */
export function earlierCalls(docs: readonly AnyDocument[]): EarlierCall[] {
  const seen = new Map<unknown, EarlierCall>();
  for (const doc of docs) seen.set(doc._id, pastCall(doc));
  return [...seen.values()].sort((a, b) => b.at.getTime() - a.at.getTime());
}

/**
 * When it was placed, or the latest it may have been: counted from the intent, a number could ring again DIAL_WITHIN_MS sooner than
 * MIN_REDIAL_MINUTES allows.
 */
function pastCall(doc: AnyDocument): EarlierCall {
  const reached: unknown = doc['reached'];
  return {
    attempt: String(doc._id),
    at: [doc['placed_at'], doc['dial_by'], doc['at']].find((known) => known instanceof Date) ?? new Date(0),
    line: String(doc['line']),
    person: typeof doc['person'] === 'string' ? doc['person'] : null,
    reached: reached === 'rang' || reached === 'answered' || reached === 'conversation' ? reached : 'placed',
  };
}
