/** `speechai db adopt`: takes over, once, what SpeechAI's worker left: jobs waiting for another try, wrong counts, and its latest calls. */
import type { Command } from 'commander';
import { attemptLimit } from '../domain/attempt-limit.js';
import type { Batch } from '../domain/batch.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import type { Job } from '../domain/job.js';
import { date } from '../domain/lenient.js';
import { unopened } from '../domain/money.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { readJob } from '../domain/read-job.js';
import { wasNeverCalled, type Adoption } from '../store/adopt.js';
import type { AnyDocument } from '../store/connection.js';
import { print, printJson, say, snakeKeys } from './output.js';
import { withSession, type Session } from './session.js';

export interface AdoptReport {
  readonly dryRun: boolean;
  /** By the status they had. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly taken: number;
  /** Attempts used up: they stay as they are. */
  readonly exhausted: number;
  /** Neither a job nor a date that could be read: they stay as they are. */
  readonly unreadable: number;
  /** Changed by others between the look and the write. */
  readonly moved: number;
  /** Waiting jobs whose attempts were none: turns outside the hours, which the old worker counted. They have all of them again. */
  readonly uncounted: number;
  /** Jobs whose index stood past their numbers. */
  readonly clamped: number;
  /** Calls of the old worker that limits count from now on. */
  readonly calls: number;
  /** Accounts that have used more than they bought: nothing can be dialled for them. The old worker booked cents as dollars. */
  readonly overdrawn: readonly string[];
  readonly examples: readonly string[];
}

const EXAMPLES = 5;
/** A write of an old worker within this time is a sign of life. */
const OLD_WORKER_MS = 60_000;

export async function adopt(session: Session, dryRun: boolean): Promise<AdoptReport> {
  const { store } = session;
  const { checkIndexes, requireIndexes } = await import('../store/indexes.js');
  requireIndexes(await checkIndexes(store.connection));
  await refuseBesideOldWorkers(session);

  const batches = new Map<string, Batch | null>();
  const waiting: Record<string, number> = {};
  const examples: string[] = [];
  const counts = { taken: 0, exhausted: 0, unreadable: 0, moved: 0 };
  for await (const group of store.adopt.candidates()) {
    await learnBatches(session, group, batches);
    const adoptions: Adoption[] = [];
    for (const doc of group) {
      const reading = readJob(doc);
      const due = dueOf(doc['next_try_at']);
      if (reading.kind === 'unreadable' || due === 'unreadable') {
        counts.unreadable += 1;
        continue;
      }
      const { job } = reading;
      const limit = limitOf(job, batches, session);
      if (job.attempts >= limit && !wasNeverCalled(doc)) {
        counts.exhausted += 1;
        continue;
      }
      waiting[job.status] = (waiting[job.status] ?? 0) + 1;
      adoptions.push({ doc, dueAt: due });
      if (examples.length < EXAMPLES)
        examples.push(`${job.ref}: ${job.status}, ${job.attempts} of ${limit} attempts, due ${due?.toISOString() ?? 'now'}`);
    }
    if (dryRun) continue;
    const taken = await store.adopt.take(adoptions);
    counts.taken += taken;
    counts.moved += adoptions.length - taken;
  }
  const uncounted = await uncount(session, dryRun, batches);
  const clamped = await (dryRun ? store.adopt.beyondNumbers() : store.adopt.clamp());
  const { adoptCalls } = await import('./db-adopt-calls.js');
  return {
    dryRun,
    waiting,
    ...counts,
    uncounted,
    clamped,
    calls: await adoptCalls(session, dryRun),
    overdrawn: await overdrawn(session),
    examples,
  };
}

async function overdrawn({ store }: Session): Promise<string[]> {
  const { createAccountAdmin } = await import('../store/account-admin.js');
  const accounts = (await createAccountAdmin(store.connection).list(0)).map(readAccount);
  const ledgers = await store.ledgers.read(accounts.map(({ id }) => id));
  return accounts.flatMap((account) => {
    const { id, plan, creditBalanceMicros, minutesPurchasedMs } = account;
    const { usedMicros, usedMs } = ledgers.get(id) ?? unopened(account);
    if (plan === 'credit_based' && usedMicros > creditBalanceMicros)
      return [`${id}: ${dollars(usedMicros)} used of ${dollars(creditBalanceMicros)} bought`];
    if (plan === 'minutes_based' && usedMs > minutesPurchasedMs)
      return [`${id}: ${String(Math.round(usedMs / 60_000))} minutes used of ${String(Math.round(minutesPurchasedMs / 60_000))} bought`];
    return [];
  });
}

