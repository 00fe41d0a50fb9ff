/** `speechai batch`: the campaigns. Parsing and help; what is done is in the files beside. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BatchState } from '../domain/batch.js';
import type { ExitCode } from '../domain/errors.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import type { ActOptions } from './batch-act.js';
import type { CreateOptions } from './batch-write.js';
import type { ListOptions } from './batch-show.js';
import { addBatchImport } from './batch-import.js';
import { runAction } from './errors.js';
import { aboveZero, wholeNumber } from './numbers.js';
import { withSession, type Session } from './session.js';

interface Flags extends ActOptions {
  readonly all?: boolean;
  readonly except?: readonly string[];
  readonly priority?: number;
  readonly jobs?: boolean;
}

export function registerBatch(program: Command): void {
  const batch = program.command('batch').description('campaigns: create, look at, pause, resume, drain, cancel, change');
  registerReading(batch);
  registerWriting(batch);
  registerPausing(batch);
  registerEnding(batch);
  addBatchImport(batch);
}

const STATES: readonly BatchState[] = ['running', 'paused', 'draining', 'cancelled', 'completed', 'scheduled', 'expired'];

function registerReading(batch: Command): void {
  batch
    .command('list')
    .description('the newest batches: state, jobs by status, and why a batch is not dialled')
    .option('--account <id>', 'only this account')
    .addOption(new Option('--state <state>', 'only in this state').choices(STATES))
    .option('--limit <n>', 'how many at most', aboveZero, 50)
    .option('--json', 'as JSON')
    .addHelpText('after', example('batch list --account acc-1 --state paused'))
    .action(act(async (session, options: ListOptions) => (await import('./batch-show.js')).listBatches(session, options)));
  batch
    .command('show <id>')
    .description('one batch: who paused it and why, its settings as stored, its jobs, its live calls')
    .option('--json', 'as JSON')
    .addHelpText('after', example('batch show batch-20261120-5f2a'))
    .action(actOn(async (session, id, options: Flags) => (await import('./batch-show.js')).showBatch(session, id, options.json === true)));
  batch
    .command('windows <id>')
    .description('draw the hours of the coming week, as the last check before a call sees them')
    .option('--from <date>', 'the week from this date on (YYYY-MM-DD)', isoDate)
    .option('--json', 'as JSON')
    .addHelpText('after', example('batch windows batch-20261120-5f2a'))
    .action(
      actOn(async (session, id, options: { readonly from?: Date; readonly json?: boolean }) =>
        (await import('./batch-windows.js')).drawWindows(session, id, options.from ?? null, options.json === true),
      ),
    );
}

const KEYS = `
Keys (key=value; key= takes the value away):
  name, description, priority (1 to 4), queue, rules (cl, ar, country, none), agent_id, from_numbers (+56...,+56...)
  start_at, end_at                2026-11-23T09:00 is the clock of the batch's zone, 2026-11-23 the whole day
  allowed_hours                   09:00-18:00, or JSON per weekday
  days_of_week                    1-5 or 1,2,6 (Monday 1, Sunday 7)
  timezone, holidays (true, cl), closed_dates (2026-12-24,2026-12-31)
  max_attempts, retry_delay_hours, ring_timeout, max_call_duration (seconds)
  max_concurrent_calls, max_calls_per_day`;

function registerWriting(batch: Command): void {
  batch
    .command('create <name> [key=value...]')
    .description('make an empty batch; its id is printed')
    .requiredOption('--account <id>', 'whose batch it is')
    .option('--id <id>', 'its batch_id, instead of one that is made up')
    .option('--settings <file>', 'a JSON file with its call_settings')
    .option('--paused', 'it does not run before `batch resume`')
    .option('--json', 'as JSON')
    .addHelpText('after', `${KEYS}\n${example("batch create 'November' --account acc-1 allowed_hours=09:00-18:00 days_of_week=1-5")}`)
    .action(
      runAction(async (name: string, words: string[], options: CreateOptions, command: Command) =>
        withSession(command, async (session) => (await import('./batch-write.js')).createBatch(session, name, words, options)),
      ),
    );
  batch
    .command('set <id> <key=value...>')
    .description('change settings; what could not be understood later is refused now')
    .option('--json', 'as JSON')
    .addHelpText('after', `${KEYS}\n${example('batch set batch-20261120-5f2a max_attempts=5 allowed_hours=10:00-19:00')}`)
    .action(
      runAction(async (id: string, words: string[], options: Flags, command: Command) =>
        withSession(command, async (session) => (await import('./batch-write.js')).setBatch(session, id, words, options.json === true)),
      ),
    );
}

function registerPausing(batch: Command): void {
  common(batch.command('pause [ids...]'))
    .description('place no further call; returns when that is certain (DIAL_WITHIN_MS after the acknowledged write)')
    .option('--all', 'every running batch')
    .option('--except <id>', 'with --all: not this one (repeatable)', collect, [])
    .option('--priority <n>', 'with --all: only batches of this priority or lower', wholeNumber)
    .option('--no-wait', 'return when the write is acknowledged')
    .addHelpText('after', example("batch pause --all --except batch-20261120-5f2a --reason 'wrong script'"))
    .action(
      many(async (session, ids, options) => {
        const { pauseAll, pauseBatches } = await import('./batch-act.js');
        const { priority, except = [] } = options;
        return options.all === true
          ? pauseAll(session, { except, ...(priority === undefined ? {} : { priority }) }, options)
          : pauseBatches(session, ids, options);
      }),
    );
  common(batch.command('resume [ids...]'))
    .description('let paused, draining or completed batches run again')
    .option('--all', 'what `pause --all` has paused, and nothing else')
    .option('--yes', 'do not ask: it dials')
    .addHelpText('after', example('batch resume --all'))
    .action(
      many(async (session, ids, options) => {
        const { resumeAll, resumeBatches } = await import('./batch-act.js');
        return options.all === true ? resumeAll(session, options) : resumeBatches(session, ids, options);
      }),
    );
  common(batch.command('drain <id>'))
    .description('begin no new contacts, finish those that were begun')
    .addHelpText('after', example('batch drain batch-20261120-5f2a'))
    .action(actOn(async (session, id, options: Flags) => (await import('./batch-act.js')).drainBatch(session, id, options)));
}

function registerEnding(batch: Command): void {
  common(batch.command('cancel <id>'))
    .description('for good: waiting jobs are cancelled now, those in progress when their call ends')
    .option('--yes', 'do not ask')
    .addHelpText('after', example("batch cancel batch-20261120-5f2a --reason 'client left' --yes"))
    .action(actOn(async (session, id, options: Flags) => (await import('./batch-act.js')).cancelBatch(session, id, options)));
  common(batch.command('complete <id>'))
    .description('mark it as finished; what still waits stays as it is and is not dialled')
    .option('--yes', 'do not ask')
    .addHelpText('after', example('batch complete batch-20261120-5f2a'))
    .action(actOn(async (session, id, options: Flags) => (await import('./batch-act.js')).completeBatch(session, id, options)));
  common(batch.command('delete <id>'))
    .description('remove the batch; refused while calls are live; its waiting jobs are cancelled, its calls stay recorded')
    .option('--jobs', 'delete its jobs as well')
    .option('--yes', 'do not ask')
    .addHelpText('after', example('batch delete batch-20261120-5f2a --yes'))
    .action(actOn(async (session, id, options: Flags) => (await import('./batch-act.js')).deleteBatch(session, id, options)));
}

function common(command: Command): Command {
  return command.option('--reason <text>', 'kept on the batch').option('--json', 'what was done, as JSON');
}

function act<Options>(work: (session: Session, options: Options) => Promise<ExitCode | void>) {
  return runAction((options: Options, command: Command) => withSession(command, (session) => work(session, options)));
}

function actOn<Options>(work: (session: Session, id: string, options: Options) => Promise<ExitCode | void>) {
  return runAction((id: string, options: Options, command: Command) => withSession(command, (session) => work(session, id, options)));
}

/** Batches by name, or all of them: nothing in between, so that a forgotten id pauses nobody else's campaign. */
function many(work: (session: Session, ids: readonly string[], options: Flags) => Promise<ExitCode | void>) {
  return runAction((ids: string[], options: Flags, command: Command) => {
    if (ids.length > 0 === (options.all === true)) {
      throw new SpeechAiError('WHICH_BATCH', 'Give the ids of batches, or --all.', {
        remedy: '`speechai batch list` shows the ids.',
        exitCode: EXIT.usage,
      });
    }
    if (options.all !== true && ((options.except ?? []).length > 0 || options.priority !== undefined)) {
      throw new SpeechAiError('WHICH_BATCH', '--except and --priority belong to --all.', {
        remedy: 'Add --all, or leave them out.',
        exitCode: EXIT.usage,
      });
    }
    return withSession(command, (session) => work(session, ids, options));
  });
}

function example(line: string): string {
  return `\nExample:\n  $ speechai ${line}`;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function isoDate(text: string): Date {
  const read = new Date(`${text}T12:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || !Number.isFinite(read.getTime()))
    throw new InvalidArgumentError('It must be a date like 2026-11-23.');
  return read;
}
