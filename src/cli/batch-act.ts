/** What operators do to the state of batches. Every act is written, acknowledged, and only then told. */
import { EXIT, SpeechAiError, messageOf, type ExitCode } from '../domain/errors.js';
import { readBatch } from '../domain/read-batch.js';
import { createBatchAdmin, type Act } from '../store/batch-admin.js';
import { createBatchJobs } from '../store/batch-jobs.js';
import type { AnyDocument } from '../store/connection.js';
import { refuseImporting, batchOrExit, totalOf } from './batch-view.js';
import { certainAfterMs, untilCertain } from './certainty.js';
import { confirm, printJson, say } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';

export interface ActOptions {
  readonly reason?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  /** False: return as soon as the write is acknowledged, without the certainty. */
  readonly wait?: boolean;
}

export interface AllOptions {
  readonly except: readonly string[];
  /** Only batches of this priority or lower. */
  readonly priority?: number;
}

interface Done {
  readonly batch_id: string;
  readonly state: string;
  readonly live_calls: number;
  readonly jobs_cancelled?: number;
  readonly jobs_cancelled_after_their_call?: number;
  readonly jobs_deleted?: number;
}

const tools = (session: Session) => ({
  batches: createBatchAdmin(session.store.connection),
  jobs: createBatchJobs(session.store.connection),
});
const actOf = (session: Session, { reason }: ActOptions): Act => ({ by: session.by, reason: reason ?? null });
const nameOf = (doc: AnyDocument): string => readBatch(doc).id ?? String(doc._id);

/** A write that no majority has acknowledged may still be rolled back: then a pause would be a hope. */
async function acknowledged(doc: AnyDocument, write: Promise<number>): Promise<void> {
  let matched: number;
  try {
    matched = await write;
  } catch (error) {
    if (!(error instanceof Error) || !/WriteConcern/.test(error.name)) throw error;
    throw new SpeechAiError(
      'NOT_ACKNOWLEDGED',
      `The database has not acknowledged the change of ${nameOf(doc)} in time: ${messageOf(error)}`,
      {
        remedy: 'Run the command again until it succeeds; before that nothing is certain.',
        exitCode: EXIT.tryAgain,
        cause: error,
      },
    );
  }
  if (matched > 0) return;
  throw new SpeechAiError('NO_SUCH_BATCH', `The batch ${nameOf(doc)} was deleted meanwhile.`, {
    remedy: 'Nothing is left to do: jobs of a batch that does not exist are not dialled.',
  });
}

async function liveCalls(session: Session, doc: AnyDocument): Promise<number> {
  const { id } = readBatch(doc);
  return id === null ? 0 : tools(session).jobs.openCalls(id);
}

function tell(done: readonly Done[], options: ActOptions, sentence: (one: Done) => string): void {
  for (const one of done) say(sentence(one));
  if (options.json === true) printJson(done);
}

const liveText = (live: number): string =>
  live === 0 ? 'No call is under way.' : `${count(live, 'call')} under way may go on to the end.`;

async function tellPaused(session: Session, docs: readonly AnyDocument[], options: ActOptions): Promise<void> {
  const afterMs = await certainAfterMs(session);
  const certain = docs.length > 0 && options.wait !== false;
  if (certain) await session.clock.sleep(afterMs);
  const done: Done[] = [];
  for (const doc of docs) done.push({ batch_id: nameOf(doc), state: 'paused', live_calls: await liveCalls(session, doc) });
  const sure = certain ? 'no further call of it can be placed by anyone' : `a call of it may still be placed for ${String(afterMs)} ms`;
  tell(done, options, (one) => `${one.batch_id} is paused: ${sure}. ${liveText(one.live_calls)}`);
}

export async function pauseBatches(session: Session, refs: readonly string[], options: ActOptions): Promise<ExitCode> {
  const docs: AnyDocument[] = [];
  for (const ref of refs) {
    const doc = await batchOrExit(session, ref);
    const { state } = readBatch(doc);
    if (state === 'cancelled' || state === 'completed')
      throw notFrom(doc, state, 'paused', 'It is over, and nothing of it is dialled; leave it out.');
    docs.push(doc);
  }
  const { batches } = tools(session);
  for (const doc of docs) await acknowledged(doc, batches.pause(doc, actOf(session, options), false));
  await tellPaused(session, docs, options);
  return EXIT.ok;
}

