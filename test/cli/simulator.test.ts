import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readNumbers } from '../../src/cli/simulator-files.js';
import { registerSimulator } from '../../src/cli/simulator.js';
import { startSimulator } from '../../src/simulator/server.js';
import { dial, request } from '../simulator/support.js';

/** Runs a command in this process; what it wrote to stdout, and the exit code it asked for. */
async function run(...words: readonly string[]): Promise<{ out: string; code: number }> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
  const program = new Command('speechai').exitOverride().configureOutput({ writeErr: () => undefined });
  registerSimulator(program);
  try {
    await program.parseAsync(['node', 'speechai', 'simulator', ...words]);
    return { out, code: Number(process.exitCode ?? 0) };
  } finally {
    write.mockRestore();
    process.exitCode = undefined;
  }
}

afterEach(() => {
  process.exitCode = undefined;
});

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Serves in a process of its own, as a person starts it. */
async function serve(
  options: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ child: ChildProcess; line: string; exited: Promise<unknown[]> }> {
  const main = join(temporary(), 'main.mts');
  const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  writeFileSync(
    main,
    `import { buildProgram } from ${here('../../src/cli/program.ts')};
     import { runProgram } from ${here('../../src/cli/errors.ts')};
     process.exit(await runProgram(buildProgram(), process.argv));`,
  );
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, 'simulator', '--json', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, line, exited };
}

