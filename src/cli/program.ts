/** The command line: global options, and the groups of commands. Each group is one file that loads what is heavy inside its actions. */
import { Command } from 'commander';
import { EXIT } from '../domain/errors.js';
import { registerCall } from './call.js';
import { registerAccount } from './account.js';
import { registerBatch } from './batch.js';
import { registerConfig } from './config.js';
import { registerDb } from './db.js';
import { registerExplain } from './explain.js';
import { registerForecast } from './forecast.js';
import { registerJob } from './job.js';
import { registerReport } from './report.js';
import { registerRun } from './run.js';
import { registerRunner } from './runner-list.js';
import { registerSimulator } from './simulator.js';
import { registerSuppress } from './suppress.js';
import { packageVersion } from './version.js';

/** In the order of `speechai --help`. A new group is one more line here. */
const GROUPS: readonly ((program: Command) => void)[] = [
  registerRun,
  registerBatch,
  registerAccount,
  registerSuppress,
  registerExplain,
  registerForecast,
  registerJob,
  registerCall,
  registerReport,
  registerRunner,
  registerConfig,
  registerDb,
  registerSimulator,
];

const EXIT_CODES = `
Exit codes:
  ${EXIT.ok}    fine
  ${EXIT.failed}    failed
  ${EXIT.usage}    wrong usage
  ${EXIT.found}    a check found something
  ${EXIT.tryAgain}   try again: database or provider away
  ${EXIT.config}   configuration wrong
  ${EXIT.interrupted}  interrupted by Ctrl-C
  ${EXIT.terminated}  ended by SIGTERM

Example:
  $ speechai config check`;

export function buildProgram(): Command {
  const program = new Command('speechai')
    .description('Places outbound calls through Retell from jobs in MongoDB.')
    .version(packageVersion(), '-V, --version')
    .option('--settings-file <file>', 'read settings from this file instead of .env')
    // Node 20 reads this one first, even behind the script's name, and ends with 9 where the file is missing (`node --` keeps it from that).
    .option('--env-file <file>', 'the older name of --settings-file')
    .option('--verbose', 'show where an error happened')
    .option('--no-color', 'no colours')
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError()
    .exitOverride()
    .hook('preAction', (root) => {
      if (root.opts<{ color: boolean }>().color === false) process.env['NO_COLOR'] = '1';
    });
  for (const register of GROUPS) register(program);
  inherit(program);
  return program;
}

/** Groups that were made with `new Command()` do not inherit this from the program, and would exit 1 on wrong usage. */
function inherit(command: Command): void {
  for (const sub of command.commands) {
    sub.exitOverride();
    inherit(sub);
  }
}
