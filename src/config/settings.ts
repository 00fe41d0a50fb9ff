/** The settings as the program reads them: typed, frozen, in the units of their names. The schema (schema.ts) makes them. */

export type Environment = 'development' | 'testing' | 'staging' | 'production';

/** How often and how patiently one kind of request is tried again. */
export interface RetryPolicy {
  readonly tries: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  readonly honourRetryAfter: boolean;
}

export interface Settings {
  readonly env: Environment;
  readonly app: {
    /** The installation's own folder of profiles, outcomes and rules; null: the package's (see `findConfigFile`). */
    readonly configDir: string | null;
    /** Under testing: dial through a Retell that is not on this machine. */
    readonly allowRealCalls: boolean;
  };
  readonly database: {
    /** `mongodb://...`, `embedded` or `embedded:DIRECTORY`. */
    readonly uri: string;
    readonly name: string;
    readonly collections: {
      readonly jobs: string;
      readonly results: string;
      readonly logs: string;
      readonly accounts: string;
      readonly batches: string;
      readonly attempts: string;
      readonly ledgers: string;
      readonly runners: string;
      readonly suppressions: string;
      readonly transactions: string;
    };
    readonly maxPoolSize: number;
    readonly minPoolSize: number;
    readonly maxIdleMs: number;
    readonly waitQueueMs: number;
    readonly connectTimeoutMs: number;
    readonly selectionTimeoutMs: number;
    readonly socketTimeoutMs: number;
    readonly wtimeoutMs: number;
  };
  readonly retell: {
    readonly apiKey: string;
    readonly baseUrl: string;
    readonly agentId: string;
    /** RETELL_FROM_NUMBER may be a list. */
    readonly fromNumbers: readonly string[];
    readonly timeoutMs: number;
  };
  readonly workers: {
    readonly count: number;
    readonly leaseMs: number;
    readonly claimPollMs: number;
    readonly batchRefreshMs: number;
    readonly shutdownGraceMs: number;
    readonly stopMode: 'drain' | 'handover';
    /** Empty: all queues. */
    readonly queues: readonly string[];
  };
  readonly calls: {
    readonly pollingIntervalMs: number;
    /** Longest time a call may go unanswered. */
    readonly pollTimeoutMs: number;
    /** Longest talk. */
    readonly maxDurationMs: number;
    readonly dialWithinMs: number;
    readonly reconcileWindowMs: number;
    readonly analysisWaitMs: number;
    readonly ringTimeoutMs: number;
    /** RECONCILE look-back a day later. */
    readonly secondLookMs: number;
  };
  readonly retries: {
    /** null: nobody set MAX_ATTEMPTS; the job's own limit applies, else 3. */
    readonly maxAttempts: number | null;
    readonly retryDelayMs: number;
    readonly noAnswerRetryMs: number;
    readonly transientRetries: number;
    readonly transientRetryMs: number;
    readonly minRedialMs: number;
    readonly voicemailPolicy: 'retry' | 'done' | 'fail';
    readonly successStatus: 'done' | 'completed';
    readonly mongoConnect: RetryPolicy;
    readonly retellRead: RetryPolicy;
    readonly retellList: RetryPolicy;
    readonly retellStop: RetryPolicy;
    readonly alertWebhook: RetryPolicy;
  };
  readonly limits: {
    readonly maxConcurrentCalls: number;
    readonly callsPerSecond: number;
    /** null: no cap. */
    readonly maxCallsPerDay: number | null;
    readonly defaultMaxCallsPerDay: number | null;
    /** Share of starts that retries may take when new work waits too, 0 to 1. */
    readonly retryShare: number;
    readonly useProviderConcurrency: boolean;
    readonly importMaxMb: number;
    /** null: no cap. */
    readonly callerMaxPerHour: number | null;
    /** 0: none makes a caller number rest. */
    readonly callerBlocksToRest: number;
    readonly callerRestMs: number;
  };
  readonly credit: {
    readonly priceSource: 'provider' | 'tariff';
    readonly holdMinutes: number;
  };
  readonly campaign: {
    readonly timezone: string;
    readonly closingMarginMs: number;
    readonly rules: string;
    readonly callbackVariable: string;
  };
  readonly logging: {
    readonly level: string;
    /** component -> level. */
    readonly levels: Readonly<Record<string, string>>;
    readonly format: 'auto' | 'json' | 'pretty';
    readonly dir: string | null;
    readonly files: readonly string[];
    readonly maxBytes: number;
    readonly backups: number;
    readonly retentionDays: number;
  };
  readonly alerts: {
    readonly webhookUrl: string | null;
  };
}
