import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addConfigOutcomes } from '../../src/cli/config-outcomes.js';
import { OUTCOME_CLASSES } from '../../src/domain/outcomes.js';

async function run(args: readonly string[] = [], columns?: number): Promise<string> {
  let written = '';
  const config = new Command('config').exitOverride();
  addConfigOutcomes(config, { configDir: () => null, write: (text) => (written += text), ...(columns === undefined ? {} : { columns }) });
  await config.parseAsync(['outcomes', ...args], { from: 'user' });
  return written;
}

test('the table shows every class, what becomes of the job and where it comes from', async () => {
  const text = await run();
  for (const name of OUTCOME_CLASSES) expect(text).toContain(name);
  expect(text).toMatch(/unknown\s+│ suspended \(review\)/);
  expect(text).toMatch(/inactivity\s+│ answered \(no_answer where nobody spoke\)/);
  expect(text).toMatch(/From: .*outcomes\.json, .*dispositions\.json/);
});

test('--json is one document with both tables', async () => {
  const shown: unknown = JSON.parse(await run(['--json']));
  expect(shown).toMatchObject({ outcomes: { classes: { busy: { delay: 'retry' } } }, dispositions: { qualifications: { hot: 3 } } });
});

test('no line is longer than the terminal', async () => {
  const text = await run([], 80);
  for (const name of OUTCOME_CLASSES) expect(text).toContain(name);
  const lines = text.split('\n').filter((line) => !line.startsWith('From: '));
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
