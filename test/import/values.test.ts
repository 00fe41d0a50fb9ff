import { describe, expect, test } from 'vitest';
import { readAmount } from '../../src/import/amounts.js';
import type { Cell } from '../../src/import/cells.js';
import { addDays, readDate } from '../../src/import/dates.js';
import { readPersonId } from '../../src/import/person-id.js';
import { rutDigit } from '../../src/domain/person.js';

describe('amounts', () => {
  const rows: readonly (readonly [Cell, number])[] = [
    ['1.234.567,89', 1234567.89],
    ['1,234,567.89', 1234567.89],
    ['1234.56', 1234.56],
    ['1234,5', 1234.5],
    ['104.050', 104050],
    ['$ 104.050', 104050],
    ['$104.050.-', 104050],
    ['CLP 1 234 567', 1234567],
    ['104050 pesos', 104050],
    ['0.500', 0.5],
    ['-5.000', -5000],
    ['104050.0', 104050],
    ['30.0', 30],
    [104050.5, 104050.5],
    [0, 0],
  ];
  test.each(rows)('%j is %d', (cell, value) => expect(readAmount(cell)).toEqual({ kind: 'amount', value }));
  test('104,050 is read as thousands, and doubted', () => {
    expect(readAmount('104,050')).toEqual({ kind: 'amount', value: 104050, doubtful: true });
    expect(readAmount('1,104,050')).toEqual({ kind: 'amount', value: 1104050 });
  });
  test.each(['', 'nan', '-', null])('%j is no amount at all', (cell) => expect(readAmount(cell)).toEqual({ kind: 'nothing' }));
  test.each(['1.234.56', '12,34,56', 'mucho', '1e5', '=1+1', '9'.repeat(14), Number.NaN, true, new Date(0)])(
    '%j is not understood, and nothing is made of it',
    (cell) => {
      expect(readAmount(cell)).toEqual({ kind: 'unreadable' });
    },
  );
});

describe('dates', () => {
  const rows: readonly (readonly [Cell, string])[] = [
    ['25/11/2025', '2025-11-25'],
    ['5-3-25', '2025-03-05'],
    ['25.11.2025', '2025-11-25'],
    ['2025-11-25', '2025-11-25'],
    ['2025-11-25T03:00:00Z', '2025-11-25'],
    ['25/11/2025 00:00', '2025-11-25'],
    [45986, '2025-11-25'],
    ['45986.0', '2025-11-25'],
    [45986.75, '2025-11-25'],
    [new Date('2025-11-25T00:00:00Z'), '2025-11-25'],
    ['29/02/2028', '2028-02-29'],
    ['31-dic-2026', '2026-12-31'],
    ['5 de Setiembre de 2026', '2026-09-05'],
    ['1/ene/27', '2027-01-01'],
    ['31-Aug-2026', '2026-08-31'],
    ['3 octubre 2026 10:30', '2026-10-03'],
  ];
  test.each(rows)('%j is %s', (cell, date) => expect(readDate(cell)).toEqual({ kind: 'date', date }));
  test.each([
    '31/02/2025',
    '31-feb-2025',
    '5 de no 2026',
    '12/31/2025',
    '25/11/2025 o antes',
    '2025-13-01',
    'mañana',
    '1234567',
    12,
    '25/11/1825',
    new Date(Number.NaN),
  ])('%j is no date', (cell) => {
    expect(readDate(cell)).toEqual({ kind: 'unreadable' });
  });
  test('days are added by the calendar', () => expect(addDays('2025-12-30', 3)).toBe('2026-01-02'));
});

describe('RUT and DNI', () => {
  const rows: readonly (readonly [Cell, string, string | null])[] = [
    ['12.345.678-5', '123456785', null],
    ['12345678-5', '123456785', null],
    ['123456785', '123456785', null],
    [12345678, '123456785', null],
    ['12345678.0', '123456785', null],
    ['012.345.678-5', '123456785', null],
    ['10.000.013-k', '10000013K', null],
    ['12.345.678-K', '12345678K', 'its check digit should be 5'],
    ['ABC-12345', 'ABC12345', 'it has not the form of a RUT'],
  ];
  test.each(rows)('%j in Chile is %s', (cell, dni, warning) => expect(readPersonId(cell, 'CL')).toEqual({ kind: 'person', dni, warning }));
  test('a DNI has no check digit', () =>
    expect(readPersonId('20.123.456', 'AR')).toEqual({ kind: 'person', dni: '20123456', warning: null }));
  test.each([
    ['20-28123457-3', '28123457', 'its check digit is wrong: none goes with that prefix'],
    ['27-28123457-4', '28123457', null],
    ['27281234575', '28123457', 'its check digit should be 4'],
    ['20-05123456-9', '5123456', 'its check digit should be 2'],
    ['30-71234567-1', '30712345671', null],
    ['28.123.457', '28123457', null],
  ])('%j in Argentina is %s', (cell, dni, warning) => expect(readPersonId(cell, 'AR')).toEqual({ kind: 'person', dni, warning }));
  test('eleven digits are a CUIT in Argentina only', () =>
    expect(readPersonId('20281234573', 'BR')).toEqual({ kind: 'person', dni: '20281234573', warning: null }));
  test.each(['1.2E+8', 'contact_7', '12'])('%j is nobody', (cell) => expect(readPersonId(cell, 'CL').kind).toBe('unreadable'));
  test.each([
    ['12345678', '5'],
    ['10000013', 'K'],
    ['7654321', '6'],
    ['11111111', '1'],
  ])('the check digit of %s is %s', (body, digit) => expect(rutDigit(body)).toBe(digit));
});
