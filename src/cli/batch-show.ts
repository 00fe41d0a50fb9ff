/** `batch list` and `batch show`. */
import { archivedText, readArchived } from '../domain/archived.js';
import { settingsOf } from '../domain/batch-edit.js';
import { createBatchAdmin } from '../store/batch-admin.js';
import { createBatchJobs } from '../store/batch-jobs.js';
import { asJson, batchOrExit, notDialledOf, numberOr, pauseOf, totalOf, viewsOf, type BatchView } from './batch-view.js';
import { print, printJson, printTable, say } from './output.js';
import { hindrancesIn } from './queue-view.js';
import { accountOrExit } from './account-view.js';
import type { Session } from './session.js';
import { batchState } from '../domain/gates-batch.js';
import { readBatch } from '../domain/read-batch.js';
import { count } from './settings.js';

export interface ListOptions {
  readonly account?: string;
  readonly state?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const COUNTED = ['pending', 'scheduled', 'in_progress', 'done', 'completed', 'failed', 'suspended', 'cancelled'];
/** `other`: statuses of other programs. In progress is more than live: also what is being placed, and what awaits its analysis. */
const HEAD = [
  'batch',
  'name',
  'account',
  'state',
  'jobs',
  'waiting',
  'in progress',
  'done',
  'failed',
  'suspended',
  'cancelled',
  'other',
  'not dialled because',
];
const OTHER = HEAD.indexOf('other');

export async function listBatches(session: Session, { account, state, limit, json }: ListOptions): Promise<void> {
  const of = account === undefined ? {} : { account };
  // The state is not a field that could be asked for: it comes from several, and from the clock.
  const found = await createBatchAdmin(session.store.connection).list(of, state === undefined ? limit : 0);
  if (found.length === 0 && account !== undefined) await accountOrExit(session, account);
  const now = session.store.time.now();
  const docs = state === undefined ? found : found.filter((doc) => batchState(readBatch(doc), now) === state).slice(0, limit);
  const views = await viewsOf(session, docs);
  if (json === true) {
    printJson(views.map(asJson));
    return;
  }
  const rows = views.map((view) => [
    view.batch.id ?? '',
    view.batch.name,
    view.batch.account ?? '',
    view.state,
    jobsText(view),
    String(totalOf(view.counts, 'pending', 'scheduled')),
    String(totalOf(view.counts, 'in_progress')),
    String(totalOf(view.counts, 'done', 'completed')),
    String(totalOf(view.counts, 'failed')),
    String(totalOf(view.counts, 'suspended')),
    String(totalOf(view.counts, 'cancelled')),
    String(totalOf(view.counts) - totalOf(view.counts, ...COUNTED)),
    [...new Set(notDialledOf(view).map(({ code }) => code))].join(' '),
  ]);
  const others = rows.some((row) => row[OTHER] !== '0');
  const kept = (row: readonly string[]): string[] => row.filter((_, n) => n !== OTHER || others);
  await printTable(kept(HEAD), rows.map(kept), 'No batches match.');
  for (const { text } of hindrancesIn(views.flatMap(({ queues }) => queues))) say(text);
  if (docs.length === limit) say(`The newest ${String(limit)} are shown; --limit shows more.`);
}

export async function showBatch(session: Session, ref: string, json: boolean): Promise<void> {
  const doc = await batchOrExit(session, ref);
  const [view] = await viewsOf(session, [doc]);
  if (view === undefined) return;
  const live = view.batch.id === null ? 0 : await createBatchJobs(session.store.connection).openCalls(view.batch.id);
  if (json) {
    printJson({
      ...asJson(view),
      live_calls: live,
      archived: readArchived(doc['archived']),
      queues: view.queues,
      call_settings: settingsOf(doc['call_settings']),
      from_numbers: view.batch.fromNumbers,
      agent_id: view.batch.agentId,
    });
    return;
  }
  for (const line of linesOf(view, live)) print(line);
}

/** What was moved out is told beside what is here, or a campaign that is over would look like one that never was. */
function jobsText({ counts, doc }: BatchView): string {
  const archived = readArchived(doc['archived']).reduce((sum, { jobs }) => sum + jobs, 0);
  return `${totalOf(counts)}${archived === 0 ? '' : ` (+${archived} archived)`}`;
}

function linesOf(view: BatchView, live: number): readonly string[] {
  const { batch, state, counts, account, doc, queues } = view;
  const reasons = notDialledOf(view);
  const spent = [numberOr(doc['total_cost']), numberOr(doc['total_minutes'])] as const;
  const row = (name: string, value: string | number | null): string[] =>
    value === null || value === '' ? [] : [`${name.padEnd(14)} ${String(value)}`];
  const statuses = Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, n]) => `${status} ${String(n)}`);
  return [
    ...row('batch', `${batch.id ?? ''}${batch.name === batch.id ? '' : `  ${batch.name}`}`),
    ...row(
      'account',
      batch.account === null ? 'none' : `${batch.account}${account === 'missing' ? ' (does not exist)' : `  ${account.name}`}`,
    ),
    ...row('state', state + pauseText(view)),
    ...row('start, end', `${batch.startAt?.toISOString() ?? 'any time'} to ${batch.endAt?.toISOString() ?? 'no end'}`),
    ...row('priority', batch.priority),
    ...row('queue', queues.map(({ name }) => name).join(', retries in ')),
    ...row('rules', batch.rules),
    ...row('from', batch.fromNumbers.join(', ')),
    ...row('agent', batch.agentId),
    ...row('settings', JSON.stringify(settingsOf(doc['call_settings']) ?? {})),
    ...row('jobs', `${jobsText(view)}${statuses.length === 0 ? '' : `: ${statuses.join(', ')}`}`),
    ...readArchived(doc['archived']).flatMap((entry) => row('archived', archivedText(entry))),
    ...row('live calls', live),
    ...row('spent', `$${spent[0].toFixed(4)}, ${spent[1].toFixed(1)} minutes`),
    ...hindrancesIn(queues).flatMap(({ code, text }) => (reasons.some((reason) => reason.code === code) ? [] : row('daemons', text))),
    ...batch.problems.map((problem) => `${'problem'.padEnd(14)} ${problem}`),
    ...(reasons.length === 0
      ? row('dialled', dialledText(view))
      : reasons.map(({ code, text }) => `${'not dialled'.padEnd(14)} ${code}: ${text}`)),
  ];
}

/** Open is not at work: a campaign that is through must not look like one that goes on. */
function dialledText({ counts, doc }: BatchView): string {
  if (totalOf(counts, 'pending', 'scheduled', 'in_progress') > 0) return 'yes, as jobs fall due';
  const suspended = totalOf(counts, 'suspended');
  if (suspended > 0) return `nothing now: ${count(suspended, 'job')} of it ${suspended === 1 ? 'is' : 'are'} suspended and none waits`;
  if (totalOf(counts) > 0) return 'nothing is left to dial: none of its jobs waits';
  if (readArchived(doc['archived']).length > 0) return 'nothing is left to dial: its history was moved out';
  return 'nothing yet: it has no jobs (`speechai batch import`, `speechai job add`)';
}

function pauseText(view: BatchView): string {
  const pause = pauseOf(view);
  if (pause === null) return view.batch.stateReason === null ? '' : ` (${view.batch.stateReason})`;
  const why = pause.reason === null ? '' : `: ${pause.reason}`;
  if (pause.at === null) return ` (not by a command of this program${why})`;
  return ` (by ${pause.by ?? 'somebody'} at ${pause.at.toISOString()}${pause.with_all ? ', with all others' : ''}${why})`;
}
