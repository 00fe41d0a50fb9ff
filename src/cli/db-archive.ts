/** `speechai db archive`: the history of campaigns that are over, out of the database into files. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { busy, finish, moveOut, StillYoung, whyNot } from '../archive/move.js';
import { archivedText, readArchived, type ArchiveEntry } from '../domain/archived.js';
import { EXIT, messageOf, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { lookBackMs } from '../domain/limits.js';
import { createArchive, type ArchiveStore, type Standing } from '../store/archive.js';
import { createBatchAdmin } from '../store/batch-admin.js';
import type { AnyDocument } from '../store/connection.js';
import { isStale, progressOf, type Doing } from './archive-watch.js';
import { untilSignal } from './next-signal.js';
import { batchOrExit } from './batch-view.js';
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
  readonly last_call: Date | null;
  /** null: a dry run. */
  readonly file: string | null;
}

const DAY_MS = 86_400_000;

export function archiveCommand(options: ArchiveOptions, command: Command): Promise<ExitCode> {
  return withOwnSignals(options, (doing, lines) => withSession(command, (session) => archive(session, options, doing, lines)));
}

/** What was moved out is told, and where the run stands: a death at any moment is gone on with by the next run. */
export function withOwnSignals<T>(options: ArchiveOptions, work: (doing: Doing, lines: Line[]) => Promise<T>): Promise<T> {
  const lines: Line[] = [];
  const doing: Doing = { batch: null, step: null };
  const told = (): string => {
    if (lines.length > 0) tell(options, lines);
    return stoppedText(doing, lines.length);
  };
  return untilSignal(told, () => work(doing, lines));
}

export async function archive(session: Session, options: ArchiveOptions, doing: Doing, lines: Line[]): Promise<ExitCode> {
  const { store } = session;
  const dryRun = options.dryRun === true;
  const folder = dryRun ? null : await folderOrExit(options.to);
  const at = store.time.now();
  const olderThan = new Date(at.getTime() - options.olderThan * DAY_MS);
  await refuseTooYoung(session, options.olderThan);
  const archives = createArchive(store.connection);
  const { found, interrupted, left } = await candidates(session, archives, options.batch ?? null, olderThan);
  const sum = (of: (standing: Standing) => number): number => found.reduce((n, { standing }) => n + of(standing), 0);
  const what = `${count(
    sum(({ jobs }) => jobs),
    'job',
  )} and ${count(
    sum(({ calls }) => calls),
    'call',
  )} of ${batchesText(found.length)}`;
  for (const { batch, entry } of interrupted)
    say(`${batch}: ${archivedText(entry)}; that was interrupted${dryRun ? ', and the next run without --dry-run continues it' : ''}.`);
  if (left > 0) say(`${batchesText(left)} not taken: not over, or at work within ${options.olderThan} days.`);
  if (folder === null || found.length + interrupted.length === 0) {
    tell(
      options,
      found.map((one) => lineOf(one, null)),
    );
    if (found.length + interrupted.length === 0) say('Nothing to archive.');
    if (found.length > 0) say(`Without --dry-run ${what} would be moved out.`);
    return EXIT.ok;
  }
  const also = interrupted.length === 0 ? '' : `Finish ${interrupted.length} interrupted, and move`;
  if (!(await confirm(`${also === '' ? 'Move' : also} ${what} out of the database into ${folder}?`, { yes: options.yes === true })))
    return EXIT.failed;
  let failures = 0;
  const tried = async (batch: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // What one batch has must not keep all others where they are.
      if (!(error instanceof SpeechAiError || error instanceof StillYoung)) throw error;
      failures += 1;
      say(`${batch} stays where it is: ${messageOf(error)}${error instanceof SpeechAiError ? `\n  -> ${error.remedy}` : ''}`);
    }
  };
  try {
    for (const { batch, entry } of interrupted) await tried(batch, () => goOn(archives, batch, entry, doing));
    for (const one of found)
      await tried(one.batch, async () => void lines.push(...(await move(session, archives, one, { folder, at, olderThan, doing }))));
  } finally {
    tell(options, lines);
  }
  return failures === 0 ? EXIT.ok : EXIT.failed;
}

/** Of the batch it was at; those before it are through. */
function stoppedText({ batch, step }: Doing, through: number): string {
  const before = through === 0 ? '' : ` ${batchesText(through)} moved out before.`;
  if (batch === null || step === null) return `Stopped: nothing was begun.${before}`;
  const state =
    step === 'written'
      ? 'its file was being written, and nothing of it is taken'
      : 'its file is whole, and some of what is in it may be taken out of the database already';
  return `Stopped at ${batch}: ${state}.${before} The next \`speechai db archive\` on this machine goes on with it.`;
}

async function move(
  session: Session,
  archives: ArchiveStore,
  { batch }: Candidate,
  { doing, ...where }: { readonly folder: string; readonly at: Date; readonly olderThan: Date; readonly doing: Doing },
): Promise<readonly Line[]> {
  // It may have come to life while somebody made up his mind.
  const standing = await standingOf(session, archives, batch);
  const why = whyNot(standing, where.olderThan);
  if (why !== null) throw stays(batch, why);
  const order = {
    ...where,
    batch,
    id: randomBytes(9).toString('hex'),
    by: session.by,
    host: hostname(),
    pid: process.pid,
    database: session.store.connection.db.databaseName,
  };
  doing.batch = batch;
  doing.step = 'written';
  const moved = await moveOut(archives, order, progressOf(batch, doing));
  doing.step = null;
  if (moved === null) {
    say(`${batch}: nothing of it could be taken, all of it has changed meanwhile.`);
    return [];
  }
  say(`${batch}: ${count(moved.jobs, 'job')} and ${count(moved.calls, 'call')} moved out into ${moved.file}`);
  return [{ batch_id: batch, jobs: moved.jobs, calls: moved.calls, last_call: standing.lastCall, file: moved.file }];
}

