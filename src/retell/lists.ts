/** Reading a list of calls to its end, and how much its silence proves. */
import type { CallReading } from '../domain/call.js';
import type { JsonRecord } from './json.js';
import { isRecord, textOf } from './json.js';
import { readCall } from './reading.js';
import type { Answer, ListReply } from './replies.js';

export const PAGE_SIZE = 1000;
/** A hundred thousand calls to one number are a filter that was not honoured, not a history. */
const MAX_PAGES = 100;

interface Page {
  readonly calls: readonly CallReading[];
  /** Every item of it could be read. */
  readonly whole: boolean;
  readonly next: { readonly kind: 'end' } | { readonly kind: 'key'; readonly key: string } | { readonly kind: 'unclear' };
}

export type AskPage = (body: JsonRecord) => Promise<Answer>;

/** All pages of one filter. A fault on the way keeps what was found, as an incomplete list; a fault at once is the answer. */
export async function listAll(filter: JsonRecord, ask: AskPage): Promise<ListReply> {
  const calls: CallReading[] = [];
  const seen = new Set<string>();
  let whole = true;
  let key: string | null = null;

  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const answer = await ask({ filter_criteria: filter, limit: PAGE_SIZE, ...(key === null ? {} : { pagination_key: key }) });
    if (answer.kind === 'account') return answer;
    const page = answer.kind === 'good' ? readPage(answer.json) : null;
    if (page === null) {
      if (calls.length > 0) return { kind: 'calls', calls, complete: false };
      if (answer.kind === 'unavailable') return answer;
      const message = answer.kind === 'absent' ? answer.message : 'the list could not be read';
      return { kind: 'unavailable', message, retryAfterMs: null };
    }
    calls.push(...page.calls);
    whole &&= page.whole;
    if (page.next.kind === 'end') return { kind: 'calls', calls: once(calls), complete: whole };
    // A cursor that comes back would be followed for ever.
    if (page.next.kind === 'unclear' || seen.has(page.next.key)) break;
    key = page.next.key;
    seen.add(key);
  }
  return { kind: 'calls', calls: once(calls), complete: false };
}

/** A call that moves between pages while they are read is seen twice; the later reading is the newer one. */
const once = (calls: readonly CallReading[]): CallReading[] => [...new Map(calls.map((call) => [call.callId, call])).values()];

/** Older versions of the list answered with the bare array. */
function readPage(json: unknown): Page | null {
  const page: JsonRecord = isRecord(json) ? json : {};
  const items: unknown = Array.isArray(json) ? json : page['items'];
  if (!Array.isArray(items)) return null;
  const calls = items.map(readCall).filter((call) => call !== null);
  return { calls, whole: calls.length === items.length, next: nextOf(page, items.length) };
}

function nextOf(json: JsonRecord, length: number): Page['next'] {
  const key = textOf(json['pagination_key']);
  if (json['has_more'] === true) return key === null ? { kind: 'unclear' } : { kind: 'key', key };
  if (json['has_more'] === false || length < PAGE_SIZE) return { kind: 'end' };
  return key === null ? { kind: 'unclear' } : { kind: 'key', key };
}

/** What tells a call from others where the provider keeps no metadata. */
export interface Unmarked {
  readonly to: string;
  readonly since: Date;
}

export function wentTo({ toNumber, startedAt }: CallReading, { to, since }: Unmarked): boolean {
  return toNumber === to && (startedAt === null || startedAt >= since);
}

/** Worth reading by itself, since that may show its metadata. */
export function mayBe(call: CallReading, unmarked: Unmarked): boolean {
  return call.toNumber === null || wentTo(call, unmarked);
}

/** By number and time alone. What never connected has no start, whenever it was: only while it rings can it be a call of now. */
export function isIt(call: CallReading, unmarked: Unmarked | undefined): boolean {
  return call.metadata === null && unmarked !== undefined && wentTo(call, unmarked) && (call.startedAt !== null || call.live);
}
