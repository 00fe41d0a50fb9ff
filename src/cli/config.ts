/** `speechai config`: what is wrong with the environment, what is in force and where it comes from. */
import type { Command } from 'commander';
import type { LoadResult } from '../config/load.js';
import type { SectionName } from '../config/problem.js';
import type { ExitCode } from '../domain/errors.js';
import { EXIT } from '../domain/errors.js';
import type { Finding } from './config-connect.js';
import { runAction } from './errors.js';
import { paint, print, printJson, printTable } from './output.js';
import { count, loadForCommand, loadSettingsOrExit, problemLines } from './settings.js';

export function registerConfig(program: Command): void {
  const config = program.command('config').description('settings: check them, show them, document them');
  config
    .command('check')
    .description('say everything that is wrong with the settings, in one go')
    .option('--strict', 'warnings count as errors')
    .option('--connect', 'also ask MongoDB and Retell')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai config check --connect --strict')
    .action(runAction(check));
  config
    .command('show')
    .description('show every setting, its value, where it comes from and its default; secrets are hidden')
    .option('--changed', 'only those that differ from the default')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai config show --changed')
    .action(runAction(show));
  config
    .command('docs')
    .description('print the table of settings as Markdown')
    .addHelpText('after', '\nExample:\n  $ speechai config docs > settings.md')
    .action(runAction(docs));
  config
    .command('outcomes')
    .description('show what each disconnection reason means and what becomes of the job, and check the files that say so')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai config outcomes')
    .action(runAction(outcomes));
}

interface CheckOptions {
  readonly strict?: boolean;
  readonly connect?: boolean;
  readonly json?: boolean;
}

async function check(options: CheckOptions, command: Command): Promise<ExitCode> {
  const result = await withFiles(await loadForCommand(command));
  const findings = options.connect === true ? await connect(result) : [];
  const code = verdict(result, findings, options.strict === true);
  if (options.json === true) {
    printJson({ ok: code === EXIT.ok, exit_code: code, problems: result.problems, connections: findings, fingerprint: result.fingerprint });
    return code;
  }
  const { SECTIONS } = await import('../config/problem.js');
  for (const section of SECTIONS) printSection(section, result);
  for (const finding of findings) printFinding(finding);
  const levels = [...result.problems, ...findings].map(({ level }) => level);
  const of = (level: Finding['level']): number => levels.filter((each) => each === level).length;
  const away = of('away') === 0 ? '' : `, ${String(of('away'))} away`;
  print('');
  print(`${count(of('error'), 'error')}, ${count(of('warning'), 'warning')}${away}. ${closing(code, result)}`);
  return code;
}

/** The daemon does not start with a file it cannot use, any more than with such a setting. */
async function withFiles(result: LoadResult): Promise<LoadResult> {
  const { fileProblems } = await import('../config/check-files.js');
  const folder = result.origins.get('SPEECHAI_CONFIG_DIR');
  const found = fileProblems(folder === undefined || folder.source === 'default' ? null : folder.value);
  return found.length === 0 ? result : { ...result, settings: null, problems: [...result.problems, ...found] };
}

async function connect(result: LoadResult): Promise<readonly Finding[]> {
  if (result.settings === null) return [];
  const { checkConnections } = await import('./config-connect.js');
  return checkConnections(result.settings, result.simulator);
}

function verdict(result: LoadResult, findings: readonly Finding[], strict: boolean): ExitCode {
  if (result.settings === null || findings.some((finding) => finding.level === 'error')) return EXIT.config;
  if (findings.some((finding) => finding.level === 'away')) return EXIT.tryAgain;
  const warned = result.problems.length > 0 || findings.some((finding) => finding.level === 'warning');
  return strict && warned ? EXIT.found : EXIT.ok;
}

function closing(code: ExitCode, result: LoadResult): string {
  if (result.settings === null) return 'Nothing would start with these settings.';
  if (code === EXIT.config) return 'The settings are well formed, but what was found at the servers keeps `run` from starting or dialling.';
  if (code === EXIT.tryAgain) return 'The settings are fine, but a server is away.';
  if (code === EXIT.found) return 'Warnings count as errors (--strict).';
  const where = result.simulator ? ', calls go to the simulator' : '';
  return `The settings can be used (ENV=${result.settings.env}${where}).`;
}

function printSection(section: SectionName, result: LoadResult): void {
  const problems = result.problems.filter((problem) => problem.section === section);
  const errors = problems.filter((problem) => problem.level === 'error').length;
  const warnings = problems.length - errors;
  const counts = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''].filter((text) => text !== '');
  print(`${mark(errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'ok')} ${section.padEnd(9)} ${counts.join(', ')}`.trimEnd());
  for (const problem of problems) for (const line of problemLines(problem, process.stdout)) print(`        ${line}`);
}

function printFinding(finding: Finding): void {
  print(`${mark(finding.level)} ${finding.what}: ${finding.detail}`);
  if (finding.remedy !== null) print(`          -> ${finding.remedy}`);
}

/** Words, not signs: they are read aloud, grepped, and shown by terminals without Unicode. */
function mark(level: Finding['level']): string {
  if (level === 'ok') return paint('green', '[ ok ]');
  if (level === 'warning') return paint('yellow', '[warn]');
  return paint('red', level === 'away' ? '[away]' : '[FAIL]');
}

interface ShowOptions {
  readonly changed?: boolean;
  readonly json?: boolean;
}

async function show(options: ShowOptions, command: Command): Promise<ExitCode> {
  const result = await loadForCommand(command);
  const rows = [...result.origins]
    .filter(([, origin]) => options.changed !== true || origin.value !== origin.default)
    .map(([name, origin]) => ({ name, ...origin }));
  if (options.json === true) {
    printJson({ fingerprint: result.fingerprint, usable: result.settings !== null, settings: rows });
  } else {
    await printTable(
      ['setting', 'value', 'from', 'default'],
      rows.map((row) => [row.name, row.value, row.origin, row.default]),
    );
    print(`fingerprint ${result.fingerprint}`);
  }
  if (result.settings !== null) return EXIT.ok;
  const { sayProblems } = await import('./settings.js');
  sayProblems(result.problems.filter((problem) => problem.level === 'error'));
  return EXIT.config;
}

async function docs(): Promise<void> {
  const { settingsMarkdown } = await import('../config/docs.js');
  print(settingsMarkdown());
}

async function outcomes(options: { readonly json?: boolean }, command: Command): Promise<void> {
  const { settings } = await loadSettingsOrExit(command, { withoutRetell: true });
  const { Command: Scratch } = await import('commander');
  const { addConfigOutcomes } = await import('./config-outcomes.js');
  // That file loads the validator of the outcome files, too heavy for every --help: so it gets a command of its own, now.
  const scratch = new Scratch();
  addConfigOutcomes(scratch, {
    configDir: () => settings.app.configDir,
    write: (text) => process.stdout.write(text),
    ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}),
  });
  await scratch.parseAsync(['outcomes', ...(options.json === true ? ['--json'] : [])], { from: 'user' });
}
