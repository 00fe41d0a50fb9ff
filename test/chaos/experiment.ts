/** One experiment: a play on a program without one of its safeties, or on the untouched one. */

import { join } from 'node:path';
import type { Finding } from './finding.js';
import { sabotagedBuild } from './sabotage.js';
import type { Sabotage } from './sabotage.js';
import { playScene } from './scene.js';
import { SCENES } from './scenes.js';

export interface ExperimentOptions {
  readonly sabotage: Sabotage;
  /** The same play with nothing taken out: it must end well, or the play proves nothing. */
  readonly control: boolean;
  readonly mongoUri: string;
  readonly out: string;
}

/** With nothing broken all is over in a second; what a sabotage leaves undone will not be done later either. */
const SETTLE_MS = { control: 40_000, sabotaged: 15_000 };

export const experiment = ({ sabotage, control, mongoUri, out }: ExperimentOptions): Promise<Finding[]> => {
  const name = `${sabotage}${control ? '-control' : ''}`;
  const { play, control: controlPlay } = SCENES[sabotage];
  return playScene(
    {
      name,
      mongoUri,
      entry: sabotagedBuild(control ? null : sabotage, join(out, 'builds', name)),
      out: join(out, 'logs'),
      settleMs: control ? SETTLE_MS.control : SETTLE_MS.sabotaged,
    },
    control ? (controlPlay ?? play) : play,
  );
};

/** What shows that this very safety is missing; undefined: nothing did. */
export const proofOf = (sabotage: Sabotage, found: readonly string[]): string | undefined =>
  found.find((text) => SCENES[sabotage].expects.some((expected) => text.startsWith(`${expected}: `)));

export const breachTexts = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ promise, name, breaches }) => breaches.map((breach) => `${promise} ${name}: ${breach.text}`));
