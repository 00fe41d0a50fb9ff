/** `job show` and `job list`: what they print. */
import { attemptLimit } from '../domain/attempt-limit.js';
import { decide } from '../domain/decide.js';
import { CLAIMABLE, idKey, type Job } from '../domain/job.js';
import { text } from '../domain/lenient.js';
import { readJob } from '../domain/read-job.js';
import { tellStory, type Story, type ToldCall } from '../domain/story.js';
import type { AnyDocument } from '../store/connection.js';
import { maskNumbers, maskPhone } from '../telemetry/phones.js';
import { isFinal } from '../domain/transitions.js';
import { factsOf, packsOf } from './job-find.js';
import { yieldLines, yieldOf, type CallYield } from './job-result.js';
import { queuesOf, type Hindrance } from './queue-view.js';
import type { Session } from './session.js';

/** Who last changed the job by command: `job` or `batch`. */
export interface LastAction {
  readonly act: string;
  readonly by: string;
  readonly at: string;
  readonly reason: string | null;
}

export interface JobStory extends Story {
  readonly lastAction: LastAction | null;
  /** By whom and why; null: it is not cancelled. */
  readonly cancelled: string | null;
  readonly lastCall: CallYield | null;
  /** Why no daemon dials it, though its rules may let it be dialled; null: somebody does, or it is not waiting. */
  readonly notDialled: Hindrance | null;
}

export interface ShowOptions {
  readonly transcript?: boolean;
}

export async function storyOf(session: Session, doc: AnyDocument, job: Job, options: ShowOptions = {}): Promise<JobStory> {
  const [attempts, facts, packs, queues] = await Promise.all([
    session.store.attempts.forJob(job.id),
    factsOf(session, job),
    packsOf(session),
    queuesOf(session),
  ]);
  const batch = facts.batch === 'missing' ? null : facts.batch;
  const story = tellStory({
    job,
    attempts,
    limit: attemptLimit(job, batch, session.policy),
    decision: decide(facts, session.policy, packs),
    mask: maskNumbers,
  });
  return {
    ...story,
    id: idKey(job.id),
    lastAction: lastActionOf(doc),
    cancelled: cancelledText(doc),
    lastCall: yieldOf(doc, options.transcript === true),
    notDialled: waits(job) ? queues.ofJob(job, facts.batch).not_dialled : null,
  };
}

const waits = ({ status }: Job): boolean => CLAIMABLE.some((each) => each === status);

function askedText({ cancelRequested, suspendRequested }: Job): string | null {
  if (cancelRequested) return 'is cancelled when its call ends, as asked';
  return suspendRequested ? 'is suspended when its call ends, as asked' : null;
}

/** Who cancelled it is told by a command only; SpeechAI's API leaves a reason at most. What the last call ended with is no answer then. */
function cancelledText(doc: AnyDocument): string | null {
  if (doc['status'] !== 'cancelled') return null;
  const action = lastActionOf(doc);
  const byCommand = action?.act === 'cancel';
  const reason = byCommand ? action.reason : text(doc['cancellation_reason']);
  return `cancelled${byCommand ? ` by ${action.by}` : ''}${reason === null ? '' : `: ${maskNumbers(reason)}`}`;
}

function lastActionOf(doc: AnyDocument): LastAction | null {
  const action: unknown = doc['last_action'];
  if (typeof action !== 'object' || action === null) return null;
  const { act, by, at, reason } = action as Readonly<Record<string, unknown>>;
  if (typeof act !== 'string' || typeof by !== 'string' || !(at instanceof Date)) return null;
  return { act, by, at: at.toISOString(), reason: typeof reason === 'string' ? maskNumbers(reason) : null };
}

