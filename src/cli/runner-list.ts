/** `speechai runner list`: the fleet, as its members told of themselves. */
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../domain/errors.js';
import type { RunnerView } from '../store/runners.js';
import { runAction } from './errors.js';
import { paint, printJson, printTable, say } from './output.js';
import { withSession } from './session.js';

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

export interface Member {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly state: RunnerView['state'] | 'gone';
  readonly alive: boolean;
  readonly workers: number;
  readonly queues: readonly string[];
  readonly liveCalls: number;
  readonly breaker: string;
  readonly settings: string;
  readonly silentSeconds: number;
  readonly startedAt: string;
}

/** Alive: it gave a sign of life within a lease, as its rivals count it. */
export function memberOf(view: RunnerView, now: Date, leaseMs: number): Member {
  const silentMs = now.getTime() - view.heartbeatAt.getTime();
  const alive = view.state !== 'stopped' && silentMs <= leaseMs;
  return {
    id: view.id,
    host: view.host,
    pid: view.pid,
    version: view.version,
    state: view.state === 'stopped' || alive ? view.state : 'gone',
    alive,
    workers: view.workers,
    queues: view.queues,
    liveCalls: view.liveCalls,
    breaker: view.breaker,
    settings: view.fingerprint,
    silentSeconds: Math.max(0, Math.round(silentMs / 1000)),
    startedAt: view.startedAt.toISOString(),
  };
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
      .filter(({ breaker }) => breaker !== 'closed')
      .map(({ id }) => `${id} does not dial: its account at the provider is in trouble.`),
    ...members
      .filter(({ state, liveCalls }) => state === 'gone' && liveCalls > 0)
      .map(({ id, liveCalls }) => `${id} is gone and followed ${liveCalls} calls; another daemon takes them over, if one runs.`),
  ];
}

async function list(flags: { readonly all?: boolean; readonly json?: boolean }, command: Command): Promise<ExitCode> {
  const members = await withSession(command, async ({ store, loaded }) => {
    const views = await store.runners.list();
    const now = store.time.now();
    return views.map((view) => memberOf(view, now, loaded.settings.workers.leaseMs));
  });
  const shown = flags.all === true ? members : members.filter(({ state }) => state !== 'stopped');
  if (flags.json === true) printJson(shown);
  else if (shown.length === 0) say('No daemon has given a sign of life; start one with `speechai run`.');
  else {
    await printTable(
      ['runner', 'state', 'workers', 'calls', 'breaker', 'seen', 'settings', 'version'],
      shown.map((one) => [
        one.id,
        one.state,
        String(one.workers),
        String(one.liveCalls),
        one.breaker,
        `${one.silentSeconds} s ago`,
        one.settings.slice(0, 8),
        one.version,
      ]),
    );
  }
  for (const warning of fleetWarnings(members)) say(`${paint('yellow', 'warning', process.stderr)} ${warning}`);
  return EXIT.ok;
}
