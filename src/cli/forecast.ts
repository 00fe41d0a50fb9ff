/** `speechai forecast`: when a batch will be through, what it will cost, and what it waits for. Nothing is written. */
import type { Command } from 'commander';
import { EXIT, SpeechAiError } from '../domain/errors.js';
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
      runAction(async (id: string, options: ForecastOptions, command: Command) => {
        const flags = await settingsIn(options.set);
        return withSession(command, async (session) => (await import('./forecast-batch.js')).forecastBatch(session, id, options), {
          flags,
        });
      }),
    );
}

/** Settings are written in capitals; everything else is the batch's or the account's. What is neither would change nothing, and seem to. */
async function settingsIn(pairs: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { entryNamed } = await import('../config/schema.js');
  const flags: Record<string, string> = {};
  for (const pair of pairs) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    const isSetting = /^[A-Z]/.test(name);
    if (isSetting ? entryNamed(name) === undefined : !/^(?:account\.)?[a-z_]+$/.test(name)) {
      throw new SpeechAiError(
        'NOT_UNDERSTOOD',
        `--set ${pair}: ${name === '' ? 'it is not KEY=VALUE' : `there is nothing named ${name}`}.`,
        {
          remedy: 'Write a key of `batch set`, account.KEY or a setting (docs/settings.md), then = and the value.',
          exitCode: EXIT.usage,
        },
      );
    }
    if (isSetting) flags[name] = value;
  }
  return flags;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
