/** The real command line: in this process, which is quick, or in one of its own. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { runProgram } from '../../src/cli/errors.js';
import { buildProgram } from '../../src/cli/program.js';
import { captured } from './captured.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

/** All that a command has of its surroundings. */
const surroundings = (env: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  ...env,
});

let line: Promise<unknown> = Promise.resolve();

/** Parsed, run and judged as in a process of its own, with that environment alone; one after the other, since they share what is the process's. */
export const speechaiIn = (cwd: string, env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ran> => {
  const ran = line.then(() => alone(cwd, env, args));
  line = ran.catch(() => undefined);
  return ran;
};

export const speechai = (env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> => speechaiIn(tmpdir(), env, args);

const alone = async (cwd: string, env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ran> => {
  const before = { env: process.env, exitCode: process.exitCode, cwd: process.cwd() };
  process.env = surroundings(env);
  process.exitCode = undefined;
  process.chdir(cwd);
  try {
    const { value: code, out, err } = await captured(() => runProgram(buildProgram(), ['node', 'speechai', ...args]));
    return { code, out, err };
  } finally {
    process.env = before.env;
    process.exitCode = before.exitCode;
    process.chdir(before.cwd);
  }
};

/** Without `--`, Node 20 looks for `--env-file` behind the script's name too. */
export const speechaiProcess = (env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> =>
  new Promise((done) => {
    const command = ['--import', import.meta.resolve('tsx'), '--', MAIN, ...args];
    execFile(process.execPath, command, { cwd: tmpdir(), env: surroundings(env), maxBuffer: 1 << 26 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
