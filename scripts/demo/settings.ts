/** The daemon's settings for the demo: real rules, times short enough that a day's waits pass in seconds. */
import type { DemoOptions } from './options.js';

export const DATABASE = 'speechai_demo';
export const CALLS_PER_SECOND = 25;
/** What the simulated Retell allows: a daemon that is told to keep below it leaves room for what a small burst and the network add. */
export const ALLOWED_CALLS_PER_SECOND = 30;
export const TRANSIENT_RETRIES = 3;
/** One is left alone for a while after the network blocked it; with several the others go on. */
const FROM_NUMBERS = ['+56600000001', '+56600000002', '+56600000003', '+56600000004', '+56600000005', '+56600000006'];

/** What the environment of a child keeps of ours: enough to find Node and its libraries. A real key or URI must never get in. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'SYSTEMROOT'];

export function childEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(INHERITED.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]]))), NO_COLOR: '1' };
}

export function demoSettings(options: DemoOptions, databaseDirectory: string, retellUrl: string): Readonly<Record<string, string>> {
  return {
    // Under testing the daemon refuses any Retell that is not on this machine.
    ENV: 'testing',
    LOG_LEVEL: 'INFO',
    MONGO_URI: `embedded:${databaseDirectory}`,
    MONGO_DB: DATABASE,
    RETELL_BASE_URL: retellUrl,
    RETELL_API_KEY: 'key_demo_simulated',
    RETELL_AGENT_ID: 'agent_demo',
    RETELL_FROM_NUMBER: FROM_NUMBERS.join(','),
    CALLER_REST_MINUTES: '0.1',
    RETELL_TIMEOUT_SECONDS: '1.5',
    WORKER_COUNT: String(options.workers),
    MAX_CONCURRENT_CALLS: String(options.workers),
    CALLS_PER_SECOND: String(CALLS_PER_SECOND),
    DIAL_WITHIN_MS: '1500',
    CALL_POLLING_INTERVAL: '0.25',
    CALL_MAX_DURATION_MINUTES: '4',
    CREDIT_HOLD_MINUTES: '4',
    ANALYSIS_WAIT_SECONDS: '2',
    RECONCILE_WINDOW_SECONDS: '3.5',
    LEASE_SECONDS: '3',
    SHUTDOWN_GRACE_SECONDS: '2',
    CLAIM_POLL_SECONDS: '0.25',
    BATCH_REFRESH_SECONDS: '0.5',
    RETRY_DELAY_MINUTES: '0.04',
    NO_ANSWER_RETRY_MINUTES: '0.03',
    TRANSIENT_RETRY_MINUTES: '0.015',
    TRANSIENT_RETRIES: String(TRANSIENT_RETRIES),
    MIN_REDIAL_MINUTES: '0.01',
  };
}

/** For the commands to try afterwards: the database, and the daemon's own times left out, which would only be warned about. */
export function settingsToTry(databaseDirectory: string): Readonly<Record<string, string>> {
  return { MONGO_URI: `embedded:${databaseDirectory}`, MONGO_DB: DATABASE, RETELL_FROM_NUMBER: FROM_NUMBERS.join(',') };
}

export function settingsFile(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [
    '# Written by `npm run demo`. Its Retell was a simulator, which has ended with the demo; the database is still there.',
    ...lines,
    '',
  ].join('\n');
}
