/** The compiled program for tests that run it as a process: built once per run, when it is older than its sources. */

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Several test files may come here at once; a lock older than any build belongs to a run that was killed. */
const LOCK = 'out/.building';
const STALE_LOCK_MS = 120_000;

/** A copy of the build that was broken on purpose can be put in its place, to see the tests notice. */
const given = process.env['SPEECHAI_TEST_DIST'];

let built: Promise<string> | null = null;

/** Resolves with the program's entry. */
export const builtProgram = (): Promise<string> => (built ??= given === undefined ? build() : Promise.resolve(join(given, 'main.js')));

const build = async (): Promise<string> => {
  while (isOld()) {
    if (!takeLock()) {
      await delay(50);
      continue;
    }
    try {
      if (isOld()) await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
    } finally {
      rmdirSync(LOCK);
    }
  }
  return 'dist/main.js';
};

const takeLock = (): boolean => {
  mkdirSync('out', { recursive: true });
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    const bornMs = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - bornMs > STALE_LOCK_MS) rmdirSync(LOCK);
    return false;
  }
};

const isOld = (): boolean => newest('src', '.ts') > newest('dist', '.js');

const newest = (directory: string, ending: string): number => {
  try {
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));
    return Math.max(0, ...files.map((name) => statSync(join(directory, name)).mtimeMs));
  } catch {
    return 0;
  }
};
