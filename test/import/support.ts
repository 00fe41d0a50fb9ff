/** Files of an import, in a folder that goes with the test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TableRow } from '../../src/import/cells.js';
import { csvRows } from '../../src/import/read-csv.js';
import { xlsxRows } from '../../src/import/read-xlsx.js';
import { inspectFile } from '../../src/import/table-file.js';

export const folder = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'speechai-test-import-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

export const fileOf = (name: string, content: string | Uint8Array): string => {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return path;
};

export const rowsIn = async (path: string, maxMb = 200): Promise<TableRow[]> => {
  const file = await inspectFile(path, maxMb);
  const rows: TableRow[] = [];
  for await (const row of file.kind === 'xlsx' ? xlsxRows(file) : csvRows(file)) rows.push(row);
  return rows;
};
