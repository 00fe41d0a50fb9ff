/** What the measures found: a line per measure for people, the raw figures for programs, a picture of each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { barChart, median, round, type Bar } from './figures.js';
import type { World } from './world.js';

export interface Row {
  readonly measure: string;
  readonly value: string;
  readonly target: string;
  readonly holds: boolean | null;
}

/** null: the design names no target for it. */
export type Target = readonly [text: string, holds: boolean] | null;

/** What every measure is given. */
export interface Bench {
  readonly world: World;
  readonly quick: boolean;
  readonly report: Report;
}

export interface Report {
  readonly rows: readonly Row[];
  readonly raw: Readonly<Record<string, unknown>>;
  /** Said at once on stderr, so that a long run shows where it is, and again in the table at the end. */
  note(measure: string, value: string, target?: Target): void;
  keep(name: string, figures: unknown): void;
  plot(file: string, title: string, unit: string, bars: readonly Bar[]): void;
}

export function createReport(directory: string): Report {
  const rows: Row[] = [];
  const raw: Record<string, unknown> = {};
  mkdirSync(directory, { recursive: true });
  return {
    rows,
    raw,
    note: (measure, value, target = null) => {
      rows.push({ measure, value, target: target?.[0] ?? '', holds: target?.[1] ?? null });
      process.stderr.write(`${measure}: ${value}\n`);
    },
    keep: (name, figures) => {
      raw[name] = figures;
    },
    plot: (file, title, unit, bars) => writeFileSync(join(directory, `${file}.svg`), barChart(title, unit, bars)),
  };
}

export function table(rows: readonly Row[]): string {
  const width = Math.max(0, ...rows.map((row) => row.measure.length));
  return rows
    .map(({ measure, value, target, holds }) => {
      const mark = holds === null ? ' ' : holds ? '+' : '-';
      return `${mark} ${measure.padEnd(width)}  ${value}${target === '' ? '' : `   (target ${target})`}\n`;
    })
    .join('');
}

/** Median, and how far the rounds lay apart: one figure alone says nothing on a machine with neighbours. */
export function spread(values: readonly number[]): string {
  return `${round(median(values))} (min ${round(Math.min(...values))}, max ${round(Math.max(...values))})`;
}
