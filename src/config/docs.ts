/** The settings as Markdown, for docs/settings.md and `speechai config docs`. */
import { SECTIONS, sectionOf } from './problem.js';
import type { SectionName } from './problem.js';
import type { Entry } from './schema.js';
import { ENTRIES } from './schema.js';
import { RETRY_KINDS } from './sections/retries.js';
import type { Setting } from './setting.js';

const TITLES: Readonly<Record<SectionName, string>> = {
  app: 'Installation',
  database: 'Database',
  retell: 'Retell',
  workers: 'Workers',
  calls: 'Calls',
  retries: 'Retries',
  limits: 'Limits',
  credit: 'Credit',
  campaign: 'Campaign defaults',
  logging: 'Logs',
  alerts: 'Alerts',
};

/** Five kinds of request have the same six settings; the table shows them once. */
const POLICY = new RegExp(`^RETRY_(${Object.keys(RETRY_KINDS).join('|')})_`);
const [FIRST_KIND] = Object.keys(RETRY_KINDS);

export function settingsMarkdown(): string {
  return SECTIONS.map((section) => sectionMarkdown(section)).join('\n\n');
}

function sectionMarkdown(section: SectionName): string {
  const rows = ENTRIES.filter((entry) => sectionOf(entry.path) === section && isShown(entry)).map(({ setting }) => row(setting));
  return [`**${TITLES[section]}**`, '', '| Name | Default | Meaning |', '| --- | --- | --- |', ...rows, ...note(section)].join('\n');
}

function isShown({ setting }: Entry): boolean {
  return !POLICY.test(setting.name) || setting.name.startsWith(`RETRY_${FIRST_KIND ?? ''}_`);
}

function row(setting: Setting<unknown>): string {
  const isPolicy = POLICY.test(setting.name);
  const name = isPolicy ? `\`${setting.name.replace(POLICY, 'RETRY_<KIND>_')}\`` : `\`${setting.name}\``;
  const describe = isPolicy ? setting.describe.replace(RETRY_KINDS.MONGO_CONNECT, 'doing this') : setting.describe;
  const unit = setting.unit === undefined || setting.parser.allowed.includes(setting.unit) ? '' : ` In ${setting.unit}.`;
  return `| ${name} | ${defaultCell(setting)} | ${escapeCell(describe)}${unit} Takes ${escapeCell(setting.parser.allowed)}. |`;
}

/** The default of most environments, and those that differ. */
function defaultCell(setting: Setting<unknown>): string {
  if (typeof setting.default === 'string') return shown(setting.default);
  const { production, ...others } = setting.default;
  const different = Object.entries(others).filter(([, value]) => value !== production);
  const names = new Map<string, string[]>();
  for (const [env, value] of different) names.set(value, [...(names.get(value) ?? []), env]);
  return [shown(production), ...[...names].map(([value, envs]) => `${envs.join(', ')}: ${shown(value)}`)].join('; ');
}

function shown(value: string): string {
  return value === '' ? '(none)' : `\`${value}\``;
}

/** Angle brackets would be taken for HTML, except between backticks, where an entity would be shown as it is. */
function escapeCell(text: string): string {
  const escaped = text.split('`').map((part, index) => (index % 2 === 1 ? part : part.replaceAll('<', '&lt;').replaceAll('>', '&gt;')));
  return escaped.join('`').replaceAll('|', '\\|');
}

function note(section: SectionName): readonly string[] {
  if (section !== 'retries') return [];
  const kinds = Object.entries(RETRY_KINDS).map(([kind, what]) => `\`${kind}\` (${what})`);
  return ['', `\`<KIND>\` is one of ${kinds.join(', ')}. Placing a call has no retry, on purpose: it could ring twice.`];
}
