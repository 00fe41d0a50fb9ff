/** `report summary`, `report contacts` and `report calls`. */
import { archivedText, readArchived } from '../domain/archived.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { accountZone } from '../domain/zones.js';
import { CALL_COLUMNS, CONTACT_COLUMNS, TRANSCRIPT_COLUMN, type Column } from '../reports/columns.js';
import { createCounting } from '../reports/figures.js';
import { formatOf, refuseExisting, writeHtml, writeRowFile, writeRows, writeSheets, type RowFormat } from '../reports/files.js';
import { cellText, periodText, sectionsOf, type About } from '../reports/sections.js';
import { createBatchAdmin } from '../store/batch-admin.js';
import type { AnyDocument } from '../store/connection.js';
import { createReportReads, type Period, type ReportScope } from '../store/reports.js';
import { accountOrExit, dateOrExit } from './account-view.js';
import { print, printJson, printTable, say, snakeKeys } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';
import { refuseUnknown as refuseUnknownStatus, STATUSES } from './statuses.js';

interface ScopeOptions {
  readonly batch?: readonly string[];
  readonly account?: string;
  readonly since?: string;
  readonly until?: string;
}

export interface ReportOptions extends ScopeOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export interface RowsOptions extends ReportOptions {
  readonly status?: readonly string[];
  readonly transcripts?: boolean;
}

interface Asked {
  readonly scope: ReportScope;
  readonly period: Period;
  readonly title: string;
}

const TOLD_EVERY = 50_000;
const ROW_FORMATS: readonly RowFormat[] = ['csv', 'jsonl', 'xlsx'];

export async function reportSummary(session: Session, options: ReportOptions): Promise<ExitCode> {
  const format = options.out === undefined ? null : formatOf(options.out, ['html', 'xlsx']);
  if (options.out !== undefined) refuseExisting(options.out, options.force === true);
  const { scope, period, title } = await askedFor(session, options);
  const reads = createReportReads(session.store.connection);
  const counting = createCounting();
  for await (const job of reads.jobs(scope, { statuses: [], transcripts: false })) counting.job(job);
  for await (const call of reads.calls(scope, period)) counting.call(call);
  const figures = counting.figures();
  const about: About = { title, ...period, at: session.store.time.now() };
  if (options.out !== undefined) {
    const sections = sectionsOf(figures);
    await (format === 'html' ? writeHtml(options.out, about, sections) : writeSheets(options.out, sections));
    say(`${options.out}: written.`);
  } else if (options.json === true) {
    printJson({ title, since: period.since, until: period.until, at: about.at, ...(snakeKeys(figures, ['byStatus']) as object) });
  } else {
    print(`${title}: ${periodText(about)}`);
    for (const { title: heading, head, rows } of sectionsOf(figures)) {
      if (rows.length === 0) continue;
      print(`\n${heading}`);
      await printTable(
        head,
        rows.map((row) => row.map(cellText)),
      );
    }
  }
  return EXIT.ok;
}

export async function reportContacts(session: Session, options: RowsOptions): Promise<ExitCode> {
  const columns = options.transcripts === true ? [...CONTACT_COLUMNS, TRANSCRIPT_COLUMN] : CONTACT_COLUMNS;
  const reads = createReportReads(session.store.connection);
  return rows(session, options, columns, async ({ scope }) => {
    for (const status of options.status ?? []) {
      const isKnown = STATUSES.includes(status) || (await anyOf(reads.jobs(scope, { statuses: [status], transcripts: false })));
      if (!isKnown) refuseUnknownStatus([status]);
    }
    return reads.jobs(scope, { statuses: statusesOf(options), transcripts: options.transcripts === true });
  });
}

async function anyOf(from: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of from) return true;
  return false;
}

export async function reportCalls(session: Session, options: RowsOptions): Promise<ExitCode> {
  return rows(session, options, CALL_COLUMNS, ({ scope, period }) =>
    Promise.resolve(createReportReads(session.store.connection).calls(scope, period)),
  );
}

async function rows<T>(
  session: Session,
  options: RowsOptions,
  columns: readonly Column<T>[],
  read: (asked: Asked) => Promise<AsyncIterable<T>>,
): Promise<ExitCode> {
  const { out } = options;
  const format = out === undefined ? null : formatOf(out, ROW_FORMATS);
  if (out !== undefined) refuseExisting(out, options.force === true);
  const found = told(await read(await askedFor(session, options)));
  if (out === undefined || format === null) {
    await writeRows(process.stdout, options.json === true ? 'jsonl' : 'csv', columns, found);
    return EXIT.ok;
  }
  say(`${out}: ${count(await writeRowFile(out, format, columns, found), 'row')} written.`);
  return EXIT.ok;
}

