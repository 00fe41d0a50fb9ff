/** `speechai forecast`: when a batch will be through, what it will cost, and what it waits for. Nothing is written. */
import type { Command } from 'commander';
import { runAction } from './errors.js';
import type { ForecastOptions } from './forecast-batch.js';
import { aboveZero } from './numbers.js';
import { withSession } from './session.js';

export function registerForecast(program: Command): void {
  const forecast = program.command('forecast').description('simulate a batch on a virtual clock, with the same rules and its own outcomes');
  forecast
    .command('batch <id>')
    .description('when it ends (P50, P90), what it costs, and what it waits for')
    .option(
      '--set <key=value>',
      'as if this were set: a key of `batch set`, account.KEY, or a setting like MAX_CONCURRENT_CALLS (repeatable)',
      collect,
      [],
    )
    .option('--runs <n>', 'number of simulations', aboveZero)
    .option('--seed <n>', 'the same seed gives the same forecast of the same jobs', aboveZero, 1)
    .option('--sample <n>', 'maximum jobs to simulate; larger batches are sampled at random', aboveZero, 3_000)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
It assumes no other batch is running, and treats a paused batch as resumed. Calls end the way this batch's own calls ended; while there
are few of those, the way calls usually end.

Example:
  $ speechai forecast batch batch-20261120-5f2a --set MAX_CONCURRENT_CALLS=40 --set allowed_hours=10:00-20:00`,
    )
    .action(
      runAction((id: string, options: ForecastOptions, command: Command) =>
        withSession(command, async (session) => (await import('./forecast-batch.js')).forecastBatch(session, id, options), {
          flags: settingsIn(options.set),
        }),
      ),
    );
}

/** Settings are written in capitals; everything else is the batch's or the account's. */
function settingsIn(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.flatMap((pair) => {
      const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(pair);
      return match === null ? [] : [[match[1] ?? '', match[2] ?? '']];
    }),
  );
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
