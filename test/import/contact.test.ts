import { describe, expect, test } from 'vitest';
import type { Cell } from '../../src/import/cells.js';
import { mapColumns } from '../../src/import/columns.js';
import { groupRows, type Grouping } from '../../src/import/contact.js';
import { batchIdOf, jobIdsOf, importIdOf } from '../../src/import/identity.js';
import { readImportSettings } from '../../src/import/import-settings.js';
import { readRow, type RowReading } from '../../src/import/row.js';

const HEADER = [
  'RUT',
  'Nombre',
  'Empresa',
  'Saldo actualizado',
  'FechaVencimiento',
  'diasRetraso',
  'Celular',
  'Teléfono Residencial',
  'Otro fono',
];
const rules = (allowDuplicates = false, country = 'CL') => ({
  columns: mapColumns(HEADER, [{ column: 'Otro fono', to: 'phone' }]),
  country,
  allowDuplicates,
});
const row = (cells: readonly Cell[], line = 2, more = rules()): RowReading => readRow({ line, cells }, more);
const ANA: readonly Cell[] = ['12.345.678-5', 'Ana Prueba', 'Luz SA', '104.050', '25/11/2025', '4', '938773910', '228151807', ''];
const ana = (changes: Readonly<Record<number, Cell>> = {}): Cell[] => ANA.map((cell, index) => changes[index] ?? cell);
const group = (all: readonly (readonly Cell[])[], allowDuplicates = false): Grouping =>
  groupRows(
    all.flatMap((cells, index) => row(cells, index + 2, rules(allowDuplicates)).row ?? []),
    allowDuplicates,
  );

describe('rows of one RUT', () => {
  test('are one contact: coupons counted, amounts summed, numbers once each with mobiles first, dates as SpeechAI works them out', () => {
    const { contact, remarks } = group([
      ana({ 6: '', 8: '938773910' }),
      ana({ 0: '123456785', 3: '1.000,50', 4: '01/10/2025', 5: '10', 6: '992125907', 8: '' }),
    ]);
    expect(remarks).toEqual([]);
    expect(contact).toMatchObject({
      line: 2,
      rows: 2,
      dni: '123456785',
      amount: 105050.5,
      phones: ['+56992125907', '+56228151807', '+56938773910'],
      // 25 November + 4 + 3; 1 October + 10 + 7.
      dueDate: '2025-12-02',
      maxDate: '2025-10-18',
    });
  });

  test('a row without a number still counts with those that have one', () => {
    expect(group([ana({ 6: '', 7: '' }), ana({ 3: '1.000' })]).contact).toMatchObject({ rows: 2, amount: 105050 });
  });

  test('the same row twice is one, unless both are wanted', () => {
    const twice = group([ana(), ana()]);
    expect(twice.contact).toMatchObject({ rows: 1, amount: 104050 });
    expect(twice.remarks).toMatchObject([{ line: 3, reason: 'it is the same as line 2' }]);
    expect(group([ana(), ana()], true).contact).toMatchObject({ rows: 2, amount: 208100 });
  });

  test('with a figure that is not understood the whole contact is left out: its debt would be told wrongly', () => {
    const { contact, remarks } = group([ana(), ana({ 3: 'mucho' })]);
    expect(contact).toBeNull();
    expect(remarks.map(({ line, column, value }) => [line, column, value])).toEqual([
      [3, 'Saldo actualizado', 'mucho'],
      [2, '', ''],
    ]);
  });

  test.each([
    ['no number at all', { 6: '', 7: '' }, /no telephone number/],
    ['a date of another order', { 4: '11/25/2025' }, /not a date/],
    ['less than nothing', { 3: '-5' }, /less than nothing/],
  ])('with %s are left out with the reason', (_what, changes, reason) => {
    const { contact, remarks } = group([ana(changes)]);
    expect(contact).toBeNull();
    expect(remarks[0]?.reason).toMatch(reason);
  });
});

describe('a row', () => {
  test('without a RUT is known by its number: the second one is a repeat', () => {
    const { contact, remarks } = group([ana({ 0: '' }), ana({ 0: '', 1: 'Otra' })]);
    expect(contact).toMatchObject({ dni: null, name: 'Ana Prueba', rows: 1 });
    expect(remarks[0]?.reason).toBe('its number is the one of line 2');
    expect(row(ana({ 0: '' }), 2, rules(true)).row?.key).not.toBe(row(ana({ 0: '' }), 3, rules(true)).row?.key);
  });

  test('with neither RUT nor number is nothing', () => {
    const { row: none, remarks } = row(ana({ 0: '', 6: '', 7: '' }));
    expect([none, remarks[0]?.effect]).toEqual([null, 'row rejected']);
  });

  test('with more cells than the header has shifted values', () => {
    expect(row([...ana(), 'x']).remarks[0]?.reason).toMatch(/10 cells where the header has 9/);
  });

  test('keeps its good number and names the bad one with line and column', () => {
    const { row: read, remarks } = row(ana({ 7: '2815180' }), 9);
    expect(read?.phones).toEqual([{ e164: '+56938773910', kind: 'mobile' }]);
    expect(remarks).toEqual([
      {
        line: 9,
        column: 'Teléfono Residencial',
        value: '2815180',
        reason: 'it has 7 digits: the area code is missing',
        effect: 'number left out',
      },
    ]);
  });
});

test('ids are the same in every run and all different in one import', () => {
  const at = new Date('2025-10-25T17:41:29.123Z');
  const importId = importIdOf('f00d', 'acc-1234567', 'Noviembre');
  expect(importIdOf('f00d', 'acc-1234567', 'Noviembre')).toBe(importId);
  expect(importIdOf('f00d', 'acc-1234567', 'Diciembre')).not.toBe(importId);
  expect(batchIdOf(importId, at)).toMatch(/^batch-2025-10-25-174129-\d{1,6}$/);
  const ids = jobIdsOf(importId, 'batch-x', 'acc-1234567', at);
  expect(ids.jobId(2)).toMatch(/^job_acc-1234_20251025_174129_[0-9a-f]{8}$/);
  expect(ids.documentId(2)).toMatch(/^68fd0bc9[0-9a-f]{8}00000002$/);
  const many = Array.from({ length: 50_000 }, (_, line) => ids.jobId(line));
  expect(new Set(many).size).toBe(many.length);
  expect(jobIdsOf(importId, 'batch-y', 'acc-1234567', at).documentId(2)).not.toBe(ids.documentId(2));
});

describe('the settings file', () => {
  test('may be plain call_settings with dynamic dates beside them', () => {
    expect(
      readImportSettings(
        '{"allowed_hours": {"start": "09:00", "end": "18:00"}, "max_attempts": 5, "dias_fecha_limite": 3, "queue": "a"}',
        'x.json',
      ),
    ).toMatchObject({
      callSettings: { allowed_hours: { start: '09:00', end: '18:00' }, max_attempts: 5 },
      dueInDays: 3,
      maxInDays: null,
      batch: { queue: 'a' },
    });
  });
  test.each(['{', '[]', '{"alowed_hours": {}}', '{"dias_fecha_limite": "3"}', '{"call_settings": 3}'])('%s is refused', (text) => {
    expect(() => readImportSettings(text, 'x.json')).toThrow(/x\.json cannot be used/);
  });
});
