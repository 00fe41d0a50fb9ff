/** `speechai run`: the daemon. Everything it needs is put together here; what it does is in src/runner. */
import type { Command } from 'commander';
import type { LoadedSettings } from './settings.js';
import { count, loadSettingsOrExit } from './settings.js';
import { EXIT, SpeechAiError, messageOf, type ExitCode } from '../domain/errors.js';
import type { Assembled } from '../runner/assemble.js';
import type { Rehearsed } from '../runner/rehearse.js';
import type { OpenDatabase } from './database.js';
import { failureOf, runAction } from './errors.js';
import { wholeNumber } from './numbers.js';
import { print, say } from './output.js';
import { packageVersion } from './version.js';

interface RunOptions {
  readonly workers?: number;
  readonly untilIdle?: boolean;
  readonly dryRun?: boolean;
  readonly wait?: number;
  readonly queue?: string;
  readonly json?: boolean;
}

/** Without --wait the daemon is patient: a database that is restarted with it may need minutes. */
const DEFAULT_WAIT_SECONDS = 300;

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('the daemon: claim jobs that are due, place their calls, follow them to the end')
    .option('--workers <n>', 'worker loops, instead of WORKER_COUNT', wholeNumber)
    .option('--queue <names>', 'serve only these queues, separated by commas (WORKER_QUEUES)')
    .option('--until-idle', 'end when nothing is due and nothing is live')
    .option('--dry-run', 'decide and print what would be dialled; place nothing, write nothing')
    .option('--json', 'with --dry-run: one JSON object per line')
    .option('--wait <seconds>', `how long to wait for the database at start (default ${DEFAULT_WAIT_SECONDS})`, wholeNumber)
    .addHelpText(
      'after',
      `
It stops on SIGTERM or SIGINT: no more claims, live calls are followed for SHUTDOWN_GRACE_SECONDS, the rest is handed over;
a second signal hands over at once. SIGUSR2 writes a snapshot to the log, SIGHUP opens the log files again.

Exit codes: 0 stopped as asked, 75 the database did not answer, 78 settings or indexes wrong.

Example:
  $ speechai run --workers 20`,
    )
    .action(runAction(run, { ownSignals: true }));
}

async function run(options: RunOptions, command: Command): Promise<ExitCode> {
  if (options.json === true && options.dryRun !== true) {
    throw new SpeechAiError('JSON_OF_WHAT', '--json belongs to --dry-run; the log of a daemon is JSON by LOG_FORMAT.', {
      remedy: 'Add --dry-run, or leave --json out.',
      exitCode: EXIT.usage,
    });
  }
  // Before anything that takes time: whoever stops a daemon that is still starting gets the same answer.
  const stopping = new AbortController();
  const signals = listen(stopping);
  const loaded = await loadSettingsOrExit(command, {
    flags: {
      ...(options.workers === undefined ? {} : { WORKER_COUNT: String(options.workers) }),
      ...(options.queue === undefined ? {} : { WORKER_QUEUES: options.queue }),
    },
  });
  const simulator = loaded.simulator ? await startSimulator() : null;
  try {
    return await runDaemon(loaded, options, simulator?.url ?? null, { stopping, signals });
  } finally {
    await simulator?.close();
  }
}

/** In development, with no key: a Retell that rings nobody. */
async function startSimulator(): Promise<{ url: string; close(): Promise<void> }> {
  const { startSimulator: start } = await import('../simulator/server.js');
  const simulator = await start({ speed: 10 });
  return simulator;
}

interface Started {
  readonly database: OpenDatabase;
  readonly runner: Assembled;
}

interface Stop {
  readonly stopping: AbortController;
  readonly signals: ReturnType<typeof listen>;
}

