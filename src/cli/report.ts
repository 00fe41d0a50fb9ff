/** `speechai report`: what came of a campaign, as figures and as tables. Parsing and help; what is done is in report-make.ts. */
import type { Command } from 'commander';
import { runAction } from './errors.js';
import { STATUSES } from './statuses.js';
import type { ReportOptions, RowsOptions } from './report-make.js';
import { withSession } from './session.js';

const WHICH = `
Of what: --batch (several, also of batches that were deleted) or --account (what is booked to it, in any batch or none).
A file is of the kind that its name ends in, is readable by you alone, and holds whole numbers and names: mind where it goes.`;

const WHEN = `
A date is 2026-11-23, 23-11-2026 or 2026-11-23T09:00, on the clock of the account (of several batches: of the first one's); a day alone is that
whole day. It is about calls: contacts are counted as they stand now. Times in tables are UTC.`;

const TERMS = `
Picked up: a person took the call, no machine, whatever became of it then. Talked: the outcome "answered", a part of those picked up. Pick-up rate, mean
seconds and dollars per picked-up call go by the calls that were picked up; a contact is reached where one of its calls was.`;

export function registerReport(program: Command): void {
  const report = program.command('report').description('what came of a campaign: figures, and tables of contacts and calls');
  scoped(report.command('summary').description('contacts reached, calls by outcome, day, hour and number, minutes, cost, promises'))
    .option('--out <file>', 'write a file instead: .html or .xlsx')
    .option('--force', 'replace the file where there is one')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `${WHICH}${WHEN}${TERMS}\n\nExample:\n  $ speechai report summary --batch batch-20261121-0a1b2c3d --out november.html`,
    )
    .action(
      runAction((options: ReportOptions, command: Command) =>
        withSession(command, async (session) => (await import('./report-make.js')).reportSummary(session, options)),
      ),
    );
  scoped(report.command('contacts').description('a row for each contact: where it stands, and what its last call brought'), false)
    .option(
      '--status <status...>',
      `only jobs of this status: ${STATUSES.join(', ')}, or one of another program (done and completed are one)`,
    )
    .option('--transcripts', "with a column of what was said in each contact's last call")
    .option('--out <file>', 'write a file instead: .csv, .jsonl or .xlsx')
    .option('--force', 'replace the file where there is one')
    .option('--json', 'JSON lines instead of CSV')
    .addHelpText(
      'after',
      `${WHICH}\n\nExample:\n  $ speechai report contacts --batch batch-20261121-0a1b2c3d --status done --out done.xlsx`,
    )
    .action(
      runAction(
        (options: RowsOptions, command: Command) =>
          withSession(command, async (session) => (await import('./report-make.js')).reportContacts(session, options)),
        { onlyPrints: true },
      ),
    );
  scoped(report.command('calls').description('a row for each call that was or may have been placed: when, how it ended, what it cost'))
    .option('--out <file>', 'write a file instead: .csv, .jsonl or .xlsx')
    .option('--force', 'replace the file where there is one')
    .option('--json', 'JSON lines instead of CSV')
    .addHelpText(
      'after',
      `${WHICH}${WHEN}\n\nExample:\n  $ speechai report calls --account acc-1 --since 2026-11-01 --until 2026-11-30 --out november.csv`,
    )
    .action(
      runAction(
        (options: RowsOptions, command: Command) =>
          withSession(command, async (session) => (await import('./report-make.js')).reportCalls(session, options)),
        { onlyPrints: true },
      ),
    );
}

function scoped(command: Command, withPeriod = true): Command {
  command.option('--batch <id...>', 'of these batches').option('--account <id>', 'of this account');
  return withPeriod
    ? command.option('--since <date>', 'calls from then on').option('--until <date>', 'calls before then; a day alone: to its end')
    : command;
}
