/** Values for an aggregation stage: a text with a `$` in it must not become a field path. */
import type { Document } from 'mongodb';

export function literals(value: object): Document {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, own]) => (own === undefined ? [] : [[key, { $literal: own as unknown }]])),
  );
}