/** Between file and database is no place to stay. */
async function goOn(archives: ArchiveStore, batch: string, entry: ArchiveEntry, doing: Doing): Promise<void> {
  if (entry.state === 'writing') {
    await archives.forget(batch, entry.id);
    // A copy of what was not taken: it would look like the history of the batch. Only under a name that we gave: others write to the database too.
    const isOurs = entry.host === hostname() && entry.file.endsWith(`-${entry.id}.jsonl.gz`);
    for (const file of isOurs ? [entry.file, `${entry.file}.part`] : []) await rm(file, { force: true });
    return;
  }
  if (entry.state === 'restoring') {
    throw new SpeechAiError('ARCHIVE_RESTORING', 'its history is being put back, and whoever did that was interrupted.', {
      remedy: `On ${entry.host} run \`speechai db unarchive ${entry.file}\` again.`,
    });
  }
  if (!existsSync(entry.file)) {
    throw new SpeechAiError('ARCHIVE_ELSEWHERE', `its file ${entry.file} was made on ${entry.host}, and is not here.`, {
      remedy: `Run this there, or bring the file to the same place here; what it holds is taken out of the database by the file alone.`,
    });
  }
  doing.batch = batch;
  doing.step = 'taken';
  await finish(archives, batch, entry, progressOf(batch, doing));
  doing.step = null;
  say(`${batch}: finished.`);
}

interface Interrupted {
  readonly batch: string;
  readonly entry: ArchiveEntry;
}

/** Looks, and changes nothing. */
async function candidates(
  session: Session,
  archives: ArchiveStore,
  asked: readonly string[] | null,
  olderThan: Date,
): Promise<{ readonly found: readonly Candidate[]; readonly interrupted: readonly Interrupted[]; readonly left: number }> {
  const found: Candidate[] = [];
  const interrupted: Interrupted[] = [];
  const seen = new Set<string>();
  const admin = createBatchAdmin(session.store.connection);
  let left = 0;
  for (const ref of asked ?? (await archives.batches())) {
    const doc = await admin.find(ref);
    const batch = asked !== null && typeof doc?.['batch_id'] === 'string' ? doc['batch_id'] : ref;
    if (seen.has(batch)) continue;
    seen.add(batch);
    const underWay = readArchived(doc?.['batch_id'] === batch ? doc['archived'] : null).filter(({ state }) => state !== 'done');
    interrupted.push(...underWay.filter((entry) => isStale(session, entry)).map((entry) => ({ batch, entry })));
    const at = underWay.find((entry) => !isStale(session, entry));
    if (at !== undefined) {
      if (asked !== null) throw busy(batch);
      say(`${batch}: ${archivedText(at)}; ${at.by} is at it.`);
    }
    // The rest of one that is finished now goes the next time.
    if (at !== undefined || underWay.some(({ state }) => state !== 'writing')) continue;
    const standing = await standingOf(session, archives, batch);
    const why = whyNot(standing, olderThan);
    const isEmpty = standing.jobs + standing.calls === 0;
    if (why === null) found.push({ batch, standing });
    else if (asked === null) left += isEmpty ? 0 : 1;
    else if (isEmpty) await tellEmpty(session, ref, doc);
    else throw stays(batch, why);
  }
  return { found, interrupted, left };
}

/** Asked for by name: it has been moved already, or there never was such a batch. */
async function tellEmpty(session: Session, ref: string, doc: AnyDocument | null): Promise<void> {
  if (doc === null) await batchOrExit(session, ref);
  const entries = readArchived(doc?.['archived']);
  say(`${ref}: ${entries.length === 0 ? 'it has neither jobs nor calls' : entries.map(archivedText).join('; ')}.`);
}

async function standingOf({ store }: Session, archives: ArchiveStore, batch: string): Promise<Standing> {
  const [doc] = await store.campaigns.batches([batch]);
  const account: unknown = doc?.['account_id'];
  return archives.standing(batch, typeof account === 'string' ? await store.ledgers.holds(account) : []);
}

function stays(batch: string, why: string): SpeechAiError {
  return new SpeechAiError('NOT_TO_ARCHIVE', `${batch} stays where it is: ${why}.`, {
    remedy: 'Only finished batches are archived. Use `batch cancel` to end waiting jobs, or lower --older-than.',
  });
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
  last_call: standing.lastCall,
  file,
});

function tell({ json }: ArchiveOptions, lines: readonly Line[]): void {
  if (json === true) printJson(lines);
  else {
    for (const { batch_id, jobs, calls, last_call, file } of lines) {
      print(
        [
          batch_id,
          count(jobs, 'job'),
          count(calls, 'call'),
          `last call ${last_call?.toISOString() ?? 'never'}`,
          ...(file === null ? [] : [file]),
        ].join('\t'),
      );
    }
  }
}

const batchesText = (n: number): string => (n === 1 ? '1 batch' : `${n} batches`);
