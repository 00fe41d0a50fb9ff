/** What an import would do, told before it asks: what is taken, what is not and why, and what looks wrong though it is valid. */
import { maskPhone } from '../domain/phones.js';
import type { Counts, Reason } from '../import/counts.js';
import type { Plan } from '../import/plan.js';
import type { TableFile } from '../import/table-file.js';
import { printTable, say } from './output.js';

export type Figures = (value: number) => string;

const REASONS_SHOWN = 12;
const LOCALES: Readonly<Record<string, string>> = { CL: 'es-CL', AR: 'es-AR' };

/** As the account's country writes figures; elsewhere so that nobody takes thousands for fractions: `1 234 567.89`. */
export function figuresOf(country: string): Figures {
  const locale = LOCALES[country];
  const format = new Intl.NumberFormat(locale ?? 'en-US', { maximumFractionDigits: 2, useGrouping: 'always' });
  return (value) => (locale === undefined ? format.format(value).replaceAll(',', ' ') : format.format(value));
}

/** "1 contact", "1.234 contacts" */
export const counted = (figures: Figures, value: number, noun: string): string => `${figures(value)} ${noun}${value === 1 ? '' : 's'}`;

export interface PreviewFacts {
  readonly file: TableFile;
  readonly plan: Plan;
  readonly rejectFile: string | null;
  readonly figures: Figures;
  /** Of the batch's hours. */
  readonly advice: readonly string[];
}

export async function preview({ file, plan, rejectFile, figures, advice }: PreviewFacts): Promise<void> {
  const { counts, columns, sample } = plan;
  say(
    `${file.name}: ${counted(figures, counts.rows, 'row')}${file.kind === 'csv' ? `, ${file.encoding}, separated by ${file.delimiter === '\t' ? 'tabs' : `"${file.delimiter}"`}` : ''}`,
  );
  say(
    `Columns: ${columns.fields.map(({ header, field }) => `${header} = ${field}`).join(', ')}${columns.extras.map(({ header, variable }) => `, ${header} = {{${variable}}}`).join('')}`,
  );
  if (columns.ignored.length > 0) say(`Left out: ${columns.ignored.join(', ')} (--map "COLUMN=name" makes one a variable of the prompt)`);
  await printTable(
    ['line', 'name', 'person', 'numbers', 'amount', 'due', 'rows'],
    sample.map((contact) => [
      String(contact.line),
      contact.name,
      contact.dni ?? '-',
      contact.phones.map(maskPhone).join(' '),
      contact.amount === null ? '-' : figures(contact.amount),
      contact.dueDate ?? '-',
      String(contact.rows),
    ]),
  );
  if (sample.length < counts.contacts)
    say(`The first ${figures(sample.length)} of ${counted(figures, counts.contacts, 'contact')} are shown.`);
  say(
    `To be called: ${counted(figures, counts.contacts, 'contact')}, ${counted(figures, counts.numbers, 'number')}, ${figures(counts.amount)} in all`,
  );
  say(
    `Not used: ${counted(figures, counts.rejectedRows, 'row')}, ${counted(figures, counts.droppedNumbers, 'number')} (${figures(counts.alreadyWaiting)} wait in another batch, ${figures(counts.suppressed)} may not be called)`,
  );
  tellReasons(
    plan.why.filter(({ kept }) => !kept),
    figures,
  );
  const kept = plan.why.filter((reason) => reason.kept);
  if (kept.length > 0) say('Kept as it is written, but look at it:');
  tellReasons(kept, figures);
  if (counts.recentlyCalled > 0)
    say(`Called lately: ${figures(counts.recentlyCalled)} of the contacts; the rules decide when they are called again`);
  for (const [variable, count] of Object.entries(counts.missing)) say(`Without {{${variable}}}: ${counted(figures, count, 'contact')}`);
  for (const warning of [...warningsOf(counts, figures), ...advice.map((text) => `The batch: ${text}`)]) say(`Warning: ${warning}`);
  if (rejectFile !== null) say(`Rejected rows with their reasons, to correct and import again: ${rejectFile}`);
}

function tellReasons(reasons: readonly Reason[], figures: Figures): void {
  for (const { count, kind, first } of reasons.slice(0, REASONS_SHOWN)) {
    const where = `line ${String(first.line)}${count > 1 ? ` and ${figures(count - 1)} more` : ''}`;
    say(`  ${figures(count).padStart(9)}  ${kind.includes('another line') ? first.reason : kind} (${where})`);
  }
}

/** Valid, and seldom meant. */
function warningsOf({ pastDue, pastMax, zeroDebt }: Counts, figures: Figures): readonly string[] {
  return [
    ...(pastDue === 0
      ? []
      : [
          `${counted(figures, pastDue, 'contact')} ${pastDue === 1 ? 'is' : 'are'} asked to pay until a day that is past (dias_fecha_limite sets another)`,
        ]),
    ...(pastMax === 0 ? [] : [`of ${counted(figures, pastMax, 'contact')} the last day to pay is past (dias_fecha_maxima sets another)`]),
    ...(zeroDebt === 0 ? [] : [`${counted(figures, zeroDebt, 'contact')} ${zeroDebt === 1 ? 'owes' : 'owe'} 0`]),
  ];
}
