/** The rules of the house that no tool knows, and proof that the tools which check the others can fail. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ path: join('src', name), text: readFileSync(join('src', name), 'utf8') }));

const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

const offenders = (pattern: RegExp, allowed: RegExp): string[] =>
  sources.filter(({ path, text }) => !allowed.test(path) && pattern.test(code(text))).map(({ path }) => path);

describe('the sources', () => {
  it('are there', () => expect(sources.length).toBeGreaterThan(20));

  it('ask for the time and for chance in one place, so that tests can hold both still', () => {
    expect(offenders(/\bnew Date\(\)|\bDate\.now\(|\bTemporal\.Now\b/, /\/clock\.ts$|^src\/(cli|embedded|simulator)\//)).toEqual([]);
    expect(offenders(/\bMath\.random\(/, /^src\/(cli|simulator)\/|\/random\.ts$/)).toEqual([]);
  });

  it('have no enum and no comment that switches a check off without saying why', () => {
    expect(offenders(/^\s*(export )?(const )?enum /m, /^$/)).toEqual([]);
    const silent = sources.filter(({ text }) => /(eslint|oxlint)-disable(?!.* -- \S)|@ts-(ignore|nocheck)/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });
});

describe('the checks', () => {
  let dir = '';
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const run = (tool: string, ...args: string[]): string => {
    const result = spawnSync(join('node_modules/.bin', tool), args, { cwd: dir, encoding: 'utf8' });
    return `${result.status} ${result.stdout}${result.stderr}`;
  };

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'speechai-rules-'));
    for (const name of ['.oxlintrc.json', '.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) cpSync(name, join(dir, name));
    symlinkSync(join(process.cwd(), 'node_modules'), join(dir, 'node_modules'));
    put(
      'src/domain/rule.ts',
      "import { query } from '../store/query.js';\nimport fs from 'node:fs';\nexport const rule = (): unknown => [query, fs, Date.now()];\n",
    );
    put('src/retell/dial.ts', "import Retell from 'retell-sdk';\nexport const dial = (): unknown => Retell;\n");
    put('src/store/query.ts', 'export async function query(): Promise<void> {}\nexport function later(): void {\n  query();\n}\n');
    put('src/runner/loop.ts', "import { serve } from '../simulator/serve.js';\nexport const loop = (): void => serve();\n");
    put(
      'src/simulator/serve.ts',
      'export const serve = (): void => undefined;\nexport const bad = (value: any): unknown => value;\nexport default serve;\n',
    );
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('find a broken layer, I/O in the domain and a development package in the program', () => {
    const found = run('depcruise', '--config', '.dependency-cruiser.mjs', 'src');
    expect(found).toMatch(/^[1-9]/);
    for (const rule of [
      'domain-imports-only-what-is-below-it',
      'domain-is-pure',
      'runner-imports-only-what-is-below-it',
      'src-needs-no-development-package',
    ])
      expect(found).toContain(rule);
  });

  it('find a promise nobody waits for, any, a default export, the SDK and a clock in the domain', () => {
    const found = run('oxlint', '--type-aware', '--deny-warnings', '--format', 'unix');
    expect(found).toMatch(/^1 /);
    for (const rule of [
      'no-floating-promises',
      'no-explicit-any',
      'no-default-export',
      'no-restricted-imports',
      'no-restricted-properties',
    ])
      expect(found).toContain(rule);
  });
});
