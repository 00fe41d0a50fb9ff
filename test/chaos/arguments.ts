/** The numbers of `npm run chaos`: one that is none, or that leaves nothing to look at, is refused before anything is started. */

import { DEFAULTS } from './options.js';
import type { ChaosOptions } from './options.js';

/** Exit code of a command line that cannot be carried out. */
export const MISUSED = 2;
export class MisuseError extends Error {}

interface Range {
  readonly least: number;
  readonly whole: boolean;
}

const WHOLE = { least: 1, whole: true };
const MAY_BE_NONE = { least: 0, whole: true };
/** Faults do not begin before the daemons are up. */
const TIME = { least: 0.1, whole: false };
const DEMOS = 20;

type Given = Readonly<Partial<Record<'minutes' | 'daemons' | 'jobs' | 'elections' | 'settle' | 'demos', string>>>;

export const numberOf = (name: string, given: string | undefined, otherwise: number, { least, whole }: Range): number => {
  if (given === undefined) return otherwise;
  const number = given.trim() === '' ? Number.NaN : Number(given);
  if (Number.isFinite(number) && number >= least && (!whole || Number.isInteger(number))) return number;
  throw new MisuseError(`--${name} is "${given}"; it must be ${whole ? 'a whole number' : 'a number'}, ${least} or more.`);
};

export const chaosNumbers = (
  given: Given,
): Pick<ChaosOptions, 'minutes' | 'daemons' | 'jobs' | 'elections' | 'settleMs'> & { demos: number } => ({
  minutes: numberOf('minutes', given.minutes, DEFAULTS.minutes, TIME),
  daemons: numberOf('daemons', given.daemons, DEFAULTS.daemons, WHOLE),
  jobs: numberOf('jobs', given.jobs, DEFAULTS.jobs, WHOLE),
  elections: numberOf('elections', given.elections, DEFAULTS.elections, MAY_BE_NONE),
  settleMs: numberOf('settle', given.settle, DEFAULTS.settleMs / 1_000, WHOLE) * 1_000,
  demos: numberOf('demos', given.demos, DEMOS, MAY_BE_NONE),
});

export const seedNumber = (given: string | undefined): number => numberOf('seed', given, 1, MAY_BE_NONE);
