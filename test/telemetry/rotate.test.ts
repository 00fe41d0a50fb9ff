import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RotatingFile, createRotatingFile } from '../../src/telemetry/rotate.js';

let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'speechai-rotate-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (backups: number | null = 3, maxBytes = 100): RotatingFile =>
  createRotatingFile({ dir, name: 'all', extension: 'log', maxBytes, backups, retentionDays: 10 });

const names = (): string[] => readdirSync(dir).sort();
const text = (name: string): string => readFileSync(join(dir, name), 'utf8');
const at = (day: string): string => `${day}T12:00:00.000Z`;

describe('a rotating file', () => {
  it('is split by size, keeps its newest parts by count, and loses no line of those', () => {
    const file = open();
    for (let n = 10; n < 40; n += 1) expect(file.write(`${n} ${'x'.repeat(46)}\n`, at('2026-11-21'))).toBe(true);
    file.close();
    expect(names()).toEqual(['all.2026-11-21.012.log', 'all.2026-11-21.013.log', 'all.2026-11-21.014.log', 'all.log']);
    expect(names().map((name) => text(name).match(/^\d\d/gm))).toEqual([
      ['32', '33'],
      ['34', '35'],
      ['36', '37'],
      ['38', '39'],
    ]);
    expect(statSync(join(dir, 'all.2026-11-21.012.log')).mode & 0o777).toBe(0o600);
  });

  it('is split by day, and parts older than the retention go', () => {
    const file = open(null);
    for (const day of ['2026-11-01', '2026-11-09', '2026-11-10', '2026-11-20']) file.write(`${day}\n`, at(day));
    file.close();
    // Named after the day of their lines, whatever day it is when they are put away.
    expect(names()).toEqual(['all.2026-11-10.001.log', 'all.log']);
    expect(text('all.2026-11-10.001.log')).toBe('2026-11-10\n');
    expect(text('all.log')).toBe('2026-11-20\n');
  });

  it('without a count keeps all parts of the retention', () => {
    const file = open(null);
    for (let n = 0; n < 50; n += 1) file.write(`${'y'.repeat(80)}\n`, at('2026-11-21'));
    file.close();
    expect(names()).toHaveLength(50);
  });

  it('leaves the files of others alone', () => {
    for (const name of ['all.2020-01-01.001.jsonl', 'all.backup.log', 'allies.2020-01-01.001.log', 'all.2020-01-01.001.log'])
      writeFileSync(join(dir, name), '');
    const file = open(0);
    file.write(`${'z'.repeat(99)}\n`, at('2026-11-21'));
    file.write('next\n', at('2026-11-21'));
    file.close();
    expect(names()).toEqual(['all.2020-01-01.001.jsonl', 'all.backup.log', 'all.log', 'allies.2020-01-01.001.log']);
  });

  it('may be shared: what one process rotated, the other does not write into or rotate again', () => {
    const one = open(null, 1_000);
    const two = open(null, 1_000);
    for (let n = 0; n < 400; n += 1)
      for (const [who, file] of [one, two].entries()) file.write(`${who} ${n} ${'s'.repeat(40)}\n`, at('2026-11-21'));
    one.close();
    two.close();
    const lines = names().flatMap((name) => text(name).trimEnd().split('\n'));
    expect(new Set(lines).size).toBe(800);
    expect(lines).toHaveLength(800);
  });

  it('goes on in a new file when its own was deleted, and takes others the right to read an old one', () => {
    writeFileSync(join(dir, 'all.log'), '');
    chmodSync(join(dir, 'all.log'), 0o644);
    const file = open(null, 1_000_000);
    file.write('first\n', at('2026-11-21'));
    expect(statSync(join(dir, 'all.log')).mode & 0o777).toBe(0o600);
    unlinkSync(join(dir, 'all.log'));
    for (let n = 0; n < 100; n += 1) file.write(`${n}\n`, at('2026-11-21'));
    expect(text('all.log')).toContain('99\n');
    file.close();
  });
});
