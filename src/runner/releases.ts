/** Jobs given back without a call: waits, stops and refusals, none of which costs an attempt. */
import type { Reason, Stop, Wait } from '../domain/decision.js';
import { idKey } from '../domain/job.js';
import type { Release } from '../store/jobs.js';
import type { Context } from './context.js';
import type { Claim } from './claim.js';
import { persist } from './persist.js';
import type { Refusals } from './refusals.js';
import type { Refused } from './verdict.js';

export interface Releases {
  decided(claim: Claim, decision: Wait | Stop): Promise<void>;
  /** A lock is held by another call: come back when somebody may have seen that one end. */
  busy(claim: Claim): Promise<void>;
  /** Nothing stands in the way of another try. */
  again(claim: Claim, phoneIndex?: number): Promise<void>;
  refused(claim: Claim, reply: Refused): Promise<void>;
  unreadable(id: Claim['job']['id'], token: string, why: string): Promise<void>;
}

/** A wait that nobody can date is looked at again after this long; its batch is not claimed from meanwhile anyway. */
const UNDATED_MS = 60_000;
/**
 * Jobs without a batch have no board that closes them together: each is claimed for itself, thousands of an account that may not dial too. So is
 * each new one of a batch that drains, where only retries go on.
 */
const UNDATED_ALONE_MS = 600_000;

/** `ended` is told of every job that ended without a call: its batch has to be counted again. */
export function createReleases(cx: Context, refusals: Refusals, ended: (batch: string | null) => void): Releases {
  const base = { suspendReason: null, lastError: null, dueBefore: null } as const;

  async function release(claim: Pick<Claim, 'token'> & { job: { id: Claim['job']['id'] } }, how: Release): Promise<void> {
    await persist(cx, 'giving a job back', () => cx.store.jobs.release(claim.job.id, claim.token, how));
  }

  const after = (ms: number): Date => new Date(cx.store.time.now().getTime() + ms);
  const text = (reasons: readonly Reason[]): string | null =>
    reasons.length === 0 ? null : reasons.map((reason) => reason.text).join(' ');

  return {
    decided: async (claim, decision) => {
      const { reasons } = decision;
      cx.log.debug('not dialled', { job_id: claim.job.ref, reasons: reasons.map((reason) => reason.code) });
      if (decision.kind === 'wait') {
        const alone = claim.job.batch === null || reasons.some(({ code }) => code === 'DRAINING');
        const undatedMs = alone ? UNDATED_ALONE_MS * (1 + cx.random()) : UNDATED_MS;
        const dueAt = decision.until ?? (paused(reasons) ? undefined : latest(after(undatedMs), reasons));
        await release(claim, { ...base, status: 'pending', dueAt, dueBefore: claim.dueBefore, lastError: text(reasons) });
        return;
      }
      cx.journal.write('stopped', { job_id: claim.job.ref, status: decision.status, reasons: reasons.map((reason) => reason.code) });
      await release(claim, {
        ...base,
        status: decision.status,
        dueAt: null,
        suspendReason: decision.suspendReason,
        lastError: decision.status === cx.policy.successStatus ? null : text(reasons),
      });
      ended(claim.job.batch);
    },

    busy: (claim) => {
      const { pollingIntervalMs } = cx.timing;
      return release(claim, { ...base, status: 'pending', dueAt: after(pollingIntervalMs * (1 + cx.random())) });
    },

    again: (claim, phoneIndex) =>
      release(claim, {
        ...base,
        status: 'pending',
        dueAt: undefined,
        dueBefore: claim.dueBefore,
        ...(phoneIndex === undefined ? {} : { phoneIndex }),
      }),

    refused: async (claim, reply) => {
      const wait = (ms: number, refused: boolean): Promise<void> =>
        release(claim, { ...base, status: 'pending', dueAt: after(ms), lastError: reply.message, refused });
      const transientMs = cx.policy.transientRetryMs * (1 + cx.random());
      switch (reply.refusal) {
        case 'rate':
          refusals.reached();
          cx.slowdown.trouble(reply.retryAfterMs);
          return wait((reply.retryAfterMs ?? 0) + 1_000 * cx.random(), false);
        case 'account':
          refusals.reached();
          cx.breaker.trip(`http_${reply.httpStatus ?? 'account'}`);
          return wait(0, false);
        case 'unreachable':
          // Nobody can be called now: the whole process goes easy, this job is no worse than the others.
          cx.slowdown.trouble(null);
          refusals.unreachable(reply.message);
          return wait(1_000 + 4_000 * cx.random(), false);
        case 'request': {
          refusals.refused();
          if (claim.job.refusals + 1 < cx.policy.transientRetries) return wait(transientMs, true);
          cx.journal.write('set_aside', { job_id: claim.job.ref, reason: 'refused' });
          return release(claim, {
            ...base,
            status: 'suspended',
            dueAt: null,
            suspendReason: 'refused',
            lastError: `The provider refuses this call: ${reply.message}`,
            refused: true,
          });
        }
      }
    },

    unreadable: async (id, token, why) => {
      cx.journal.write('set_aside', { job_id: idKey(id), reason: 'unreadable', why });
      await release({ token, job: { id } }, { ...base, status: 'suspended', dueAt: null, suspendReason: 'unreadable', lastError: why });
    },
  };
}

/** Nobody knows when all of them are over; not before the last of which it is known. */
function latest(at: Date, reasons: readonly Reason[]): Date {
  return reasons.reduce((late, { until }) => (until !== null && until > late ? until : late), at);
}

function paused(reasons: readonly Reason[]): boolean {
  return reasons.some((reason) => reason.code === 'PAUSED');
}
