/** The settings for a command, or every reason why there are none. */
import type { Command } from 'commander';
import type { LoadResult } from '../config/load.js';
import type { Problem } from '../config/problem.js';
import type { Settings } from '../config/settings.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import { paint, say } from './output.js';

export interface GlobalOptions {
  readonly settingsFile?: string;
  /** Its older name. */
  readonly envFile?: string;
  readonly verbose?: boolean;
}

export interface Needs {
  /** Retell's key, agent and number may be missing: the command never speaks to it. */
  readonly withoutRetell?: boolean;
  /** Values of the command's own options, by the name of the setting they stand for. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Advice about the daemon's settings is left to `run` and `config check`. */
  readonly errorsOnly?: boolean;
}

export interface LoadedSettings extends LoadResult {
  readonly settings: Settings;
}

export async function loadForCommand(command: Command, needs: Needs = {}): Promise<LoadResult> {
  const { loadSettings } = await import('../config/load.js');
  const given = command.optsWithGlobals<GlobalOptions>();
  const envFile = given.settingsFile ?? given.envFile;
  return loadSettings({ ...needs, ...(envFile === undefined ? {} : { envFile }) });
}

/** Prints every problem; with an error among them the command ends with exit code 78. */
export async function loadSettingsOrExit(command: Command, needs: Needs = {}): Promise<LoadedSettings> {
  const result = await loadForCommand(command, needs);
  sayProblems(needs.errorsOnly === true ? result.problems.filter(({ level }) => level === 'error') : result.problems);
  if (result.settings !== null) return { ...result, settings: result.settings };
  const errors = result.problems.filter((problem) => problem.level === 'error').length;
  throw new SpeechAiError('CONFIG_WRONG', `${count(errors, 'setting')} cannot be used, so nothing was started.`, {
    remedy: 'Fix the problems above; `speechai config check` lists them again.',
    exitCode: EXIT.config,
  });
}

export function sayProblems(problems: readonly Problem[]): void {
  for (const problem of problems) for (const line of problemLines(problem, process.stderr)) say(line);
}

export function problemLines(problem: Problem, stream: NodeJS.WriteStream): readonly string[] {
  const level = problem.level === 'error' ? paint('red', 'error  ', stream) : paint('yellow', 'warning', stream);
  const facts = [
    problem.given === null ? '' : `given: ${problem.given}`,
    problem.allowed === null ? '' : `allowed: ${problem.allowed}`,
    problem.example === null ? '' : `example: ${problem.example}`,
  ].filter((fact) => fact !== '');
  return [`${level} ${problem.name}: ${problem.message}`, ...facts.map((fact) => `        ${fact}`), `        -> ${problem.remedy}`];
}

export function count(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : nouns}`;
}
