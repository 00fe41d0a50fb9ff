/** A job as the program understands it: what the lenient reader (read-job.ts) made of SpeechAI's document. */

/** Any BSON `_id`: compared by the database, keyed in memory through `idKey`. */
export type DocId = string | number | bigint | boolean | object;

export interface Phone {
  /** As stored in the document. */
  readonly raw: string;
  /** E.164 (`+56911112222`), or null where the text is no telephone number. */
  readonly e164: string | null;
  /** Hash of the canonical line, the same for +54 9 11 and +54 11; null where e164 is. */
  readonly line: string | null;
}

export interface Contact {
  readonly name: string | null;
  readonly dni: string | null;
  /** Hash of the normalised RUT/DNI; null where none is known, or where it only numbers a CSV row (`contact_12`). */
  readonly person: string | null;
  /** Another hash under which the same person may be stored; nothing new is stored under it. */
  readonly formerPerson: string | null;
  readonly phones: readonly Phone[];
  /** Index of the next phone to dial: always inside `phones` (clamped), 0 when there are none. */
  readonly phoneIndex: number;
  /** The contact's own IANA zone where the document gives a valid one. */
  readonly timezone: string | null;
}

/** Every hash by which the person may have been blocked or called. */
export function personsOf({ person, formerPerson }: Pick<Contact, 'person' | 'formerPerson'>): readonly string[] {
  return [person, formerPerson].filter((each) => each !== null);
}

export interface Job {
  readonly id: DocId;
  /** `job_id`, or the text of `_id` where the document has none. */
  readonly ref: string;
  readonly status: string;
  readonly account: string | null;
  readonly batch: string | null;
  readonly queue: string | null;
  readonly attempts: number;
  /** The document's own `max_attempts`, null where missing or unreadable. */
  readonly maxAttempts: number | null;
  /** Calls placed for this job that counted no attempt (provider's fault), `transient_calls`. */
  readonly transientCalls: number;
  /** Owners of this job that went down without a hand-over, `rescues`. */
  readonly rescues: number;
  /** How often the provider refused to place its call, `refusals`. */
  readonly refusals: number;
  /** Lines (hashes) never to be dialled again for this contact, `bad_lines`. */
  readonly badLines: readonly string[];
  readonly contact: Contact;
  readonly reservedUntil: Date | null;
  readonly nextTryAt: Date | null;
  readonly startedAt: Date | null;
  readonly createdAt: Date | null;
  readonly leaseToken: string | null;
  readonly callId: string | null;
  readonly callStartedAt: Date | null;
  /** SpeechAI's own worker recorded a successful call: it takes such a job for done, whatever its status. Our calls say so by the status. */
  readonly succeeded: boolean;
  readonly lastError: string | null;
  readonly suspendReason: string | null;
  /** Somebody asked for these while the job was in progress; they take effect when the call ends. */
  readonly cancelRequested: boolean;
  readonly suspendRequested: boolean;
  /** The values for the prompt's variables, in every generation's spelling (read only by variables.ts). */
  readonly payload: Readonly<Record<string, unknown>>;
  /** The whole document, for variables.ts's legacy names; nothing else reads it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** What reading a job gives: a job, or a sentence that says why it cannot be one. */
export type JobReading =
  { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'unreadable'; readonly id: DocId; readonly why: string };

export const CLAIMABLE = ['pending', 'scheduled'] as const;

/** A key for maps and locks from any `_id`. */
export function idKey(id: DocId): string {
  if (typeof id === 'string') return id;
  if (typeof id === 'bigint') return id.toString();
  if (typeof id === 'object' && 'toHexString' in id && typeof id.toHexString === 'function') {
    return String((id as { toHexString(): unknown }).toHexString());
  }
  return JSON.stringify(id);
}
