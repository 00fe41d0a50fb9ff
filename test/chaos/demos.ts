/** The demo with a kill and faults, seed after seed, as a user starts it: its own audit against the simulator's ledger must be clean each time. */

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Breach, Finding } from './finding.js';

const SMALL = ['--jobs', '24', '--speed', '150'];
/** Demos mostly wait: this many share two cores without being late. */
const AT_ONCE = 3;
const LIMIT_MS = 300_000;

export const auditDemos = async (count: number, out: string, say: (line: string) => void): Promise<Finding> => {
  await mkdir(out, { recursive: true });
  const limit = pLimit(AT_ONCE);
  const seeds = Array.from({ length: count }, (_, n) => String(n + 1));
  const breaches = await Promise.all(seeds.map((seed) => limit(() => auditOf(seed, out, say))));
  return {
    promise: 'P1, P4',
    name: 'demo with --kill and --faults: audit clean, all jobs end',
    checked: count,
    breaches: breaches.filter((breach) => breach !== null),
  };
};

const auditOf = (seed: string, out: string, say: (line: string) => void): Promise<Breach | null> =>
  new Promise((resolve) => {
    const args = ['--import', 'tsx', 'scripts/demo.ts', ...SMALL, '--seed', seed, '--kill', '--faults', '--dir', join(out, seed)];
    execFile(process.execPath, args, { timeout: LIMIT_MS }, (error, stdout, stderr) => {
      say(`demo with seed ${seed}: ${error === null ? 'clean' : 'NOT CLEAN'}`);
      void writeFile(join(out, `${seed}.txt`), stdout + stderr).then(() =>
        resolve(error === null ? null : { text: `seed ${seed} ended with ${String(error.code)}: see ${join(out, `${seed}.txt`)}` }),
      );
    });
  });
