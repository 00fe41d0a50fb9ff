/** What a chaos run is given, and the settings its daemons run with. */

export interface ChaosOptions {
  readonly seed: string;
  /** How long faults are injected; what is left is then finished without faults. */
  readonly minutes: number;
  readonly daemons: number;
  readonly jobs: number;
  /** How often the members of a replica set change roles meanwhile; with 0 the engine is the standalone that it is. */
  readonly elections: number;
  /** Logs of the daemons, the report, the story of a breach. */
  readonly out: string;
  /** The program's entry: `dist/main.js`, or a copy that was broken on purpose. */
  readonly entry: string;
  /** How long the rest may take once no fault is injected any more. */
  readonly settleMs: number;
}

export const DEFAULTS: Omit<ChaosOptions, 'seed' | 'out'> = {
  minutes: 2,
  daemons: 3,
  jobs: 600,
  elections: 0,
  entry: 'dist/main.js',
  settleMs: 120_000,
};

export const DIAL_WITHIN_MS = 900;
export const LEASE_MS = 2_000;
export const GRACE_MS = 1_500;
export const API_KEY = 'key_chaos_51c0d2f98a7be3';
export const FROM_NUMBER = '+56600000001';
/** Simulated seconds per real second: a talk of two minutes takes two seconds. */
export const SPEED = 60;
export const TRANSIENT_RETRIES = 5;
/** A late create is carried out by the provider after so long: past the request's timeout, well inside the reconcile window. */
export const LATE_CREATE_MS = 1_800;

/** Short times, so that what takes minutes in life takes seconds here; each is still several times what it must cover. */
export const DAEMON_ENV: Readonly<Record<string, string>> = {
  ENV: 'testing',
  LOG_LEVEL: 'INFO',
  LOG_FORMAT: 'json',
  RETELL_API_KEY: API_KEY,
  RETELL_AGENT_ID: 'agent_chaos',
  RETELL_FROM_NUMBER: FROM_NUMBER,
  RETELL_TIMEOUT_SECONDS: '1',
  WORKER_COUNT: '16',
  CALLS_PER_SECOND: '200',
  MAX_CONCURRENT_CALLS: '200',
  LEASE_SECONDS: String(LEASE_MS / 1_000),
  DIAL_WITHIN_MS: String(DIAL_WITHIN_MS),
  RECONCILE_WINDOW_SECONDS: '5',
  // Longer than DIAL_WITHIN_MS: only the second reading can make a pause certain in time.
  BATCH_REFRESH_SECONDS: '3',
  CLAIM_POLL_SECONDS: '0.2',
  CALL_POLLING_INTERVAL: '0.3',
  ANALYSIS_WAIT_SECONDS: '3',
  SECOND_LOOK_HOURS: '0.003',
  RETRY_DELAY_MINUTES: '0.01',
  NO_ANSWER_RETRY_MINUTES: '0.01',
  TRANSIENT_RETRY_MINUTES: '0.005',
  TRANSIENT_RETRIES: String(TRANSIENT_RETRIES),
  MIN_REDIAL_MINUTES: '0.001',
  CLOSING_MARGIN_SECONDS: '0',
  // Blocks by the network are among the outcomes; with one caller number a rest would end the run.
  CALLER_BLOCKS_TO_REST: '0',
  SHUTDOWN_GRACE_SECONDS: String(GRACE_MS / 1_000),
  MONGO_SOCKET_TIMEOUT_SECONDS: '1.2',
  MONGO_CONNECT_TIMEOUT_SECONDS: '1',
  MONGO_SELECTION_TIMEOUT_SECONDS: '2',
  MONGO_WAIT_QUEUE_SECONDS: '2',
  MONGO_WTIMEOUT_SECONDS: '1',
};