/** Installations write one of the two for the same. */
const DONE = ['done', 'completed'];

function statusesOf({ status = [] }: RowsOptions): readonly string[] {
  return status.some((one) => DONE.includes(one)) ? [...new Set([...status, ...DONE])] : status;
}

/** Half a million rows take a while. */
async function* told<T>(from: AsyncIterable<T>): AsyncGenerator<T> {
  let read = 0;
  for await (const one of from) {
    read += 1;
    if (read % TOLD_EVERY === 0) say(`${String(read)} rows ...`);
    yield one;
  }
}

async function askedFor(session: Session, options: ReportOptions): Promise<Asked> {
  const { batch = [], account } = options;
  if (options.json === true && options.out !== undefined) {
    throw new SpeechAiError('JSON_OR_FILE', '--json writes to standard output, --out a file of the kind that its name ends in.', {
      remedy: 'Leave one of them out.',
      exitCode: EXIT.usage,
    });
  }
  if ((batch.length === 0) === (account === undefined)) {
    throw new SpeechAiError('WHICH_REPORT', 'Say of what: --batch or --account.', {
      remedy: '`speechai batch list` and `speechai account list` show what there is.',
      exitCode: EXIT.usage,
    });
  }
  const admin = createBatchAdmin(session.store.connection);
  if (account !== undefined) {
    const found = await accountOrExit(session, account);
    const zone = accountZone(found.account, session.policy).name;
    for (const doc of await admin.list({ account: found.account.id }, 0)) tellArchived(readBatch(doc).id ?? '', doc);
    return { scope: { account: found.account.id }, period: periodIn(options, zone), title: `Account ${found.account.name}` };
  }
  const found = await Promise.all(batch.map(async (ref) => ({ ref, doc: await admin.find(ref) })));
  // One that was deleted is still asked for by its calls.
  const ids = found.map(({ ref, doc }) => (doc === null ? ref : (readBatch(doc).id ?? ref)));
  await refuseUnknown(
    session,
    found.flatMap(({ ref, doc }) => (doc === null ? [ref] : [])),
  );
  for (const { ref, doc } of found) tellArchived(ref, doc);
  const names = found.map(({ ref, doc }) => (doc === null ? ref : readBatch(doc).name));
  const first = found.flatMap(({ doc }) => (doc === null ? [] : (readBatch(doc).account ?? [])))[0];
  const [owner] = first === undefined ? [] : await session.store.campaigns.accounts([first]);
  const zone = accountZone(owner === undefined ? 'missing' : readAccount(owner), session.policy).name;
  return {
    scope: { batches: ids },
    period: periodIn(options, zone),
    title: `${names.length === 1 ? 'Batch' : 'Batches'} ${names.join(', ')}`,
  };
}

/** What is missing is said, not counted as nothing. */
function tellArchived(batch: string, doc: AnyDocument | null): void {
  for (const entry of readArchived(doc?.['archived'])) {
    if (entry.state === 'done') say(`${batch}: ${archivedText(entry)}, and are not in this report.`);
    else if (entry.state !== 'writing') say(`${batch}: ${archivedText(entry)}: this report is not complete.`);
  }
}

async function refuseUnknown(session: Session, refs: readonly string[]): Promise<void> {
  const reads = createReportReads(session.store.connection);
  for (const ref of refs) {
    if (await reads.knows(ref)) continue;
    throw new SpeechAiError('NO_SUCH_BATCH', `There is no batch ${ref}, and no call or job of one.`, {
      remedy: 'Give its batch_id or its _id; `speechai batch list` shows them.',
    });
  }
}

function periodIn(options: ScopeOptions, zone: string): Period {
  const since = options.since === undefined ? null : dateOrExit('--since', options.since, zone);
  const until = options.until === undefined ? null : dateOrExit('--until', options.until, zone, 'is over');
  if (since === null || until === null || since < until) return { since, until };
  throw new SpeechAiError('DATE', `Nothing lies between ${since.toISOString()} and ${until.toISOString()}.`, {
    remedy: 'Give --since the earlier of the two.',
    exitCode: EXIT.usage,
  });
}
