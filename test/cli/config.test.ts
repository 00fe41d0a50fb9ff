import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkConnections } from '../../src/cli/config-connect.js';
import { loadSettings } from '../../src/config/load.js';
import { speechai as commandLine, speechaiIn, type Ran } from '../support/cli.js';
import { openTestDatabase } from '../support/mongo.js';
import type { Settings } from '../../src/config/settings.js';

const ROOT = resolve(import.meta.dirname, '../..');
const cwd = mkdtempSync(join(tmpdir(), 'speechai-cli-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const speechai = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> => speechaiIn(cwd, env, args);

const STACK = /^\s+at .+:\d+:\d+\)?$/m;
const BROKEN = {
  ENV: 'production',
  MONGO_URI: 'mongodb://ana:hunter22secret@',
  WORKER_COUNT: 'many\nerror FORGED',
  RETEL_API_KEY: 'key_abcdef123456',
};

describe('the command line', () => {
  it('config check tells everything at once and exits 78, without secrets or stacks', async () => {
    const { code, out, err } = await speechai(['config', 'check'], BROKEN);
    expect(code).toBe(78);
    for (const name of ['MONGO_URI', 'WORKER_COUNT', 'RETELL_API_KEY', 'RETELL_AGENT_ID', 'RETELL_FROM_NUMBER', 'RETEL_API_KEY'])
      expect(out).toContain(name);
    expect(out).toContain('[FAIL] database');
    expect(out).toContain('[ ok ] limits');
    expect(out + err).not.toMatch(/hunter22|abcdef123456|^error FORGED/m);
    expect(out + err).not.toMatch(STACK);
    expect(out + err).not.toContain('\u001b');
  });

  it('config check reads the files of rules too, each by itself', async () => {
    const folder = join(cwd, 'own');
    mkdirSync(join(folder, 'rules'), { recursive: true });
    mkdirSync(join(folder, 'holidays'), { recursive: true });
    writeFileSync(join(folder, 'routes.json'), '{"default": "rest", "rules": [{"queue": "two words", "when": {"work": "retry"}}]}');
    writeFileSync(join(folder, 'outcomes.json'), 'no JSON');
    const { code, out, err } = await speechai(['config', 'check'], { SPEECHAI_CONFIG_DIR: folder });
    expect(code).toBe(78);
    expect(out).toMatch(/error +routes\.json: .*is not a queue name/);
    expect(out).toMatch(/error +outcomes\.json: /);
    expect(out).not.toMatch(/rules and holidays|dispositions\.json/);
    expect(out + err).not.toMatch(STACK);
  });

  it('config check on a good environment exits 0, and 3 on a warning with --strict', async () => {
    const [good, warned, strict, json] = await Promise.all([
      speechai(['config', 'check']),
      speechai(['config', 'check'], { WORKER_COUNTS: '3' }),
      speechai(['config', 'check', '--strict'], { WORKER_COUNTS: '3' }),
      speechai(['config', 'check', '--json', '--strict'], { WORKER_COUNTS: '3' }),
    ]);
    expect([good.code, warned.code, strict.code, json.code]).toEqual([0, 0, 3, 3]);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, exit_code: 3, problems: [{ name: 'WORKER_COUNTS', level: 'warning' }] });
  });

  it('config show gives value and origin, hides secrets, and --changed leaves the defaults out', async () => {
    writeFileSync(
      join(cwd, 'mine.env'),
      'WORKER_COUNT=9\nRETELL_API_KEY=key_abcdef123456\nRETELL_AGENT_ID=agent_1\nRETELL_FROM_NUMBER=+56911112222\nMONGO_URI=mongodb://ana:hunter22@db\n',
    );
    const { code, out } = await speechai(['config', 'show', '--changed', '--env-file', 'mine.env']);
    expect(code).toBe(0);
    expect(out).toMatch(/WORKER_COUNT\s*│ 9\s*│ mine.env line 1\s*│ 6/);
    expect(out).toContain('mongodb://ana:****@db');
    expect(out).not.toMatch(/LEASE_SECONDS|hunter22|abcdef123456|911112222/);
    const all = await speechai(['config', 'show', '--json'], { LEASE_SECONDS: '60' });
    const { settings } = JSON.parse(all.out) as { settings: readonly { name: string; origin: string }[] };
    expect(settings.find((each) => each.name === 'LEASE_SECONDS')).toEqual({
      name: 'LEASE_SECONDS',
      value: '60',
      origin: 'environment',
      source: 'environment',
      default: '120',
    });
    expect(settings.map((each) => each.name)).toContain('RETRY_MONGO_CONNECT_FACTOR');
  });

  it('config docs has every setting, and words for the two limits of a call', async () => {
    const { code, out } = await speechai(['config', 'docs'], { RETELL_API_KEY: 'key_abcdef123456' });
    expect(code).toBe(0);
    expect(out).toMatch(/`POLL_TIMEOUT_SECONDS` .*unanswered/);
    expect(out).toMatch(/`CALL_MAX_DURATION_MINUTES` .*talk/);
    expect(out).not.toContain('abcdef123456');
  });

  it('a settings file that does not exist is told with exit 78, however the program is started', async () => {
    const started = (...argv: string[]): Promise<Ran> =>
      new Promise((done) => {
        execFile(process.execPath, ['--import', import.meta.resolve('tsx'), ...argv], { cwd }, (error, out, err) =>
          done({ code: error === null ? 0 : Number(error.code), out, err }),
        );
      });
    const main = join(ROOT, 'src/main.ts');
    const ran = await Promise.all([
      started(main, '--settings-file', '/nope', 'config', 'outcomes'),
      started('--', main, '--env-file', '/nope', 'config', 'outcomes'),
    ]);
    for (const one of ran) expect(one).toMatchObject({ code: 78, err: expect.stringMatching(/does not exist[\s\S]*->/) as string });
  });

  it('wrong usage exits 2, help exits 0 with an example, an unreadable --env-file 78', async () => {
    const [unknown, option, help, bare, file] = await Promise.all([
      speechai(['confg']),
      speechai(['config', 'check', '--conect']),
      speechai(['config', 'check', '--help']),
      speechai(['config']),
      speechai(['config', 'outcomes', '--env-file', 'missing.env']),
    ]);
    expect([unknown.code, option.code, help.code, bare.code, file.code]).toEqual([2, 2, 0, 2, 78]);
    expect(unknown.err).toContain('config');
    expect(option.err).toContain('--connect');
    expect(help.out).toContain('$ speechai config check');
    expect(file.err).toContain('does not exist');
    expect(file.err).toContain('CONFIG_WRONG');
    expect([unknown, option, bare, file].map(({ out, err }) => STACK.test(out + err))).toEqual([false, false, false, false]);
  });

  it.each([
    [
      { LEASE_SECONDS: '9'.repeat(300), MONGO_DB: '💥', RETRY_RETELL_READ_FACTOR: 'NaN' },
      ['LEASE_SECONDS', 'MONGO_DB', 'RETRY_RETELL_READ_FACTOR'],
    ],
    [{ ENV: '', RETELL_API_KEY_FILE: '/', MONGO_PASSWORD_FILE: '/nowhere' }, ['ENV', 'RETELL_API_KEY_FILE', 'MONGO_PASSWORD_FILE']],
  ])('a command never starts from a hostile environment: %j', async (env, names) => {
    const { code, out, err } = await speechai(['config', 'outcomes'], env);
    expect(code).toBe(78);
    expect(out).toBe('');
    for (const name of names) expect(err).toContain(name);
    expect(err).not.toMatch(STACK);
  });

  it('names file and line of a syntax error', async () => {
    writeFileSync(join(cwd, 'torn.env'), 'WORKER_COUNT=3\n\nMONGO_URI="mongodb://ana:hunter22@db\n');
    const { code, out } = await speechai(['config', 'check', '--env-file', 'torn.env']);
    expect(code).toBe(78);
    expect(out).toMatch(/torn\.env line 3: MONGO_URI: the double quote is never closed/);
    expect(out).not.toContain('hunter22');
  });

  it('loads nothing heavy before an action runs, so that --help is quick', () => {
    expect([...packagesBehind(join(ROOT, 'src/main.ts'))].filter((name) => !name.startsWith('node:'))).toEqual(['commander']);
  });
});

