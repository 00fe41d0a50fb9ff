/** Keeps the README's table of settings equal to the schema: writes it, or with `--check` fails when it is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import { format, resolveConfig } from 'prettier';
import { settingsMarkdown } from '../src/config/docs.js';

const README = 'README.md';
const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

const readme = readFileSync(README, 'utf8');
const from = readme.indexOf(START);
const to = readme.indexOf(END);
if (from < 0 || to < from) {
  stderr.write(`${README} has no ${START} ... ${END}, so the table has no place.\n`);
  exit(1);
}
const written = `${readme.slice(0, from + START.length)}\n\n${settingsMarkdown()}\n\n${readme.slice(to)}`;
// The format check aligns the columns of tables; comparing formatted texts keeps the two checks from contradicting each other.
const fresh = await format(written, { ...(await resolveConfig(README)), filepath: README });
if (argv.includes('--check')) {
  if (fresh !== readme) {
    stderr.write(`The table of settings in ${README} is stale: run node --import tsx scripts/docs.ts\n`);
    exit(1);
  }
  stdout.write('The table of settings is fresh.\n');
} else {
  writeFileSync(README, fresh);
}
