/** What a command that works on the database is given, opened for it and closed after it whatever happens. */
import { userInfo, hostname } from 'node:os';
import type { Command } from 'commander';
import { SpeechAiError, EXIT } from '../domain/errors.js';
import type { Policy } from '../domain/decision.js';
import type { Clock, Log } from '../domain/ports.js';
import type { Retell } from '../retell/client.js';
import type { Store } from '../store/store.js';
import { say } from './output.js';
import { loadSettingsOrExit, type LoadedSettings, type Needs } from './settings.js';

export interface Session {
  readonly loaded: LoadedSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly policy: Policy;
  /** The one who asks, for the documents: user and machine. */
  readonly by: string;
  /** Made when it is first asked for; `workspace` tells which calls it can see. */
  retell(): Promise<Provider>;
}

export interface Provider {
  readonly retell: Retell;
  readonly workspace: string;
}

/** Commands say what happened by themselves; the layers below have nothing to add on a terminal. */
const QUIET: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  child: () => QUIET,
};

export async function withSession<T>(command: Command, work: (session: Session) => Promise<T>, needs: Needs = {}): Promise<T> {
  const loaded = await loadSettingsOrExit(command, { withoutRetell: true, errorsOnly: true, ...needs });
  const [{ createClock }, { openDatabase }, { policyOf }] = await Promise.all([
    import('../telemetry/clock.js'),
    import('./database.js'),
    import('../runner/policy.js'),
  ]);
  const clock = createClock();
  const database = await openDatabase(loaded.settings, clock);
  // Whoever forgot the setting sees an empty database, and thinks that his campaigns are gone.
  if (database.directory !== null && loaded.origins.get('MONGO_URI')?.source === 'default')
    say(`MONGO_URI is not set, so this is the ${database.provider} in ${database.directory}.`);
  let provider: Promise<Provider> | null = null;
  try {
    return await work({
      loaded,
      store: database.store,
      clock,
      policy: policyOf(loaded.settings),
      by: whoAsks(),
      retell: () => (provider ??= openProvider(loaded, clock)),
    });
  } finally {
    await (await settled(provider))?.retell.close();
    await database.close();
  }
}

async function openProvider({ settings, simulator }: LoadedSettings, clock: Clock): Promise<Provider> {
  const { apiKey, baseUrl, timeoutMs } = settings.retell;
  if (simulator || apiKey === '') {
    throw new SpeechAiError('NO_PROVIDER', 'There is no RETELL_API_KEY here, so no call can be looked at or stopped.', {
      remedy: 'Run the command with the settings of the daemon: RETELL_API_KEY, and RETELL_BASE_URL where a simulator is meant.',
      exitCode: EXIT.config,
    });
  }
  const [{ createRetell }, { workspaceOf }] = await Promise.all([import('../retell/client.js'), import('../runner/ids.js')]);
  const { retellRead: read, retellList: list, retellStop: stop } = settings.retries;
  const retell = createRetell({ baseUrl, apiKey, timeoutMs, read, list, stop, clock, random: Math.random, log: QUIET });
  return { retell, workspace: workspaceOf(baseUrl, apiKey) };
}

/** One that could not be opened has told its own error already. */
async function settled(provider: Promise<Provider> | null): Promise<Provider | null> {
  try {
    return await provider;
  } catch {
    return null;
  }
}

function whoAsks(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `somebody@${hostname()}`; // a container's user may have no name
  }
}
