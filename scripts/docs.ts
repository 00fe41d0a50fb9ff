/** Keeps the table in docs/settings.md equal to the schema: writes it, or with `--check` fails when it is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import { format, resolveConfig } from 'prettier';
import { settingsMarkdown } from '../src/config/docs.js';

const PAGE = 'docs/settings.md';
const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

const page = readFileSync(PAGE, 'utf8');
const from = page.indexOf(START);
const to = page.indexOf(END);
if (from < 0 || to < from) {
  stderr.write(`${PAGE} has no ${START} ... ${END}, so the table has no place.\n`);
  exit(1);
}
const formatted = await format(settingsMarkdown(), { ...(await resolveConfig(PAGE)), filepath: PAGE });
// Only what lies between the marks is generated: the words around it are their writer's.
const fresh = `${page.slice(0, from + START.length)}\n\n${formatted.trimEnd()}\n\n${page.slice(to)}`;
if (argv.includes('--check')) {
  if (fresh !== page) {
    stderr.write(`The table of settings in ${PAGE} is stale: run node --import tsx scripts/docs.ts\n`);
    exit(1);
  }
  stdout.write('The table of settings is fresh.\n');
} else {
  writeFileSync(PAGE, fresh);
}
