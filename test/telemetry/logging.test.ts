import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SpeechAiError } from '../../src/domain/errors.js';
import { createLogging } from '../../src/telemetry/logging.js';
import { LOGGING, linesOf, record } from './logging-support.js';

describe('lines', () => {
  it('have time in UTC, level, component, ids and message; a field cannot take their place', async () => {
    const recorder = record({ dir: null, fingerprint: 'f00d' });
    const log = recorder.logging.log.child('worker', { worker: 'bot-1' });
    log.warn('lease lost at 100% %s', {
      job_id: 'job-1',
      attempt_id: 'ab12cd34ef56',
      level: 'mine',
      msg: 'mine',
      component: 'mine',
      time: 'mine',
    });
    const [first, line] = linesOf(recorder.printed());
    await recorder.logging.close();
    expect(first).toMatchObject({ component: 'app', env: 'testing', fingerprint: 'f00d' });
    expect(line).toMatchObject({
      level: 'warn',
      component: 'worker',
      worker: 'bot-1',
      job_id: 'job-1',
      attempt_id: 'ab12cd34ef56',
      msg: 'lease lost at 100% %s',
      level_: 'mine',
    });
    expect(String(line?.['time'])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(recorder.printed().match(/"level":/g)).toHaveLength(2);
  });

  it('obey one level per component, for late children too, and Python names', async () => {
    const recorder = record({ dir: null, level: 'WARNING', levels: { store: 'debug', undici: 'CRITICAL' } });
    const { log } = recorder.logging;
    log.info('no');
    log.child('store').debug('yes store');
    log.child('retell').child('store', { n: 1 }).debug('yes again');
    log.child('undici').error('no');
    log.child('later').warn('yes later');
    expect(linesOf(recorder.printed()).map((line) => line['msg'])).toEqual(['yes store', 'yes again', 'yes later']);
    await recorder.logging.close();
  });

  it.each([
    ['pretty', 'testing', false, false],
    ['auto', 'development', true, false],
    ['auto', 'production', true, true],
    ['auto', 'development', false, true],
    ['json', 'development', true, true],
  ] as const)('format %s in %s, terminal %s: JSON %s', (format, env, isTTY, isJson) => {
    let printed = '';
    const out = { write: (text: string) => void (printed += text), isTTY };
    const { log } = createLogging({ ...LOGGING, format, env }, { out });
    log.child('store').error('it broke\u001b[2J', { err: new Error('why'), job_id: 'j' });
    expect(printed.startsWith('{')).toBe(isJson);
    expect(printed).toContain('it broke');
    expect(printed).not.toContain('\u001b[2J');
    if (!isJson) expect(printed).toMatch(/Error: why[\s\S]*\n +at /);
  });
});

describe('files', () => {
  it('get everything, errors only, and one component each, 0600 in a folder 0700', async () => {
    const recorder = record();
    const { log, journal } = recorder.logging;
    log.info('in app');
    log.child('store').info('in database');
    log.child('mongodb').error('in database and error');
    log.child('retell').info('in retell');
    journal.write('dialled', { job_id: 'j' });
    const messages = (name: string): unknown[] => linesOf(recorder.files().get(name) ?? '').map((line) => line['msg'] ?? line['event']);
    expect(messages('all.log')).toEqual(['in app', 'in database', 'in database and error', 'in retell']);
    expect(messages('error.log')).toEqual(['in database and error']);
    expect(messages('app.log')).toEqual(['in app']);
    expect(messages('database.log')).toEqual(['in database', 'in database and error']);
    expect(messages('retell.log')).toEqual(['in retell']);
    expect(messages('calls.jsonl')).toEqual(['dialled']);
    expect(statSync(recorder.dir).mode & 0o777).toBe(0o700);
    for (const name of recorder.files().keys()) expect(statSync(join(recorder.dir, name)).mode & 0o777).toBe(0o600);
    await recorder.close();
  });

  it('without a folder the journal is a component of the log that LOG_LEVEL does not silence', () => {
    const recorder = record({ dir: null, level: 'error' });
    recorder.logging.journal.write('dialled', { job_id: 'j', to_number: '+56911112910' });
    expect(linesOf(recorder.printed())).toMatchObject([{ component: 'journal', event: 'dialled', job_id: 'j', to_number: '+56*****910' }]);
  });

  it('are opened again after logrotate renamed them', async () => {
    const recorder = record();
    recorder.logging.log.info('before');
    renameSync(join(recorder.dir, 'all.log'), join(recorder.dir, 'all.log.1'));
    recorder.logging.log.info('still the old file');
    recorder.logging.reopen();
    recorder.logging.log.info('after');
    expect(linesOf(recorder.files().get('all.log.1') ?? '')).toHaveLength(2);
    expect(linesOf(recorder.files().get('all.log') ?? '')).toMatchObject([{ msg: 'after' }]);
    await recorder.close();
  });

  it('that cannot be had are a mistake of configuration with a remedy; a folder that vanishes later stops nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'speechai-log-'));
    writeFileSync(join(dir, 'file'), '');
    for (const bad of [{ dir: join(dir, 'file', 'logs') }, { dir: join(dir, 'x'), files: ['../../etc/cron'] }]) {
      let thrown: unknown;
      try {
        createLogging({ ...LOGGING, ...bad });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(SpeechAiError);
      expect(thrown).toMatchObject({ code: 'LOG_DIR_UNUSABLE', exitCode: 78 });
    }
    rmSync(dir, { recursive: true });
    const recorder = record();
    rmSync(recorder.dir, { recursive: true });
    recorder.logging.log.info('printed all the same');
    recorder.logging.journal.write('dialled', {});
    expect(linesOf(recorder.printed())).toMatchObject([{ msg: 'printed all the same' }, { event: 'dialled' }]);
    await recorder.logging.close();
  });

  it('have every journal line that was written before kill -9', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'speechai-log-'));
    const program = `
      import { createLogging } from ${JSON.stringify(join(process.cwd(), 'src/telemetry/logging.ts'))};
      const { log, journal } = createLogging(${JSON.stringify({ ...LOGGING, dir })});
      for (let n = 1; n <= 500; n += 1) { journal.write('dialled', { n }); log.info('line', { n }); }
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const [, signal] = (await once(child, 'close')) as [unknown, string];
    expect(signal).toBe('SIGKILL');
    expect(linesOf(readFileSync(join(dir, 'calls.jsonl'), 'utf8')).at(-1)).toMatchObject({ n: 500 });
    expect(linesOf(readFileSync(join(dir, 'all.log'), 'utf8'))).toHaveLength(500);
    expect(linesOf(printed)).toHaveLength(500);
    expect(existsSync(join(dir, 'error.log'))).toBe(false);
    rmSync(dir, { recursive: true });
  });
});
