/** `speechai db init`: the indexes that keep calls from doubling and claims from scanning. */
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../domain/errors.js';
import type { IndexReport } from '../store/indexes.js';
import { runAction } from './errors.js';
import { print, printJson, say } from './output.js';
import { withSession } from './session.js';

export function registerDbInit(db: Command): void {
  db.command('init')
    .description("make the indexes that `run` needs; safe to run again, SpeechAI's own are left alone")
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai db init')
    .action(runAction(init));
}

async function init(flags: { readonly json?: boolean }, command: Command): Promise<ExitCode> {
  const [{ createIndexes }, { indexUseOf }] = await Promise.all([import('../store/indexes.js'), import('../runner/policy.js')]);
  const reports = await withSession(command, ({ store, loaded }) => createIndexes(store.connection, indexUseOf(loaded.settings)));
  if (flags.json === true) printJson(reports);
  else for (const report of reports) print(lineOf(report));
  return tellFailures(reports);
}

function lineOf({ state, collection, name, why }: IndexReport): string {
  return `${state.padEnd(8)} ${collection}.${name}: ${why}`;
}

function tellFailures(reports: readonly IndexReport[]): ExitCode {
  const failed = reports.filter(({ state }) => state === 'failed');
  for (const { collection, name, needed, message } of failed) {
    say(
      `${collection}.${name} could not be made${needed ? ', and nothing is dialled without it' : ''}: ${message ?? 'no reason was given'}`,
    );
    say(`  -> ${remedyFor(message ?? '', collection, name)}`);
  }
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
}

function remedyFor(message: string, collection: string, name: string): string {
  if (/already exists with a different name/i.test(message)) {
    return `An index of other name has the same keys: drop that one (db.${collection}.getIndexes() shows it) in a quiet hour, then run this again.`;
  }
  if (/already exists|same name/i.test(message))
    return `Drop the index of that name, which has other keys: db.${collection}.dropIndex("${name}"), then run this again.`;
  if (/duplicate key|E11000/i.test(message))
    return `Two documents of ${collection} have the same value where it must be unique; check them before anything is dialled, then run this again.`;
  if (/not authori[sz]ed|requires authentication/i.test(message)) return 'Give the user of MONGO_URI the role readWrite on this database.';
  return 'Fix what the message says, then run this again; it creates only what is missing.';
}
