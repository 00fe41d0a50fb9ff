/** What the demo says at its end, as lines for people and as one object for scripts. */
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { type AuditResult, ruleText, storyOf } from './audit.js';
import type { Books } from './database.js';

export interface Ending {
  /** null: everything that may be called was called. */
  readonly cutShort: string | null;
  readonly seconds: number;
  readonly seed: string;
  readonly directory: string;
  readonly ledgerFile: string;
  readonly killed: number;
  readonly outcomes: readonly (readonly [outcome: string, calls: number])[];
  readonly books: Books;
  readonly audit: AuditResult;
  readonly entries: readonly LedgerEntry[];
  readonly faults: Readonly<Record<string, number>>;
  readonly commands: readonly string[];
}

const STORIES = 5;

export function summaryLines(ending: Ending): string[] {
  const { audit, books } = ending;
  return [
    '',
    `${audit.dials} calls in ${ending.seconds.toFixed(1)} s, seed ${ending.seed}: ${ending.cutShort ?? 'everything that may be called was called'}.`,
    ...(ending.killed > 0
      ? [`The daemon was killed ${ending.killed === 1 ? 'once' : `${ending.killed} times`} with SIGKILL and another went on.`]
      : []),
    ...(Object.keys(ending.faults).length > 0 ? [`Faults injected: ${pairs(Object.entries(ending.faults))}`] : []),
    '',
    `Outcomes   ${pairs(ending.outcomes)}`,
    `Jobs       ${pairs(byStatus(books))}`,
    `Attempts   ${books.attempts.map((jobs, attempts) => `${jobs} with ${attempts}`).join(', ')}`,
    ...books.accounts.map(
      (account, i) =>
        `${i === 0 ? 'Spend    ' : '         '}  ${account.id}: $${account.usedDollars.toFixed(2)}, ${account.usedMinutes.toFixed(1)} min${boughtText(account)}`,
    ),
    `           by the provider's ledger: $${(audit.spentCents / 100).toFixed(2)} in all`,
    ...books.waiting.map(
      (waiting, i) =>
        `${i === 0 ? 'Waiting  ' : '         '}  ${waiting.jobs} in ${waiting.batch} (${waiting.status}), ${untilText(waiting)}: ${waiting.why || 'no reason given'}`,
    ),
    '',
    `Audit of the provider's own ledger (${ending.ledgerFile}), not of our records:`,
    ...Object.entries(audit.byRule).map(([rule, count]) => `  ${ruleText(rule)}: ${count}`),
    ...audit.breaches
      .slice(0, STORIES)
      .flatMap((breach) => ['', `BREACH ${breach.at}  ${breach.text}`, ...storyOf(breach, ending.entries).map((line) => `  ${line}`)]),
    ...(audit.breaches.length > STORIES ? [`... and ${audit.breaches.length - STORIES} more`] : []),
    '',
    'To try next:',
    ...ending.commands.map((command) => `  ${command}`),
    '',
  ];
}

export function summaryObject(ending: Ending): Readonly<Record<string, unknown>> {
  const { audit, books, outcomes, entries: _, ...rest } = ending;
  return {
    ...rest,
    dials: audit.dials,
    outcomes: Object.fromEntries(outcomes),
    jobs: Object.fromEntries(byStatus(books)),
    attempts: books.attempts,
    accounts: books.accounts,
    spentCents: audit.spentCents,
    waiting: books.waiting,
    audit: audit.byRule,
    breaches: audit.breaches,
  };
}

const pairs = (list: readonly (readonly [name: string, count: number])[]): string =>
  list.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';

function byStatus(books: Books): [string, number][] {
  const sums = new Map<string, number>();
  for (const { status, jobs } of books.jobs) sums.set(status, (sums.get(status) ?? 0) + jobs);
  return [...sums].toSorted((a, b) => b[1] - a[1]);
}

function boughtText({ plan, bought }: Books['accounts'][number]): string {
  if (plan === 'credit_based') return ` of $${bought.toFixed(2)} bought`;
  return plan === 'minutes_based' ? ` of ${bought} min bought` : ', unlimited';
}

/** A suspended job keeps the time it was due at, so that the order is the same when somebody resumes it: that is no promise. */
function untilText({ until, status, why }: Books['waiting'][number]): string {
  if (status === 'suspended') return why.startsWith('no_credit') ? 'until the account is topped up' : 'until somebody resumes it';
  return until === null ? 'as soon as it may' : `until ${until.toISOString()}`;
}
