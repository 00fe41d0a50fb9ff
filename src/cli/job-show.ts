/** `job show` and `job list`: what they print. */
import { attemptLimit } from '../domain/attempt-limit.js';
import { decide } from '../domain/decide.js';
import { idKey, type Job } from '../domain/job.js';
import { readJob } from '../domain/read-job.js';
import { tellStory, type Story, type ToldCall } from '../domain/story.js';
import type { AnyDocument } from '../store/connection.js';
import { maskNumbers } from '../telemetry/phones.js';
import { factsOf, packsOf } from './job-find.js';
import type { Session } from './session.js';

/** Who last changed the job by command. */
export interface LastAction {
  readonly act: string;
  readonly by: string;
  readonly at: string;
  readonly reason: string | null;
}

export interface JobStory extends Story {
  readonly lastAction: LastAction | null;
}

export async function storyOf(session: Session, doc: AnyDocument, job: Job): Promise<JobStory> {
  const [attempts, facts, packs] = await Promise.all([session.store.attempts.forJob(job.id), factsOf(session, job), packsOf(session)]);
  const batch = facts.batch === 'missing' ? null : facts.batch;
  const story = tellStory({
    job,
    attempts,
    limit: attemptLimit(job, batch, session.policy),
    decision: decide(facts, session.policy, packs),
    mask: maskNumbers,
  });
  return { ...story, id: idKey(job.id), lastAction: lastActionOf(doc) };
}

function lastActionOf(doc: AnyDocument): LastAction | null {
  const action: unknown = doc['last_action'];
  if (typeof action !== 'object' || action === null) return null;
  const { act, by, at, reason } = action as Readonly<Record<string, unknown>>;
  if (typeof act !== 'string' || typeof by !== 'string' || !(at instanceof Date)) return null;
  return { act, by, at: at.toISOString(), reason: typeof reason === 'string' ? maskNumbers(reason) : null };
}

export function storyLines(story: JobStory): string[] {
  const { lastAction } = story;
  return [
    `job ${story.job} (_id ${String(story.id)})`,
    `  status    ${story.status}, ${story.attempts} of ${story.limit} attempts${story.freeCalls === 0 ? '' : `, ${story.freeCalls} more calls that counted none`}`,
    `  contact   ${story.name ?? 'without a name'}: ${story.numbers.map((number, index) => `${index + 1 === story.nextNumber ? '>' : ''}${number}`).join(', ') || 'no number'}`,
    `  account   ${story.account ?? 'none'}, batch ${story.batch ?? 'none'}`,
    ...(story.lastError === null ? [] : [`  last      ${story.lastError}`]),
    ...(lastAction === null
      ? []
      : [
          `  asked     ${lastAction.act} by ${lastAction.by} at ${lastAction.at}${lastAction.reason === null ? '' : `: ${lastAction.reason}`}`,
        ]),
    '',
    story.calls.length === 0
      ? 'No call yet.'
      : `${story.calls.length} ${story.calls.length === 1 ? 'call' : 'calls'}, ${dollars(story.costDollars)}:`,
    ...story.calls.flatMap(callLines),
    '',
    `Next: ${story.next}`,
    ...story.reasons.map(({ code, text, source }) => `  ${code}: ${text} (${source})`),
  ];
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
  readonly account: string | null;
  readonly batch: string | null;
  readonly attempts: number;
  readonly due: string | null;
  readonly reason: string | null;
}

export function listed(doc: AnyDocument): ListedJob {
  const reading = readJob(doc);
  if (reading.kind === 'unreadable') {
    return {
      job: idKey(doc._id),
      id: idKey(doc._id),
      status: String(doc['status']),
      account: null,
      batch: null,
      attempts: 0,
      due: null,
      reason: `unreadable: ${reading.why}`,
    };
  }
  const { job } = reading;
  const waits = job.status === 'pending' || job.status === 'scheduled';
  return {
    job: job.ref,
    id: idKey(job.id),
    status: job.status,
    account: job.account,
    batch: job.batch,
    attempts: job.attempts,
    due: waits ? ((job.reservedUntil ?? job.nextTryAt)?.toISOString() ?? null) : null,
    reason: job.suspendReason ?? (job.lastError === null ? null : maskNumbers(job.lastError)),
  };
}
