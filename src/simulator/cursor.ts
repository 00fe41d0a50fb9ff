/**
 * Where a page ended. It holds the place in the order and not only the call: that call may answer, end or leave the filter before the
 * next page is asked for, and the place it had is still a place.
 */

export interface Cursor {
  /** What the list is ordered by. */
  readonly at: number;
  readonly id: string;
}

export const writeCursor = ({ at, id }: Cursor): string => Buffer.from(`${at} ${id}`).toString('base64url');

/** null: none of ours. */
export function readCursor(key: string): Cursor | null {
  const [, at, id] = /^(\d+(?:\.\d+)?) (\S+)$/.exec(Buffer.from(key, 'base64url').toString()) ?? [];
  return at === undefined || id === undefined ? null : { at: Number(at), id };
}

/** Below 0: `a` comes first in an ascending list. */
export const compareCursors = (a: Cursor, b: Cursor): number => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
