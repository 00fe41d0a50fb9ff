import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { callbackTime } from '../../src/domain/callbacks.js';
import { reading } from './fixtures-calls.js';

const NOW = new Date('2026-03-10T15:00:00Z');
const ZONE = 'America/Santiago';

function inAnalysis(value: unknown, timezone = ZONE): string | null {
  const call = reading({ analysis: { custom_analysis_data: { callback_at: value } } });
  return callbackTime(call, 'callback_at', timezone, NOW)?.toISOString() ?? null;
}

describe('the time a contact asked for', () => {
  test.each([
    ['2026-03-12T18:00:00Z', '2026-03-12T18:00:00.000Z'],
    ['2026-03-12T18:00:00-05:00', '2026-03-12T23:00:00.000Z'],
    ['2026-03-12T18:00:00', '2026-03-12T21:00:00.000Z'],
    ['2026-03-12 18:00', '2026-03-12T21:00:00.000Z'],
    [' 2026-03-12 9:30 ', '2026-03-12T12:30:00.000Z'],
    ['2026-03-12', '2026-03-12T13:00:00.000Z'],
    [1_773_338_400, '2026-03-12T18:00:00.000Z'],
    [1_773_338_400_000, '2026-03-12T18:00:00.000Z'],
    ['1773338400', '2026-03-12T18:00:00.000Z'],
    ['1773338400000', '2026-03-12T18:00:00.000Z'],
  ])('%j is %s', (written, expected) => {
    expect(inAnalysis(written)).toBe(expected);
  });

  test.each([
    '',
    'tomorrow at six',
    '2026-03-10T14:59:59Z',
    '2026-03-10 11:00',
    '2026-04-10T15:00:00Z',
    '2026-02-31 10:00',
    0,
    -1,
    Number.NaN,
    null,
    true,
    {},
    [],
  ])('%j is none', (written) => {
    expect(inAnalysis(written)).toBeNull();
  });

  test('a zone nobody knows gives no local time, but leaves exact ones alone', () => {
    expect(inAnalysis('2026-03-12 18:00', 'Mars/Olympus')).toBeNull();
    expect(inAnalysis('2026-03-12T18:00:00Z', 'Mars/Olympus')).toBe('2026-03-12T18:00:00.000Z');
  });

  test('an hour that the clock change skips is taken later, never earlier', () => {
    const call = reading({ collected: { callback_at: '2026-09-06 00:30' } });
    const before = new Date('2026-09-01T00:00:00Z');
    expect(callbackTime(call, 'callback_at', ZONE, before)?.toISOString()).toBe('2026-09-06T04:30:00.000Z');
  });

  test('the analysis comes before the collected variables, which serve where it has nothing of use', () => {
    const collected = { callback_at: '2026-03-13T18:00:00Z' };
    const both = reading({ analysis: { custom_analysis_data: { callback_at: '2026-03-12T18:00:00Z' } }, collected });
    const useless = reading({ analysis: { custom_analysis_data: { callback_at: 'later' } }, collected });
    expect(callbackTime(both, 'callback_at', ZONE, NOW)?.toISOString()).toBe('2026-03-12T18:00:00.000Z');
    expect(callbackTime(useless, 'callback_at', ZONE, NOW)?.toISOString()).toBe('2026-03-13T18:00:00.000Z');
    expect(callbackTime(both, 'other_name', ZONE, NOW)).toBeNull();
  });

  property.prop([fc.anything(), fc.anything()])(
    'P7: whatever was written, the time lies ahead and within 30 days, or there is none',
    (custom, value) => {
      const call = reading({ analysis: { custom_analysis_data: custom }, collected: { callback_at: value } });
      const at = callbackTime(call, 'callback_at', ZONE, NOW);
      if (at === null) return;
      expect(at.getTime()).toBeGreaterThan(NOW.getTime());
      expect(at.getTime()).toBeLessThanOrEqual(NOW.getTime() + 30 * 86_400_000);
    },
  );
});
