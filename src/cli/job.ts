/** `speechai job`: one contact to call, from its adding to its end. */
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import type { NewJob } from '../domain/new-job.js';
import type { Connection } from '../store/connection.js';
import type { JobAct } from '../store/job-admin.js';
import { readAmount } from '../import/amounts.js';
import { reportFailure, runAction } from './errors.js';
import type { Report } from './job-act.js';
import { aboveZero } from './numbers.js';
import { confirm, print, printJson, printTable, say, snakeKeys } from './output.js';
import { withSession } from './session.js';
import { count } from './settings.js';
import { refuseUnknown, STATUSES } from './statuses.js';

export function registerJob(program: Command): void {
  const job = program.command('job').description('one contact to call: add, look at, move');
  registerAdd(job);
  registerLooks(job);
  act(job, 'suspend', 'set jobs aside until somebody resumes them', 'suspend job_acc-1_20261121_101500_0a1b2c3d --reason "wrong amount"');
  act(job, 'resume', 'let suspended jobs go on where they stood', 'resume job_acc-1_20261121_101500_0a1b2c3d');
  act(job, 'cancel', 'end jobs for good', 'cancel job_acc-1_20261121_101500_0a1b2c3d --hang-up');
  act(
    job,
    'retry',
    'make jobs due now that failed, are suspended or cancelled, or wait out a delay; hours and limits are judged as ever',
    'retry job_acc-1_20261121_101500_0a1b2c3d --reset-attempts --yes',
  );
  job
    .command('release <id...>')
    .description('give back jobs that are stuck in progress, after looking whether their call may be live')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nAn ID is a job_id or an _id.\n\nExample:\n  $ speechai job release job_acc-1_20261121_101500_0a1b2c3d')
    .action(runAction(release));
}

