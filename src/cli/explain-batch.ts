/** `explain batch`: the histogram of reasons and the next 24 hours, over a bounded sample of its jobs. */
import type { Facts } from '../domain/decision.js';
import { decide, explainGates } from '../domain/decide.js';
import { EXIT, type ExitCode } from '../domain/errors.js';
import { personsOf } from '../domain/job.js';
import { lookBackMs } from '../domain/limits.js';
import { readJob } from '../domain/read-job.js';
import { createTally, type TallyResult } from '../domain/tally.js';
import { batchZone } from '../domain/zones.js';
import { createBatchJobs } from '../store/batch-jobs.js';
import type { AnyDocument } from '../store/connection.js';
import { batchOrExit, totalOf, viewsOf, type BatchView } from './batch-view.js';
import { timeOrExit, type ExplainOptions } from './explain-options.js';
import { callerUsesOf } from './caller-uses.js';
import { fullLimitsOf, fullLimitText, type FullLimit } from './full-limits.js';
import { clockTime, onClock } from './local-times.js';
import { packsOf } from './job-find.js';
import { queuesOf, type ServedQueue } from './queue-view.js';
import { print, printJson, printTable, say } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';

const GROUP = 500;
const BAR = 40;

export async function explainBatch(session: Session, ref: string, options: ExplainOptions): Promise<ExitCode> {
  const packs = await packsOf(session);
  const [view] = await viewsOf(session, [await batchOrExit(session, ref)], packs);
  if (view === undefined || view.batch.id === null) return EXIT.failed;
  const zone = batchZone(view.batch, view.account, session.policy).name;
  const now = options.at === undefined ? session.store.time.now() : timeOrExit(options.at, zone);
  const [queues, callers] = await Promise.all([queuesOf(session), callerUsesOf(session, [view.batch, view.account])]);
  const tally = createTally(now);
  const inQueues = new Map<string, JobsInQueue>();
  let unreadable = 0;
  let underway = 0;
  for await (const group of inGroups(createBatchJobs(session.store.connection).waiting(view.batch.id, options.sample ?? 2_000))) {
    const { facts, unread } = await factsOfGroup(session, view, group, now);
    unreadable += unread;
    for (const one of facts) {
      // A daemon has it: it is being called, or about to be.
      if (one.job.status === 'in_progress') {
        underway += 1;
        continue;
      }
      const known = { ...one, callers };
      const decision = decide(known, session.policy, packs);
      tally.add(decision, decision.kind === 'dial' ? [] : explainGates(known, session.policy, packs));
      const queue = queues.ofJob(one.job, view.batch);
      inQueues.set(queue.name, { ...queue, jobs: (inQueues.get(queue.name)?.jobs ?? 0) + 1 });
    }
  }
  const result = tally.result();
  const waiting = totalOf(view.counts, 'pending', 'scheduled', 'in_progress');
  const full = options.at === undefined ? await fullLimitsOf(session, view.batch, view.account) : [];
  const served = [...inQueues.values()];
  if (options.json === true) printJson({ ...asJson(view, result, waiting, unreadable, now, served), underway, full_limits: full });
  else await show(view, result, waiting, unreadable, now, zone, served, underway, full);
  return EXIT.ok;
}

interface JobsInQueue extends ServedQueue {
  readonly jobs: number;
}

