/** `speechai config outcomes`: what each way a call can end leads to, as this installation has it. */
import Table from 'cli-table3';
import type { Command } from 'commander';
import { loadDispositions, loadOutcomes } from '../config/outcomes-file.js';
import type { OutcomeAction, OutcomeTable } from '../domain/outcomes.js';
import { OUTCOME_CLASSES } from '../domain/outcomes.js';

export interface ConfigOutcomesDeps {
  /** SPEECHAI_CONFIG_DIR, asked for when the command runs. */
  readonly configDir: () => string | null;
  readonly write: (text: string) => void;
}

/** Adds `outcomes [--json]` to the `config` command. */
export function addConfigOutcomes(config: Command, deps: ConfigOutcomesDeps): void {
  config
    .command('outcomes')
    .description('show what each disconnection reason means and what becomes of the job, and check the files that say so')
    .option('--json', 'as one JSON document')
    .action((options: { json?: boolean }) => {
      const outcomes = loadOutcomes(deps.configDir());
      const dispositions = loadDispositions(deps.configDir());
      const sources = [...outcomes.sources, ...dispositions.sources];
      if (options.json === true) {
        deps.write(`${JSON.stringify({ sources, outcomes: outcomes.table, dispositions: dispositions.table }, null, 2)}\n`);
        return;
      }
      deps.write(`${classesTable(outcomes.table)}\n\n${reasonsTable(outcomes.table)}\n\nFrom: ${sources.join(', ')}\n`);
    });
}

function classesTable(table: OutcomeTable): string {
  const rows = OUTCOME_CLASSES.map((name) => {
    const action = table.classes[name];
    return [name, statusText(action), delayText(action), yes(action.rotate), yes(action.costsAttempt), notes(action)];
  });
  return plainTable(['class', 'job becomes', 'delay', 'next number', 'attempt', 'besides'], rows);
}

function reasonsTable(table: OutcomeTable): string {
  const rows = Object.entries(table.reasons).map(([reason, row]) => [
    reason,
    row.ifSilent === null ? row.class : `${row.class} (${row.ifSilent} where nobody spoke)`,
  ]);
  return plainTable(['reason', 'class'], rows);
}

function statusText(action: OutcomeAction): string {
  if (action.status === 'success') return 'done';
  return action.suspendReason === null ? action.status : `${action.status} (${action.suspendReason})`;
}

/** A row that ends the job has no delay to speak of. */
function delayText(action: OutcomeAction): string {
  if (action.endsJob) return '';
  return typeof action.delay === 'string' ? action.delay : `${action.delay.join(', ')} min`;
}

function notes(action: OutcomeAction): string {
  const parts = [action.badLine ? 'number given up' : '', action.suppress ? 'contact suppressed' : '', action.alert ? 'alert' : ''];
  return parts.filter((part) => part !== '').join(', ');
}

function yes(value: boolean): string {
  return value ? 'yes' : '';
}

/** Without colours: the text is for pipes as much as for eyes. */
function plainTable(head: string[], rows: string[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}
