/** `speechai explain`: why a job is or is not dialled, and what a batch waits for. */
import type { Command } from 'commander';
import { runAction } from './errors.js';
import type { ExplainOptions } from './explain-options.js';
import { aboveZero } from './numbers.js';
import { withSession } from './session.js';

export function registerExplain(program: Command): void {
  const explain = program.command('explain').description('why a job or batch is or is not dialled: every gate with its figures');
  explain
    .command('job <id>')
    .description('every gate, open or shut; when it can be dialled; which single change would let it')
    .option('--at <time>', "as if it were then (2026-11-23T09:00 on the batch's clock, or with an offset)")
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nIt looks with everything that is known now: suppressions, earlier calls, money, counts.\n\nExample:\n  $ speechai explain job job_acc-1_20261120_101500_5f2a --at 2026-11-23T09:00',
    )
    .action(
      runAction((id: string, options: ExplainOptions, command: Command) =>
        withSession(command, async (session) => (await import('./explain-job.js')).explainJob(session, id, options)),
      ),
    );
  explain
    .command('batch <id>')
    .description('its jobs by what stands in their way, and by the hour in which they can be dialled')
    .option('--at <time>', 'as if it were then')
    .option('--sample <n>', 'maximum jobs to check; larger batches are sampled at random', aboveZero, 2_000)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai explain batch batch-20261120-5f2a')
    .action(
      runAction((id: string, options: ExplainOptions, command: Command) =>
        withSession(command, async (session) => (await import('./explain-batch.js')).explainBatch(session, id, options)),
      ),
    );
}
