import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { applyEdit, EDITABLE, newProblems, readEdits, type BatchEdit } from '../../src/domain/batch-edit.js';
import { momentIn } from '../../src/domain/moments.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { batchDoc } from './samples.js';

const ZONE = 'America/Santiago';

function edit(...words: readonly string[]): BatchEdit {
  const reading = readEdits(words, ZONE);
  if (reading.kind === 'wrong') throw new Error(reading.problems.join('; '));
  return reading.edit;
}

const after = (doc: Readonly<Record<string, unknown>>, ...words: readonly string[]) => readBatch(applyEdit(doc, edit(...words)));

describe('changes of a batch, as operators write them', () => {
  it.each([
    ['allowed_hours=09:00-18:00', { allowed_hours: { start: '09:00', end: '18:00' } }],
    ['allowed_hours={"mon":"09:00-12:00"}', { allowed_hours: { mon: '09:00-12:00' } }],
    ['days_of_week=1-5', { days_of_week: [1, 2, 3, 4, 5] }],
    ['days_of_week=1,3,0', { days_of_week: [1, 3, 0] }],
    ['call_settings.max_attempts=5', { max_attempts: 5 }],
    ['retry_delay_hours=1.5', { retry_delay_hours: 1.5 }],
    ['closed_dates=2026-12-24,2026-12-31', { closed_dates: ['2026-12-24', '2026-12-31'] }],
  ])('%s', (word, settings) => {
    expect(edit(word).settings).toEqual(settings);
  });

  it.each(['max_attempts=many', 'priority=9', 'start_at=tomorrow', 'colour=red', 'max_attempts', 'name=', 'ring_timeout=-3'])(
    'refuses %s',
    (word) => {
      expect(readEdits([word], ZONE).kind).toBe('wrong');
    },
  );

  it('reads a time without an offset on the batch clock, and one with an offset as it says', () => {
    expect(momentIn('2026-11-23T09:00', ZONE)?.toISOString()).toBe('2026-11-23T12:00:00.000Z');
    expect(momentIn('2026-07-01', ZONE)?.toISOString()).toBe('2026-07-01T04:00:00.000Z');
    expect(momentIn('2026-11-23T09:00Z', ZONE)?.toISOString()).toBe('2026-11-23T09:00:00.000Z');
    expect(momentIn('2026-13-40', ZONE)).toBeNull();
    expect(after(batchDoc(), 'start_at=2026-11-20', 'end_at=2026-11-20')).toMatchObject({
      startAt: new Date('2026-11-20T03:00:00Z'),
      endAt: new Date('2026-11-21T03:00:00Z'),
    });
  });

  it('rules over the other spellings of the same setting', () => {
    const doc = batchDoc({
      allowed_call_hours: { start: '08:00', end: '10:00' },
      retry_settings: { max_attempts: 9, retry_delay_hours: 4 },
      priority: 'urgent',
    });
    const batch = after(doc, 'allowed_hours=09:00-18:00', 'max_attempts=', 'priority=2');
    expect(batch.settings.week?.[1]).toEqual([{ from: 540, to: 1080 }]);
    expect(batch.settings.maxAttempts).toBeNull();
    expect(batch.settings.retryDelayMs).toBe(4 * 3_600_000);
    expect(batch.priority).toBe(2);
  });

  it('keeps settings that are stored as a JSON text, and begins them where they are null', () => {
    expect(after(batchDoc('{"max_attempts":4}'), 'ring_timeout=20').settings).toMatchObject({ maxAttempts: 4, ringTimeoutMs: 20_000 });
    expect(after(batchDoc(null), 'max_attempts=2').settings.maxAttempts).toBe(2);
  });

  it('P4: says what the change would break, and only that', () => {
    const broken = batchDoc({ timezone: 'Mars/Olympus' });
    expect(newProblems(broken, applyEdit(broken, edit('max_attempts=2'))).problems).toEqual([]);
    expect(newProblems(broken, applyEdit(broken, edit('allowed_hours={"start":"nine"}'))).problems).toHaveLength(1);
    const doc = batchDoc();
    expect(newProblems(doc, applyEdit(doc, edit('start_at=2026-12-02', 'end_at=2026-12-01'))).problems).toEqual([
      'end_at is not after start_at',
    ]);
  });

  test.prop([
    fc.array(
      fc.oneof(
        fc.string(),
        fc.tuple(fc.constantFrom(...EDITABLE), fc.string()).map(([key, value]) => `${key}=${value}`),
      ),
    ),
  ])('never throws, and says what is wrong', (words) => {
    const reading = readEdits(words, ZONE);
    expect(reading.kind === 'wrong' ? reading.problems.length : 1).toBeGreaterThan(0);
  });

  const acceptable = fc.oneof(
    fc.nat(20).map((n) => `max_attempts=${n + 1}`),
    fc.integer({ min: 5, max: 90 }).map((n) => `ring_timeout=${n}`),
    fc.integer({ min: 1, max: 4 }).map((n) => `priority=${n}`),
    fc.constantFrom('days_of_week=1-5', 'allowed_hours=09:00-18:00', 'closed_dates=2026-12-24', 'start_at=2026-11-20', 'max_attempts=', 'retry_delay_hours=1.5'),
  ); // prettier-ignore
  test.prop([fc.uniqueArray(acceptable, { minLength: 1, selector: (word) => word.split('=')[0] })])(
    'what it accepts leaves the input as it was',
    (words) => {
      const reading = readEdits(words, ZONE);
      if (reading.kind === 'wrong') throw new Error(reading.problems.join('; '));
      const doc = batchDoc({ retry_settings: { max_attempts: 3 } });
      const before = JSON.stringify(doc);
      newProblems(doc, applyEdit(doc, reading.edit));
      expect(JSON.stringify(doc)).toBe(before);
    },
  );
});