async function runDaemon(
  { settings, fingerprint }: LoadedSettings,
  options: RunOptions,
  simulatorUrl: string | null,
  { stopping, signals }: Stop,
): Promise<ExitCode> {
  const [{ createClock }, { createLogging }, { assemble }, { openDatabase }, { createNotifier }, { loadRulebook }] = await Promise.all([
    import('../telemetry/clock.js'),
    import('../telemetry/logging.js'),
    import('../runner/assemble.js'),
    import('./database.js'),
    import('../telemetry/notify.js'),
    import('../config/rulebook.js'),
  ]);
  const rulebook = loadRulebook(settings.app.configDir);
  const clock = createClock(testOffset(settings.env));
  // The log of a daemon is its output; of a rehearsal the decisions are.
  const logging = createLogging(
    { ...settings.logging, env: settings.env, fingerprint, secrets: secretsOf(settings) },
    options.dryRun === true ? { out: process.stderr } : {},
  );
  const { log } = logging;
  const notifier = createNotifier({ environment: process.env, pid: process.pid });
  const began = clock.mark();
  let assembled: Assembled | null = null;
  const waitMs = (options.wait ?? DEFAULT_WAIT_SECONDS) * 1000;

  /** A database that goes away again before the daemon is ready is waited for like one that is not there yet. */
  async function started(): Promise<Started> {
    for (;;) {
      const leftMs = Math.max(0, waitMs - clock.elapsedMs(began));
      const database = await openDatabase(settings, clock, { log, waitMs: leftMs, signal: stopping.signal });
      try {
        return { database, runner: await unlessStopped(database) };
      } catch (error) {
        await Promise.race([database.close(), clock.sleep(300)]);
        const isAway = failureOf(error).exitCode === EXIT.tryAgain;
        if (!isAway || stopping.signal.aborted || clock.elapsedMs(began) >= waitMs) throw error;
        log.warn('the database went away while the daemon started; trying again', { error: messageOf(error) });
        await clock.sleep(Math.min(1_000, waitMs), stopping.signal);
      }
    }
  }

  /** A database that stopped answering must not keep a stop waiting: what was begun is let go like a daemon that runs. */
  async function unlessStopped(database: OpenDatabase): Promise<Assembled> {
    const begun = starting(database);
    begun.catch(() => undefined);
    await Promise.race([begun, signals.first]);
    if (!stopping.signal.aborted) return begun;
    await assembled?.daemon.stop('signal');
    throw new Error('stopped while it started');
  }

  async function starting(database: OpenDatabase): Promise<Assembled> {
    const where = `speechai ${packageVersion()} on ${database.provider}, database ${settings.database.name}, ${settings.workers.count} workers`;
    say(
      simulatorUrl === null
        ? where
        : `${where}; simulated Retell at ${simulatorUrl}: no phone rings (set MONGO_URI and RETELL_API_KEY for real ones)`,
    );
    const runner = await assemble({
      settings,
      rulebook,
      fingerprint,
      version: packageVersion(),
      clock,
      log,
      journal: logging.journal,
      store: database.store,
      simulatorUrl,
      readOnly: options.dryRun === true,
    });
    assembled = runner;
    if (options.dryRun !== true && !stopping.signal.aborted) await runner.daemon.start();
    return runner;
  }

  try {
    const { database, runner } = await started();
    try {
      if (options.dryRun === true) {
        await tellRehearsal(runner.rehearse(), options.json === true);
        return EXIT.ok;
      }
      process.on('SIGUSR2', () => log.info('snapshot', { snapshot: runner.daemon.snapshot() }));
      process.on('SIGHUP', () => logging.reopen());
      await notifier.ready(`${settings.workers.count} workers`);
      log.info('ready', { workers: settings.workers.count, database: database.provider, topology: database.store.connection.topology });
      const watchdog = notifier.watchdogEveryMs === null ? null : setInterval(() => void notifier.watchdog(), notifier.watchdogEveryMs);
      const failure = runner.daemon.failed.then((error) => ({ error }));
      const ended = await Promise.race([signals.first, failure, ...(options.untilIdle === true ? [runner.daemon.untilIdle()] : [])]);
      if (watchdog !== null) clearInterval(watchdog);
      void notifier.stopping('draining');
      void signals.second.then(() => runner.daemon.handOverNow());
      // With a part of it gone nothing here is followed any more; another process does that better.
      if (ended !== undefined) runner.daemon.handOverNow();
      await runner.daemon.stop(stopping.signal.aborted ? 'signal' : ended === undefined ? 'idle' : 'failure');
      if (ended !== undefined) throw ended.error;
      return EXIT.ok;
    } finally {
      await Promise.race([database.close(), clock.sleep(300)]);
    }
  } catch (error) {
    if (stopping.signal.aborted) return EXIT.ok;
    throw error;
  } finally {
    await Promise.race([logging.close(), clock.sleep(200)]);
  }
}

async function tellRehearsal(rehearsal: AsyncIterable<Rehearsed>, json: boolean): Promise<void> {
  const { rehearsedText } = await import('../runner/rehearse.js');
  let jobs = 0;
  let dials = 0;
  for await (const one of rehearsal) {
    print(json ? JSON.stringify(one) : rehearsedText(one));
    if (one.job !== null) jobs += 1;
    if (one.decision === 'dial') dials += 1;
  }
  say(`Due now: ${count(jobs, 'job')}, of which ${dials} would be dialled. Nothing was dialled or written.`);
}

function listen(stopping: AbortController): { first: Promise<void>; second: Promise<void> } {
  let count = 0;
  let again: () => void = () => undefined;
  const second = new Promise<void>((resolve) => {
    again = resolve;
  });
  const first = new Promise<void>((resolve) => {
    const onSignal = (): void => {
      count += 1;
      stopping.abort();
      resolve();
      if (count > 1) again();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  return { first, second };
}

/** Tests run a daemon whose wall clock is wrong. */
function testOffset(env: string): { wallOffsetMs?: number } {
  const offset = Number(process.env['SPEECHAI_TEST_CLOCK_OFFSET_MS'] ?? 0);
  return env === 'testing' && offset !== 0 ? { wallOffsetMs: offset } : {};
}

function secretsOf(settings: LoadedSettings['settings']): string[] {
  const password = /\/\/[^:@/]*:([^@/]*)@/.exec(settings.database.uri)?.[1];
  return [settings.retell.apiKey, settings.alerts.webhookUrl ?? '', password === undefined ? '' : decodeURIComponent(password)].filter(
    (secret) => secret.length > 3,
  );
}
