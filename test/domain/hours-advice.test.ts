import { expect, it } from 'vitest';
import { AT_ANY_HOUR, hoursAdvice } from '../../src/domain/hours-advice.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { NO_PACKS, packNamed } from '../../src/domain/rules.js';
import { WHOLE_WEEK } from '../../src/domain/week.js';

const NONE = packNamed('none', 'CL', NO_PACKS);
const advice = (settings: unknown, pack = NONE): string =>
  hoursAdvice(readBatch({ batch_id: 'b', is_active: true, call_settings: settings }), pack).join();

it.each([
  [null, AT_ANY_HOUR],
  [{ max_attempts: 3 }, AT_ANY_HOUR],
  [{ allowed_hours: '09:00-18:00' }, ''],
  [{ days_of_week: [1, 2, 3] }, ''],
  [{ allowed_hours: '00:00-24:00' }, ''],
  [{ allowed_hours: { fri: '09:00-24:00', sat: '10:00-12:00' } }, ''],
])('of %j it says "%s"', (settings, text) => expect(advice(settings)).toBe(text));

it.each([[{ allowed_hours: '18:00-09:00' }], [{ allowed_hours: { fri: '18:00-09:00' } }], [{ allowed_hours: '18:00-09:00', days_of_week: [5] }]])(
  'of %j it says that it runs over midnight',
  (settings) => expect(advice(settings)).toContain('over midnight, 18:00-09:00'),
); // prettier-ignore

it('a rule pack with hours is hours', () => {
  if (NONE === null) throw new Error('no pack');
  expect(advice(null, { ...NONE, week: WHOLE_WEEK })).toBe('');
});
