/** `db adopt`: the old worker's latest calls become settled attempts, so that limits and MIN_REDIAL_MINUTES know them. They cost nothing here. */
import type { Policy } from '../domain/decision.js';
import { date, firstOf, get, record, text } from '../domain/lenient.js';
import { lookBackMs } from '../domain/limits.js';
import { classify, unreadableOutcome, type OutcomeTable } from '../domain/outcomes.js';
import { readPhone } from '../domain/phones.js';
import { readAccount } from '../domain/read-account.js';
import { readJob } from '../domain/read-job.js';
import { readCall } from '../retell/reading.js';
import type { AnyDocument } from '../store/connection.js';
import type { OldCall } from '../store/old-calls.js';
import type { Session } from './session.js';

/** How many calls were recorded, or would be. */
export async function adoptCalls(session: Session, dryRun: boolean): Promise<number> {
  const { store, policy, loaded } = session;
  const { loadRulebook } = await import('../config/rulebook.js');
  const { packs, outcomes } = loadRulebook(loaded.settings.app.configDir);
  const since = new Date(store.time.now().getTime() - lookBackMs(packs, policy.minRedialMs));
  let count = 0;
  for await (const group of store.oldCalls.jobs(since)) {
    const countries = await countriesOf(session, group);
    const calls = group.flatMap((doc) => oldCall(doc, countries.get(String(doc['account_id'])) ?? null, outcomes, policy) ?? []);
    const young = calls.filter(({ at }) => at >= since);
    count += await (dryRun ? store.oldCalls.unknown(young) : store.oldCalls.record(young));
  }
  return count;
}

async function countriesOf({ store }: Session, group: readonly AnyDocument[]): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(group.flatMap((doc) => (typeof doc['account_id'] === 'string' ? [doc['account_id']] : [])));
  return new Map((await store.campaigns.accounts([...ids])).map((doc) => [String(doc['account_id']), readAccount(doc).country]));
}

/** null: nobody can tell which number rang, or when. */
export function oldCall(doc: AnyDocument, country: string | null, table: OutcomeTable, policy: Policy): OldCall | null {
  const reading = readJob(doc, country);
  const callId = text(doc['call_id']);
  if (reading.kind === 'unreadable' || callId === null) return null;
  const { job } = reading;
  const result = get(doc, 'call_result');
  const details = record(get(result, 'details'));
  const call = readCall({ ...record(get(result, 'summary')), ...details, call_id: callId });
  const at = call?.startedAt ?? date(firstOf(doc, 'call_started_at', 'call_ended_at', 'started_at'));
  // The call carries an attempt's id: it was ours, and its attempt is there.
  if (at === null || typeof call?.metadata?.['attempt_id'] === 'string') return null;
  const index = rungIndex(job.status, job.contact.phoneIndex, job.contact.phones.length);
  const told = call?.toNumber == null ? null : readPhone(call.toNumber, country);
  const phone = told?.line == null ? job.contact.phones[index] : told;
  if (phone?.line == null) return null;
  const endedAt = date(doc['call_ended_at']) ?? at;
  const outcome =
    call === null || result == null
      ? unreadableOutcome(endedAt)
      : classify({ ...call, live: false }, { stopReason: null, seenEndedAt: endedAt }, table);
  return {
    _id: `adopted:${callId}`,
    job: doc._id,
    job_ref: job.ref,
    account: job.account,
    batch: job.batch,
    runner: 'speechai-worker',
    workspace: '',
    state: 'settled',
    open: false,
    at,
    placed_at: at,
    dial_by: at,
    to_number: phone.e164 ?? '',
    from_number: call?.fromNumber ?? '',
    line: phone.line,
    person: job.contact.person,
    phone_index: index,
    ring_ms: policy.ringMs,
    max_duration_ms: policy.maxDurationMs,
    estimate: { micros: 0, ms: 0 },
    counts: [],
    timezone: policy.defaultTimezone,
    call_id: callId,
    foreign: true,
    outcome,
    reached: outcome.reached,
    next: null,
    cost: { micros: 0, ms: 0, final: true },
    settled_at: endedAt,
  };
}

/** After a call that did not succeed the old worker moved on to the next number, and from the last to the first. */
function rungIndex(status: string, index: number, numbers: number): number {
  if (status === 'done' || status === 'completed' || numbers === 0) return index;
  return (index + numbers - 1) % numbers;
}
