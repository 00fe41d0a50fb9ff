/** One page of a list: which calls the index shows yet, in the order asked for, from the cursor on. */
import { callBody } from './bodies.js';
import type { CallBody } from './bodies.js';
import type { SimulatedCall } from './call.js';
import type { Calls } from './calls.js';
import type { ListRequest } from './filters.js';
import type { Switches } from './switches.js';

export interface ListPage {
  readonly items: CallBody[];
  readonly has_more: boolean;
  readonly pagination_key?: string;
  readonly total?: number;
}

export interface ListContext {
  readonly calls: Calls;
  readonly seed: string;
  readonly switches: Switches;
  readonly wallMs: number;
}

/** null: the cursor is none of ours. */
export function listPage(list: ListRequest, { calls, seed, switches, wallMs }: ListContext): ListPage | null {
  const shown = candidates(list, calls).filter((call) => {
    if (wallMs - call.createdAtMs < switches.indexLagMs) return false;
    return !(switches.hideRegistered && call.status === 'registered');
  });
  const found: { readonly call: SimulatedCall; readonly body: CallBody }[] = [];
  for (const call of shown) {
    const body = callBody(call, seed, { transcript: false });
    if (list.matches(body)) found.push({ call, body });
  }
  const direction = list.ascending ? 1 : -1;
  const orderOf = (call: SimulatedCall): number => call.startedAtMs ?? call.createdAtMs;
  found.sort((a, b) => direction * (orderOf(a.call) - orderOf(b.call) || (a.call.id < b.call.id ? -1 : a.call.id > b.call.id ? 1 : 0)));

  let from = list.skip;
  if (list.paginationKey !== null) {
    const last = decodeKey(list.paginationKey);
    const at = found.findIndex(({ call }) => call.id === last);
    if (at < 0) return null;
    from = at + 1;
  }
  const page = found.slice(from, from + list.limit);
  const last = page.at(-1);
  const hasMore = from + page.length < found.length;
  return {
    items: page.map(({ body }) => body),
    has_more: hasMore,
    ...(hasMore && last !== undefined ? { pagination_key: encodeKey(last.call.id) } : {}),
    ...(list.includeTotal ? { total: found.length } : {}),
  };
}

function candidates(list: ListRequest, calls: Calls): readonly SimulatedCall[] {
  if (list.callIds !== null) return [...new Set(list.callIds)].map((id) => calls.get(id)).filter((call) => call !== undefined);
  if (list.attemptIds !== null) return [...new Set(list.attemptIds)].flatMap((id) => calls.withAttempt(id));
  if (list.toNumber !== null) return calls.toNumber(list.toNumber);
  return calls.all();
}

const encodeKey = (id: string): string => Buffer.from(id).toString('base64url');
const decodeKey = (key: string): string => Buffer.from(key, 'base64url').toString();
