import { expect, test, describe } from 'vitest';
import fc from 'fast-check';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Cell } from '../../src/import/cells.js';
import { readNumbers, type NumberKind } from '../../src/import/numbers.js';

type Row = readonly [cell: Cell, kind: NumberKind, numbers: readonly string[]];

const CHILE: readonly Row[] = [
  ['938773910', 'any', ['+56938773910']],
  ['56938773910', 'mobile', ['+56938773910']],
  ['+56 9 3877 3910', 'any', ['+56938773910']],
  ['09-93877-3910', 'any', ['+56938773910']],
  ['0056938773910', 'any', ['+56938773910']],
  ['92125907', 'any', ['+56992125907']],
  ['09-2125907', 'mobile', ['+56992125907']],
  ['569978445371', 'any', ['+56978445371']],
  ['978445371.0', 'mobile', ['+56978445371']],
  [978445371, 'mobile', ['+56978445371']],
  ["'978445371", 'mobile', ['+56978445371']],
  ['228151807', 'landline', ['+56228151807']],
  ['2 2815 1807', 'any', ['+56228151807']],
  ['02-815-1807', 'landline', ['+56228151807']],
  ['28151807', 'any', ['+56228151807']],
  ['228151807 ext 123', 'any', ['+56228151807']],
  ['Fono: 2 2815 1807 anexo 12', 'landline', ['+56228151807']],
  ['938773910 / 992125907', 'any', ['+56938773910', '+56992125907']],
  ['992125907 / 938773910', 'any', ['+56992125907', '+56938773910']],
  ['938773910; 938773910', 'any', ['+56938773910']],
  ['938773910 992125907', 'any', ['+56938773910', '+56992125907']],
  ['938773910 - 992125907', 'any', ['+56938773910', '+56992125907']],
  ['938773910\n228151807', 'any', ['+56938773910', '+56228151807']],
  ['96123-4576 (mamá)', 'any', ['+56961234576']],
  ['961234576 (hermana) / 228151807 (casa)', 'any', ['+56961234576', '+56228151807']],
  ['961234576 (no llamar)', 'any', []],
  ['961234576 (número equivocado)', 'any', []],
  ['+569978445371', 'any', ['+56978445371']],
  // Written with the country, a digit is missing or too many, or the area is none.
  ['+5693877391', 'any', []],
  ['+569387739101', 'any', []],
  ['+56 1 2345 6789', 'any', []],
  ['+549192125907', 'any', []],
  // An old mobile, but only where the column says that it is one: in any other it could be somebody's landline.
  ['08 4190650', 'mobile', ['+56984190650']],
  ['08 4190650', 'any', []],
  ['+5491123456789', 'any', ['+5491123456789']],
  // Area missing: Santiago is the likely one, and the wrong one for everybody else.
  ['2815180', 'landline', []],
  ['22815180', 'landline', []],
  ['12345678', 'any', []],
  ['12345678', 'mobile', []],
  ['12345', 'any', []],
  ['+54911234567', 'any', []],
  ['1123456789', 'any', []],
  ['54113650246', 'any', []],
  ['5.69784E+10', 'mobile', []],
  ['800123456', 'any', []],
  ['llamar a la hermana', 'any', []],
];

const ARGENTINA: readonly Row[] = [
  ['91123456789', 'any', ['+5491123456789']],
  ['5491123456789', 'any', ['+5491123456789']],
  ['091123456789', 'any', ['+5491123456789']],
  ['011 15 2345-6789', 'any', ['+5491123456789']],
  ['+54 9 11 2345-6789', 'any', ['+5491123456789']],
  ['1123456789', 'any', ['+541123456789']],
  ['1123456789', 'mobile', ['+5491123456789']],
  ['01123456789', 'landline', ['+541123456789']],
  ['3512345678', 'any', ['+543512345678']],
  ['0351 4234567', 'landline', ['+543514234567']],
  ['0351/4234567', 'landline', ['+543514234567']],
  ['0351 15 4234567', 'any', ['+5493514234567']],
  ['93512345678', 'mobile', ['+5493512345678']],
  ['+56992125907', 'any', ['+56992125907']],
  ['+549192125907', 'any', []],
  ['+54 9 11 2345-678', 'any', []],
  ['+5693877391', 'any', []],
  // Without the area code: never Buenos Aires by guess.
  ['23456789', 'any', []],
  ['4234567', 'landline', []],
  ['92345678', 'mobile', []],
  ['15 2345-6789', 'mobile', []],
  ['54113650246', 'any', []],
  ['1234567', 'any', []],
  ['123', 'any', []],
];

describe.each([
  ['CL', CHILE],
  ['AR', ARGENTINA],
] as const)('numbers as they are in the files of %s', (country, rows) => {
  test.each(rows)('%j in a column of kind %s', (cell, kind, numbers) => {
    const read = readNumbers(cell, kind, country);
    expect(read.numbers).toEqual(numbers);
    expect(read.problems.length > 0).toBe(numbers.length === 0);
  });
});

test.each(['', '-', '0', '000000000', '999999999', 'NaN', 'n/a', 'no tiene', 'sin teléfono', null])(
  '%j says that there is no number, which is no mistake',
  (cell) => {
    expect(readNumbers(cell, 'any', 'CL')).toEqual({ numbers: [], problems: [] });
  },
);

test('of two numbers in a cell the good one is kept and the other is named', () => {
  expect(readNumbers('938773910 / 2815180', 'any', 'CL')).toEqual({
    numbers: ['+56938773910'],
    problems: ['it has 7 digits: the area code is missing'],
  });
});

test('a number that its country cannot have is refused with the reason', () => {
  expect(readNumbers('+5693877391', 'any', 'CL').problems).toEqual([expect.stringContaining('behind +56 a Chilean number has 9 digits')]);
  expect(readNumbers('+549192125907', 'any', 'CL').problems).toEqual([expect.stringContaining('behind +54 an Argentine number has 10')]);
});

test('other countries go by their own numbering plan', () => {
  expect(readNumbers('999 123 456', 'any', 'PE').numbers).toEqual(['+51999123456']);
  expect(readNumbers('55 1234 5678', 'any', 'MX').numbers).toEqual(['+525512345678']);
  expect(readNumbers('123', 'any', 'PE').problems).toEqual(['no such number is in use in PE']);
});

/** What may be put in front of the digits that were written, and nothing else: country codes, the 9 of mobiles and the 2 of Santiago. */
test('no number is ever made of digits that were not written, but for what was announced officially', () => {
  const digits = fc.array(fc.constantFrom(...'0123456789'), { minLength: 5, maxLength: 14 }).map((each) => each.join(''));
  fc.assert(
    fc.property(digits, fc.constantFrom<NumberKind>('mobile', 'landline', 'any'), fc.constantFrom('CL', 'AR'), (written, kind, country) => {
      for (const number of readNumbers(written, kind, country).numbers) {
        const national = parsePhoneNumberFromString(number)?.nationalNumber ?? '';
        // 15 is how an Argentine mobile is written at home.
        const kept = written.replace(/^0+/, '');
        const added = country === 'CL' ? [national, national.slice(1)] : [national, national.replace(/^9/, '')];
        const without15 = [kept, ...Array.from({ length: 4 }, (_, n) => kept.slice(0, n + 1) + kept.slice(n + 1).replace(/^15/, ''))];
        expect(added.some((each) => without15.some((text) => text.endsWith(each)))).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});
