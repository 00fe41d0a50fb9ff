import { expect, test } from 'vitest';
import fc from 'fast-check';
import { canonicalLine, lineHash, maskPhone, readPhone } from '../../src/domain/phones.js';
import { formerPersonHash, normalisePerson, personHash } from '../../src/domain/person.js';

test.each([
  // Stored as E.164, known to the numbering plan or not
  ['+56911112222', 'CL', '+56911112222'],
  ['+56 9 1111 2222', null, '+56911112222'],
  ['+10000000001', null, '+10000000001'],
  ['+566003607777', null, '+566003607777'],
  ['+56600000001', null, '+56600000001'],
  ['+54 9 11 2345-6789', null, '+5491123456789'],
  // National, with the country known
  ['938773910', 'CL', '+56938773910'],
  [938773910, 'CL', '+56938773910'],
  ['938773910.0', 'CL', '+56938773910'],
  ['56938773910', 'CL', '+56938773910'],
  ['228151807', 'CL', '+56228151807'],
  ['011 15 2345-6789', 'AR', '+5491123456789'],
  ['0351 4234567', 'AR', '+543514234567'],
  // International, and impossible there
  ['+5693877391', 'CL', null],
  ['+569387739101', null, null],
  ['+56112345678', null, null],
  ['+549192125907', null, null],
  ['+54 9 11 2345-678', 'AR', null],
  ['+541023456789', null, null],
  // Never a guess
  ['938773910', null, null],
  ['23456789', 'AR', null],
  ['92125907', 'CL', null],
  ['12345', 'CL', null],
  ['912345678 / 987654321', 'CL', null],
  ['+56911112222 / +56933334444', 'CL', null],
  ['938773910', 'ZZ', null],
  ['', 'CL', null],
  [null, 'CL', null],
  [{ $gt: '' }, 'CL', null],
  ['+0123456789', null, null],
  ['+1234567', null, null],
  ['+1234567890123456', null, null],
  ['9'.repeat(5_000_000), 'CL', null],
])('reads %j of %s as %s', (raw, country, e164) => {
  const phone = readPhone(raw, country);
  expect(phone.e164).toBe(e164);
  expect(phone.line === null).toBe(e164 === null);
});

test('P4: spellings of one line are one line, other lines are not', () => {
  expect(canonicalLine('+5491123456789')).toBe('+541123456789');
  expect(lineHash('+5491123456789')).toBe(lineHash('+541123456789'));
  expect(lineHash('+5215512345678')).toBe(lineHash('+525512345678'));
  expect(lineHash('+56911112222')).not.toBe(lineHash('+56911112223'));
  expect(lineHash('+56911112222')).toMatch(/^[0-9a-f]{24}$/);
});

test('P8: a masked number shows five digits at most', () => {
  expect(maskPhone('+56911112910')).toBe('+56*****910');
  fc.assert(fc.property(fc.string(), (text) => (maskPhone(text).match(/\d/g) ?? []).length <= 5));
});

test('P7: any value is a phone or none', () => {
  fc.assert(fc.property(fc.anything(), fc.option(fc.string()), (raw, country) => readPhone(raw, country).raw.length <= 40));
});

test.each([
  ['12.345.678-k', '12345678K'],
  ['12345678K', '12345678K'],
  ['012345678-K', '12345678K'],
  [' 12345678-k ', '12345678K'],
  [30123456, '30123456'],
  ['30123456.0', '30123456'],
  ['20-28123457-3', '28123457'],
  ['27281234574', '28123457'],
  [20281234573, '28123457'],
  ['24-05123456-1', '5123456'],
  ['30-71234567-1', '30712345671'],
  ['20-00000012-3', '20000000123'],
  ['contact_12', null],
  ['contact', null],
  ['', null],
  ['-', null],
  ['0', null],
  ['sin rut', null],
  [null, null],
  [{}, null],
])('knows the person behind %j as %s', (dni, person) => {
  expect(normalisePerson(dni)).toBe(person);
  expect(personHash(dni) === null).toBe(person === null);
});

test('a CUIT is found by the hash that it had of itself, too', () => {
  expect(formerPersonHash('20-28123457-3')).toBe('5e555c65e833730580e8b986');
  expect(['28123457', '30-71234567-1', '12.345.678-5', 'contact_1', null].map(formerPersonHash)).toEqual([null, null, null, null, null]);
});

test('one person written in two ways has one hash', () => {
  expect(personHash('12.345.678-k')).toBe(personHash('12345678K'));
  expect(personHash('12345678K')).not.toBe(personHash('123456789'));
});