interface AddFlags {
  readonly account: string;
  readonly phone: readonly string[];
  readonly batch?: string;
  readonly name?: string;
  readonly dni?: string;
  readonly amount?: number;
  readonly due?: string;
  readonly company?: string;
  readonly field?: readonly (readonly [string, string])[];
  readonly maxAttempts?: number;
  readonly queue?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

function registerAdd(job: Command): void {
  job
    .command('add')
    .description('add one contact; a contact that is in the batch already is not added again')
    .requiredOption('--account <id>', 'who pays for the call')
    .requiredOption('--phone <number>', 'a number to dial, best as +56912345678; give it again for the next best', collect)
    .option('--batch <id>', 'the batch it belongs to; without one it is a batch of its own')
    .option('--name <name>', 'of the contact')
    .option('--dni <id>', 'RUT or DNI: one person has one call at a time')
    .option('--amount <pesos>', 'amount owed, as imports read it: 104050, 104.050, 1.234,50', money)
    .option('--due <date>', 'pay without surcharge until: 2026-11-30, 30-11-2026, 30-nov-2026')
    .option('--company <name>', 'for whom the agent calls')
    .option('--field <name=value>', 'another value for the prompt; may be given again', collectField)
    .option('--max-attempts <n>', 'calls at most, where batch and installation say nothing', aboveZero)
    .option('--queue <name>', 'only daemons that serve this queue call it')
    .option('--dry-run', 'check everything, write nothing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ speechai job add --account acc-1 --phone +56911112222 --name "Ana Prueba" --dni 12345678-5 --amount 104050',
    )
    .action(runAction(add));
}

function registerLooks(job: Command): void {
  job
    .command('show <id>')
    .description('the story of a job: every call, what Retell said, what the last one brought, what was decided and why, what is next')
    .option('--transcript', 'with what was said in the last call')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nAn ID is a job_id or an _id.\n\nExample:\n  $ speechai job show job_acc-1_20261121_101500_0a1b2c3d')
    .action(runAction(show));
  job
    .command('list')
    .description('jobs, filtered')
    .option('--batch <id>', 'of this batch')
    .option('--account <id>', 'of this account')
    .option('--status <status>', `${STATUSES.join(', ')}, or one of another program`)
    .option('--reason <text>', 'suspended for this reason (no_credit, operator...), or with this in their last error')
    .option('--limit <n>', `at most so many (default ${TABLE_ROWS}, with --json all)`, aboveZero)
    .option('--json', 'one JSON object per line, as they are read')
    .addHelpText('after', '\nExample:\n  $ speechai job list --status suspended --reason no_credit --json | wc -l')
    .action(runAction(list, { onlyPrints: true }));
}

interface ActFlags {
  readonly reason?: string;
  readonly hangUp?: boolean;
  readonly resetAttempts?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

function act(job: Command, name: JobAct, description: string, example: string): void {
  const command = job
    .command(`${name} <id...>`)
    .description(description)
    .option('--reason <text>', 'kept with the job')
    .option('--json', 'as JSON')
    .addHelpText('after', `\nAn ID is a job_id or an _id.\n\nExample:\n  $ speechai job ${example}`)
    .action(runAction((ids: readonly string[], flags: ActFlags, self: Command) => perform(name, ids, flags, self)));
  if (name === 'suspend' || name === 'cancel') command.option('--hang-up', 'end a call that is live now, instead of waiting for its end');
  if (name === 'retry') command.option('--reset-attempts', 'start counting calls again from zero');
  if (isDialling(name)) command.option('--yes', 'do not ask: it dials');
}

const isDialling = (name: JobAct): name is 'retry' | 'resume' => name === 'retry' || name === 'resume';

/** A screen or two; a list of a million lines on a terminal helps nobody. */
const TABLE_ROWS = 50;

async function add(flags: AddFlags, command: Command): Promise<ExitCode> {
  const { addJob, tellAdded } = await import('./job-add.js');
  const order: NewJob = {
    account: flags.account,
    batch: flags.batch ?? null,
    phones: flags.phone,
    name: flags.name ?? null,
    dni: flags.dni ?? null,
    amount: flags.amount ?? null,
    due: flags.due ?? null,
    company: flags.company ?? null,
    fields: Object.fromEntries(flags.field ?? []),
    maxAttempts: flags.maxAttempts ?? null,
    queue: flags.queue ?? null,
  };
  return tellAdded(await withSession(command, (session) => addJob(session, order, flags.dryRun === true)), flags);
}

async function show(ref: string, flags: { readonly json?: boolean; readonly transcript?: boolean }, command: Command): Promise<ExitCode> {
  const [{ findJob, noJob }, { storyOf, storyLines }] = await Promise.all([import('./job-find.js'), import('./job-show.js')]);
  return withSession(command, async (session) => {
    const found = await findJob(session, ref);
    if (found.kind === 'none') throw noJob(ref, found);
    if (found.kind === 'unreadable') {
      throw new SpeechAiError('JOB_UNREADABLE', `${ref}: it cannot be read as a job, so it is never dialled: ${found.why}.`, {
        remedy: 'Correct the document.',
      });
    }
    const story = await storyOf(session, found.doc, found.job, flags);
    if (flags.json === true) printJson(snakeKeys(story));
    else for (const line of storyLines(story)) print(line);
    return EXIT.ok;
  });
}

interface ListFlags {
  readonly batch?: string;
  readonly account?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

async function list({ limit, json, ...filter }: ListFlags, command: Command): Promise<ExitCode> {
  const [{ listed }, { accountOrExit }] = await Promise.all([import('./job-show.js'), import('./account-view.js')]);
  return withSession(command, async (session) => {
    const { store } = session;
    const none = async (): Promise<ExitCode> => {
      refuseUnknown(filter.status === undefined ? [] : [filter.status]);
      if (filter.account !== undefined) await accountOrExit(session, filter.account);
      await tellNone(store.connection, filter.batch);
      return EXIT.ok;
    };
    if (json === true) {
      let found = 0;
      for await (const doc of store.jobAdmin.list(filter, limit ?? null)) {
        found += 1;
        await printLine(JSON.stringify(listed(doc)));
      }
      return found > 0 ? EXIT.ok : none();
    }
    const rows: string[][] = [];
    const most = limit ?? TABLE_ROWS;
    for await (const doc of store.jobAdmin.list(filter, most + 1)) {
      const { job, status, name, number, batch, attempts, due, reason } = listed(doc);
      rows.push([job, name ?? '', number ?? '', status, batch ?? '', String(attempts), due ?? '', (reason ?? '').slice(0, 60)]);
    }
    if (rows.length === 0) return none();
    await printTable(['job', 'name', 'number', 'status', 'batch', 'attempts', 'due', 'why'], rows.slice(0, most));
    if (rows.length > most) say(`There are more than ${most}; --limit shows more, --json all of them.`);
    return EXIT.ok;
  });
}

/** A batch whose history was moved out looks like one that never had any. */
async function tellNone(connection: Connection, ref: string | undefined): Promise<void> {
  const [{ createBatchAdmin }, { archivedText, readArchived }] = await Promise.all([
    import('../store/batch-admin.js'),
    import('../domain/archived.js'),
  ]);
  const doc = ref === undefined ? null : await createBatchAdmin(connection).find(ref);
  const archived = readArchived(doc?.['archived']);
  for (const entry of archived) say(`${ref ?? ''}: ${archivedText(entry)}.`);
  say(ref !== undefined && doc === null ? `No jobs match; there is no batch ${ref} either.` : 'No jobs match.');
}

/** Waits where the reader is slower than the database, so that a list of millions is not kept in memory. */
function printLine(text: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(`${text}\n`)) resolve();
    else process.stdout.once('drain', resolve);
  });
}

