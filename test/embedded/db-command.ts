/** The `db` commands in a process of their own, as the program runs them. */

import { Command } from 'commander';
import { registerDb } from '../../src/cli/db.js';
import { SpeechAiError } from '../../src/domain/errors.js';

const program = new Command('speechai');
registerDb(program);
try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof SpeechAiError)) throw error;
  console.error(`${error.code}: ${error.message} ${error.remedy}`);
  process.exitCode = error.exitCode;
}
