/** Starts the engine's process and waits until it serves, finds the directory taken, or says why it cannot. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync, truncateSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Home } from './home.js';
import type { EngineOrder } from './protocol.js';
import { CHILD_EXIT } from './protocol.js';

const LOG_LIMIT_BYTES = 1_000_000;

export type Launched = { readonly kind: 'served' } | { readonly kind: 'busy' } | { readonly kind: 'failed'; readonly why: string };

export const launchEngine = (home: Home, prefix: readonly string[], order: EngineOrder): Promise<Launched> => {
  const own = [...childEntry(), JSON.stringify(order)];
  const [loader, ...loaderArgs] = prefix;
  const program = loader ?? process.execPath;
  const args = loader === undefined ? own : [...loaderArgs, process.execPath, ...own];
  const log = openLog(home.logFile);
  // Detached: the terminal's signals are for the owners. Its life hangs on their connections, not on this process being its parent.
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log, 'pipe'], env: childEnvironment() });
  closeSync(log);
  return new Promise((resolve) => {
    let said = '';
    const report = child.stdio[3];
    if (report instanceof Readable) {
      report.on('error', () => undefined);
      report.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
        if (!said.includes('\n') || said.startsWith('{"error"')) return;
        report.destroy();
        child.unref();
        resolve({ kind: 'served' });
      });
    }
    child.once('error', (error) => resolve({ kind: 'failed', why: error.message }));
    child.once('close', (code, signal) => {
      if (code === CHILD_EXIT.busy) resolve({ kind: 'busy' });
      else resolve({ kind: 'failed', why: `${reasonIn(said) ?? `it ended with ${signal ?? `code ${code}`}`} (see ${home.logFile})` });
    });
  });
};

/** Compiled, the child is a file beside this one; from the sources it needs the same TypeScript loader that runs us. */
const childEntry = (): string[] => {
  const compiled = fileURLToPath(new URL('./child.js', import.meta.url));
  if (import.meta.url.endsWith('.js')) return ['--enable-source-maps', compiled];
  return ['--import', createRequire(import.meta.url).resolve('tsx'), fileURLToPath(new URL('./child.ts', import.meta.url))];
};

/** A debugger's or a test runner's options for Node are not for the engine. */
const childEnvironment = (): NodeJS.ProcessEnv => {
  const { NODE_OPTIONS: _options, NODE_CHANNEL_FD: _channel, ...rest } = process.env;
  return rest;
};

const openLog = (file: string): number => {
  try {
    if (statSync(file).size > LOG_LIMIT_BYTES) truncateSync(file);
  } catch {
    // There is none yet.
  }
  return openSync(file, 'a', 0o600);
};

const reasonIn = (said: string): string | null => /^\{"error":"((?:[^"\\]|\\.)*)"/.exec(said)?.[1] ?? null;
