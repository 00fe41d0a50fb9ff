import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import writeSheet from 'write-excel-file/node';
import { csvRows } from '../../src/import/read-csv.js';
import { csvCell } from '../../src/domain/csv-cell.js';
import { openRejects } from '../../src/import/rejects.js';
import { openScratch } from '../../src/import/scratch.js';
import { inspectFile } from '../../src/import/table-file.js';
import { fileOf, folder, rowsIn } from './support.js';

describe('CSV', () => {
  test.each([
    [
      'commas',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'semicolons',
      'a;b\r\n1,5;2\r\n',
      [
        ['a', 'b'],
        ['1,5', '2'],
      ],
    ],
    [
      'tabs',
      'a\tb\n1\t2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a separator inside a quoted header',
      '"a,x,y";b\n1;2\n',
      [
        ['a,x,y', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a byte order mark',
      '\uFEFFa,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'quotation marks inside a name',
      'a,b\nJuan "el Rápido" Pérez,2\n',
      [
        ['a', 'b'],
        ['Juan "el Rápido" Pérez', '2'],
      ],
    ],
    [
      'the separator that a spreadsheet is told',
      '\uFEFFsep=;\r\na,x;b\r\n1;2\r\n',
      [
        ['a,x', 'b'],
        ['1', '2'],
      ],
    ],
    ['one column', 'phone\n938773910\n', [['phone'], ['938773910']]],
  ])('with %s', async (_what, content, cells) => {
    expect((await rowsIn(fileOf('x.csv', content))).map((row) => row.cells)).toEqual(cells);
  });

  test('lines are counted as an editor counts them, over blank lines and values of several lines', async () => {
    const rows = await rowsIn(fileOf('x.csv', 'a,b\n\n"x\ny",1\n\nz,2\n'));
    expect(rows.map(({ line, cells }) => [line, cells[0]])).toEqual([
      [1, 'a'],
      [3, 'x\ny'],
      [6, 'z'],
    ]);
  });

  test('Latin-1 and UTF-16 of spreadsheets are decoded', async () => {
    const latin1 = await rowsIn(fileOf('x.csv', Buffer.from('Teléfono;Ñandú\n1;2\n', 'latin1')));
    expect(latin1[0]?.cells).toEqual(['Teléfono', 'Ñandú']);
    const wide = await rowsIn(
      fileOf('x.txt', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Teléfono\tÑandú\n1\t2\n', 'utf16le')])),
    );
    expect(wide[0]?.cells).toEqual(['Teléfono', 'Ñandú']);
  });

  test('a character cut in two by the reading of chunks is whole', async () => {
    const line = `${'x'.repeat(997)},ñ\n`;
    const path = fileOf('x.csv', line.repeat(400));
    expect((await inspectFile(path, 200)).encoding).toBe('utf-8');
    expect((await rowsIn(path)).every(({ cells }) => cells[1] === 'ñ')).toBe(true);
  });

  test.each([
    ['an empty file', 'x.csv', '', /is empty/],
    ['another extension', 'x.xls', 'a', /none of \.csv, \.txt and \.xlsx/],
    ['a PDF by another name', 'x.csv', Buffer.from('%PDF-1.7\n\u0000\u0001\u0002', 'latin1'), /is not a text: it holds the byte 0x00/],
    ['a ZIP by another name', 'x.csv', Buffer.from('PK\u0003\u0004rest', 'latin1'), /is not a text/],
    ['UTF-16 the other way round', 'x.csv', Buffer.from([0xfe, 0xff, 0, 65]), /UTF-16/],
    ['a quotation mark that is never closed', 'x.csv', 'a,b\n1,2\n"3,4\n5,6\n', /quotation mark on line 3 .* never closed/],
    ['text by the name of a spreadsheet', 'x.xlsx', 'a,b\n', /named \.xlsx and is none/],
    ['half a spreadsheet', 'x.xlsx', 'PK\u0003\u0004half', /not a complete \.xlsx/],
  ])('%s is refused with its reason', async (_what, name, content, message) => {
    await expect(rowsIn(fileOf(name, content))).rejects.toThrow(message);
  });

  test('a missing file and one over IMPORT_MAX_MB are refused before they are read', async () => {
    await expect(inspectFile(join(folder(), 'none.csv'), 1)).rejects.toThrow(/cannot be read/);
    await expect(inspectFile(folder() + '.csv', 1)).rejects.toThrow(/cannot be read/);
    await expect(inspectFile(fileOf('x.csv', 'a'.repeat(2_000)), 0.001)).rejects.toThrow(/IMPORT_MAX_MB allows 0.001/);
  });

  test('a line of 100 MB is refused, and never held in memory', async () => {
    const path = join(folder(), 'x.csv');
    const out = createWriteStream(path);
    out.write('a,b\n');
    for (let n = 0; n < 100; n += 1) if (!out.write('x'.repeat(1_000_000))) await once(out, 'drain');
    out.end();
    await once(out, 'close');
    const before = process.memoryUsage().rss;
    await expect(rowsIn(path)).rejects.toThrow(/Line 2 .* longer than 1 MB/);
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });
});

describe('spreadsheets', () => {
  test('keep texts, numbers, dates and the lines of their rows', async () => {
    const sheet = writeSheet([
      [{ value: 'RUT' }, { value: 'Celular' }, { value: 'Vencimiento' }],
      [
        { value: '12.345.678-5' },
        { value: 978445371, type: Number },
        { value: new Date('2025-11-25T00:00:00Z'), type: Date, format: 'dd/mm/yyyy' },
      ],
      [],
      [{ value: '=1+1' }, null, { value: 45986, type: Number }],
    ]);
    const rows = await rowsIn(fileOf('x.xlsx', await sheet.toBuffer()));
    expect(rows).toEqual([
      { line: 1, cells: ['RUT', 'Celular', 'Vencimiento'] },
      { line: 2, cells: ['12.345.678-5', 978445371, new Date('2025-11-25T00:00:00Z')] },
      { line: 4, cells: ['=1+1', null, 45986] },
    ]);
  });

  test('one that unpacks to gigabytes is stopped by what it really is, whatever its directory says', async () => {
    const bomb = fileOf('x.xlsx', zipOf('xl/worksheets/sheet1.xml', Buffer.alloc(90_000_000), 1_000));
    const before = process.memoryUsage().rss;
    await expect(rowsIn(bomb)).rejects.toThrow(/unpacks to more than 80 MB/);
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });
});

/** A ZIP of one part, whose size is told as `told`. */
function zipOf(name: string, content: Buffer, told: number): Buffer {
  const packed = deflateRawSync(content);
  const path = Buffer.from(name);
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(crc32(content), 0);
  sizes.writeUInt32LE(packed.length, 4);
  sizes.writeUInt32LE(told, 8);
  const head = Buffer.from([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
  const lengths = Buffer.from([path.length, 0, 0, 0]);
  const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), head, sizes, lengths, path, packed]);
  const entry = Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), head, sizes, lengths, Buffer.alloc(14), path]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(entry.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, entry, Buffer.from('PK\u0005\u0006'), end]);
}