/** Everything `decide` looks at for a group of jobs of one batch, in three questions. */
export async function factsOfGroup(
  session: Session,
  { batch, account, ledger }: BatchView,
  docs: readonly AnyDocument[],
  now: Date,
): Promise<{ readonly facts: readonly Facts[]; readonly unread: number }> {
  const { store, policy } = session;
  const since = new Date(now.getTime() - lookBackMs(await packsOf(session), policy.minRedialMs));
  const country = account === 'missing' ? null : account.country;
  const jobs = docs.flatMap((doc) => {
    const reading = readJob(doc, country);
    return reading.kind === 'job' ? [reading.job] : [];
  });
  const lines = [...new Set(jobs.flatMap((job) => job.contact.phones.flatMap(({ line }) => line ?? [])))];
  const persons = [...new Set(jobs.flatMap((job) => personsOf(job.contact)))];
  const [suppressions, history] = await Promise.all([
    store.campaigns.suppressions(lines, persons),
    store.attempts.history(lines, persons, since),
  ]);
  const facts = jobs.map((job): Facts => {
    const own = new Set(job.contact.phones.map(({ line }) => line));
    const concerns = (entry: { line: string | null; person: string | null }): boolean =>
      (entry.line !== null && own.has(entry.line)) || (entry.person !== null && personsOf(job.contact).includes(entry.person));
    return {
      job,
      batch,
      account,
      ledger,
      suppressions: suppressions.filter(concerns),
      history: history.filter((call) => concerns(call) && call.attempt !== job.leaseToken),
      ownHold: null,
      now,
    };
  });
  return { facts, unread: docs.length - jobs.length };
}

export async function* inGroups<T>(from: AsyncIterable<T>): AsyncIterable<readonly T[]> {
  let group: T[] = [];
  for await (const one of from) {
    group.push(one);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function asJson(
  { batch, state, reasons: closed }: BatchView,
  result: TallyResult,
  waiting: number,
  unreadable: number,
  now: Date,
  queues: readonly JobsInQueue[],
): Readonly<Record<string, unknown>> {
  const { looked, dialable, stopping, reasons, hours, later, never } = result;
  return {
    batch_id: batch.id,
    state,
    at: now,
    waiting,
    looked,
    unreadable,
    queues,
    dialable_now: dialable,
    would_end_without_a_call: stopping,
    batch_reasons: closed.map(({ code, text, until }) => ({ code, text, until })),
    reasons,
    next_24_hours: hours.map((jobs, n) => ({ from: new Date(now.getTime() + n * 3_600_000), jobs })),
    later,
    not_by_itself: never,
  };
}

async function show(
  { batch, state, reasons: closed }: BatchView,
  result: TallyResult,
  waiting: number,
  unreadable: number,
  now: Date,
  zone: string,
  queues: readonly JobsInQueue[],
  underway: number,
  full: readonly FullLimit[],
): Promise<void> {
  const { looked, dialable, reasons, hours, later, never } = result;
  print(
    `${batch.id ?? ''}: ${state}, ${count(waiting, 'job')} waiting or in progress, at ${clockTime(now, zone)} (times are those of ${zone})`,
  );
  if (looked + unreadable + underway < waiting) print(`Looked at ${String(looked)} of them, sampled at random (--sample checks more).`);
  for (const { code, text } of closed) print(onClock(`The whole batch: ${code}: ${text}`, zone));
  if (batch.contactZones.length > 0) print(`Contacts with a time zone of their own go by its clock: ${batch.contactZones.join(', ')}.`);
  print(
    `The rules let ${String(dialable)} of ${String(looked)} be dialled now.${unreadable === 0 ? '' : ` Cannot be understood: ${String(unreadable)}.`}`,
  );
  if (underway > 0) print(`Besides them ${count(underway, 'job')} in progress.`);
  for (const one of full) print(fullLimitText(one));
  for (const { jobs, not_dialled: hindrance } of queues)
    if (hindrance !== null) print(`But ${count(jobs, 'job')}: ${hindrance.code}: ${hindrance.text}`);
  if (reasons.length > 0)
    await printTable(
      ['reason', 'first', 'at all', 'for example'],
      reasons.map((row) => [row.code, String(row.first), String(row.any), onClock(row.text, zone)]),
    );
  print('When they can be dialled:');
  const most = Math.max(1, ...hours);
  hours.forEach((jobs, n) => {
    const from = clockTime(new Date(now.getTime() + n * 3_600_000), zone).slice(0, 16);
    if (jobs > 0) print(`  ${from}  ${'#'.repeat(Math.max(1, Math.round((jobs / most) * BAR)))} ${String(jobs)}`);
  });
  if (later > 0) print(`  later than 24 hours: ${String(later)}`);
  if (never > 0) print(`  not by itself: ${String(never)}`);
  if (looked === 0) say('Nothing waits.');
}
