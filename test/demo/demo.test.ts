/** `npm run demo` as a process, as people start it: repeatable, honest about what it finds, and gone without a trace when interrupted. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLedger } from '../../src/simulator/ledger.js';
import { builtProgram } from '../support/build.js';
import { eventually } from '../support/eventually.js';

const SMALL = ['--jobs', '24', '--speed', '150'];
const DEMO = ['--import', 'tsx', 'scripts/demo.ts'];
/** A demo of this size takes about ten seconds; on a machine that is busy with other tests several times that. */
const LIMIT_MS = 180_000;

const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'speechai-demo-test-'));
  folders.push(made);
  return made;
};

beforeAll(() => builtProgram());
afterAll(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

interface Run {
  readonly code: number;
  readonly summary: Readonly<Record<string, unknown>> & { readonly audit: Readonly<Record<string, number>> };
  readonly said: string;
}

const demo = async (...args: readonly string[]): Promise<Run> => {
  const done = await promisify(execFile)(process.execPath, [...DEMO, ...SMALL, '--json', ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  const said = done.stdout + done.stderr;
  expect(done.stdout, said).toMatch(/^\{.*\}\n$/);
  return { code: done.code, summary: JSON.parse(done.stdout) as Run['summary'], said };
};

/** For each number the outcomes of its dials, in order. */
const outcomesByNumber = (dir: string): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const { event, to = '', outcome = '' } of parseLedger(readFileSync(join(dir, 'ledger.jsonl'), 'utf8'))) {
    if (event === 'dial') found.set(to, [...(found.get(to) ?? []), outcome]);
  }
  return found;
};

const credited = (dir: string): Set<string> => {
  const dials = parseLedger(readFileSync(join(dir, 'ledger.jsonl'), 'utf8'));
  return new Set(dials.filter(({ metadata }) => JSON.stringify(metadata ?? null).includes('andes-vencidos')).map(({ to = '' }) => to));
};

describe('a demo with a fixed seed', { timeout: 2 * LIMIT_MS }, () => {
  it('gives the same ledger twice, and its commands to try next work as printed', async () => {
    const dirs = [folder(), folder()] as const;
    const runs = await Promise.all(dirs.map((dir) => demo('--seed', 'twice', '--dir', dir)));
    for (const { code, summary, said } of runs) {
      expect(code, said).toBe(0);
      expect(summary.audit['double_dial']).toBe(0);
      expect(summary['cutShort']).toBeNull();
    }
    const [first, second] = [outcomesByNumber(dirs[0]), outcomesByNumber(dirs[1])];
    // Which of its contacts an account's last dollar goes to depends on who is faster: there, what both called went the same way.
    const onCredit = new Set([...credited(dirs[0]), ...credited(dirs[1])]);
    expect(onCredit.size).toBeGreaterThan(0);
    const others = (dials: Map<string, string[]>): [string, string[]][] =>
      [...dials].filter(([to]) => !onCredit.has(to)).toSorted(([a], [b]) => a.localeCompare(b));
    expect(others(first).length).toBeGreaterThan(15);
    expect(others(second)).toEqual(others(first));
    for (const to of onCredit) {
      const [one, two] = [first.get(to) ?? [], second.get(to) ?? []];
      const both = Math.min(one.length, two.length);
      expect(one.slice(0, both)).toEqual(two.slice(0, both));
    }

    const commands = runs[0]?.summary['commands'] as string[];
    expect(commands.length).toBe(3);
    for (const command of commands) {
      const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', command]);
      expect(stdout, `${command}\n${stderr}`).not.toBe('');
      expect(stderr, command).not.toMatch(/error|warning/i);
    }
  });
});

describe('P1, P4: with --kill and --faults', { timeout: LIMIT_MS }, () => {
  // `npm run chaos` audits twenty; this is among its shorter ones.
  it('the audit is clean and every job comes to its end', async () => {
    const { code, summary, said } = await demo('--seed', '5', '--kill', '--faults', '--dir', folder());
    expect(summary['breaches'], said).toEqual([]);
    expect(summary['cutShort']).toBeNull();
    expect(code).toBe(0);
    expect(summary['killed']).toBe(1);
    expect(Object.keys(summary['faults'] as object).length).toBeGreaterThan(2);
  });
});

describe.runIf(process.platform === 'linux')('Ctrl-C', { timeout: LIMIT_MS }, () => {
  /** Processes whose command line names the folder: the demo, its daemon, its database. */
  const processesOf = (dir: string): string[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          return line.includes(dir) ? [`${pid} ${line}`] : [];
        } catch {
          return [];
        }
      });

  const heard = (child: ChildProcess, text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
        if (said.includes(text)) resolve();
      });
      child.once('close', () => reject(new Error(`it ended before "${text}": ${said}`)));
    });

  it.concurrent.for([
    { at: 'invented people', times: 1 },
    { at: 'started, process', times: 2 },
    { at: '  dial  ', times: 1 },
  ])('leaves nothing behind, $times times at $at', async ({ at, times }, { onTestFinished }) => {
    const dir = folder();
    const child = spawn(process.execPath, [...DEMO, ...SMALL, '--dir', dir], { stdio: ['ignore', 'pipe', 'ignore'] });
    // As a shell tells it: a second signal may meet Node on its way out, when nobody listens any more.
    const ended = new Promise<number | null>((resolve) => child.once('close', (code, signal) => resolve(signal === 'SIGINT' ? 130 : code)));
    onTestFinished(() => {
      for (const [pid = ''] of processesOf(dir).map((line) => line.split(' '))) process.kill(Number(pid), 'SIGKILL');
    });
    await heard(child, at);
    expect(processesOf(dir)).not.toEqual([]);
    const startedMs = performance.now();
    child.kill('SIGINT');
    // Closer together they are one wish, which a terminal and npm both pass on.
    if (times > 1 && (await Promise.race([ended, delay(400, 'still there')])) === 'still there') child.kill('SIGINT');
    expect(await ended).toBe(130);
    if (times > 1) expect(performance.now() - startedMs).toBeLessThan(3_000);
    await eventually(
      () => processesOf(dir),
      (left) => (left.length === 0 ? null : left.join('\n')),
    );
  });
});
