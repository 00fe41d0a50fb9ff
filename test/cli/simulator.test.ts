import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
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
  const program = new Command('speechai').exitOverride();
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
  });

  it('serves as a process: one JSON line first, options honoured, clean on SIGTERM', async () => {
    const directory = temporary();
    const ledger = join(directory, 'ledger.jsonl');
    const main = join(directory, 'main.mts');
    const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    writeFileSync(
      main,
      `import { Command } from ${JSON.stringify(import.meta.resolve('commander'))};
       import { registerSimulator } from ${here('../../src/cli/simulator.ts')};
       const program = new Command('speechai');
       registerSimulator(program);
       await program.parseAsync();`,
    );
    const options = ['--json', '--seed', '7', '--speed', '1000', '--key', 'k', '--cps', '0', '--ledger', ledger, '--fault', 'c:0'];
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, 'simulator', ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
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
});