/** The packages that importing a file loads: its static imports, types aside, and theirs. */
function packagesBehind(entry: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(entry)) return packages;
  seen.add(entry);
  for (const [, what = '', from = ''] of readFileSync(entry, 'utf8').matchAll(/^(?:import|export) ([^;]*?)from '([^']+)';/gm)) {
    if (what.startsWith('type ')) continue;
    if (!from.startsWith('.')) packages.add(from);
    else for (const name of packagesBehind(join(dirname(entry), from.replace(/\.js$/, '.ts')), seen)) packages.add(name);
  }
  return packages;
}

describe('config check --connect', () => {
  const servers: Server[] = [];
  afterAll(() => servers.forEach((server) => server.close()));

  /** A Retell that answers these paths and 404 to all others. */
  async function retell(replies: Readonly<Record<string, readonly [number, unknown]>>): Promise<Settings> {
    const server = createServer((request, response) => {
      const [status, body] = replies[request.url ?? ''] ?? [404, { error_message: 'unknown' }];
      const refused = request.headers.authorization !== 'Bearer key_test99';
      response.writeHead(refused ? 401 : status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return settingsFor({ RETELL_BASE_URL: `http://127.0.0.1:${port}` });
  }

  function settingsFor(env: Readonly<Record<string, string>>): Settings {
    const base = {
      ENV: 'testing',
      RETELL_API_KEY: 'key_test99',
      RETELL_AGENT_ID: 'agent_1',
      RETELL_FROM_NUMBER: '+56911112222',
      MONGO_SELECTION_TIMEOUT_SECONDS: '0.2',
    };
    // Port 1 refuses at once: a database that is away.
    const { settings } = loadSettings({ cwd, env: { ...base, MONGO_URI: 'mongodb://ana:hunter22@127.0.0.1:1', ...env } });
    if (settings === null) throw new Error('the settings of this test are wrong');
    return settings;
  }

  const levels = async (settings: Settings): Promise<Record<string, string>> =>
    Object.fromEntries((await checkConnections(settings, false)).map(({ what, level }) => [what, level]));

  const GOOD = {
    '/get-api-key-info': [200, { org_name: 'Acme' }],
    '/get-agent/agent_1': [200, {}],
    '/get-phone-number/%2B56911112222': [200, {}],
    '/get-concurrency': [200, { concurrency_limit: 20, current_concurrency: 3 }],
  } as const;

  it('finds key, agent, number and concurrency in order, and a database that is away', async () => {
    expect(await levels(await retell(GOOD))).toEqual({
      MongoDB: 'away',
      'Retell key': 'ok',
      'Retell agent': 'ok',
      'Retell number': 'ok',
      'Retell concurrency': 'ok',
    });
  });

  it('P1: finds the indexes missing without which `run` does not start in production, and all there after `db init`', async () => {
    const database = await openTestDatabase();
    try {
      const more = {
        MONGO_URI: database.uri,
        MONGO_DB: database.name,
        MONGO_SELECTION_TIMEOUT_SECONDS: '5',
        RETELL_BASE_URL: 'http://127.0.0.1:1',
      };
      const own = settingsFor(more);
      const production: Settings = { ...own, env: 'production' };
      expect(await levels(production)).toMatchObject({ MongoDB: 'ok', 'MongoDB indexes': 'error' });
      expect(await levels(own)).toMatchObject({ 'MongoDB indexes': 'ok' });
      const env = { ENV: 'testing', RETELL_API_KEY: 'key_test99', RETELL_AGENT_ID: 'agent_1', RETELL_FROM_NUMBER: '+56911112222', ...more };
      expect((await commandLine(env, 'db', 'init')).code).toBe(0);
      expect(await levels(production)).toMatchObject({ 'MongoDB indexes': 'ok' });
      // The settings are fine, the provider is away: both are counted in the last line.
      const told = await commandLine(env, 'config', 'check', '--connect');
      expect(told.code).toBe(75);
      expect(told.out.trim().split('\n').at(-1)).toMatch(/^0 errors, \d+ warnings?, 1 away\. /);
    } finally {
      await database.drop();
    }
  }, 60_000);

  it('tells an unknown agent, a foreign number and too low a limit apart', async () => {
    const settings = await retell({
      '/get-api-key-info': GOOD['/get-api-key-info'],
      '/get-agent/agent_1': [422, {}],
      '/get-concurrency': [200, { concurrency_limit: 5 }],
    });
    expect(await levels(settings)).toMatchObject({ 'Retell agent': 'error', 'Retell number': 'error', 'Retell concurrency': 'warning' });
  });

  it('stops at a refused key, and at a Retell that is away', async () => {
    const refused = await retell({ '/get-api-key-info': [401, {}] });
    expect(await levels(refused)).toEqual({ MongoDB: 'away', 'Retell key': 'error' });
    expect(await levels(settingsFor({ RETELL_BASE_URL: 'http://127.0.0.1:1' }))).toEqual({ MongoDB: 'away', 'Retell key': 'away' });
  });

  it('shows neither key nor password nor the whole number', async () => {
    expect(JSON.stringify(await checkConnections(await retell(GOOD), false))).not.toMatch(/hunter22|key_test99|911112222/);
  });
});
