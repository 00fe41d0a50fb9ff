/** One page of the workspace's telephone numbers, in the order they were given in or the other way round. */
import { Invalid } from './filter-forms.js';

export interface NumberPage {
  readonly numbers: readonly string[];
  /** null: this was the last page. */
  readonly next: string | null;
}

/** `Invalid`: what is wrong with the query. */
export function numberPage(query: URLSearchParams, all: readonly string[]): NumberPage | Invalid {
  const limit = Number(query.get('limit') ?? 50);
  const order = query.get('sort_order') ?? 'ascending';
  const key = query.get('pagination_key');
  const strange = [...query.keys()].find((name) => !['limit', 'sort_order', 'pagination_key'].includes(name));
  if (strange !== undefined) return new Invalid(`querystring must NOT have additional properties: ${strange}`);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) return new Invalid('querystring/limit must be 1 to 1000');
  if (order !== 'ascending' && order !== 'descending') return new Invalid('querystring/sort_order must be ascending or descending');
  const ordered = order === 'ascending' ? all : all.toReversed();
  const last = key === null ? -1 : ordered.indexOf(Buffer.from(key, 'base64url').toString());
  if (key !== null && last < 0) return new Invalid('pagination_key is not valid');
  const numbers = ordered.slice(last + 1, last + 1 + limit);
  const end = numbers.at(-1);
  const more = end !== undefined && last + 1 + limit < ordered.length;
  return { numbers, next: more ? Buffer.from(end).toString('base64url') : null };
}
