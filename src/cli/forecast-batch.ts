/** `forecast batch`: gathers what the play needs, plays it, and says what came out. */
import { applyEdit } from '../domain/batch-edit.js';
import type { PastCall, Suppression } from '../domain/decision.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { forecast, mixOf, type Forecast } from '../domain/forecast.js';
import type { Job } from '../domain/job.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { batchZone } from '../domain/zones.js';
import { createBatchJobs } from '../store/batch-jobs.js';
import { editsOrExit } from './batch-write.js';
import { callerUsesOf } from './caller-uses.js';
import { batchOrExit, totalOf, viewsOf, type BatchView } from './batch-view.js';
import { factsOfGroup, inGroups } from './explain-batch.js';
import { packsOf } from './job-find.js';
import { print, printJson, say } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';

/** Dials of all runs together: some seconds on a small machine. */
const DIALS = 60_000;

export interface ForecastOptions {
  readonly set: readonly string[];
  readonly runs?: number;
  readonly seed: number;
  readonly sample: number;
  readonly json?: boolean;
}

export async function forecastBatch(session: Session, ref: string, options: ForecastOptions): Promise<ExitCode> {
  const packs = await packsOf(session);
  const [stored] = await viewsOf(session, [await batchOrExit(session, ref)], packs);
  if (stored === undefined || stored.batch.id === null) return EXIT.failed;
  const view = await changed(
    session,
    stored,
    options.set.filter((pair) => !/^[A-Z]/.test(pair)),
  );
  if (view.account === 'missing') {
    throw new SpeechAiError('NO_SUCH_ACCOUNT', `The account ${view.batch.account ?? ''} of the batch does not exist.`, {
      remedy: 'Nothing of the batch is dialled before it does.',
    });
  }
  const now = session.store.time.now();
  const store = createBatchJobs(session.store.connection);
  const { jobs, suppressions, history } = await gather(session, view, store.waiting(stored.batch.id, options.sample), now);
  const waiting = totalOf(view.counts, 'pending', 'scheduled', 'in_progress');
  if (jobs.length === 0) {
    say('Nothing waits in this batch, so there is nothing to forecast.');
    if (options.json === true)
      printJson({ batch_id: stored.batch.id, jobs: 0, end_p50: null, end_p90: null, cost_dollars_p50: 0, cost_dollars_p90: 0 });
    return EXIT.ok;
  }
  const { loadOutcomes } = await import('../config/outcomes-file.js');
  const { settings } = session.loaded;
  const assumed = view.batch.state === 'paused' || view.batch.state === 'completed' ? 'running' : null;
  const seen = await store.outcomes(stored.batch.id);
  const result = forecast({
    jobs,
    scale: Math.max(1, waiting / jobs.length),
    batch: assumed === null ? view.batch : { ...view.batch, state: assumed },
    account: view.account,
    ledger: view.ledger,
    suppressions,
    history,
    callers: await callerUsesOf(session, [view.batch, view.account]),
    mix: mixOf(seen),
    policy: session.policy,
    packs,
    table: loadOutcomes(settings.app.configDir).table,
    callsPerSecond: settings.limits.callsPerSecond,
    from: now,
    runs: options.runs ?? Math.min(40, Math.max(5, Math.round(DIALS / (jobs.length * 3)))),
    seed: options.seed,
  });
  const notes = [
    ...(assumed === null ? [] : [`It is ${view.batch.state}; this is what follows when it is resumed now.`]),
    ...(jobs.length < waiting
      ? [`${count(jobs.length, 'job')}, sampled at random, ${jobs.length === 1 ? 'represents' : 'represent'} ${String(waiting)}.`]
      : []),
    ...(seen.length === 0 ? ['The batch has no calls yet: usual outcomes are assumed.'] : []),
  ];
  if (options.json === true)
    printJson(
      asJson(
        stored.batch.id,
        waiting,
        result,
        seen.reduce((sum, one) => sum + one.calls, 0),
        options,
        notes,
      ),
    );
  else show(stored.batch.id, waiting, result, notes);
  return EXIT.ok;
}

/** What an account may be dialled by; anything else would change nothing. */
const ACCOUNT_FIELDS: ReadonlySet<string> = new Set([
  'plan_type',
  'status',
  'credit_balance',
  'minutes_purchased',
  'max_concurrent_calls',
  'daily_call_limit',
  'country',
  'timezone',
  'expires_at',
  'cost_per_minute',
  'cost_per_call_setup',
  'cost_failed_call',
  'from_number',
  'from_numbers',
]);

