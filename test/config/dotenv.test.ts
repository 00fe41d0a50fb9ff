import { describe, expect, it } from 'vitest';
import { readDotenv, stripComment } from '../../src/config/dotenv.js';

describe('an env file', () => {
  it.each([
    ['A=1', '1'],
    ['export A=1', '1'],
    ['  A = 1  ', '1'],
    ['A=10  # ten', '10'],
    ['A=1#2', '1#2'],
    ['A=', ''],
    ['A=   # nothing', ''],
    ['A="1 # 2" # a comment', '1 # 2'],
    ["A='$x \\n'", '$x \\n'],
    ['A="a\\nb\\"c"', 'a\nb"c'],
    ['\uFEFFA=1\r', '1'],
    ['A=x=y', 'x=y'],
  ])('reads %j as %j', (line, value) => {
    expect(readDotenv(line)).toEqual({ entries: [{ name: 'A', text: value, line: 1 }], errors: [] });
  });

  it.each([
    ['A', 'not NAME=value'],
    ['1A=2', 'not NAME=value'],
    ['A-B=2', 'not NAME=value'],
    ['= 3', 'not NAME=value'],
    ['A="open', 'never closed'],
    ["A='open", 'never closed'],
    ['A="x" y', 'after the closing quote'],
    ['A="\\q"', 'backslash'],
    ['A=\0', 'NUL'],
  ])('refuses %j with the number of its line and goes on', (line, why) => {
    const { entries, errors } = readDotenv(`# first\n\n${line}\nB=2\n`);
    expect(errors).toEqual([{ line: 3, message: expect.stringContaining(why) as string }]);
    expect(entries).toEqual([{ name: 'B', text: '2', line: 4 }]);
  });
});

it('strips a comment only after a blank, as passwords and colours need', () => {
  expect(stripComment('a#b # c')).toBe('a#b');
  expect(stripComment('#fff')).toBe('#fff');
});
