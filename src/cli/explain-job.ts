/** `explain job`: the gates of one job, with everything that is known about it. */
import { explain, type Explanation, type GateLine } from '../domain/explain.js';
import type { Facts } from '../domain/decision.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { contactZone } from '../domain/zones.js';
import type { AttemptDoc } from '../store/attempt.js';
import { timeOrExit, type ExplainOptions } from './explain-options.js';
import { callerUsesOf } from './caller-uses.js';
import { fullLimitsOf, fullLimitText } from './full-limits.js';
import { onClock } from './local-times.js';
import { factsOf, findJob, noJob, packsOf } from './job-find.js';
import { paint, print, printJson } from './output.js';
import { queuesOf, type ServedQueue } from './queue-view.js';
import type { Session } from './session.js';

export async function explainJob(session: Session, ref: string, options: ExplainOptions): Promise<ExitCode> {
  const found = await findJob(session, ref);
  if (found.kind === 'none') throw noJob(ref, found);
  if (found.kind === 'unreadable') {
    throw new SpeechAiError('JOB_UNREADABLE', `${ref} cannot be understood: ${found.why}.`, {
      remedy: 'Correct the document; then `speechai job resume`.',
    });
  }
  const { job } = found;
  const [known, packs, attempt, queues] = await Promise.all([
    factsOf(session, job),
    packsOf(session),
    openAttempt(session, job.leaseToken),
    queuesOf(session),
  ]);
  const queue = queues.ofJob(job, known.batch);
  const zone = contactZone(job.contact, known.batch, known.account, session.policy).name;
  const facts: Facts = {
    ...known,
    callers: await callerUsesOf(session, [known.batch, known.account]),
    ...(options.at === undefined ? {} : { now: timeOrExit(options.at, zone) }),
    // A job whose call is under way holds its own lock and money: they are no reason against it.
    ...(attempt === null
      ? {}
      : { ownHold: attempt.estimate, history: known.history.filter((call) => !('attempt' in call) || call.attempt !== attempt._id) }),
  };
  const explanation = explain(facts, session.policy, packs);
  const full = options.at === undefined ? await fullLimitsOf(session, known.batch, known.account) : [];
  if (options.json === true) {
    printJson({ ...asJson(job.ref, facts, explanation, attempt, queue), full_limits: full });
    return EXIT.ok;
  }
  for (const line of linesOf(job.ref, zone, facts, explanation, attempt, queue, options.at === undefined)) print(onClock(line, zone));
  if (attempt === null) for (const one of full) print(fullLimitText(one));
  return EXIT.ok;
}

async function openAttempt({ store }: Session, token: string | null): Promise<AttemptDoc | null> {
  const attempt = token === null ? null : await store.attempts.byId(token);
  return attempt?.open === true ? attempt : null;
}

function asJson(
  ref: string,
  facts: Facts,
  { decision, gates, dialableAt, changes }: Explanation,
  attempt: AttemptDoc | null,
  queue: ServedQueue,
): Readonly<Record<string, unknown>> {
  return {
    job_id: ref,
    status: facts.job.status,
    at: facts.now,
    call: attempt === null ? null : { state: attempt.state, since: attempt.at, call_id: attempt.call_id ?? null },
    queue,
    decision: decision.kind,
    becomes: decision.kind === 'stop' ? decision.status : null,
    dialable_at: dialableAt,
    gates,
    changes,
  };
}

function linesOf(
  ref: string,
  zone: string,
  facts: Facts,
  explanation: Explanation,
  attempt: AttemptDoc | null,
  queue: ServedQueue,
  present: boolean,
): readonly string[] {
  const { decision, gates, dialableAt, changes } = explanation;
  const width = Math.max(...gates.map(({ gate }) => gate.length));
  const call =
    attempt === null
      ? []
      : [`A call is under way (${attempt.state}, since ${attempt.at.toISOString()}); below is what another call would meet.`];
  return [
    `${ref}: ${facts.job.status}, at ${facts.now.toISOString()} (times are those of ${zone})`,
    ...call,
    ...gates.map((line) => gateText(line, width)),
    queueLine(queue),
    verdict(decision.kind, decision.kind === 'stop' ? decision.status : '', dialableAt, present && queue.not_dialled !== null),
    ...(decision.kind === 'dial' ? [] : changeLines(changes)),
  ];
}

function queueLine(queue: ServedQueue): string {
  return queue.not_dialled?.text ?? `Queue "${queue.name}" is served by ${queue.served_by.join(', ')}.`;
}

function gateText({ gate, pass, code, text, value, limit, source, until }: GateLine, width: number): string {
  const figures = [
    ...(value === null ? [] : [`value ${String(value)}`]),
    ...(limit === null ? [] : [`limit ${String(limit)}`]),
    `from ${source}`,
    ...(until === null ? [] : [`until ${until.toISOString()}`]),
  ];
  const mark = pass ? paint('green', 'open', process.stdout) : paint('red', 'SHUT', process.stdout);
  return `  ${mark} ${gate.padEnd(width)}  ${code === null ? '' : `${code}: `}${text} [${figures.join(', ')}]`;
}

function verdict(kind: string, status: string, at: Date | null, nobodyDials: boolean): string {
  if (kind === 'dial') return nobodyDials ? 'The rules let it be dialled now, but no daemon does it.' : 'It may be dialled now.';
  if (kind === 'stop') return `It would become ${status} without a call.`;
  return at === null
    ? 'It is not dialled before somebody changes something.'
    : `It can be dialled at ${at.toISOString()} if nothing changes.`;
}

function changeLines(changes: Explanation['changes']): readonly string[] {
  if (changes.length === 0) return ['No single change would let it be dialled now; every gate that is shut must open.'];
  return [
    'Each of these alone would let it be dialled now:',
    ...changes.map(({ text, command }) => `  ${text}${command === null ? '' : `  ($ ${command})`}`),
  ];
}