const dollars = (micros: number): string => `$${(micros / 1e6).toFixed(2)}`;

/** Only where they would end the job without a call: a count below the limit is left as it is. */
async function uncount(session: Session, dryRun: boolean, batches: Map<string, Batch | null>): Promise<number> {
  let count = 0;
  for await (const group of session.store.adopt.countedOnly()) {
    await learnBatches(session, group, batches);
    const spent = group.filter((doc) => {
      const reading = readJob(doc);
      return reading.kind === 'job' && reading.job.attempts >= limitOf(reading.job, batches, session);
    });
    count += dryRun ? spent.length : await session.store.adopt.uncount(spent);
  }
  return count;
}

function limitOf(job: Job, batches: ReadonlyMap<string, Batch | null>, { policy }: Session): number {
  return attemptLimit(job, job.batch === null ? null : (batches.get(job.batch) ?? null), policy);
}

/** Both would dial the same contacts. */
async function refuseBesideOldWorkers({ store }: Session): Promise<void> {
  const old = await store.runners.oldWorkers(new Date(store.time.now().getTime() - OLD_WORKER_MS));
  if (old.length === 0) return;
  throw new SpeechAiError('OLD_WORKER', `An old worker is still at work in this database (${old.join(', ')}), so nothing is taken over.`, {
    remedy: 'Stop the Python worker, wait a minute, then run this again.',
    exitCode: EXIT.tryAgain,
  });
}

async function learnBatches({ store }: Session, group: readonly AnyDocument[], known: Map<string, Batch | null>): Promise<void> {
  const named = group.flatMap((doc) => (typeof doc['batch_id'] === 'string' ? [doc['batch_id']] : []));
  const wanted = [...new Set(named)].filter((id) => !known.has(id));
  const found = new Map((await store.campaigns.batches(wanted)).map((doc) => [String(doc['batch_id']), readBatch(doc)]));
  for (const id of wanted) known.set(id, found.get(id) ?? null);
}

/** null: nothing says when, so now. */
function dueOf(stored: unknown): Date | null | 'unreadable' {
  if (stored === undefined || stored === null || stored === '') return null;
  return date(stored) ?? 'unreadable';
}

export async function adoptCommand(flags: { readonly dryRun?: boolean; readonly json?: boolean }, command: Command): Promise<ExitCode> {
  const report = await withSession(command, (session) => adopt(session, flags.dryRun === true));
  if (flags.json === true) {
    printJson(snakeKeys(report, ['waiting']));
    return EXIT.ok;
  }
  const waiting = Object.values(report.waiting).reduce((sum, one) => sum + one, 0);
  const kinds = Object.entries(report.waiting).map(([status, number]) => `${number} ${status}`);
  print(`waiting for another try: ${waiting}${kinds.length === 0 ? '' : ` (${kinds.join(', ')})`}`);
  print(
    report.dryRun
      ? 'taken over: none, this was a dry run'
      : `taken over: ${report.taken}${report.moved === 0 ? '' : `; ${report.moved} were changed by others meanwhile`}`,
  );
  print(`left as they are: ${report.exhausted} without attempts left, ${report.unreadable} that cannot be read`);
  for (const example of report.examples) print(`  ${example}`);
  print(`attempts ${report.dryRun ? 'to be ' : ''}taken back, because no call was made for them: ${report.uncounted}`);
  print(`number indexes ${report.dryRun ? 'to be ' : ''}put back to the first number: ${report.clamped}`);
  print(`calls of the old worker ${report.dryRun ? 'to be ' : ''}counted by the limits: ${report.calls}`);
  for (const account of report.overdrawn) print(`overdrawn: ${account}`);
  if (report.overdrawn.length > 0)
    say(
      "Nothing is dialled for an overdrawn account. SpeechAI's worker booked cents as dollars; give back what it booked too much: speechai account topup ID AMOUNT --type refund",
    );
  if (report.dryRun && waiting > 0) say('Without --dry-run they become pending and are dialled when they are due.');
  return EXIT.ok;
}