/** The batch and account as `--set` would have them. Read by the same readers, so that what would close the batch is told as such. */
async function changed(session: Session, view: BatchView, pairs: readonly string[]): Promise<BatchView> {
  if (pairs.length === 0) return view;
  const zone = batchZone(view.batch, view.account, session.policy).name;
  const ofAccount = pairs.flatMap((pair) => /^account\.([a-z_]+)=(.*)$/.exec(pair)?.slice(1, 3) ?? []);
  const edit = editsOrExit(
    pairs.filter((pair) => !pair.startsWith('account.')),
    zone,
    'There is no forecast of that',
  );
  const batch = readBatch(applyEdit(view.doc, edit));
  const fields: Record<string, string> = {};
  for (let n = 0; n + 1 < ofAccount.length; n += 2) fields[ofAccount[n] ?? ''] = ofAccount[n + 1] ?? '';
  const unknown = Object.keys(fields).filter((name) => !ACCOUNT_FIELDS.has(name));
  if (unknown.length > 0) {
    throw new SpeechAiError('NOT_UNDERSTOOD', `--set account.${unknown.join(', account.')}: accounts have no such field.`, {
      remedy: `Known are ${[...ACCOUNT_FIELDS].join(', ')}.`,
      exitCode: EXIT.usage,
    });
  }
  if (Object.keys(fields).length === 0 || view.account === 'missing') return { ...view, batch };
  const [doc] = await session.store.campaigns.accounts([view.account.id]);
  const account = readAccount({ ...doc, ...fields });
  if (account.problems.length === 0) return { ...view, batch, account };
  throw new SpeechAiError('NOT_UNDERSTOOD', `--set account: ${account.problems.join('; ')}.`, {
    remedy: 'Use the names and units of the account document.',
    exitCode: EXIT.usage,
  });
}

async function gather(session: Session, view: BatchView, docs: Parameters<typeof inGroups>[0], now: Date) {
  const jobs: Job[] = [];
  const suppressions: Suppression[] = [];
  const history: PastCall[] = [];
  for await (const group of inGroups(docs as ReturnType<ReturnType<typeof createBatchJobs>['waiting']>)) {
    const { facts } = await factsOfGroup(session, view, group, now);
    for (const one of facts) {
      jobs.push(one.job);
      suppressions.push(...one.suppressions);
      history.push(...one.history);
    }
  }
  history.sort((a, b) => b.at.getTime() - a.at.getTime());
  return { jobs, suppressions, history };
}

const dollars = (micros: number): number => Math.round(micros / 10_000) / 100;

function asJson(id: string, waiting: number, result: Forecast, seen: number, options: ForecastOptions, notes: readonly string[]): unknown {
  return {
    batch_id: id,
    jobs: waiting,
    end_p50: result.endP50,
    end_p90: result.endP90,
    cost_dollars_p50: dollars(result.costMicrosP50),
    cost_dollars_p90: dollars(result.costMicrosP90),
    calls_p50: result.callsP50,
    minutes_p50: result.minutesP50,
    answered_p50: result.answered,
    failed_p50: result.failed,
    left_p50: result.left,
    left_because: result.leftBecause,
    binding: result.binding.map(({ code, text, ms }) => ({ code, text, seconds: Math.round(ms / 1000) })),
    calls_seen: seen,
    runs: result.runs,
    seed: options.seed,
    set: options.set,
    notes,
  };
}

function show(id: string, waiting: number, result: Forecast, notes: readonly string[]): void {
  const when = (at: Date | null): string => at?.toISOString() ?? 'never by itself';
  print(`${id}: ${count(waiting, 'job')}, ${count(result.runs, 'play')}`);
  print(`end      P50 ${when(result.endP50)}   P90 ${when(result.endP90)}`);
  print(`cost     P50 $${dollars(result.costMicrosP50).toFixed(2)}   P90 $${dollars(result.costMicrosP90).toFixed(2)}`);
  print(`calls    ${String(result.callsP50)}, ${count(result.minutesP50, 'minute')} of talk`);
  print(`jobs     ${String(result.answered)} answered, ${String(result.failed)} failed, ${String(result.left)} left`);
  if (result.leftBecause !== null) print(`left because: ${result.leftBecause}`);
  const total = result.binding.reduce((sum, { ms }) => sum + ms, 0);
  print('What it waits for:');
  for (const { code, text, ms } of result.binding.slice(0, 6))
    print(`  ${String(Math.round((ms / Math.max(1, total)) * 100)).padStart(3)} %  ${code}: ${text}`);
  for (const note of notes) say(note);
}
