/** `speechai suppress`: who is not to be called. Parsing and help; what is done is in suppress-act.ts and suppress-import.ts. */
import type { Command } from 'commander';
import type { ExitCode } from '../domain/errors.js';
import { runAction } from './errors.js';
import { aboveZero } from './numbers.js';
import { withSession, type Session } from './session.js';
import type { AddOptions, FindOptions, RemoveOptions } from './suppress-act.js';
import type { ImportOptions } from './suppress-import.js';

const SCOPE = `
Without --account and --batch it holds for the whole installation. It is looked at again before every dial.`;

export function registerSuppress(program: Command): void {
  const suppress = program.command('suppress').description('numbers and people that are not to be called');
  scoped(suppress.command('add [who...]'))
    .description('a telephone number or a RUT, DNI or CUIT/CUIL, or several')
    .option('--reason <text>', 'why', 'operator')
    .option('--evidence <text>', 'a ticket, a letter, a call id')
    .option('--expires <when>', '30d, 12h or a date (2027-01-31, 31-01-2027, 31-ene-2027: that day is part of it); without it, forever')
    .option('--json', 'as JSON')
    .addHelpText('after', `${SCOPE}\n${example("suppress add +56911112222 --reason 'asked by letter'")}`)
    .action(words<AddOptions>(async (session, who, options) => (await import('./suppress-act.js')).addSuppressions(session, who, options)));
  scoped(suppress.command('remove [who...]'))
    .description('let them be called again; the entries stay, as ended, with who ended them')
    .option(
      '--id <id>',
      'this entry (see `suppress list`), repeatable',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option('--reason <text>', 'why')
    .option('--yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `\nWithout --account and --batch the entries of every scope are ended.\n${example('suppress remove +56911112222 --yes')}`,
    )
    .action(
      words<RemoveOptions>(async (session, who, options) => (await import('./suppress-act.js')).removeSuppressions(session, who, options)),
    );
  suppress
    .command('list')
    .description('what is in force')
    .option('--account <id>', 'only of this account')
    .option('--batch <id>', 'only of this batch')
    .option('--ended', 'also what has expired or was ended')
    .option('--limit <n>', 'how many at most', aboveZero, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', example('suppress list --account acc-1'))
    .action(
      runAction((options: FindOptions, command: Command) =>
        withSession(command, async (session) => (await import('./suppress-act.js')).listSuppressions(session, options)),
      ),
    );
  scoped(suppress.command('import <file>'))
    .description('a text file with one number or RUT per line, or a CSV with headings (phone, rut, reason, expires); streamed')
    .option('--reason <text>', 'where the line gives none', 'imported list')
    .option('--evidence <text>', 'kept with every entry; the name of the file where it is not given')
    .option('--expires <when>', 'where the line gives none: 30d, 12h or a date')
    .option('--rejects <file>', 'file for lines that need correction (default: FILE.rejects.csv)')
    .option('--dry-run', 'read and count, write nothing')
    .option('--json', 'the counts as JSON')
    .addHelpText(
      'after',
      `${SCOPE}\n\nAn expiry that is not a valid date blocks forever, with a warning. A wrong check digit blocks the person as written and the one with the right digit.
Exit code 3 where lines were not understood; the others are imported. Safe to run again.\n${example('suppress import do-not-call.csv --country CL')}`,
    )
    .action(
      runAction((file: string, options: ImportOptions, command: Command) =>
        withSession(command, async (session) => (await import('./suppress-import.js')).importSuppressions(session, file, options)),
      ),
    );
  scoped(suppress.command('check <who...>'))
    .description('is a number or person blocked? Exit code 3 when one is')
    .option('--json', 'as JSON')
    .addHelpText('after', example('suppress check +56911112222 --account acc-1'))
    .action(
      words<FindOptions>(async (session, who, options) => (await import('./suppress-act.js')).checkSuppressions(session, who, options)),
    );
}

function scoped(command: Command): Command {
  return command
    .option('--account <id>', 'only for calls of this account')
    .option('--batch <id>', 'only for calls of this batch')
    .option('--country <code>', "for numbers without +: CL, AR... (the account's, where --account is given)");
}

function words<Options>(work: (session: Session, who: readonly string[], options: Options) => Promise<ExitCode | void>) {
  return runAction((who: string[], options: Options, command: Command) => withSession(command, (session) => work(session, who, options)));
}

function example(line: string): string {
  return `\nExample:\n  $ speechai ${line}`;
}
