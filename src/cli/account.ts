/** `speechai account`: who pays. Parsing and help; what is done is in account-act.ts and account-view.ts. */
import { Option, type Command } from 'commander';
import type { ExitCode } from '../domain/errors.js';
import type { CreateAccountOptions, StatusOptions, TopUpOptions } from './account-act.js';
import type { EditOptions } from './account-edit.js';
import type { StatementOptions } from './account-view.js';
import { runAction } from './errors.js';
import { aboveZero, wholeNumber } from './numbers.js';
import { withSession, type Session } from './session.js';

const KEYS = `
Keys (key=value; key= takes the value away, so that only the installation's own limits hold):
  max_concurrent_calls, daily_call_limit
  timezone (America/Santiago), country (CL, AR...), name
  expires_at                      nothing is dialled from then on: 2027-01-31, 31-01-2027 or 2027-01-31T09:00, the clock of the account
The plan cannot be changed: what was bought under one says nothing under another. Make a new account for it.`;

export function registerAccount(program: Command): void {
  const account = program.command('account').description('accounts: plans, balances, top-ups, statements');
  account
    .command('list')
    .description('all accounts: plan, status, what is left, what is held')
    .option('--limit <n>', 'how many at most', aboveZero, 200)
    .option('--json', 'as JSON')
    .addHelpText('after', example('account list'))
    .action(
      act(async (session, options: { limit: number; json?: boolean }) =>
        (await import('./account-view.js')).listAccounts(session, options.limit, options.json === true),
      ),
    );
  account
    .command('show <id>')
    .description('one account, and why nothing is dialled for it where that is so')
    .option('--json', 'as JSON')
    .addHelpText('after', example('account show acc-1'))
    .action(
      on(async (session, id, options: { json?: boolean }) =>
        (await import('./account-view.js')).showAccount(session, id, options.json === true),
      ),
    );
  account
    .command('create <name>')
    .description('make an account; its id is printed')
    .option('--id <id>', 'its account_id, instead of one that is made up')
    .addOption(new Option('--plan <plan>', 'how it pays').choices(['minutes_based', 'credit_based', 'unlimited']).default('credit_based'))
    .option('--country <code>', 'CL, AR...', 'CL')
    .option('--timezone <zone>', "its clock, where it is not its country's")
    .option('--max-concurrent <n>', 'calls at once', wholeNumber, 5)
    .option('--daily-limit <n>', 'calls a day', wholeNumber, 1000)
    .option('--expires <date>', 'nothing is dialled from this date on (YYYY-MM-DD, or with a time and offset)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `\nWithout --max-concurrent and --daily-limit it may have 5 calls at once and 1000 a day; \`account set\` changes them.\n${example("account create 'Retail Express' --plan credit_based --country CL --daily-limit 5000")}`,
    )
    .action(
      on(async (session, name, options: CreateAccountOptions) => (await import('./account-act.js')).createAccount(session, name, options)),
    );
  account
    .command('set <id> <key=value...>')
    .alias('edit')
    .description('change limits, clock or name; shows what was before and what is after')
    .option('--dry-run', 'show it, write nothing')
    .option('--json', 'as JSON')
    .addHelpText('after', `${KEYS}\n${example('account set acc-1 daily_call_limit=5000 max_concurrent_calls=20')}`)
    .action(
      runAction((id: string, words: string[], options: EditOptions, command: Command) =>
        withSession(command, async (session) => (await import('./account-edit.js')).setAccount(session, id, words, options)),
      ),
    );
  account
    .command('topup <id> <amount>')
    .description('add dollars (credit_based) or minutes (minutes_based); the jobs it was suspended for go on by themselves')
    .addOption(new Option('--unit <unit>', "instead of the plan's own").choices(['dollars', 'minutes']))
    .addOption(new Option('--type <type>', 'how the statement calls it').choices(['topup', 'bonus', 'refund', 'penalty']).default('topup'))
    .option('--ref <text>', 'an invoice or order number: the same one is booked once, however often the command is repeated')
    .option('--note <text>', 'for the statement')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `\nAmounts are read as imports read them (50, 12.5, 1.234,50). A penalty takes away what is given.\nThe same --ref with another amount is an error: the first booking stands.\n${example('account topup acc-1 50 --ref invoice-1201')}`,
    )
    .action(
      runAction((id: string, amount: string, options: TopUpOptions, command: Command) =>
        withSession(command, async (session) => (await import('./account-act.js')).topUpAccount(session, id, amount, options)),
      ),
    );
  for (const [name, says] of [
    ['suspend', 'dial nothing for the account; returns when that is certain'],
    ['resume', 'make it active again'],
  ] as const) {
    account
      .command(`${name} <id>`)
      .description(says)
      .option('--reason <text>', 'kept on the account')
      .option('--json', 'as JSON')
      .addHelpText('after', example(`account ${name} acc-1 --reason 'unpaid invoice'`))
      .action(
        on(async (session, id, options: StatusOptions) =>
          (await import('./account-act.js')).setAccountStatus(session, id, name === 'suspend' ? 'suspended' : 'active', options),
        ),
      );
  }
  account
    .command('statement <id>')
    .description('what moved, newest first')
    .option('--since <date>', "from this date on (YYYY-MM-DD, the account's clock)")
    .option('--until <date>', 'before this date')
    .option('--limit <n>', 'lines at most', aboveZero, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', example('account statement acc-1 --since 2026-11-01'))
    .action(
      on(async (session, id, options: StatementOptions) => (await import('./account-view.js')).accountStatement(session, id, options)),
    );
}

function act<Options>(work: (session: Session, options: Options) => Promise<ExitCode | void>) {
  return runAction((options: Options, command: Command) => withSession(command, (session) => work(session, options)));
}

function on<Options>(work: (session: Session, id: string, options: Options) => Promise<ExitCode | void>) {
  return runAction((id: string, options: Options, command: Command) => withSession(command, (session) => work(session, id, options)));
}

function example(line: string): string {
  return `\nExample:\n  $ speechai ${line}`;
}
