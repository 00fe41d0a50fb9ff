/** The body of list-calls v3: filters, order, and where the page begins. */
import { Invalid, isFields, refuseOthers } from './filter-forms.js';
import { exactValues, readCriteria } from './filters.js';
import type { CallBody } from './bodies.js';
import { readCursor } from './cursor.js';
import type { Cursor } from './cursor.js';

export interface ListRequest {
  readonly matches: (body: CallBody) => boolean;
  /** Where the filters name calls outright, which; the others need not be looked at. */
  readonly callIds: readonly string[] | null;
  readonly attemptIds: readonly string[] | null;
  readonly toNumber: string | null;
  readonly ascending: boolean;
  readonly limit: number;
  readonly skip: number;
  /** The last call of the page before. */
  readonly after: Cursor | null;
  readonly includeTotal: boolean;
}

export type ListReading = { readonly kind: 'list'; readonly list: ListRequest } | { readonly kind: 'invalid'; readonly why: string };

const KEYS = ['filter_criteria', 'sort_order', 'limit', 'skip', 'pagination_key', 'include_total'];

export function readList(content: unknown): ListReading {
  try {
    return { kind: 'list', list: list(content ?? {}) };
  } catch (thrown) {
    if (thrown instanceof Invalid) return { kind: 'invalid', why: thrown.message };
    throw thrown;
  }
}

function list(content: unknown): ListRequest {
  if (!isFields(content)) throw new Invalid('body must be object');
  refuseOthers(content, KEYS, '');
  const { filter_criteria: criteria = {}, sort_order: order = 'descending', limit = 50, skip, pagination_key: key } = content;
  const { include_total: includeTotal = false } = content;
  const tests = readCriteria(criteria);
  if (order !== 'ascending' && order !== 'descending') throw new Invalid('body/sort_order must be ascending or descending');
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > 1000) throw new Invalid('body/limit must be 1 to 1000');
  if (skip !== undefined && key !== undefined) throw new Invalid('body must have either skip or pagination_key, not both');
  if (skip !== undefined && (typeof skip !== 'number' || !Number.isInteger(skip) || skip < 0)) throw new Invalid('body/skip must be >= 0');
  if (key !== undefined && typeof key !== 'string') throw new Invalid('body/pagination_key must be string');
  const after = key === undefined ? null : readCursor(key);
  if (after === null && key !== undefined) throw new Invalid('pagination_key is not valid');
  if (typeof includeTotal !== 'boolean') throw new Invalid('body/include_total must be boolean');

  const named = isFields(criteria) ? criteria : {};
  const metadata: unknown = named['metadata'];
  const attempt: unknown = Array.isArray(metadata) ? metadata.find((item) => isFields(item) && item['key'] === 'attempt_id') : undefined;
  const numbers = exactValues(named['to_number']);
  return {
    matches: (body) => tests.every((test) => test(body)),
    callIds: exactValues(named['call_id']),
    attemptIds: exactValues(attempt),
    toNumber: numbers?.length === 1 ? (numbers[0] ?? null) : null,
    ascending: order === 'ascending',
    limit,
    skip: typeof skip === 'number' ? skip : 0,
    after,
    includeTotal,
  };
}
