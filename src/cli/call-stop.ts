/** Ending a call by hand: whose wish it was is stored first, so that whoever settles the call knows. */
import type { DocId } from '../domain/job.js';
import type { AttemptDoc } from '../store/attempt.js';
import type { Session } from './session.js';

export interface Stopped {
  readonly ok: boolean;
  readonly text: string;
}

/** A call that is just being placed gets its id within this time, or it must be looked for. */
const PLACING_MS = 3_000;
const LOOK_MS = 100;

/** Ends the open call of a job, if there is one. Asked after a request was written: a call that begins later reads the request first (P1). */
export async function hangUpJob(session: Session, job: DocId): Promise<Stopped> {
  const attempt = await session.store.attempts.leasedFor(job);
  if (attempt === null || !attempt.open) return { ok: true, text: 'no call is open' };
  return hangUp(session, attempt);
}

export async function hangUp(session: Session, attempt: AttemptDoc): Promise<Stopped> {
  const { store } = session;
  const { retell, workspace } = await session.retell();
  if (attempt.workspace !== workspace) {
    return {
      ok: false,
      text: 'the call was placed with another RETELL_API_KEY or RETELL_BASE_URL than this command has, so it cannot be stopped from here',
    };
  }
  await store.attempts.markStopping(attempt._id, 'operator');
  const callIds = await callIdsOf(session, attempt);
  if (callIds === 'over') return { ok: true, text: 'no call is open any more' };
  if (callIds === 'unclear')
    return { ok: false, text: 'the provider does not answer, so whether there is a call to stop is not known; run this again' };
  if (callIds.length === 0) {
    return { ok: false, text: 'the call may have been placed but the provider does not list it yet; run this again in a few seconds' };
  }
  for (const callId of callIds) {
    const reply = await retell.stop(callId);
    if (reply.kind === 'stopped') continue;
    const reading = await retell.read(callId);
    if (reading.kind === 'call' && !reading.call.live) continue;
    return { ok: false, text: `call ${callId} was not stopped: ${reply.message}` };
  }
  return { ok: true, text: `hung up (${callIds.join(', ')})` };
}

async function callIdsOf(session: Session, attempt: AttemptDoc): Promise<readonly string[] | 'over' | 'unclear'> {
  const { store, clock } = session;
  const since = clock.mark();
  for (let seen: AttemptDoc | null = attempt; ; seen = await store.attempts.byId(attempt._id)) {
    if (seen === null || !seen.open) return 'over';
    if (seen.call_id !== undefined) return [seen.call_id];
    if (seen.state !== 'placing' || clock.elapsedMs(since) > PLACING_MS) break;
    await clock.sleep(LOOK_MS);
  }
  const { retell } = await session.retell();
  const reply = await retell.listByAttempt(attempt._id);
  if (reply.kind !== 'calls') return 'unclear';
  return reply.calls.filter(({ live }) => live).map(({ callId }) => callId);
}
