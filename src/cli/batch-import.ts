/** `speechai batch import`: options and help; what it does is in import-file.ts beside. */
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { runAction } from './errors.js';
import type { ImportOptions } from './import-file.js';
import { withSession } from './session.js';

export function addBatchImport(batch: Command): void {
  batch
    .command('import <file>')
    .description('load contacts from .csv, .txt or .xlsx as a new batch: looks first, asks, then writes all of it or nothing')
    .requiredOption('--account <id>', 'whose batch it is; local numbers are read by its country')
    .option('--name <name>', 'the name of the batch (default: that of the file)')
    .option('--map <column=field>', 'what a column is, where its name does not tell; may be repeated', collect, [])
    .option('--settings <file>', 'a JSON file: call_settings, dias_fecha_limite, dias_fecha_maxima, required_variables, queue...')
    .option('--rejects <file>', 'file for rows with something unusable, to correct and import again (default: FILE.rejects.csv)')
    .option('--dry-run', 'only check the file; write nothing to the database')
    .option('--confirm', 'do not ask before writing')
    .option('-y, --yes', 'the same as --confirm')
    .option('--allow-duplicates', 'keep repeated rows, and people who wait in another active batch')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(
      runAction(async (file: string, options: ImportOptions, command: Command) => {
        collectEarly();
        return withSession(command, async (session) => (await import('./import-file.js')).importFile(session, file, options));
      }),
    );
}

/** Left alone, the collector lets the garbage of 500,000 rows grow to three times what is in use before it looks: 267 MB instead of under 200. */
function collectEarly(): void {
  setFlagsFromString('--heap-growing-percent=20');
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

const HELP = `
The first row holds the names of the columns. Known are SpeechAI's (RUT, Nombre, Origen Empresa, Saldo actualizado, FechaVencimiento,
diasRetraso, Teléfono móvil, Teléfono Residencial) and the usual Spanish and English ones, accents and spaces forgiven. Rows of one RUT become
one contact; in Argentina a CUIT/CUIL is the person of its DNI. Numbers without their area code are refused, never guessed. Dates are read day
first, as ISO or with a month by name (31-dic-2026), amounts as 104.050 or 1.234,50; what could be read in two ways is said. The same file,
account and name is the same import: run again after an interruption it completes, run again after success it changes nothing.

--map takes COLUMN=FIELD with the fields rut, name, company, amount, expiry, days_late, due_date, max_date, mobile, landline, phone,
reference, timezone; any other word makes the column a variable of the prompt, and - leaves it out. "#3" is the third column.

Exit codes: 0 imported (or a dry run without a reject), 3 a dry run found something to reject, 1 nothing could be imported,
75 another run is writing the same import.

Example:
  $ speechai batch import deudores.xlsx --account acc-1 --name "Noviembre" --map "Fono 2=phone" --dry-run`;
