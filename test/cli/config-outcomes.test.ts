import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addConfigOutcomes } from '../../src/cli/config-outcomes.js';
import { OUTCOME_CLASSES } from '../../src/domain/outcomes.js';

function run(...args: string[]): string {
  let written = '';
  const config = new Command('config').exitOverride();
  addConfigOutcomes(config, { configDir: () => null, write: (text) => (written += text) });
  config.parse(['outcomes', ...args], { from: 'user' });
  return written;
}

test('the table shows every class, what becomes of the job and where it comes from', () => {
  const text = run();
  for (const name of OUTCOME_CLASSES) expect(text).toContain(name);
  expect(text).toMatch(/unknown\s+│ suspended \(review\)/);
  expect(text).toMatch(/inactivity\s+│ answered \(no_answer where nobody spoke\)/);
  expect(text).toMatch(/From: .*outcomes\.json, .*dispositions\.json/);
});

test('--json is one document with both tables', () => {
  const shown: unknown = JSON.parse(run('--json'));
  expect(shown).toMatchObject({ outcomes: { classes: { busy: { delay: 'retry' } } }, dispositions: { qualifications: { hot: 3 } } });
});