/** Looks again until nothing is active: a batch that was created or resumed meanwhile is one of all. */
export async function pauseAll(session: Session, { except, priority }: AllOptions, options: ActOptions): Promise<ExitCode> {
  const { batches } = tools(session);
  const kept = new Set<string>();
  for (const ref of except) kept.add(nameOf(await batchOrExit(session, ref)));
  const concerned = (doc: AnyDocument): boolean =>
    !kept.has(nameOf(doc)) && (priority === undefined || readBatch(doc).priority <= priority);
  const paused = new Map<string, AnyDocument>();
  for (let look = 0; look < 5; look += 1) {
    const docs = (await batches.list({ activeOnly: true }, 0)).filter(concerned);
    if (docs.length === 0) break;
    for (const doc of docs) {
      await acknowledged(doc, batches.pause(doc, actOf(session, options), true));
      paused.set(nameOf(doc), doc);
    }
  }
  await tellPaused(session, [...paused.values()], options);
  say(`Paused: ${String(paused.size)}. \`speechai batch resume --all\` lets exactly these run again.`);
  const alone = await createBatchJobs(session.store.connection).waitingAlone();
  if (alone > 0) say(`${count(alone, 'job')} without a batch go${alone === 1 ? 'es' : ''} on: \`speechai account suspend ID\` stops them.`);
  return EXIT.ok;
}

async function resumeThese(session: Session, docs: readonly AnyDocument[], options: ActOptions): Promise<ExitCode> {
  const { batches } = tools(session);
  if (options.yes !== true && !(await consented(session, docs))) return unchanged();
  const done: Done[] = [];
  const ran = new Set<string>();
  for (const doc of docs) {
    // Written in any case: another program may have paused it since it was read.
    const { id, state } = readBatch(doc);
    if (state === 'running') ran.add(nameOf(doc));
    await acknowledged(doc, batches.resume(doc, actOf(session, options)));
    if (state === 'draining' && id !== null) await createBatchJobs(session.store.connection).endDrain(id);
    done.push({ batch_id: nameOf(doc), state: 'running', live_calls: await liveCalls(session, doc) });
  }
  tell(done, options, ({ batch_id: id }) =>
    ran.has(id) ? `${id} was running already.` : `${id} runs again; paused time has spent no delay and no attempt.`,
  );
  return EXIT.ok;
}

/** Asked only where somebody would be called because of it. */
async function consented({ store }: Session, docs: readonly AnyDocument[]): Promise<boolean> {
  const still = docs.filter((doc) => readBatch(doc).state !== 'running');
  const ids = still.flatMap((doc) => readBatch(doc).id ?? []);
  const counts = await createBatchJobs(store.connection).counts(ids);
  const waiting = ids.reduce((sum, id) => sum + totalOf(counts.get(id) ?? {}, 'pending', 'scheduled'), 0);
  if (waiting === 0) return true;
  const which = still.length === 1 ? still.map(nameOf).join('') : `${String(still.length)} batches`;
  return confirm(`${count(waiting, 'job')} of ${which} may be dialled from now on. Resume?`, { yes: false });
}

export async function resumeBatches(session: Session, refs: readonly string[], options: ActOptions): Promise<ExitCode> {
  const docs: AnyDocument[] = [];
  for (const ref of refs) {
    const doc = await batchOrExit(session, ref);
    if (readBatch(doc).state === 'cancelled') {
      throw new SpeechAiError('BATCH_CANCELLED', `${nameOf(doc)} is cancelled, and its jobs with it.`, {
        remedy: 'Import its contacts into a new batch, or add single ones with `speechai job add --batch ID` after `batch create`.',
      });
    }
    refuseImporting(doc);
    docs.push(doc);
  }
  return resumeThese(session, docs, options);
}

export async function resumeAll(session: Session, options: ActOptions): Promise<ExitCode> {
  const docs = await tools(session).batches.pausedWithAll();
  if (docs.length === 0) say('Nothing is paused that `batch pause --all` had paused.');
  return resumeThese(session, docs, options);
}

export async function drainBatch(session: Session, ref: string, options: ActOptions): Promise<ExitCode> {
  const doc = await batchOrExit(session, ref);
  const { state } = readBatch(doc);
  if (state !== 'running' && state !== 'draining')
    throw notFrom(doc, state, 'drained', 'Only a running batch has something to finish: `speechai batch resume` first.');
  await acknowledged(doc, tools(session).batches.mark(doc, 'draining', actOf(session, options)));
  tell(
    [{ batch_id: nameOf(doc), state: 'draining', live_calls: await liveCalls(session, doc) }],
    options,
    (one) => `${one.batch_id} is draining: contacts that were begun are finished, no new ones are.`,
  );
  return EXIT.ok;
}

