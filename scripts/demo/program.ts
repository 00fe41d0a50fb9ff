/** The command line, as an operator uses it: `node dist/main.js --env-file FILE ...`. */
import { spawn } from 'node:child_process';
import { childEnvironment } from './settings.js';

export const ENTRY = 'dist/main.js';

export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

const PATIENCE_MS = 20_000;

/** Ends early, and takes the command along, when the signal aborts. */
export function runCommand(envFile: string, args: readonly string[], signal: AbortSignal): Promise<Said> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [ENTRY, '--env-file', envFile, ...args], {
      env: childEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      timeout: PATIENCE_MS,
    });
    let text = '';
    const hear = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', (error) => resolve({ ok: false, text: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, text: text.trim() }));
  });
}
