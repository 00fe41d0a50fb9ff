/** `speechai call`: the calls that are open now. */
import type { Command } from 'commander';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { maskPhone } from '../telemetry/phones.js';
import type { AttemptDoc } from '../store/attempt.js';
import { runAction } from './errors.js';
import { confirm, print, printJson, printTable, say, snakeKeys } from './output.js';
import { withSession, type Session } from './session.js';
import { count } from './settings.js';

export function registerCall(program: Command): void {
  const call = program.command('call').description('the calls that are open now');
  call
    .command('list')
    .description('open calls: number, state, since when, by whom')
    .option('--batch <id>', 'of this batch')
    .option('--account <id>', 'of this account')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai call list --batch batch-20261121-0a1b2c3d')
    .action(runAction(list));
  call
    .command('stop [id]')
    .description('hang up; what becomes of the job is what config/outcomes.json says of an operator who hangs up')
    .option('--all', 'every open call')
    .option('--batch <id>', 'with --all: only of this batch')
    .option('--account <id>', 'with --all: only of this account')
    .option('--yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nAn ID is a call_id, an attempt or a job_id.\n\nExample:\n  $ speechai call stop --all --batch batch-20261121-0a1b2c3d --yes',
    )
    .action(runAction(stop));
}

interface Which {
  readonly batch?: string;
  readonly account?: string;
}

interface ListFlags extends Which {
  readonly json?: boolean;
}

async function list(flags: ListFlags, command: Command): Promise<ExitCode> {
  const open = await withSession(command, (session) => openOf(session, flags));
  const calls = open.map(openCall).toSorted((a, b) => a.since.localeCompare(b.since));
  if (flags.json === true) printJson(snakeKeys(calls));
  else
    await printTable(
      ['job', 'number', 'state', 'since', 'batch', 'call', 'runner'],
      calls.map((one) => [one.job, one.number, one.state, one.since, one.batch ?? '', one.callId ?? '', one.runner]),
      'No call is open.',
    );
  return EXIT.ok;
}

/** "No call is open" of a name that was misspelt would be taken for the truth by somebody who wants silence. */
async function openOf(session: Session, flags: Which): Promise<readonly AttemptDoc[]> {
  const open = await session.store.attempts.openOf(whichOf(flags));
  if (open.length > 0) return open;
  const [{ batchOrExit }, { accountOrExit }] = await Promise.all([import('./batch-view.js'), import('./batch-write.js')]);
  if (flags.batch !== undefined) await batchOrExit(session, flags.batch);
  if (flags.account !== undefined) await accountOrExit(session, flags.account);
  return open;
}

function whichOf({ batch, account }: Which): Which {
  return { ...(batch === undefined ? {} : { batch }), ...(account === undefined ? {} : { account }) };
}

export interface OpenCall {
  readonly job: string;
  readonly attempt: string;
  readonly callId: string | null;
  readonly number: string;
  readonly state: AttemptDoc['state'];
  readonly since: string;
  readonly batch: string | null;
  readonly account: string | null;
  readonly runner: string;
}

export function openCall(attempt: AttemptDoc): OpenCall {
  return {
    job: attempt.job_ref,
    attempt: attempt._id,
    callId: attempt.call_id ?? null,
    number: maskPhone(attempt.to_number),
    state: attempt.state,
    since: (attempt.placed_at ?? attempt.at).toISOString(),
    batch: attempt.batch,
    account: attempt.account,
    runner: attempt.runner,
  };
}

interface StopFlags extends Which {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

async function stop(id: string | undefined, flags: StopFlags, command: Command): Promise<ExitCode> {
  if ((id === undefined) === (flags.all !== true)) {
    throw new SpeechAiError('WHICH_CALL', 'Say which call: an ID, or --all.', {
      remedy: '`speechai call list` shows the open ones.',
      exitCode: EXIT.usage,
    });
  }
  const { hangUp } = await import('./call-stop.js');
  return withSession(command, async (session) => {
    const open = await openOf(session, flags);
    const chosen = id === undefined ? open : open.filter((one) => one.call_id === id || one._id === id || one.job_ref === id);
    if (chosen.length === 0) {
      if (id !== undefined)
        throw new SpeechAiError('NO_SUCH_CALL', `${id}: no such call is open.`, { remedy: '`speechai call list` shows those that are.' });
      say('No call is open.');
      return EXIT.ok;
    }
    if (!(await confirm(`Hang up ${count(chosen.length, 'call')}?`, { yes: flags.yes === true }))) return EXIT.failed;
    // Together: one slow answer must not keep the others ringing. The client has its own pace.
    const reports = await Promise.all(chosen.map(async (one) => ({ job: one.job_ref, ...(await hangUp(session, one)) })));
    if (flags.json === true) printJson(snakeKeys(reports));
    else for (const { job, ok, text } of reports) (ok ? print : say)(`${job}: ${text}`);
    return reports.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
  });
}
