/** From settings and a store to a daemon: creates the effects, checks what must hold before anybody may dial. */
import { setMaxListeners } from 'node:events';
import type { Settings } from '../config/settings.js';
import type { Clock, Journal, Log } from '../domain/ports.js';
import type { Rulebook } from '../domain/rulebook.js';
import { createBreaker, remedyFor } from '../retell/breaker.js';
import { createRetell, type Retell } from '../retell/client.js';
import { createSlowdown } from '../retell/slowdown.js';
import { checkIndexes, createIndexes, missingIndexes, requireIndexes } from '../store/indexes.js';
import type { Store } from '../store/store.js';
import type { Context } from './context.js';
import { createAlerts } from './alerts.js';
import { createDaemon, type Daemon } from './daemon.js';
import { NO_FAIL_POINTS, parseFailPoints } from './failpoints.js';
import { newRunnerId, workspaceOf } from './ids.js';
import { indexUseOf, policyOf, timingOf } from './policy.js';
import { rehearse, type Rehearsed } from './rehearse.js';

export interface AssembleOptions {
  readonly settings: Settings;
  readonly rulebook: Rulebook;
  readonly fingerprint: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly store: Store;
  /** In development without a key: the simulator that takes Retell's place. */
  readonly simulatorUrl: string | null;
  /** A rehearsal: nothing is made that is missing. */
  readonly readOnly?: boolean;
  /** In benchmarks: a provider in this process, so that only our own work and the database's are measured. */
  readonly retell?: Retell;
}

export interface Assembled {
  readonly daemon: Daemon;
  rehearse(): AsyncIterable<Rehearsed>;
}

const SIMULATED = { apiKey: 'key_simulated', agentId: 'agent_simulated', fromNumbers: ['+56600000000'] };

export async function assemble(options: AssembleOptions): Promise<Assembled> {
  const { clock, journal, log, store, simulatorUrl } = options;
  const settings = simulatorUrl === null ? options.settings : simulated(options.settings, simulatorUrl);
  // In production indexes are an operator's act; elsewhere they are made on the way.
  const use = indexUseOf(settings);
  const looksOnly = settings.env === 'production' || options.readOnly === true;
  const indexes = () => (looksOnly ? checkIndexes(store.connection, use) : createIndexes(store.connection, use));
  requireIndexes(await indexes());

  const noMoreClaims = new AbortController();
  const abandon = new AbortController();
  // Every worker and request listens to these two for a while: many listeners are no leak here.
  setMaxListeners(0, noMoreClaims.signal, abandon.signal);
  const { apiKey, baseUrl, timeoutMs } = settings.retell;
  const { retellRead: read, retellList: list, retellStop: stop } = settings.retries;
  const random = Math.random;
  const retell =
    options.retell ?? createRetell({ baseUrl, apiKey, timeoutMs, read, list, stop, clock, random, log, ...limitsFor(settings) });
  const me = newRunnerId();
  const alert = createAlerts({
    webhookUrl: settings.alerts.webhookUrl,
    policy: settings.retries.alertWebhook,
    runner: me,
    clock,
    random,
    log: log.child('alert'),
    abandon: abandon.signal,
  });
  const breaker = createBreaker({
    clock,
    random,
    log,
    probe: (signal) => retell.probe(signal),
    onChange: (view) => {
      if (view.state === 'open')
        alert('DIALLING_STOPPED', 'dialling stopped: the provider refuses the account; live calls are followed on', {
          about: view.reason ?? '',
          ...(view.reason === null ? {} : { cause: view.reason }),
          ...(view.kind === null ? {} : { remedy: remedyFor(view.kind) }),
        });
    },
  });
  const cx: Context = {
    me,
    workspace: workspaceOf(baseUrl, apiKey),
    store,
    retell,
    breaker,
    slowdown: createSlowdown({ clock }),
    clock,
    random,
    log: log.child('runner'),
    alert,
    journal,
    policy: policyOf(settings),
    ...options.rulebook,
    timing: timingOf(settings),
    queues: settings.workers.queues,
    failPoints: settings.env === 'testing' ? testFailPoints() : NO_FAIL_POINTS,
    noMoreClaims: noMoreClaims.signal,
    abandon: abandon.signal,
  };
  const daemon = createDaemon(
    cx,
    {
      version: options.version,
      workers: settings.workers.count,
      fingerprint: options.fingerprint,
      callsPerSecond: settings.limits.callsPerSecond,
      retryShare: settings.limits.retryShare,
      graceMs: settings.workers.shutdownGraceMs,
      useProviderConcurrency: settings.limits.useProviderConcurrency,
      handOverAtOnce: settings.workers.stopMode === 'handover',
      indexesStand: async () => missingIndexes(await indexes()).length === 0,
    },
    { stopClaims: () => noMoreClaims.abort(), abandon: () => abandon.abort() },
  );
  return { daemon, rehearse: () => rehearse(cx) };
}

function simulated(settings: Settings, baseUrl: string): Settings {
  return { ...settings, retell: { ...settings.retell, ...SIMULATED, baseUrl } };
}

/** The provider's request limits do not hold on this machine, where only a simulator can be. */
function limitsFor(settings: Settings): Partial<Parameters<typeof createRetell>[0]> {
  if (!/^https?:\/\/(127\.|localhost|\[::1\])/.test(settings.retell.baseUrl)) return {};
  const open = { perSecond: 5_000, burst: 5_000 };
  return { limits: { read: open, list: open, stop: open } };
}

function testFailPoints(): Context['failPoints'] {
  const spec = process.env['SPEECHAI_TEST_FAIL_POINT'];
  return spec === undefined || spec === '' ? NO_FAIL_POINTS : parseFailPoints(spec, (name) => process.kill(process.pid, name));
}
