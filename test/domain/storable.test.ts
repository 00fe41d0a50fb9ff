/** P7: whatever the provider sends, its record fits into a document. */

import { fc, test } from '@fast-check/vitest';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { LEFT_OUT, storable } from '../../src/domain/storable.js';

const depthOf = (value: unknown): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));

describe('the record of a call', () => {
  it('is stored as it came when it is of a usual size', () => {
    const given = { call_id: 'c', transcript: 'Hola', items: [{ words: [1, 2.5, null, true] }], at: new Date(0) };
    expect(storable(given)).toEqual(given);
    expect(storable(null)).toBeNull();
  });

  it('is cut where a text, a list or an object is too long, and says so', () => {
    expect(storable({ transcript: 'x'.repeat(50), after: 1 }, 40)).toEqual({
      transcript: `${'x'.repeat(22)} ${LEFT_OUT}`,
      left_out: LEFT_OUT,
    });
    expect(storable([1, 2, 3], 20)).toEqual([1, 2, LEFT_OUT]);
  });

  it('keeps no level so deep, no name and no property that a document may not have', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(5_000)}1${']'.repeat(5_000)}`);
    expect(depthOf(storable(deep))).toBeLessThan(60);
    const odd = storable(JSON.parse('{"a\\u0000b":1,"__proto__":{"x":2}}') as object);
    expect(Object.entries(odd)).toEqual([['ab', 1], ['__proto__', { x: 2 }]]); // prettier-ignore
    expect(Object.getPrototypeOf(odd)).toBe(Object.prototype);
  });

  test.prop([fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 0, max: 500 })])('never weighs much more than it may', (value, most) => {
    const stored = storable({ value }, most);
    expect(BSON.calculateObjectSize(stored)).toBeLessThan(6 * most + 1_000);
  });
});