describe('speechai simulator', () => {
  it('lists the numbers, also as JSON', async () => {
    expect((await run('numbers')).out).toContain('...920  dial_no_answer');
    expect(JSON.parse((await run('numbers', '--json')).out)).toContainEqual(
      expect.objectContaining({ digits: '930', reason: 'dial_busy' }),
    );
  });

  it('checks the ledger of a running simulator: 0 when all is well, 3 and the story when it is not', async () => {
    const simulator = await startSimulator({ speed: 0, seed: 1 });
    onTestFinished(() => simulator.close());
    await dial(simulator, '+56911112930', { metadata: { attempt_id: 'a' } });
    expect(await run('ledger', simulator.url, '--check')).toEqual({ out: 'dials: 1, double dials: 0, broken rules: 0\n', code: 0 });
    simulator.advance(60_000);
    await dial(simulator, '+56911112930', { metadata: { attempt_id: 'a' } });
    const broken = await run('ledger', simulator.url, '--check');
    expect(broken.code).toBe(3);
    expect(broken.out).toMatch(/double_dial {2}attempt a was dialled 2 times[\s\S]*dials: 2, double dials: 1, broken rules: 1\n$/);
    const json = await run('ledger', simulator.url, '--check', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ dials: 2, violations: [{ rule: 'double_dial' }] });
    expect((await run('ledger', simulator.url)).out).toMatch(/dial .*\+56911112930/);
  });

  it('reads a ledger file as well, and says what to do when nothing answers', async () => {
    const file = join(temporary(), 'ledger.jsonl');
    const simulator = await startSimulator({ speed: 0, seed: 1, ledgerFile: file });
    await dial(simulator, '+56911112930');
    await simulator.close();
    expect(await run('ledger', file, '--check')).toMatchObject({ code: 0, out: expect.stringContaining('dials: 1') });
    await expect(run('ledger', simulator.url)).rejects.toMatchObject({ code: 'SIMULATOR_UNREACHABLE', remedy: expect.any(String) });
    await expect(run('ledger', '/nowhere/at/all')).rejects.toMatchObject({ code: 'SIMULATOR_FILE' });
  });

  it('refuses options it cannot understand', async () => {
    const script = join(temporary(), 'script.json');
    writeFileSync(script, '{"+56911112222": ["explode"]}');
    await expect(run('--script', script)).rejects.toMatchObject({ code: 'SIMULATOR_SCRIPT' });
    await expect(run('--fault', 'earthquake')).rejects.toMatchObject({ code: 'SIMULATOR_FAULT' });
    await expect(run('--fault', 'c:0:5')).rejects.toMatchObject({ code: 'SIMULATOR_FAULT' });
    await expect(run('--fault', '{"kind":"outage","how":"refused"}')).rejects.toMatchObject({
      code: 'SIMULATOR_FAULT',
      message: expect.stringContaining('say for how long'),
    });
    for (const latency of ['200-20', '1-2-3', '-5', 'fast', '20-']) {
      await expect(run(`--latency=${latency}`), latency).rejects.toMatchObject({ code: 'commander.invalidArgument' });
    }
    await expect(run('--ledger', '/nope/x')).rejects.toMatchObject({ code: 'SIMULATOR_LEDGER', exitCode: 2, remedy: expect.any(String) });
  });

  it.each([
    ['a number without its country', '+56 9 1111 2222\n912345678\n', /line 2 is not a telephone number: 912345678/],
    ['a word', '# ours\n\nhello # there\n', /line 3 is not a telephone number: hello/],
    ['two numbers that run together', '+56911112222 +56911112223', /line 1/],
    ['nothing but comments', '# +56911112222\n', /holds no number/],
  ])('refuses a file of numbers with %s', async (_what, text, why) => {
    const file = join(temporary(), 'numbers.txt');
    writeFileSync(file, text);
    await expect(run('--numbers', file)).rejects.toMatchObject({ code: 'SIMULATOR_FILE', message: expect.stringMatching(why) });
  });

  it('reads numbers as people write them', async () => {
    const file = join(temporary(), 'numbers.txt');
    writeFileSync(file, '\uFEFF+56 9 1111 2222\r\n+1 (555) 010-0000 # ours\n\n# +56933334444\n+54.11.4321.0000, +56911112222\n');
    expect(await readNumbers(file)).toEqual(['+56911112222', '+15550100000', '+541143210000']);
  });

  it('refuses a key given twice, and an empty file of one', async () => {
    const file = join(temporary(), 'key');
    writeFileSync(file, '\n');
    await expect(run('--key-file', file)).rejects.toMatchObject({ code: 'SIMULATOR_FILE' });
    writeFileSync(file, 'one\n');
    await expect(run('--key-file', file, '--key', 'two')).rejects.toMatchObject({ code: 'SIMULATOR_KEY' });
  });

  it('says in --help what there is and what is not', () => {
    const program = new Command('speechai');
    registerSimulator(program);
    let help = '';
    program.commands[0]?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    const endpoints = help.slice(help.indexOf('Endpoints:'), help.indexOf('Control:'));
    for (const word of ['create-phone-call', 'list-phone-numbers', 'updated', 'deleted', 'batch', 'webhook']) {
      expect(endpoints).toContain(word);
    }
  });

  it('serves as a process: one JSON line first, options honoured, clean on SIGTERM', async () => {
    const ledger = join(temporary(), 'ledger.jsonl');
    const options = ['--seed', '7', '--speed', '1000', '--key', 'k', '--cps', '0', '--ledger', ledger, '--fault', 'c:0'];
    const { child, line, exited } = await serve(options);
    const { url, seed } = JSON.parse(line) as { url: string; seed: string };
    expect(seed).toBe('7');
    expect((await fetch(`${url}/get-api-key-info`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    const target = { url } as Parameters<typeof request>[0];
    expect(
      (await request(target, 'POST', '/v2/create-phone-call', { from_number: '+56225550000', to_number: '+56911112930' }, 'k')).status,
    ).toBe(201);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(readFileSync(ledger, 'utf8')).toContain('"event":"dial"');
  });

  it('takes its key from a file or the environment, where `ps` does not show it, and ends with 130 at Ctrl-C', async () => {
    const file = join(temporary(), 'key');
    writeFileSync(file, 'from-a-file\n');
    for (const [env, key] of [
      [{ SIMULATOR_KEY: 'from-env' }, 'from-env'],
      [{ SIMULATOR_KEY_FILE: file }, 'from-a-file'],
    ] as const) {
      const { child, line, exited } = await serve([], env);
      const served = JSON.parse(line) as Parameters<typeof request>[0];
      expect((await request(served, 'GET', '/get-api-key-info', undefined, 'wrong')).status).toBe(401);
      expect((await request(served, 'GET', '/get-api-key-info', undefined, key)).status).toBe(200);
      child.kill('SIGINT');
      expect(await exited).toEqual([130, null]);
    }
  });
});
