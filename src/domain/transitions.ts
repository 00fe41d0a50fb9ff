/**
 * Every way a job's status may change by our hand, in one place.
 *
 *      scheduled ──┐         ┌───────── not dialled, retry, callback ─────────┐
 *                  ▼ claim   ▼                                                │
 *      pending ────────▶ in_progress ──▶ done | completed   (answered)        │
 *       ▲  ▲  │               │  └─────▶ failed              (no attempts, no number, no contact wanted)
 *       │  │  │               ├────────▶ suspended           (operator, no credit, review, unreadable)
 *       │  │  │               ├────────▶ cancelled           (asked for during the call)
 *       │  │  │               └────────────────────────────────────────────────┘ pending
 *       │  │  └──▶ suspended | cancelled | failed            (by command, or by a rule before any call)
 *       │  └───── suspended                                  (resume, or the account can pay again)
 *       └──────── failed | cancelled | done | completed      (`job retry`; failed also by `db adopt`)
 *
 * in_progress may follow in_progress: a rescuer takes over a job whose owner went down.
 * A status that is not in the table belongs to another program: such a job is never claimed and never changed.
 */
export const JOB_STATUSES = ['pending', 'scheduled', 'in_progress', 'done', 'completed', 'failed', 'suspended', 'cancelled'] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

const AFTER: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  pending: ['in_progress', 'suspended', 'cancelled', 'failed'],
  scheduled: ['in_progress', 'pending', 'suspended', 'cancelled', 'failed'],
  in_progress: ['in_progress', 'pending', 'done', 'completed', 'failed', 'suspended', 'cancelled'],
  suspended: ['pending', 'cancelled'],
  failed: ['pending', 'cancelled'],
  cancelled: ['pending'],
  done: ['pending'],
  completed: ['pending'],
};

export function isJobStatus(status: string): status is JobStatus {
  return Object.hasOwn(AFTER, status);
}

/** False for every status of another program, on either side. */
export function canTransition(from: string, to: string): boolean {
  return isJobStatus(from) && isJobStatus(to) && AFTER[from].includes(to);
}

/** The statuses a job may come from to reach `to`: the filter of the write that moves it there. */
export function statusesBefore(to: JobStatus): readonly JobStatus[] {
  return JOB_STATUSES.filter((from) => AFTER[from].includes(to));
}

/** Nothing happens to such a job any more unless a person asks for it. */
export function isFinal(status: string): boolean {
  return status === 'done' || status === 'completed' || status === 'failed' || status === 'cancelled';
}
