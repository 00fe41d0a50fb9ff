/** One file from its first look to the active batch: told on the terminal, asked before anything is written. */
import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { EXIT, SpeechAiError, messageOf, type ExitCode } from '../domain/errors.js';
import { AT_ANY_HOUR, hoursAdvice } from '../domain/hours-advice.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { packNamed } from '../domain/rules.js';
import { localDate } from '../domain/windows.js';
import { accountZone } from '../domain/zones.js';
import type { Account } from '../domain/account.js';
import type { TableRow } from '../import/cells.js';
import { parseMapping } from '../import/columns.js';
import { addDays } from '../import/dates.js';
import { batchDocument, type BatchPaper } from '../import/documents.js';
import { batchDocumentId, batchIdOf, importIdOf } from '../import/identity.js';
import { NO_SETTINGS, readImportSettings, type ImportSettings } from '../import/import-settings.js';
import { planImport } from '../import/plan.js';
import { csvRows } from '../import/read-csv.js';
import { xlsxRows } from '../import/read-xlsx.js';
import { openRejects } from '../import/rejects.js';
import { openScratch } from '../import/scratch.js';
import { inspectFile, type TableFile } from '../import/table-file.js';
import { writeImport } from '../import/write.js';
import { newToken } from '../runner/ids.js';
import { indexUseOf } from '../runner/policy.js';
import type { ImportStart } from '../store/imports.js';
import { checkIndexes, createIndexes, requireIndexes } from '../store/indexes.js';
import { counted, figuresOf, preview } from './import-preview.js';
import { packsOf } from './job-find.js';
import { untilSignal } from './next-signal.js';
import { confirm, print, printJson, say, snakeKeys } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';

export interface ImportOptions {
  readonly account: string;
  readonly name?: string;
  readonly map: readonly string[];
  readonly settings?: string;
  readonly rejects?: string;
  readonly dryRun?: boolean;
  readonly confirm?: boolean;
  readonly yes?: boolean;
  readonly allowDuplicates?: boolean;
  readonly json?: boolean;
}

const PROGRESS_MS = 1_000;

export async function importFile(session: Session, path: string, options: ImportOptions): Promise<ExitCode> {
  const { store, loaded } = session;
  const mappings = options.map.map(parseMapping);
  // Questions of an import name the indexes they rest on, and the first import may well come before the first daemon.
  const use = indexUseOf(loaded.settings);
  requireIndexes(
    loaded.settings.env === 'production' ? await checkIndexes(store.connection, use) : await createIndexes(store.connection, use),
  );
  const account = await accountOf(session, options.account);
  const settings = options.settings === undefined ? NO_SETTINGS : readImportSettings(await textOf(options.settings), options.settings);
  const file = await inspectFile(path, loaded.settings.limits.importMaxMb);
  const name = options.name ?? basename(path, extname(path));
  const importId = importIdOf(file.fingerprint, account.id, name);
  const before = await store.imports.find(batchDocumentId(importId));
  if (before?.kind === 'done') return tellDone(options, importId, before);

  const figures = figuresOf(account.country);
  const paper = paperOf(session, account, name, importId, settings);
  refuseClosedBatch(paper);
  const rejectPath = options.rejects ?? `${path}.rejects.csv`;
  refuseSamePath(path, rejectPath);
  const scratch = openScratch(file.bytes);
  const rejects = openRejects(rejectPath, file.kind === 'csv' ? file.delimiter : ';', scratch);
  try {
    const progress = progressEvery(session);
    const plan = await planImport(rowsOf(file), scratch, {
      account,
      mappings,
      allowDuplicates: options.allowDuplicates === true,
      settings,
      store,
      now: paper.createdAt,
      today: paper.today,
      rejects,
      progress: (phase, n) => progress(`${phase} ${figures(n)} ${phase === 'read' ? 'rows' : 'contacts'}`),
    });
    const rejectFile = await rejects.write(rowsOf(file));
    const advice = await adviceFor(session, paper);
    const facts = {
      import_id: importId,
      file: file.name,
      encoding: file.kind === 'csv' ? file.encoding : null,
      counts: snakeKeys(plan.counts, ['missing', 'reasons', 'kept']),
      advice,
      ignored_columns: plan.columns.ignored,
      rejects: rejectFile,
    };
    if (options.json !== true) await preview({ file, plan, rejectFile, figures, advice });
    if (plan.counts.contacts === 0) {
      if (options.json === true) printJson({ ...facts, state: 'refused' });
      throw new SpeechAiError('IMPORT_EMPTY', 'Not one contact of the file can be called.', {
        remedy: rejectFile === null ? 'Look at the file.' : `The reasons are in ${rejectFile}.`,
      });
    }
    if (options.dryRun === true) {
      if (options.json === true) printJson({ ...facts, state: 'dry_run' });
      else say('Nothing was written: this was a dry run.');
      return plan.counts.rejectedRows + plan.counts.droppedNumbers > 0 ? EXIT.found : EXIT.ok;
    }
    const consent = { yes: options.confirm === true || options.yes === true };
    if (
      !(await confirm(
        `Write ${counted(figures, plan.counts.contacts, 'contact')} as the batch "${name}" of ${account.id}, to be called from now on${advice.includes(AT_ANY_HOUR) ? ', at any hour of every day' : ''}?`,
        consent,
      ))
    ) {
      say('Nothing was written.');
      return EXIT.failed;
    }
    const left = `Stopped: the batch "${name}" is not complete, and nobody of it is called. The same import run again completes it.`;
    const written = await untilSignal(
      () => left,
      () =>
        writeImport({
          imports: store.imports,
          paper,
          total: plan.counts.contacts,
          accepted: plan.accepted,
          run: newToken(paper.createdAt),
          progress: (n) => progress(`written ${figures(n)} of ${counted(figures, plan.counts.contacts, 'job')}`),
        }),
    );
    if (written.kind === 'done') return tellDone(options, importId, written);
    if (options.json === true) printJson({ ...facts, state: written.kind, batch_id: written.batchId, jobs: written.jobs });
    else
      print(
        `${written.batchId}  ${count(written.jobs, 'job')}${written.kind === 'resumed' ? ' (an interrupted run was begun afresh)' : ''}`,
      );
    return EXIT.ok;
  } finally {
    scratch.remove();
  }
}

