/** What the demo is asked for on its command line. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly jobs: number;
  readonly workers: number;
  /** Simulated seconds per real second. */
  readonly speed: number;
  readonly seed: string;
  readonly kill: boolean;
  readonly faults: boolean;
  /** null: a new folder under the system's temporary one. */
  readonly dir: string | null;
  readonly json: boolean;
}

export type OptionsRead =
  | { readonly kind: 'options'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string };

export const HELP = `Usage: npm run demo -- [options]

A small campaign of invented people, dialled by the real daemon through a simulated Retell into an embedded MongoDB.
Nobody is called: the simulator has no telephone line.

  --jobs N       contacts to call (default 120, at least 20)
  --workers N    worker loops of the daemon (default 30)
  --speed N      simulated seconds per second (default 60)
  --seed TEXT    the same seed brings the same people and the same outcomes (default 7)
  --kill         kill the daemon with SIGKILL midway and start another
  --faults       let the simulated Retell misbehave: resets, late and cut replies, 429, 500, a refused key
  --dir DIR      keep database and ledger here (default: a new temporary folder)
  --json         print the summary as one JSON object and nothing else

On a terminal it draws a live view; into a pipe it writes one line per event. Ctrl-C ends it at any moment.
Exit codes: 0 the audit is clean, 3 the audit found something, 1 it did not come to an end, 2 wrong usage, 130 interrupted.`;

const DEFAULTS = { jobs: '120', workers: '30', speed: '60', seed: '7' };

export function readOptions(args: readonly string[]): OptionsRead {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: DEFAULTS.jobs },
        workers: { type: 'string', default: DEFAULTS.workers },
        speed: { type: 'string', default: DEFAULTS.speed },
        seed: { type: 'string', default: DEFAULTS.seed },
        kill: { type: 'boolean', default: false },
        faults: { type: 'boolean', default: false },
        dir: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : 'the options are not understood' };
  }
  if (values.help) return { kind: 'help' };
  const jobs = within(values.jobs, 20, 5_000, true);
  const workers = within(values.workers, 1, 500, true);
  const speed = within(values.speed, 1, 1_000, false);
  if (jobs === null) return { kind: 'wrong', message: `--jobs ${values.jobs}: a whole number from 20 to 5000 is needed` };
  if (workers === null) return { kind: 'wrong', message: `--workers ${values.workers}: a whole number from 1 to 500 is needed` };
  if (speed === null) return { kind: 'wrong', message: `--speed ${values.speed}: a number from 1 to 1000 is needed` };
  return {
    kind: 'options',
    options: {
      jobs,
      workers,
      speed,
      seed: values.seed,
      kill: values.kill,
      faults: values.faults,
      dir: values.dir ?? null,
      json: values.json,
    },
  };
}

function within(text: string, min: number, max: number, whole: boolean): number | null {
  const value = Number(text);
  return text.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value)) ? value : null;
}