export async function completeBatch(session: Session, ref: string, options: ActOptions): Promise<ExitCode> {
  const doc = await batchOrExit(session, ref);
  const { state, id } = readBatch(doc);
  if (state === 'cancelled') throw notFrom(doc, state, 'completed', 'A cancelled batch is finished already.');
  const { batches, jobs } = tools(session);
  const waiting = id === null ? 0 : totalOf((await jobs.counts([id])).get(id) ?? {}, 'pending', 'scheduled', 'in_progress');
  if (
    waiting > 0 &&
    !(await confirm(
      `${count(waiting, 'job')} of ${nameOf(doc)} are not finished and would wait until it is resumed. Mark it as completed?`,
      { yes: options.yes === true },
    ))
  )
    return unchanged();
  await acknowledged(doc, batches.mark(doc, 'completed', actOf(session, options)));
  if (options.wait !== false) await untilCertain(session);
  tell(
    [{ batch_id: nameOf(doc), state: 'completed', live_calls: await liveCalls(session, doc) }],
    options,
    (one) => `${one.batch_id} is completed. ${liveText(one.live_calls)}`,
  );
  return EXIT.ok;
}

export async function cancelBatch(session: Session, ref: string, options: ActOptions): Promise<ExitCode> {
  const doc = await batchOrExit(session, ref);
  const { id } = readBatch(doc);
  const { batches, jobs } = tools(session);
  const waiting = id === null ? 0 : totalOf((await jobs.counts([id])).get(id) ?? {}, 'pending', 'scheduled', 'suspended', 'in_progress');
  if (!(await confirm(`${count(waiting, 'job')} of ${nameOf(doc)} will never be dialled again. Cancel it?`, { yes: options.yes === true })))
    return unchanged();
  await acknowledged(doc, batches.mark(doc, 'cancelled', actOf(session, options)));
  const ended = await cancelJobs(session, doc, options);
  tell(
    [{ batch_id: nameOf(doc), state: 'cancelled', live_calls: await liveCalls(session, doc), ...ended }],
    options,
    (one) =>
      `${one.batch_id} is cancelled: ${count(ended.jobs_cancelled, 'job')} at once, ${String(ended.jobs_cancelled_after_their_call)} in progress when their call ends. ${liveText(one.live_calls)}`,
  );
  return EXIT.ok;
}

/** Those in progress first, then the waiting; once more after DIAL_WITHIN_MS, because a claimed job may be given back between the two. */
async function cancelJobs(
  session: Session,
  doc: AnyDocument,
  options: ActOptions,
): Promise<{ jobs_cancelled: number; jobs_cancelled_after_their_call: number }> {
  const { id } = readBatch(doc);
  const { jobs } = tools(session);
  const act = actOf(session, options);
  let cancelled = 0;
  let requested = 0;
  if (id === null) return { jobs_cancelled: 0, jobs_cancelled_after_their_call: 0 };
  for (const round of [1, 2]) {
    requested += await jobs.requestCancel(id, act);
    cancelled += await jobs.cancelWaiting(id, act);
    if (round === 1) await untilCertain(session);
  }
  return { jobs_cancelled: cancelled, jobs_cancelled_after_their_call: requested };
}

export async function deleteBatch(session: Session, ref: string, options: ActOptions & { readonly jobs?: boolean }): Promise<ExitCode> {
  const doc = await batchOrExit(session, ref);
  const { id } = readBatch(doc);
  const { batches, jobs } = tools(session);
  await refuseWhileLive(session, doc);
  const total = id === null ? 0 : totalOf((await jobs.counts([id])).get(id) ?? {});
  const what = options.jobs === true ? `and its ${count(total, 'job')}` : `and cancel what waits of its ${count(total, 'job')}`;
  if (!(await confirm(`Delete ${nameOf(doc)} ${what}?`, { yes: options.yes === true }))) return unchanged();
  // Paused and certain first: a call placed between the look and the deletion would belong to no batch.
  await acknowledged(doc, batches.pause(doc, actOf(session, options), false));
  await untilCertain(session);
  await refuseWhileLive(session, doc);
  const reason = options.reason ?? 'Batch deleted';
  const ended =
    options.jobs === true && id !== null ? { jobs_deleted: await jobs.remove(id) } : await cancelJobs(session, doc, { ...options, reason });
  await batches.remove(doc);
  tell(
    [{ batch_id: nameOf(doc), state: 'deleted', live_calls: 0, ...ended }],
    options,
    (one) => `${one.batch_id} is deleted. Its calls stay recorded.`,
  );
  return EXIT.ok;
}

async function refuseWhileLive(session: Session, doc: AnyDocument): Promise<void> {
  const live = await liveCalls(session, doc);
  if (live === 0) return;
  throw new SpeechAiError('CALLS_LIVE', `${nameOf(doc)} has ${count(live, 'call')} under way, so it cannot be deleted.`, {
    remedy: `Pause it (speechai batch pause ${nameOf(doc)}), wait until they have ended, then delete it.`,
  });
}

function notFrom(doc: AnyDocument, state: string, act: string, remedy: string): SpeechAiError {
  return new SpeechAiError('BATCH_STATE', `${nameOf(doc)} is ${state} and cannot be ${act}.`, { remedy });
}

function unchanged(): ExitCode {
  say('Nothing was changed.');
  return EXIT.failed;
}