export function storyLines(story: JobStory): string[] {
  const { lastAction, cancelled, lastCall, notDialled } = story;
  return [
    `job ${story.job} (_id ${String(story.id)})`,
    `  status    ${story.status}, ${story.attempts} of ${story.limit} attempts${story.freeCalls === 0 ? '' : `, ${story.freeCalls} more ${story.freeCalls === 1 ? 'call' : 'calls'} that counted none`}`,
    `  contact   ${story.name ?? 'without a name'}: ${numbersText(story) || 'no number'}`,
    `  account   ${story.account ?? 'none'}, batch ${story.batch ?? 'none'}`,
    ...(cancelled === null ? (story.lastError === null ? [] : [`  last      ${story.lastError}`]) : [`  ended     ${cancelled}`]),
    ...(lastAction === null
      ? []
      : [
          `  asked     ${lastAction.act} by ${lastAction.by} at ${lastAction.at}${lastAction.reason === null ? '' : `: ${lastAction.reason}`}`,
        ]),
    ...(lastCall === null ? [] : yieldLines(lastCall, story.job)),
    '',
    story.calls.length === 0
      ? 'No call yet.'
      : `${story.calls.length} ${story.calls.length === 1 ? 'call' : 'calls'}, ${dollars(story.costDollars)}:`,
    ...story.calls.flatMap(callLines),
    '',
    `Next: ${story.next}`,
    ...(notDialled === null ? [] : [`  ${notDialled.code}: ${notDialled.text}`]),
    ...story.reasons.map(({ code, text, source }) => `  ${code}: ${text} (${source})`),
  ];
}

/** Which is next matters where there are several, and while there is a next call. */
function numbersText({ numbers, nextNumber, status }: JobStory): string {
  const marked = numbers.length > 1 && !isFinal(status);
  return numbers.map((number, index) => (marked && index + 1 === nextNumber ? `${number} (next)` : number)).join(', ');
}

function callLines(call: ToldCall): string[] {
  const heard = call.seconds === null ? '' : `, ${call.seconds} s`;
  const cost = call.costDollars === null ? '' : `, ${dollars(call.costDollars)}${call.costFinal ? '' : ' so far'}`;
  const stopped = call.stoppedFor === null ? '' : `, stopped by us (${call.stoppedFor})`;
  return [
    `  ${call.at.toISOString()}  ${call.number}  ${call.said}${heard}${cost}${stopped}${call.callId === null ? '' : `  [${call.callId}]`}`,
    ...(call.decided === null ? [] : [`      -> ${call.decided}`]),
  ];
}

function dollars(amount: number): string {
  return `$${amount.toFixed(4)}`;
}

export interface ListedJob {
  readonly job: string;
  readonly id: string;
  readonly status: string;
  readonly name: string | null;
  /** The one whose turn it is, masked. */
  readonly number: string | null;
  readonly account: string | null;
  readonly batch: string | null;
  readonly attempts: number;
  readonly due: string | null;
  readonly reason: string | null;
}

function numberOf({ contact: { phones, phoneIndex } }: Job): string | null {
  const number = phones[phoneIndex]?.e164 ?? null;
  return number === null ? null : maskPhone(number);
}

export function listed(doc: AnyDocument): ListedJob {
  const reading = readJob(doc);
  if (reading.kind === 'unreadable') {
    return {
      job: idKey(doc._id),
      id: idKey(doc._id),
      status: String(doc['status']),
      name: null,
      number: null,
      account: text(doc['account_id']),
      batch: text(doc['batch_id']),
      attempts: 0,
      due: null,
      reason: `unreadable: ${reading.why}`,
    };
  }
  const { job } = reading;
  return {
    job: job.ref,
    id: idKey(job.id),
    status: job.status,
    name: job.contact.name,
    number: numberOf(job),
    account: job.account,
    batch: job.batch,
    attempts: job.attempts,
    due: waits(job) ? ((job.reservedUntil ?? job.nextTryAt)?.toISOString() ?? null) : null,
    reason:
      cancelledText(doc) ??
      (job.status === 'in_progress' ? askedText(job) : null) ??
      job.suspendReason ??
      (job.lastError === null ? null : maskNumbers(job.lastError)),
  };
}
