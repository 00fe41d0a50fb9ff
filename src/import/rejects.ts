/**
 * The reject file of an import: every row of which something cannot be used, whole and in the order of the file, with the reasons in front, so
 * that it can be mended and imported again.
 */
import { cellText, type Cell, type TableRow } from './cells.js';
import { isRejectColumn, openRejectTable, REJECT_COLUMNS } from './reject-table.js';
import type { Remark } from './row.js';
import type { Scratch, ScratchList } from './scratch.js';

export interface Rejects {
  add(remark: Remark): void;
  /** Reads the file once more, where there is anything to write; the path then. */
  write(rows: AsyncIterable<TableRow>): Promise<string | null>;
}

/** What follows from the worst of a row's reasons. */
const EFFECTS: readonly Remark['effect'][] = ['row rejected', 'row repeated', 'number left out', 'kept'];
/** Reasons come in no order, from rows and later from contacts; those of so many lines are sorted in memory together. */
const RANGE = 20_000;

export function openRejects(path: string, delimiter: string, scratch: Pick<Scratch, 'list'>): Rejects {
  const ranges = new Map<number, ScratchList>();
  const rangeOf = (line: number): number => Math.floor(line / RANGE);

  async function reasonsIn(range: number): Promise<Map<number, Remark[]>> {
    const reasons = new Map<number, Remark[]>();
    for await (const value of ranges.get(range)?.read() ?? []) {
      // It was put there by `add`.
      const remark = value as Remark;
      reasons.set(remark.line, [...(reasons.get(remark.line) ?? []), remark]);
    }
    return reasons;
  }

  return {
    add: (remark) => {
      const range = rangeOf(remark.line);
      const list = ranges.get(range) ?? scratch.list(`rejects-${range}`);
      ranges.set(range, list);
      list.add(remark);
    },
    write: async (rows) => {
      if (ranges.size === 0) return null;
      let head: readonly string[] | null = null;
      // A reject file that is imported has reasons of its own run.
      let kept: readonly number[] = [];
      let width = 0;
      const table = openRejectTable(path, delimiter, () => head);
      let loaded = { range: -1, reasons: new Map<number, Remark[]>() };
      try {
        for await (const { line, cells } of rows) {
          if (head === null) {
            const names = cells.map(written);
            width = cells.length;
            kept = names.flatMap((name, index) => (isRejectColumn(name) ? [] : [index]));
            head = [...REJECT_COLUMNS, ...kept.map((index) => names[index] ?? '')];
            continue;
          }
          if (loaded.range !== rangeOf(line)) loaded = { range: rangeOf(line), reasons: await reasonsIn(rangeOf(line)) };
          const reasons = loaded.reasons.get(line);
          if (reasons === undefined) continue;
          const row = [...kept.map((index) => cells[index]), ...cells.slice(width)].map(written);
          table.add([String(line), reasonsText(reasons), effectOf(reasons), ...row]);
        }
      } catch (thrown) {
        table.close();
        throw thrown;
      }
      return table.close();
    },
  };
}

const written = (cell: Cell | undefined): string => (typeof cell === 'string' ? cell : cellText(cell));

const effectOf = (reasons: readonly Remark[]): string => EFFECTS.find((effect) => reasons.some((one) => one.effect === effect)) ?? 'kept';

function reasonsText(reasons: readonly Remark[]): string {
  const texts = reasons.map(({ column, value, reason }) => (column === '' ? reason : `${column} "${value}": ${reason}`));
  return [...new Set(texts)].join(' | ');
}