test.each([
  ['=1+1', '"\'=1+1"'],
  ['@SUM(A1)', '"\'@SUM(A1)"'],
  ['-2+3', '"\'-2+3"'],
  ['\t=1', '"\'\t=1"'],
  ['+cmd|calc', '"\'+cmd|calc"'],
  ['+56 9 3877-3910', '+56 9 3877-3910'],
  ['Ana, "la" Rápida', '"Ana, ""la"" Rápida"'],
  ['Ana', 'Ana'],
])('the cell %j goes out as %s', (cell, out) => expect(csvCell(cell)).toBe(out));

test('a reject file is made only where there is something to tell', async () => {
  const path = join(folder(), 'r.csv');
  const scratch = openScratch(1_000);
  onTestFinished(() => scratch.remove());
  const source = fileOf('x.csv', 'RUT;Celular;Nota\n1-9;938773910;\n7-6;22;"a;b"\n8-4;33;=HYPERLINK("x")\n');
  expect(await openRejects(path, ';', scratch).write(rowsOfFile(source))).toBeNull();
  expect(existsSync(path)).toBe(false);
  const rejects = openRejects(path, ';', scratch);
  rejects.add({ line: 4, column: '', value: '', reason: 'it has no number', effect: 'row rejected' });
  rejects.add({ line: 3, column: 'Celular', value: '22', reason: 'it has 2 digits', effect: 'number left out' });
  rejects.add({ line: 4, column: 'Celular', value: '33', reason: 'it has 2 digits', effect: 'number left out' });
  expect(await rejects.write(rowsOfFile(source))).toBe(path);
  expect(readFileSync(path, 'utf8')).toBe(
    [
      '\uFEFFrejected_line;rejected_why;rejected_effect;RUT;Celular;Nota',
      '3;"Celular ""22"": it has 2 digits";number left out;7-6;22;"a;b"',
      '4;"it has no number | Celular ""33"": it has 2 digits";row rejected;8-4;33;"\'=HYPERLINK(""x"")"',
      '',
    ].join('\r\n'),
  );
});

const rowsOfFile = async function* (path: string) {
  yield* csvRows(await inspectFile(path, 1));
};

test('scratch brings the rows of one key back together, in order, and leaves nothing behind', async () => {
  const scratch = openScratch(20_000_000);
  for (let n = 0; n < 3_000; n += 1) scratch.put(`key ${n % 500}`, { key: n % 500, n });
  const seen = new Map<number, number>();
  for await (const part of scratch.parts()) {
    const keys = new Map<number, number[]>();
    for (const value of part as { key: number; n: number }[]) keys.set(value.key, [...(keys.get(value.key) ?? []), value.n]);
    for (const [key, ns] of keys) {
      expect(ns).toEqual(ns.toSorted((a, b) => a - b));
      seen.set(key, ns.length);
    }
  }
  expect([...seen.values()]).toEqual(Array.from({ length: 500 }, () => 6));
  scratch.remove();
  expect(() => scratch.put('key', 1)).not.toThrow();
});
