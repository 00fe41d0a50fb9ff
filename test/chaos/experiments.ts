/** All experiments, each with its control, on one engine. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../../src/embedded/open.js';
import { breachTexts, experiment, proofOf } from './experiment.js';
import type { Sabotage } from './sabotage.js';

export interface Verdict {
  readonly sabotage: Sabotage;
  /** What the harness found. */
  readonly found: readonly string[];
  /** The one that shows the loss of this safety; null is a hole in the harness, whatever else was found. */
  readonly proof: string | null;
  /** What it found on the untouched program; anything is a bug there or in the play. */
  readonly control: readonly string[];
  readonly seconds: number;
}

/** So many plays at once: each is mostly waiting. */
const AT_ONCE = 3;

export const runExperiments = async (names: readonly Sabotage[], out: string, say: (line: string) => void): Promise<Verdict[]> => {
  const directory = await mkdtemp(join(tmpdir(), 'speechai-sabotage-'));
  const engine = await openEmbedded(directory, { onProgress: say });
  const left = [...names];
  const verdicts: Verdict[] = [];
  const one = async (): Promise<void> => {
    for (let sabotage = left.shift(); sabotage !== undefined; sabotage = left.shift()) {
      const started = performance.now();
      const both = { sabotage, mongoUri: engine.uri, out };
      const control = await experiment({ ...both, control: true }).then(breachTexts, (error: unknown) => [
        `the play failed: ${String(error)}`,
      ]);
      const found = await experiment({ ...both, control: false }).then(breachTexts, (error: unknown) => {
        say(`${sabotage}: the play failed: ${String(error)}`);
        return [];
      });
      const proof = proofOf(sabotage, found) ?? null;
      verdicts.push({ sabotage, found, proof, control, seconds: Math.round((performance.now() - started) / 1_000) });
      say(
        `${sabotage}: ${proof !== null ? `found (${proof})` : `NOT FOUND${found.length > 0 ? `, but ${found[0]}` : ''}`}; control ${control.length === 0 ? 'clean' : `NOT CLEAN (${control[0]})`}`,
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  } finally {
    await engine.close();
    await rm(directory, { recursive: true, force: true });
  }
  return names.flatMap((name) => verdicts.filter((verdict) => verdict.sabotage === name));
};

export const describeVerdicts = (verdicts: readonly Verdict[]): string =>
  [
    `${'sabotage'.padEnd(24)} ${'found'.padEnd(6)} ${'control'.padEnd(10)} ${'s'.padStart(4)}  by`,
    ...verdicts.map(
      ({ sabotage, found, proof, control, seconds }) =>
        `${sabotage.padEnd(24)} ${(proof !== null ? 'yes' : 'NO').padEnd(6)} ${(control.length === 0 ? 'clean' : 'NOT CLEAN').padEnd(10)} ${String(seconds).padStart(4)}  ${(proof ?? found[0] ?? '').slice(0, 110)}`,
    ),
  ].join('\n');

export const isProven = ({ proof, control }: Verdict): boolean => proof !== null && control.length === 0;
