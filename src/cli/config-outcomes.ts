/** `speechai config outcomes`: what each way a call can end leads to, as this installation has it. */
import type { Command } from 'commander';
import { loadDispositions, loadOutcomes } from '../config/outcomes-file.js';
import type { OutcomeAction, OutcomeTable } from '../domain/outcomes.js';
import { OUTCOME_CLASSES } from '../domain/outcomes.js';
import { tableText } from './output.js';

export interface ConfigOutcomesDeps {
  /** SPEECHAI_CONFIG_DIR, asked for when the command runs. */
  readonly configDir: () => string | null;
  readonly write: (text: string) => void;
  /** Of the terminal; none: as wide as it gets. */
  readonly columns?: number;
}

/** Adds `outcomes [--json]` to the `config` command. */
export function addConfigOutcomes(config: Command, deps: ConfigOutcomesDeps): void {
  config
    .command('outcomes')
    .description('show what each disconnection reason means and what becomes of the job, and check the files that say so')
    .option('--json', 'as one JSON document')
    .action(async (options: { json?: boolean }) => {
      const outcomes = loadOutcomes(deps.configDir());
      const dispositions = loadDispositions(deps.configDir());
      const sources = [...outcomes.sources, ...dispositions.sources];
      if (options.json === true) {
        deps.write(`${JSON.stringify({ sources, outcomes: outcomes.table, dispositions: dispositions.table }, null, 2)}\n`);
        return;
      }
      const columns = deps.columns ?? Number.POSITIVE_INFINITY;
      const tables = [await classesTable(outcomes.table, columns), await reasonsTable(outcomes.table, columns)];
      deps.write(`${tables.join('\n\n')}\n\nFrom: ${sources.join(', ')}\n`);
    });
}

function classesTable(table: OutcomeTable, columns: number): Promise<string> {
  const rows = OUTCOME_CLASSES.map((name) => {
    const action = table.classes[name];
    return [name, statusText(action), delayText(action), yes(action.rotate), yes(action.costsAttempt), notes(action)];
  });
  return tableText(['class', 'job becomes', 'delay', 'next number', 'attempt', 'besides'], rows, columns);
}

function reasonsTable(table: OutcomeTable, columns: number): Promise<string> {
  const rows = Object.entries(table.reasons).map(([reason, row]) => [
    reason,
    row.ifSilent === null ? row.class : `${row.class} (${row.ifSilent} where nobody spoke)`,
  ]);
  return tableText(['reason', 'class'], rows, columns);
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
