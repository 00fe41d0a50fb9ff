/** `speechai runner list`: the fleet, as its members told of themselves. */
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../domain/errors.js';
import { runAction } from './errors.js';
import { memberOf, standstillText, type Member } from './member.js';
import { paint, printJson, printTable, say, snakeKeys } from './output.js';
import { withSession, type Session } from './session.js';
import { count } from './settings.js';

export function registerRunner(program: Command): void {
  program
    .command('runner')
    .description('the daemons on this database')
    .command('list')
    .description('who is at work: workers, live calls, breaker, and whether all run with the same settings')
    .option('--all', 'those that have stopped, too')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ speechai runner list')
    .action(runAction(list));
}

/** What somebody should look at. */
export function fleetWarnings(members: readonly Member[]): string[] {
  const alive = members.filter((member) => member.alive);
  const settings = new Set(alive.map((member) => member.settings));
  const versions = new Set(alive.map((member) => member.version));
  return [
    ...(settings.size > 1 ? ['The daemons run with different settings; compare `speechai config show --changed` on their machines.'] : []),
    ...(versions.size > 1 ? [`The daemons run different versions: ${[...versions].join(', ')}.`] : []),
    ...alive
      .filter(({ breaker, standstill }) => breaker !== 'closed' || standstill !== null)
      .map(
        ({ id, standstill }) =>
          `${id} does not dial: ${standstill === null ? 'the provider refuses the account' : standstillText(standstill)}.`,
      ),
    ...members
      .filter(({ state, liveCalls }) => state === 'gone' && liveCalls > 0)
      .map(
        ({ id, liveCalls }) =>
          `${id} is gone and followed ${count(liveCalls, 'call')}; another daemon takes ${liveCalls === 1 ? 'it' : 'them'} over, if one runs.`,
      ),
  ];
}

async function list(flags: { readonly all?: boolean; readonly json?: boolean }, command: Command): Promise<ExitCode> {
  const { members, unserved } = await withSession(command, async (session) => {
    const { store, loaded } = session;
    const [views, calls] = await Promise.all([store.runners.list(), store.runners.callsByRunner()]);
    const now = store.time.now();
    const all = views.map((view) => memberOf(view, now, loaded.settings.workers.leaseMs, calls.get(view.id) ?? 0));
    return { members: all, unserved: await unservedQueues(session, all) };
  });
  const shown = flags.all === true ? members : members.filter(({ state }) => state !== 'stopped');
  if (flags.json === true) printJson(snakeKeys(shown));
  else if (shown.length === 0) say('No daemon has given a sign of life; start one with `speechai run`.');
  else {
    await printTable(
      ['runner', 'state', 'workers', 'queues', 'calls', 'breaker', 'seen', 'settings', 'version'],
      shown.map((one) => [
        one.id,
        one.state,
        String(one.workers),
        one.queues.join(', ') || 'all',
        String(one.liveCalls),
        one.breaker,
        `${one.silentSeconds} s ago`,
        one.settings.slice(0, 8),
        one.version,
      ]),
    );
  }
  for (const warning of [...fleetWarnings(members), ...unserved]) say(`${paint('yellow', 'warning', process.stderr)} ${warning}`);
  return EXIT.ok;
}

/** Work of running batches that waits for ever: with a fleet that serves queues by name, nothing else would say so. */
async function unservedQueues({ store, loaded }: Session, members: readonly Member[]): Promise<readonly string[]> {
  if (!members.some(({ alive }) => alive)) return [];
  const [{ queuesFrom, hindrancesIn }, { loadRoutes }, { readBatch }] = await Promise.all([
    import('./queue-view.js'),
    import('../config/routes-file.js'),
    import('../domain/read-batch.js'),
  ]);
  const queues = queuesFrom(loadRoutes(loaded.settings.app.configDir), members);
  const batches = (await store.campaigns.activeBatches()).map(readBatch);
  const unserved = hindrancesIn(batches.flatMap((batch) => queues.ofBatch(batch))).filter(({ code }) => code === 'QUEUE_UNSERVED');
  return unserved.map(({ text }) => text);
}
