/** One page of a list: which calls the index shows yet, in the order asked for, from the cursor on. */
import { callBody } from './bodies.js';
import type { CallBody } from './bodies.js';
import type { SimulatedCall } from './call.js';
import type { Calls } from './calls.js';
import { compareCursors, writeCursor } from './cursor.js';
import type { Cursor } from './cursor.js';
import type { ListRequest } from './list-request.js';
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

export function listPage(list: ListRequest, { calls, seed, switches, wallMs }: ListContext): ListPage {
  const shown = candidates(list, calls).filter((call) => {
    if (wallMs - call.createdAtMs < switches.indexLagMs) return false;
    return !(switches.hideRegistered && call.status === 'registered');
  });
  const found: { readonly place: Cursor; readonly body: CallBody }[] = [];
  for (const call of shown) {
    const body = callBody(call, seed, { transcript: false });
    if (list.matches(body)) found.push({ place: { at: call.startedAtMs ?? call.createdAtMs, id: call.id }, body });
  }
  const inOrder = list.ascending ? compareCursors : (a: Cursor, b: Cursor): number => compareCursors(b, a);
  found.sort((a, b) => inOrder(a.place, b.place));

  const { after } = list;
  const left = after === null ? found.slice(list.skip) : found.filter(({ place }) => inOrder(after, place) < 0);
  const page = left.slice(0, list.limit);
  const last = page.at(-1);
  const hasMore = page.length < left.length;
  return {
    items: page.map(({ body }) => body),
    has_more: hasMore,
    ...(hasMore && last !== undefined ? { pagination_key: writeCursor(last.place) } : {}),
    ...(list.includeTotal ? { total: found.length } : {}),
  };
}

function candidates(list: ListRequest, calls: Calls): readonly SimulatedCall[] {
  if (list.callIds !== null) return [...new Set(list.callIds)].map((id) => calls.get(id)).filter((call) => call !== undefined);
  if (list.attemptIds !== null) return [...new Set(list.attemptIds)].flatMap((id) => calls.withAttempt(id));
  if (list.toNumber !== null) return calls.toNumber(list.toNumber);
  return calls.all();
}
