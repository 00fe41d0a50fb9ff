/** `speechai db archive` and `speechai db unarchive`: the history of campaigns that are over, out of the database into files, and back. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { checkArchive } from '../archive/file.js';
import { finish, moveBack, moveOut, whyNot, type Progress } from '../archive/move.js';
import { archivedText, readArchived } from '../domain/archived.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { lookBackMs } from '../domain/limits.js';
import { createArchive, type ArchiveStore, type Standing } from '../store/archive.js';
import { createBatchAdmin } from '../store/batch-admin.js';
import { packsOf } from './job-find.js';
import { confirm, print, printJson, say } from './output.js';
import { withSession, type Session } from './session.js';
import { count } from './settings.js';

export interface ArchiveOptions {
  readonly to?: string;
  readonly batch?: readonly string[];
  readonly olderThan: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

interface Candidate {
  readonly batch: string;
  readonly standing: Standing;
}

interface Line {
  readonly batch_id: string;
  readonly jobs: number;
  readonly calls: number;
  readonly last_at_work: Date | null;
  /** null: a dry run. */
  readonly file: string | null;
}

const DAY_MS = 86_400_000;
const TOLD_EVERY = 20_000;

export function archiveCommand(options: ArchiveOptions, command: Command): Promise<ExitCode> {
  return withSession(command, (session) => archive(session, options));
}

async function archive(session: Session, options: ArchiveOptions): Promise<ExitCode> {
  const { store } = session;
  const dryRun = options.dryRun === true;
  const folder = dryRun ? null : await folderOrExit(options.to);
  const at = store.time.now();
  const olderThan = new Date(at.getTime() - options.olderThan * DAY_MS);
  await refuseTooYoung(session, options.olderThan);
  const archives = createArchive(store.connection);
  const { found, left } = await candidates(session, archives, options.batch ?? null, olderThan);
  const sum = (of: (standing: Standing) => number): number => found.reduce((n, { standing }) => n + of(standing), 0);
  const what = `${count(sum(({ jobs }) => jobs), 'job')} and ${count(sum(({ calls }) => calls), 'call')} of ${batchesText(found.length)}`; // prettier-ignore
  if (left > 0) say(`${batchesText(left)} not taken: not over, or at work within ${options.olderThan} days.`);
  if (folder === null || found.length === 0) {
    tell(options, found.map((one) => lineOf(one, null))); // prettier-ignore
    if (found.length > 0) say(`Without --dry-run ${what} would be moved out.`);
    return EXIT.ok;
  }
  if (!(await confirm(`Move ${what} out of the database into ${folder}?`, { yes: options.yes === true }))) return EXIT.failed;
  const lines: Line[] = [];
  for (const one of found) {
    const order = { batch: one.batch, folder, id: randomBytes(9).toString('hex'), by: session.by, database: store.connection.db.databaseName, at }; // prettier-ignore
    const moved = await moveOut(archives, order, progressOf(one.batch));
    lines.push(lineOf(one, moved.file));
    say(`${one.batch}: ${count(moved.jobs, 'job')} and ${count(moved.calls, 'call')} moved out into ${moved.file}`);
  }
  tell(options, lines);
  return EXIT.ok;
}

/** Interrupted ones are finished on the way, whoever is asked for: between file and database is no place to stay. */
async function candidates(
  session: Session,
  archives: ArchiveStore,
  asked: readonly string[] | null,
  olderThan: Date,
): Promise<{ readonly found: readonly Candidate[]; readonly left: number }> {
  const found: Candidate[] = [];
  const admin = createBatchAdmin(session.store.connection);
  let left = 0;
  for (const ref of asked ?? (await archives.batches())) {
    const doc = await admin.find(ref);
    const batch = typeof doc?.['batch_id'] === 'string' ? doc['batch_id'] : ref;
    for (const entry of readArchived(doc?.['archived'])) {
      if (entry.done) continue;
      say(`${batch}: ${archivedText(entry)}; it is finished now.`);
      await finish(archives, batch, entry, progressOf(batch));
    }
    const standing = await archives.standing(batch);
    const why = whyNot(standing, olderThan);
    if (why === null) found.push({ batch, standing });
    else if (asked === null) left += standing.jobs + standing.calls === 0 ? 0 : 1;
    else {
      throw new SpeechAiError('NOT_TO_ARCHIVE', `${batch} stays where it is: ${why}.`, {
        remedy: 'Only what is over goes: `batch cancel` ends what waits, --older-than takes what is younger.',
      });
    }
  }
  return { found, left };
}

/** Rules count earlier calls: those that they count must stay. */
async function refuseTooYoung(session: Session, days: number): Promise<void> {
  const least = Math.ceil(lookBackMs(await packsOf(session), session.policy.minRedialMs) / DAY_MS);
  if (days >= least) return;
  throw new SpeechAiError('TOO_YOUNG', `Calls of the last ${least} days are still counted by the rules, so they stay.`, {
    remedy: `Give --older-than ${least} or more.`,
    exitCode: EXIT.usage,
  });
}

async function folderOrExit(to: string | undefined): Promise<string> {
  const folder = to === undefined ? null : resolve(to);
  const there = folder === null ? null : await stat(folder).catch(() => null);
  if (folder !== null && there?.isDirectory() === true) return folder;
  throw new SpeechAiError('NO_FOLDER', folder === null ? 'Say where the files go.' : `There is no folder ${folder}.`, {
    remedy: 'Give --to an existing folder, best on another disk; --dry-run shows what would go.',
    exitCode: EXIT.usage,
  });
}

const lineOf = ({ batch, standing }: Candidate, file: string | null): Line => ({
  batch_id: batch,
  jobs: standing.jobs,
  calls: standing.calls,
  last_at_work: standing.last,
  file,
});

function tell({ json }: ArchiveOptions, lines: readonly Line[]): void {
  if (json === true) printJson(lines);
  else if (lines.length === 0) print('nothing to archive');
  else {
    for (const { batch_id, jobs, calls, last_at_work, file } of lines) {
      print([batch_id, count(jobs, 'job'), count(calls, 'call'), `last at work ${last_at_work?.toISOString() ?? 'never'}`, ...(file === null ? [] : [file])].join('\t')); // prettier-ignore
    }
  }
}

export interface UnarchiveOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function unarchiveCommand(path: string, options: UnarchiveOptions, command: Command): Promise<ExitCode> {
  return withSession(command, async (session) => {
    const { header, counts } = await checkArchive(path);
    const database = session.store.connection.db.databaseName;
    const origin = header.database === database ? '' : ` (it comes from the database ${header.database})`;
    const question = `Put ${count(counts.jobs, 'job')} and ${count(counts.attempts, 'call')} of ${header.batch} back into ${database}?${origin}`;
    if (!(await confirm(question, { yes: options.yes === true }))) return EXIT.failed;
    const { restored, ...moved } = await moveBack(createArchive(session.store.connection), path, progressOf(header.batch));
    if (options.json === true) printJson({ batch_id: header.batch, ...moved, documents_restored: restored });
    say(`${header.batch}: ${count(restored, 'document')} put back. The file stays; it is not needed any more.`);
    return EXIT.ok;
  });
}

function progressOf(batch: string): Progress {
  let [documents, told] = [0, TOLD_EVERY];
  return (more) => {
    documents += more;
    if (documents < told) return;
    told += TOLD_EVERY;
    say(`${batch}: ${documents} documents ...`);
  };
}

const batchesText = (n: number): string => (n === 1 ? '1 batch' : `${n} batches`);
