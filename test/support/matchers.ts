/** Matchers for parts of objects: vitest's own are typed `any`, which would switch off type checks around them. */

import { expect } from 'vitest';

export const containing = (part: string): unknown => expect.stringContaining(part);
export const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);
