/** `suppress import`: a list of any size, read as a stream and written in groups; what is not understood is said by its line. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { EXIT, SpeechAiError, messageOf, type ExitCode } from '../domain/errors.js';
import { columnsOf, expiryOf, personOf, phoneOf, whoIs, type Columns } from '../domain/suppression-entry.js';
import type { Entry } from '../store/suppression-admin.js';
import { printJson, say } from './output.js';
import type { Session } from './session.js';
import { entryFor, expiryOrExit, scopeOrExit, suppressionAdmin, type Scope, type ScopeOptions } from './suppress-act.js';
import { cellsOf, linesOf } from './suppress-lines.js';

export interface ImportOptions extends ScopeOptions {
  readonly reason: string;
  readonly evidence?: string;
  readonly expires?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface Defaults {
  readonly reason: string;
  readonly evidence: string;
  readonly expiresAt: Date | null;
  readonly by: string;
  readonly zone: string;
  readonly now: Date;
}

const GROUP = 500;
const SAID = 20;
const FIRST_COLUMN: Columns = { phone: null, person: null, reason: null, expires: null };

export async function importSuppressions(session: Session, file: string, options: ImportOptions): Promise<ExitCode> {
  const scope = await scopeOrExit(session, options);
  const defaults: Defaults = {
    reason: options.reason,
    evidence: options.evidence ?? basename(file),
    expiresAt: expiryOrExit(session, options.expires),
    by: session.by,
    zone: session.policy.defaultTimezone,
    now: session.store.time.now(),
  };
  await refuseBinary(file);
  const counts = { lines: 0, added: 0, renewed: 0, rejected: 0 };
  const reject = (line: number, why: string): void => {
    counts.rejected += 1;
    if (counts.rejected <= SAID) say(`line ${String(line)}: ${why}`);
  };
  let group = new Map<string, Entry>();
  const flush = async (): Promise<void> => {
    const entries = [...group.values()];
    group = new Map();
    if (options.dryRun === true) {
      counts.added += entries.length;
      return;
    }
    const { added, renewed } = await suppressionAdmin(session).put(entries);
    counts.added += added;
    counts.renewed += renewed;
  };
  for await (const { cells, line, columns } of records(file, reject)) {
    counts.lines += 1;
    const entries = entriesOf(cells, columns, scope, defaults);
    if (typeof entries === 'string') reject(line, entries);
    else for (const entry of entries) group.set(entry.id, entry);
    if (group.size >= GROUP) await flush();
  }
  await flush();
  if (options.json === true) printJson({ ...counts, dry_run: options.dryRun === true });
  if (counts.rejected > SAID) say(`... and ${String(counts.rejected - SAID)} more lines that are not understood.`);
  say(
    `${options.dryRun === true ? 'Would be imported' : 'Imported'}: ${String(counts.added)} new, ${String(counts.renewed)} renewed, ${String(counts.rejected)} of ${String(counts.lines)} lines rejected.`,
  );
  return counts.rejected === 0 ? EXIT.ok : EXIT.found;
}

/** All who are named by one line, or why there are none. A line with a phone and a person blocks both. */
function entriesOf(cells: readonly string[], columns: Columns, scope: Scope, defaults: Defaults): readonly Entry[] | string {
  const cell = (at: number | null): string => (at === null ? '' : (cells[at] ?? '').trim());
  const untilText = cell(columns.expires);
  const expiresAt = untilText === '' ? defaults.expiresAt : expiryOf(untilText, defaults.now, defaults.zone);
  if (untilText !== '' && expiresAt === null) return 'its expiry is no date';
  const phone = cell(columns.phone);
  const person = cell(columns.person);
  const bare = columns === FIRST_COLUMN ? (cells[0] ?? '').trim() : '';
  const whos = [
    ...(phone === '' ? [] : phone.split(/[;|]/).map((one) => phoneOf(one, scope.country))),
    ...(person === '' ? [] : [personOf(person)]),
    ...(bare === '' ? [] : [whoIs(bare, scope.country)]),
  ];
  if (whos.length === 0) return 'it names nobody';
  const { evidence, by } = defaults;
  const reason = cell(columns.reason) || defaults.reason;
  const entries: Entry[] = [];
  for (const who of whos) {
    // A half-read line would look imported while one of its numbers can still be called.
    if (who === null) return 'it is neither a telephone number (+56..., or --country) nor a RUT or DNI';
    entries.push(entryFor(who, scope, { reason, evidence, expiresAt, by }));
  }
  return entries;
}

interface Line {
  readonly cells: readonly string[];
  readonly line: number;
  readonly columns: Columns;
}

/** Every line that names somebody; the heading is kept for those after it, empty ones are passed over. */
async function* records(file: string, reject: (line: number, why: string) => void): AsyncIterable<Line> {
  let columns: Columns | null = null;
  for await (const { number, text } of linesOf(file)) {
    const cells = text === null ? null : cellsOf(text);
    if (cells === null) {
      reject(number, text === null ? 'it is too long for a line of a list' : 'its quotes do not close');
      continue;
    }
    if (cells.length === 0) continue;
    if (columns === null) {
      columns = columnsOf(cells) ?? FIRST_COLUMN;
      if (columns !== FIRST_COLUMN) continue;
    }
    yield { cells, line: number, columns };
  }
}

/** A spreadsheet or a UTF-16 export read as text would be a list of nobody. */
async function refuseBinary(file: string): Promise<void> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4_096), 0, 4_096, 0);
      if (!buffer.subarray(0, bytesRead).includes(0)) return;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new SpeechAiError('FILE', `${file} cannot be read: ${messageOf(error)}`, { remedy: 'Give a text or CSV file.' });
  }
  throw new SpeechAiError('FILE_BINARY', `${file} is no text file.`, {
    remedy: 'Save the list as CSV in UTF-8 and import that.',
    exitCode: EXIT.usage,
  });
}