async function accountOf({ store }: Session, id: string): Promise<Account> {
  const [doc] = await store.campaigns.accounts([id]);
  if (doc !== undefined) return readAccount(doc);
  throw new SpeechAiError('NO_SUCH_ACCOUNT', `There is no account "${id}".`, {
    remedy: '`speechai account list` shows those that are there.',
    exitCode: EXIT.usage,
  });
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw new SpeechAiError('IMPORT_SETTINGS', `${path} cannot be read: ${messageOf(thrown)}`, {
      remedy: 'Give the path of a JSON file.',
      exitCode: EXIT.usage,
    });
  }
}

function paperOf({ store, policy }: Session, account: Account, name: string, importId: string, settings: ImportSettings): BatchPaper {
  const createdAt = store.time.now();
  const today = localDate(createdAt, accountZone(account, policy).name);
  const ahead = (days: number | null): string | null => (days === null ? null : addDays(today, days));
  return {
    batchId: batchIdOf(importId, createdAt),
    importId,
    account,
    name,
    createdAt,
    settings,
    today,
    dates: { due: ahead(settings.dueInDays), max: ahead(settings.maxInDays) },
  };
}

/** Settings that the daemon will not understand would close the batch after the import; they are refused before it. */
function refuseClosedBatch(paper: BatchPaper): void {
  const { problems } = readBatch({ ...batchDocument(paper, 0), is_active: true });
  if (problems.length === 0) return;
  throw new SpeechAiError('IMPORT_SETTINGS', `With these settings nothing of the batch could be dialled: ${problems.join('; ')}.`, {
    remedy: 'Correct the settings file.',
    exitCode: EXIT.usage,
  });
}

function rowsOf(file: TableFile): AsyncIterable<TableRow> {
  return file.kind === 'xlsx' ? xlsxRows(file) : csvRows(file);
}

async function adviceFor(session: Session, paper: BatchPaper): Promise<readonly string[]> {
  const batch = readBatch(batchDocument(paper, 0));
  return hoursAdvice(batch, packNamed(batch.rules ?? session.policy.defaultRules, paper.account.country, await packsOf(session)));
}

/** The file is read once more while its rejects are written. */
function refuseSamePath(path: string, rejects: string): void {
  if (resolve(path) !== resolve(rejects)) return;
  throw new SpeechAiError('IMPORT_REJECTS', 'The rejects would be written over the file itself.', {
    remedy: 'Name another place with --rejects FILE.',
    exitCode: EXIT.usage,
  });
}

function tellDone({ json, dryRun }: ImportOptions, importId: string, done: Extract<ImportStart, { kind: 'done' }>): ExitCode {
  const { batchId, jobs, createdAt: at } = done;
  if (json === true) printJson({ import_id: importId, state: 'already_imported', batch_id: batchId, jobs, created_at: at });
  else {
    print(`${batchId}  ${count(jobs, 'job')}`);
    say(
      `This file was imported for this account under this name on ${at.toISOString()}; ${dryRun === true ? 'an import would write nothing' : 'nothing was written'}. Another --name imports it again.`,
    );
  }
  return EXIT.ok;
}

/** One line a second is enough for a person, and for the log of a job that nobody watches. */
function progressEvery({ clock }: Session): (text: string) => void {
  let last = clock.mark();
  return (text) => {
    if (clock.elapsedMs(last) < PROGRESS_MS) return;
    last = clock.mark();
    say(text);
  };
}
