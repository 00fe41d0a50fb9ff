/** The real command line, in a process and an environment of its own. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

/** Without `--`, Node 20 looks for `--env-file` behind the script's name too. */
export const speechai = (env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> =>
  new Promise((done) => {
    const command = ['--import', import.meta.resolve('tsx'), '--', MAIN, ...args];
    const own = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
    execFile(process.execPath, command, { cwd: tmpdir(), env: { ...own, ...env }, maxBuffer: 1 << 26 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