async function perform(name: JobAct, ids: readonly string[], flags: ActFlags, command: Command): Promise<ExitCode> {
  const { actOnJob, toBeDialled } = await import('./job-act.js');
  const options = { reason: flags.reason ?? null, hangUp: flags.hangUp === true, resetAttempts: flags.resetAttempts === true };
  return withSession(command, async (session) => {
    const dialled = isDialling(name) && flags.yes !== true ? await toBeDialled(session, name, ids) : 0;
    const question = `${count(dialled, 'contact')} may be called ${name === 'retry' ? 'again from now on. Retry?' : 'from now on. Resume?'}`;
    if (dialled > 0 && !(await confirm(question, { yes: false }))) {
      say('Nothing was changed.');
      return EXIT.failed;
    }
    return eachJob(ids, flags, (id) => actOnJob(session, name, id, options));
  });
}

async function release(ids: readonly string[], flags: { readonly json?: boolean }, command: Command): Promise<ExitCode> {
  const { releaseJob } = await import('./job-release.js');
  return withSession(command, (session) => eachJob(ids, flags, (id) => releaseJob(session, id)));
}

/** One after the other, each with its own result: what one job is refused for says nothing about the next. */
async function eachJob(
  ids: readonly string[],
  flags: { readonly json?: boolean },
  work: (id: string) => Promise<Report>,
): Promise<ExitCode> {
  const reports: Report[] = [];
  for (const id of new Set(ids)) {
    const report = await work(id);
    reports.push(report);
    const { job, ok, text, code, remedy = '', warning } = report;
    if (code !== undefined) reportFailure(new SpeechAiError(code, `${job}: ${text}.`, { remedy }), false);
    else if (flags.json !== true) (ok ? print : say)(`${job}: ${text}`);
    if (warning !== undefined) say(`warning: ${job}: ${warning}`);
  }
  if (flags.json === true) printJson(reports);
  return reports.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function collectField(text: string, before: readonly (readonly [string, string])[] = []): readonly (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  return [...before, [text.slice(0, at).trim(), text.slice(at + 1)] as const];
}

function money(text: string): number {
  const reading = readAmount(text);
  if (reading.kind !== 'amount') throw new InvalidArgumentError('It must be an amount like 104050, 104.050 or 1.234,50.');
  if (reading.doubtful === true)
    throw new InvalidArgumentError('It could be thousands or a fraction: write it without a separator, or with two digits behind it.');
  return reading.value;
}
