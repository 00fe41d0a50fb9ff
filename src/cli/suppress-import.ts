/** `suppress import`: a list of any size, read as a stream and written in groups; what is not understood is said by its line. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { EXIT, SpeechAiError, messageOf, type ExitCode } from '../domain/errors.js';
import { columnsOf, expiryOf, personOf, phoneOf, whoIs, type Columns, type Who } from '../domain/suppression-entry.js';
import { openRejectTable } from '../import/reject-table.js';
import type { Entry } from '../store/suppression-admin.js';
import { printJson, say } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';
import { entriesFor, expiryOrExit, scopeOrExit, suppressionAdmin, type Scope, type ScopeOptions } from './suppress-act.js';
import { cellsOf, delimiterOf, linesOf } from './suppress-lines.js';

export interface ImportOptions extends ScopeOptions {
  readonly reason: string;
  readonly evidence?: string;
  readonly expires?: string;
  readonly rejects?: string;
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
  const counts = { lines: 0, added: 0, renewed: 0, rejected: 0, unread_expiry: 0, past_expiry: 0, wrong_check_digit: 0 };
  let said = 0;
  const tell = (line: number, why: string): void => {
    said += 1;
    if (said <= SAID) say(`line ${String(line)}: ${why}`);
  };
  let heading: readonly string[] | null = null;
  const delimiter = await delimiterOf(file);
  const table = openRejectTable(options.rejects ?? `${file}.rejects.csv`, delimiter, () =>
    heading === null ? null : [...heading, 'rejected_line', 'rejected_why'],
  );
  const list = (line: number, why: string, cells: readonly string[]): void => {
    tell(line, why);
    table.add([...cells, ...Array<string>(Math.max(0, (heading ?? []).length - cells.length)).fill(''), String(line), why]);
  };
  const reject = (line: number, why: string, cells: readonly string[]): void => {
    counts.rejected += 1;
    list(line, why, cells);
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
  let rejects: string | null = null;
  try {
    for await (const { cells, line, columns } of records(file, reject, (names) => (heading = names))) {
      counts.lines += 1;
      const reading = entriesOf(cells, columns, scope, defaults);
      if (typeof reading === 'string') {
        reject(line, reading, cells);
        continue;
      }
      for (const entry of reading.entries) group.set(entry.id, entry);
      for (const warning of reading.warnings) tell(line, `${warning}; blocked all the same`);
      counts.wrong_check_digit += reading.warnings.length;
      if (reading.expiry === 'unread') {
        counts.unread_expiry += 1;
        list(line, 'its expiry is not a valid date; blocked forever', cells);
      }
      if (reading.expiry === 'past') {
        counts.past_expiry += 1;
        tell(line, 'its expiry is past, so it blocks nobody');
      }
      if (group.size >= GROUP) await flush();
    }
    await flush();
  } finally {
    rejects = table.close();
  }
  if (options.json === true) printJson({ ...counts, rejects, dry_run: options.dryRun === true });
  if (said > SAID) say(`... and ${String(said - SAID)} more remarks.`);
  const odd = [
    ...(counts.unread_expiry === 0 ? [] : [`${String(counts.unread_expiry)} blocked forever, because their expiry is not a valid date`]),
    ...(counts.past_expiry === 0 ? [] : [`${String(counts.past_expiry)} expired already`]),
    ...(counts.wrong_check_digit === 0 ? [] : [`${String(counts.wrong_check_digit)} with a wrong check digit, blocked all the same`]),
  ];
  say(
    `${options.dryRun === true ? 'Would be imported' : 'Imported'}: ${String(counts.added)} new, ${String(counts.renewed)} renewed, ${String(counts.rejected)} of ${count(counts.lines, 'line')} rejected${odd.map((one) => `; ${one}`).join('')}.`,
  );
  if (rejects !== null) say(`These lines with their reasons, to correct and import again: ${rejects}`);
  return counts.rejected + counts.unread_expiry === 0 ? EXIT.ok : EXIT.found;
}

interface Reading {
  readonly entries: readonly Entry[];
  readonly warnings: readonly string[];
  readonly expiry: 'fine' | 'unread' | 'past';
}

/** All who are named by one line, or why there are none. A line with a phone and a person blocks both. */
function entriesOf(cells: readonly string[], columns: Columns, scope: Scope, defaults: Defaults): Reading | string {
  const cell = (at: number | null): string => (at === null ? '' : (cells[at] ?? '').trim());
  const untilText = cell(columns.expires);
  const read = untilText === '' ? defaults.expiresAt : expiryOf(untilText, defaults.now, defaults.zone);
  const phone = cell(columns.phone);
  const person = cell(columns.person);
  const bare = columns === FIRST_COLUMN ? (cells[0] ?? '').trim() : '';
  const whos = [
    ...(phone === '' ? [] : phone.split(/[;|]/).map((one) => phoneOf(one, scope.country))),
    ...(person === '' ? [] : [personOf(person, scope.country)]),
    ...(bare === '' ? [] : [whoIs(bare, scope.country)]),
  ];
  if (whos.length === 0) return 'it names nobody';
  const understood = whos.filter((who): who is Who => who !== null);
  // A half-read line would look imported while one of its numbers can still be called.
  if (understood.length < whos.length) return 'it is neither a telephone number (+56..., or --country) nor a RUT or DNI';
  const { evidence, by } = defaults;
  const reason = cell(columns.reason) || defaults.reason;
  return {
    // Somebody asked not to be called: a date that nobody can read is no reason to call them.
    entries: understood.flatMap((who) => entriesFor(who, scope, { reason, evidence, expiresAt: read, by })),
    warnings: understood.flatMap(({ warning }) => warning ?? []),
    expiry: untilText !== '' && read === null ? 'unread' : read !== null && read <= defaults.now ? 'past' : 'fine',
  };
}

interface Line {
  readonly cells: readonly string[];
  readonly line: number;
  readonly columns: Columns;
}

/** Every line that names somebody; the heading is kept for those after it, empty ones are passed over. */
async function* records(
  file: string,
  reject: (line: number, why: string, cells: readonly string[]) => void,
  onHeading: (cells: readonly string[]) => void,
): AsyncIterable<Line> {
  let columns: Columns | null = null;
  for await (const { number, text } of linesOf(file)) {
    const cells = text === null ? null : cellsOf(text);
    if (cells === null) {
      reject(number, text === null ? 'it is too long for a line of a list' : 'its quotes do not close', [text ?? '']);
      continue;
    }
    // A spreadsheet is told its separator so.
    if (cells.length === 0 || (columns === null && /^(?:\uFEFF)?sep=.?$/i.test(text ?? ''))) continue;
    if (columns === null) {
      columns = columnsOf(cells) ?? FIRST_COLUMN;
      if (columns !== FIRST_COLUMN) {
        onHeading(cells);
        continue;
      }
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
  throw new SpeechAiError('FILE_BINARY', `${file} is not a text file.`, {
    remedy: 'Save the list as CSV in UTF-8 and import that.',
    exitCode: EXIT.usage,
  });
}
