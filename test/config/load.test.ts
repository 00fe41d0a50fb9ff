import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LoadOptions, LoadResult } from '../../src/config/load.js';
import { loadSettings } from '../../src/config/load.js';
import { ENTRIES } from '../../src/config/schema.js';
import { defaultIn } from '../../src/config/setting.js';
import type { Settings } from '../../src/config/settings.js';

const root = mkdtempSync(join(tmpdir(), 'speechai-config-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function folder(files: Readonly<Record<string, string>>): string {
  const path = join(root, String((folders += 1)));
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

const EMPTY = folder({});

function load(env: Readonly<Record<string, string>>, options: LoadOptions = {}): LoadResult {
  return loadSettings({ env, cwd: EMPTY, ...options });
}

function settingsOf(result: LoadResult): Settings {
  if (result.settings === null) throw new Error(JSON.stringify(result.problems, null, 1));
  return result.settings;
}

function told(result: LoadResult, level: 'error' | 'warning'): string[] {
  return result.problems.filter((problem) => problem.level === level).map((problem) => problem.name);
}

const RETELL = { RETELL_API_KEY: 'key_9f8e7d6c5b4a', RETELL_AGENT_ID: 'agent_9f8e7d', RETELL_FROM_NUMBER: '+56911112222' };
const PRODUCTION = { ENV: 'production', MONGO_URI: 'mongodb://db.internal/?replicaSet=rs0', ...RETELL };
const DAEMON_UNDER_TEST = { ENV: 'testing', ...RETELL, RETELL_API_KEY: 'key_test', RETELL_BASE_URL: 'http://127.0.0.1:4010' };

describe('defaults', () => {
  it('need nothing written in development: an embedded database and the simulator', () => {
    const result = load({});
    expect(result.problems).toEqual([]);
    expect(result.simulator).toBe(true);
    const settings = settingsOf(result);
    expect(settings.database.uri).toBe('embedded');
    expect(result.origins.get('MONGO_URI')).toMatchObject({ value: 'embedded', source: 'default' });
    expect(settings.retell.apiKey).toBe('');
  });

  it("are SpeechAI's where SpeechAI has one", () => {
    const s = settingsOf(load({}));
    expect(s.database).toMatchObject({ name: 'speechai_db', maxPoolSize: 50 });
    expect(s.database.collections).toMatchObject({
      jobs: 'jobs',
      results: 'call_results',
      logs: 'call_logs',
      accounts: 'accounts',
      batches: 'batches',
      attempts: 'call_attempts',
    });
    expect(s.retell).toMatchObject({ baseUrl: 'https://api.retellai.com', timeoutMs: 30_000 });
    expect(s.workers).toMatchObject({
      count: 6,
      leaseMs: 120_000,
      shutdownGraceMs: 30_000,
      stopMode: 'drain',
      claimPollMs: 1_000,
      batchRefreshMs: 2_000,
      queues: [],
    });
    expect(s.calls).toMatchObject({
      pollingIntervalMs: 10_000,
      pollTimeoutMs: 300_000,
      maxDurationMs: 600_000,
      dialWithinMs: 2_000,
      reconcileWindowMs: 360_000,
      analysisWaitMs: 60_000,
    });
    expect(s.retries).toMatchObject({
      maxAttempts: null,
      retryDelayMs: 1_800_000,
      noAnswerRetryMs: 3_600_000,
      transientRetries: 5,
      transientRetryMs: 60_000,
      minRedialMs: 60_000,
    });
    expect(s.retries.retellRead).toMatchObject({ tries: 5, delayMs: 1_000, factor: 2, maxDelayMs: 60_000 });
    expect(s.limits).toMatchObject({ maxConcurrentCalls: 20, callsPerSecond: 1, defaultMaxCallsPerDay: null });
    expect(s.logging).toMatchObject({ level: 'info', maxBytes: 10_485_760, backups: 5 });
  });

  it.each(['development', 'testing', 'staging', 'production'] as const)('can be read by their own reader, in %s', (env) => {
    for (const { setting } of ENTRIES) {
      expect(setting.parser.parse(defaultIn(setting, env)), setting.name).not.toBeNull();
      expect(setting.parser.parse(setting.example), `example of ${setting.name}`).not.toBeNull();
    }
  });

  it('are fewer tries and connections under testing', () => {
    const s = settingsOf(load({ ENV: 'test' }));
    expect(s.retries.mongoConnect.tries).toBeLessThan(5);
    expect(s.database.maxPoolSize).toBeLessThan(50);
  });
});

describe('the result', () => {
  it('is frozen to the last leaf', () => {
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(walk);
    };
    walk(settingsOf(load({})));
  });

  it('has a fingerprint that tells any difference, secrets included, and nothing else', () => {
    const one = load(PRODUCTION).fingerprint;
    expect(load(PRODUCTION).fingerprint).toBe(one);
    expect(load({ ...PRODUCTION, WORKER_COUNT: '6' }).fingerprint).toBe(one);
    expect(load({ ...PRODUCTION, WORKER_COUNT: '7' }).fingerprint).not.toBe(one);
    expect(load({ ...PRODUCTION, RETELL_API_KEY: 'key_9f8e7d6c5b4b' }).fingerprint).not.toBe(one);
    expect(one).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('values', () => {
  it.each([
    ['RETRY_DELAY_MINUTES', '0.05', (s: Settings) => s.retries.retryDelayMs, 3_000],
    ['CALL_POLLING_INTERVAL', '0.3', (s: Settings) => s.calls.pollingIntervalMs, 300],
    ['CALL_POLLING_INTERVAL', '10  # ten', (s: Settings) => s.calls.pollingIntervalMs, 10_000],
    ['LEASE_SECONDS', '45.5', (s: Settings) => s.workers.leaseMs, 45_500],
    ['LOG_LEVEL', 'WARNING', (s: Settings) => s.logging.level, 'warn'],
    ['LOG_LEVEL', 'critical', (s: Settings) => s.logging.level, 'fatal'],
    ['LOG_LEVELS', 'store:debug, retell:INFO', (s: Settings) => s.logging.levels, { store: 'debug', retell: 'info' }],
    ['WORKER_QUEUES', 'calls, retries,calls', (s: Settings) => s.workers.queues, ['calls', 'retries']],
    ['STOP_MODE', 'Handover', (s: Settings) => s.workers.stopMode, 'handover'],
    ['DEFAULT_MAX_CALLS_PER_DAY', '', (s: Settings) => s.limits.defaultMaxCallsPerDay, null],
    ['MAX_CALLS_PER_DAY', '5000', (s: Settings) => s.limits.maxCallsPerDay, 5_000],
    ['RETRY_RETELL_STOP_RETRY_AFTER', 'no', (s: Settings) => s.retries.retellStop.honourRetryAfter, false],
    ['RETRY_ALERT_WEBHOOK_TRIES', '9', (s: Settings) => s.retries.alertWebhook.tries, 9],
    ['ENV', 'dev', (s: Settings) => s.env, 'development'],
  ])('%s=%s', (name, text, pick, value) => expect(pick(settingsOf(load({ [name]: text })))).toEqual(value));

  it.each([
    ['WORKER_COUNT', '0'],
    ['WORKER_COUNT', '2.5'],
    ['WORKER_COUNT', '-1'],
    ['WORKER_COUNT', 'six'],
    ['WORKER_COUNT', ''],
    ['WORKER_COUNT', '0x10'],
    ['WORKER_COUNT', '1e3'],
    ['LEASE_SECONDS', '1.9'],
    ['LEASE_SECONDS', 'NaN'],
    ['LEASE_SECONDS', 'Infinity'],
    ['LEASE_SECONDS', '9'.repeat(400)],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'xml'],
    ['MONGO_DB', 'a.b'],
    ['MONGO_COLL_JOBS', 'system.users'],
    ['DEFAULT_TIMEZONE', 'Mars/Olympus'],
    ['DEFAULT_TIMEZONE', '+03:00'],
    ['RETELL_FROM_NUMBER', '911112222'],
    ['ENV', 'prodution'],
    ['MONGO_URI', 'mongodb://'],
  ])('%s=%s is refused with what is allowed and an example', (name, text) => {
    const result = load({ [name]: text });
    expect(result.settings).toBeNull();
    const problem = result.problems.find((each) => each.name === name && each.level === 'error');
    expect(problem).toMatchObject({ example: expect.stringContaining(`${name}=`) as string, allowed: expect.any(String) as string });
    expect(problem?.given).not.toBeNull();
  });

  it('are all judged at once', () => {
    const result = load({ WORKER_COUNT: 'x', LEASE_SECONDS: '1', LOG_LEVEL: 'loud', MONGO_URI: 'nowhere', STOP_MODE: 'now' });
    expect(told(result, 'error').toSorted()).toEqual(['LEASE_SECONDS', 'LOG_LEVEL', 'MONGO_URI', 'STOP_MODE', 'WORKER_COUNT']);
  });
});

describe('precedence', () => {
  const own = folder({ 'development.env': 'WORKER_COUNT=2\nMAX_CONCURRENT_CALLS=30\nRETRY_SHARE=0.1\n' });
  const cwd = folder({ '.env': 'WORKER_COUNT=3\nMAX_CONCURRENT_CALLS=31\n', 'other.env': 'WORKER_COUNT=4\n' });
  it.each([
    ['default', {}, { cwd: EMPTY }, 6, 'default'],
    ['profile over default', { SPEECHAI_CONFIG_DIR: own }, { cwd: EMPTY }, 2, 'profile'],
    ['.env over profile', { SPEECHAI_CONFIG_DIR: own }, { cwd }, 3, '.env line 1'],
    ['--env-file instead of .env', { SPEECHAI_CONFIG_DIR: own }, { cwd, envFile: 'other.env' }, 4, 'other.env line 1'],
    ['environment over .env', { SPEECHAI_CONFIG_DIR: own, WORKER_COUNT: '5' }, { cwd }, 5, 'environment'],
    ['command line over environment', { WORKER_COUNT: '5' }, { cwd, flags: { WORKER_COUNT: '7' } }, 7, 'command line'],
  ])('%s', (_title, env, options, count, origin) => {
    const result = load(env, options);
    expect(settingsOf(result).workers.count).toBe(count);
    expect(result.origins.get('WORKER_COUNT')?.origin).toContain(origin);
  });

  it('looks at each layer for each name', () => {
    const s = settingsOf(load({ SPEECHAI_CONFIG_DIR: own, WORKER_COUNT: '5' }, { cwd }));
    expect([s.workers.count, s.limits.maxConcurrentCalls, s.limits.retryShare]).toEqual([5, 31, 0.1]);
  });

  it('chooses the profile by ENV, also when .env says it', () => {
    const result = load({}, { cwd: folder({ '.env': 'ENV=testing\n' }) });
    expect(settingsOf(result).env).toBe('testing');
    expect(result.origins.get('LOG_LEVEL')).toMatchObject({ source: 'profile', origin: expect.stringContaining('testing.env') as string });
  });

  it('ships an example for many calls that can be used', () => {
    const s = settingsOf(load({}, { envFile: join(import.meta.dirname, '../../config/high-load.env') }));
    expect([s.workers.count, s.workers.leaseMs, s.retries.retryDelayMs, s.calls.pollingIntervalMs]).toEqual([
      20, 300_000, 3_600_000, 5_000,
    ]);
  });
});

describe('files', () => {
  it('with a syntax error are named with the line', () => {
    const cwd = folder({ '.env': 'WORKER_COUNT=3\nthis is not it\nLEASE_SECONDS="60\n' });
    const result = load({}, { cwd });
    expect(result.settings).toBeNull();
    const text = result.problems.map((problem) => problem.message).join('\n');
    expect(text).toContain(`${join(cwd, '.env')} line 2`);
    expect(text).toContain(`${join(cwd, '.env')} line 3`);
  });

  it('that are asked for must be there', () => {
    expect(load({}, { envFile: 'missing.env' }).problems[0]?.message).toContain('does not exist');
    expect(load({}, { envFile: EMPTY }).problems[0]?.message).toContain('is a folder');
    expect(load({ SPEECHAI_CONFIG_DIR: join(EMPTY, 'no') }).settings).toBeNull();
  });

  it('tell of a name that is set twice, differently', () => {
    expect(told(load({}, { cwd: folder({ '.env': 'WORKER_COUNT=3\nWORKER_COUNT=4\n' }) }), 'warning')).toEqual(['WORKER_COUNT']);
  });
});

describe('secrets from files', () => {
  const dir = folder({
    key: 'key_9f8e7d6c5b4a\n',
    empty: '\n',
    retell_api_key: 'key_fromsystemd99',
    MONGO_URI: 'mongodb://u:pw123456@db\n',
  });
  it('NAME_FILE gives the value, its origin and no line end', () => {
    const { RETELL_API_KEY: _key, ...rest } = PRODUCTION;
    const result = load({ ...rest, RETELL_API_KEY_FILE: join(dir, 'key') });
    expect(settingsOf(result).retell.apiKey).toBe('key_9f8e7d6c5b4a');
    expect(result.origins.get('RETELL_API_KEY')).toMatchObject({ value: '********', origin: `file ${join(dir, 'key')}` });
  });

  it("systemd's credentials are found in either case, below the environment", () => {
    const { RETELL_API_KEY: _key, MONGO_URI: _uri, ...rest } = PRODUCTION;
    const s = settingsOf(load({ ...rest, CREDENTIALS_DIRECTORY: dir }));
    expect([s.retell.apiKey, s.database.uri]).toEqual(['key_fromsystemd99', 'mongodb://u:pw123456@db']);
    expect(settingsOf(load({ ...PRODUCTION, CREDENTIALS_DIRECTORY: dir })).retell.apiKey).toBe('key_9f8e7d6c5b4a');
  });

  it.each([
    ['missing', 'does not exist'],
    ['.', 'is a folder'],
    ['empty', 'is empty'],
  ])('refuses %s', (name, why) => {
    const result = load({ MONGO_PASSWORD_FILE: join(dir, name), MONGO_HOST: 'db', MONGO_USER: 'u' });
    expect(result.settings).toBeNull();
    expect(result.problems.map((problem) => problem.message).join()).toContain(why);
  });

  it('refuses a device, which would never end', () => expect(load({ RETELL_API_KEY_FILE: '/dev/zero' }).settings).toBeNull());

  it('refuses NAME and NAME_FILE that differ', () => {
    expect(told(load({ ...PRODUCTION, RETELL_API_KEY: 'key_other999', RETELL_API_KEY_FILE: join(dir, 'key') }), 'error')).toEqual([
      'RETELL_API_KEY',
    ]);
  });

  it('does not show a secret that was written where a path belongs', () => {
    expect(JSON.stringify(load({ MONGO_PASSWORD_FILE: 'hunter22hunter', MONGO_HOST: 'h', MONGO_USER: 'u' }).problems)).not.toContain(
      'hunter22',
    );
  });
});

describe('the database in parts', () => {
  const dir = folder({ password: 'p@ss/w:rd #1\n' });
  it('becomes a URI with everything escaped', () => {
    const result = load({ MONGO_HOST: 'db.internal', MONGO_PORT: '27018', MONGO_USER: 'a b', MONGO_PASSWORD_FILE: join(dir, 'password') });
    expect(settingsOf(result).database.uri).toBe('mongodb://a%20b:p%40ss%2Fw%3Ard%20%231@db.internal:27018/?authSource=admin');
    expect(result.origins.get('MONGO_URI')?.value).toBe('mongodb://a%20b:****@db.internal:27018/?authSource=admin');
  });
  it('survives half a character', () => {
    expect(load({ MONGO_HOST: 'db', MONGO_USER: '\ud800', MONGO_PASSWORD: '\udfff' }).settings).not.toBeNull();
  });
  it('counts as a database somebody wrote', () => expect(load({ ENV: 'production', ...RETELL, MONGO_HOST: 'db' }).problems).toEqual([]));
  it.each([
    ['with MONGO_URI', { MONGO_HOST: 'db', MONGO_URI: 'mongodb://other' }, 'MONGO_URI'],
    ['user without password', { MONGO_HOST: 'db', MONGO_USER: 'u' }, 'MONGO_PASSWORD'],
    ['password without user', { MONGO_HOST: 'db', MONGO_PASSWORD: 'hunter22' }, 'MONGO_USER'],
    ['without host', { MONGO_PORT: '1' }, 'MONGO_HOST'],
    ['bad port', { MONGO_HOST: 'db', MONGO_PORT: '0' }, 'MONGO_PORT'],
    ['bad host', { MONGO_HOST: 'db:27017' }, 'MONGO_HOST'],
  ])('%s is an error that names %s', (_title, env, name) => expect(told(load(env), 'error')).toEqual([name]));
});

describe('old names', () => {
  it.each([
    ['MAX_TRIES', '4', (s: Settings) => s.retries.maxAttempts, 4],
    ['DEFAULT_RETRY_NUMBER', '2', (s: Settings) => s.retries.maxAttempts, 3],
    ['DEFAULT_MAX_CALL_DURATION', '90', (s: Settings) => s.calls.maxDurationMs, 90_000],
    ['DEFAULT_MAX_CALL_DURATION', '100', (s: Settings) => s.calls.maxDurationMs, 100_000],
    ['MONGODB_URI', 'mongodb://old', (s: Settings) => s.database.uri, 'mongodb://old'],
    ['DATABASE_URL', 'mongodb+srv://old', (s: Settings) => s.database.uri, 'mongodb+srv://old'],
  ])('%s=%s works and says so once', (name, text, pick, value) => {
    const result = load({ [name]: text });
    expect(pick(settingsOf(result))).toBe(value);
    expect(told(result, 'warning')).toEqual([name]);
  });

  it('a DATABASE_URL of another database is not ours', () => {
    const result = load({ DATABASE_URL: 'postgres://u:p@h/d' });
    expect(result.problems).toEqual([]);
    expect(settingsOf(result).database.uri).toBe('embedded');
  });

  it('DEFAULT_RETRY_GAP has no unit: ignored, with the name to use', () => {
    const result = load({ DEFAULT_RETRY_GAP: '5' });
    expect(settingsOf(result).retries.retryDelayMs).toBe(1_800_000);
    expect(result.problems).toEqual([
      expect.objectContaining({ level: 'warning', remedy: expect.stringContaining('RETRY_DELAY_MINUTES') as string }),
    ]);
  });

  it.each([
    [{ MAX_TRIES: '4', MAX_ATTEMPTS: '5' }, {}],
    [{ MAX_TRIES: '4', DEFAULT_RETRY_NUMBER: '4' }, {}],
    [{ MAX_ATTEMPTS: '5' }, { '.env': 'MAX_TRIES=4\n' }],
    [{ MAX_TRIES: '5' }, { '.env': 'MAX_ATTEMPTS=4\n' }],
    [{ MONGODB_URI: 'mongodb://a', MONGO_URI: 'mongodb://b' }, {}],
    [{ DEFAULT_MAX_CALL_DURATION: '300', CALL_MAX_DURATION_MINUTES: '10' }, {}],
  ])('old and new set to different values is an error naming both: %j %j', (env, files) => {
    const result = load(env, { cwd: folder(files) });
    const conflict = result.problems.find((problem) => problem.level === 'error');
    const text = `${conflict?.name} ${conflict?.message}`;
    const names = [...Object.keys(env), ...Object.values(files).map((line) => line.split('=')[0] ?? '')];
    for (const name of names) expect(text).toContain(name);
  });

  it('old and new that agree are no conflict', () => {
    expect(told(load({ MAX_TRIES: '4', MAX_ATTEMPTS: '4' }), 'error')).toEqual([]);
    expect(told(load({ DEFAULT_RETRY_NUMBER: '2', MAX_ATTEMPTS: '3' }), 'error')).toEqual([]);
    expect(told(load({ DEFAULT_MAX_CALL_DURATION: '600', CALL_MAX_DURATION_MINUTES: '10.0' }), 'error')).toEqual([]);
  });

  it("Python's LOG_FORMAT is a warning", () => {
    const result = load({ LOG_FORMAT: '%(asctime)s - %(name)s - %(message)s' });
    expect(settingsOf(result).logging.format).toBe('auto');
    expect(told(result, 'warning')).toEqual(['LOG_FORMAT']);
  });
});

describe('near misses', () => {
  it.each([
    ['WORKER_COUNTS', 'WORKER_COUNT'],
    ['RETEL_API_KEY', 'RETELL_API_KEY'],
    ['RETELL_APIKEY', 'RETELL_API_KEY'],
    ['RETELL_API', 'RETELL_API_KEY'],
    ['MONGO_URL', 'MONGO_URI'],
    ['LAESE_SECONDS', 'LEASE_SECONDS'],
    ['worker_count', 'WORKER_COUNT'],
    ['RETRY_DELAY_SECONDS', 'RETRY_DELAY_MINUTES'],
    ['CALL_POLLING_INTERVAL_SECONDS', 'CALL_POLLING_INTERVAL'],
    ['MONGO_USERNAME', 'MONGO_USER'],
    ['LOG_FILE', 'LOG_FILES'],
  ])('%s is a warning that names %s', (name, meant) => {
    const result = load({ [name]: 'key_secret12345' });
    expect(result.settings).not.toBeNull();
    expect(result.problems).toEqual([
      expect.objectContaining({ level: 'warning', name, message: expect.stringContaining(meant) as string }),
    ]);
    expect(JSON.stringify(result.problems)).not.toContain('secret12345');
  });

  it.each([
    'CELERY_BROKER_URL',
    'JWT_SECRET',
    'JWT_ALGORITHM',
    'REDIS_URL',
    'SECRET_KEY',
    'API_HOST',
    'API_PORT',
    'API_WORKERS',
    'VITE_API_BASE',
    'VITE_CALL_POLLING_INTERVAL',
    'GOOGLE_SHEETS_SPREADSHEET_ID',
    'ACCESS_TOKEN_EXPIRE_MINUTES',
    'PATH',
    'HOME',
    'LANG',
    'LOGNAME',
    'HOSTNAME',
    'NODE_ENV',
    'MONGO_INITDB_ROOT_USERNAME',
    'RETELL_API_KEY_FILE_X',
  ])('%s is none of our business', (name) => expect(load({ [name]: 'x' }).problems).toEqual([]));

  it('the environment of this very process has none', () => {
    expect(
      loadSettings({ env: { PATH: process.env['PATH'], HOME: '/root', SHELL: '/bin/sh', TERM: 'xterm', PWD: '/' }, cwd: EMPTY }).problems,
    ).toEqual([]);
  });
});

describe('refusals', () => {
  const { RETELL_API_KEY: _key, ...KEYLESS } = PRODUCTION;
  it('a whole production environment is taken', () => expect(load(PRODUCTION).problems).toEqual([]));
  it('a daemon under test is taken', () => {
    for (const uri of ['mongodb://%2Fpath%2Fsock', 'mongodb://127.0.0.1:27017', 'embedded']) {
      const result = load({
        ...DAEMON_UNDER_TEST,
        MONGO_URI: uri,
        LEASE_SECONDS: '2',
        CLAIM_POLL_SECONDS: '0.02',
        DIAL_WITHIN_MS: '150',
        CALL_POLLING_INTERVAL: '0.05',
        RECONCILE_WINDOW_SECONDS: '0.5',
        RING_TIMEOUT_SECONDS: '0.2',
        ANALYSIS_WAIT_SECONDS: '0.1',
        MIN_REDIAL_MINUTES: '0',
        RETRY_DELAY_MINUTES: '0.001',
      });
      expect(told(result, 'error')).toEqual([]);
      expect(result.settings).not.toBeNull();
    }
  });

  it.each([
    ['a missing key in production', KEYLESS, 'RETELL_API_KEY'],
    ['a missing key in staging', { ...KEYLESS, ENV: 'staging' }, 'RETELL_API_KEY'],
    [
      'a missing key for an address that was written',
      { RETELL_BASE_URL: 'http://127.0.0.1:1', RETELL_AGENT_ID: 'a', RETELL_FROM_NUMBER: '+56911112222' },
      'RETELL_API_KEY',
    ],
    ['a placeholder key', { ...PRODUCTION, RETELL_API_KEY: 'your_retell_api_key' }, 'RETELL_API_KEY'],
    ['a placeholder key', { ...PRODUCTION, RETELL_API_KEY: 'changeme' }, 'RETELL_API_KEY'],
    ['the key of our own example', { ...PRODUCTION, RETELL_API_KEY: 'key_0123456789abcdef' }, 'RETELL_API_KEY'],
    ['a placeholder agent', { ...PRODUCTION, RETELL_AGENT_ID: 'agent_xxxxxxxx' }, 'RETELL_AGENT_ID'],
    ['a placeholder number', { ...PRODUCTION, RETELL_FROM_NUMBER: '+1234567890' }, 'RETELL_FROM_NUMBER'],
    ['a placeholder password', { ...PRODUCTION, MONGO_URI: 'mongodb://speechai:PASSWORD@db' }, 'MONGO_URI'],
    ['http off this machine', { ...PRODUCTION, RETELL_BASE_URL: 'http://retell.example.net' }, 'RETELL_BASE_URL'],
    ['an embedded database', { ...PRODUCTION, MONGO_URI: 'embedded' }, 'MONGO_URI'],
    [
      'a key without agent',
      { ENV: 'development', MONGO_URI: 'mongodb://db', RETELL_API_KEY: 'key_9f8e7d6c', RETELL_FROM_NUMBER: '+56911112222' },
      'RETELL_AGENT_ID',
    ],
    [
      'a key without number',
      { ENV: 'development', MONGO_URI: 'mongodb://db', RETELL_API_KEY: 'key_9f8e7d6c', RETELL_AGENT_ID: 'agent_9f' },
      'RETELL_FROM_NUMBER',
    ],
    ['a real key with no database written', { ...RETELL }, 'MONGO_URI'],
    ['a real key with no database written, in production', { ENV: 'production', ...RETELL }, 'MONGO_URI'],
    [
      'a Retell off this machine under testing',
      { ...DAEMON_UNDER_TEST, RETELL_BASE_URL: 'https://api.retellai.com', MONGO_URI: 'mongodb://db' },
      'RETELL_BASE_URL',
    ],
    ['the real Retell by default under testing', { ENV: 'testing', ...RETELL, MONGO_URI: 'mongodb://db' }, 'RETELL_BASE_URL'],
  ])('%s', (_title, env, name) => expect(told(load(env), 'error')).toEqual([name]));

  it('ALLOW_REAL_CALLS=1 lifts the one of testing', () => {
    expect(load({ ENV: 'testing', ...RETELL, MONGO_URI: 'mongodb://db', ALLOW_REAL_CALLS: '1' }).settings).not.toBeNull();
  });
  it('a placeholder is a warning elsewhere', () => {
    expect(told(load({ ...PRODUCTION, ENV: 'staging', RETELL_API_KEY: 'your_key' }), 'warning')).toEqual(['RETELL_API_KEY']);
  });
  it('commands that never speak to Retell need none of its settings', () => {
    expect(load({ ENV: 'production', MONGO_URI: 'mongodb://db' }, { withoutRetell: true }).problems).toEqual([]);
    expect(load({ ENV: 'production', MONGO_URI: 'embedded' }, { withoutRetell: true }).settings).toBeNull();
  });
});

describe('settings that do not fit together', () => {
  it.each([
    ['LEASE_SECONDS', { LEASE_SECONDS: '10' }],
    ['RECONCILE_WINDOW_SECONDS', { RECONCILE_WINDOW_SECONDS: '60' }],
    ['RING_TIMEOUT_SECONDS', { RING_TIMEOUT_SECONDS: '2' }],
    ['MONGO_MAX_POOL_SIZE', { MONGO_MAX_POOL_SIZE: '7' }],
  ])('%s: an error in production, a warning where tests need it', (name, env) => {
    expect(told(load({ ...PRODUCTION, ...env }), 'error')).toEqual([name]);
    expect(told(load({ ...DAEMON_UNDER_TEST, ...env }), 'error')).toEqual([]);
    expect(told(load({ ...DAEMON_UNDER_TEST, ...env }), 'warning')).toEqual([name]);
  });
  it.each([
    ['MONGO_MIN_POOL_SIZE', { MONGO_MIN_POOL_SIZE: '60' }],
    ['MONGO_COLL_RESULTS', { MONGO_COLL_RESULTS: 'jobs' }],
    ['DIAL_WITHIN_MS', { DIAL_WITHIN_MS: '60000', LEASE_SECONDS: '60' }],
    ['RETRY_RETELL_READ_DELAY_MS', { RETRY_RETELL_READ_DELAY_MS: '70000' }],
  ])('%s is an error', (name, env) => expect(told(load(env), 'error')).toEqual([name]));
  it.each([
    ['SHUTDOWN_GRACE_SECONDS', { SHUTDOWN_GRACE_SECONDS: '120' }],
    ['CALL_POLLING_INTERVAL', { CALL_POLLING_INTERVAL: '300', POLL_TIMEOUT_SECONDS: '200' }],
    ['POLL_TIMEOUT_SECONDS', { POLL_TIMEOUT_SECONDS: '20' }],
    ['WORKER_COUNT', { WORKER_COUNT: '40' }],
    ['LOG_FILES', { LOG_FILES: 'app' }],
    ['MONGO_URI', { MONGO_URI: 'mongodb://db/?readPreference=secondary' }],
  ])('%s is a warning', (name, env) => expect(load(env).problems).toEqual([expect.objectContaining({ level: 'warning', name })]));
  it('is not asked of a value that is itself wrong', () => {
    expect(told(load({ ...PRODUCTION, LEASE_SECONDS: 'x', RECONCILE_WINDOW_SECONDS: '60' }), 'error').toSorted()).toEqual([
      'LEASE_SECONDS',
      'RECONCILE_WINDOW_SECONDS',
    ]);
  });
});
