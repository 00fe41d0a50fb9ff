/** A job in this process's hands that has no attempt yet. */
import type { Job } from '../domain/job.js';
import type { Mark } from '../domain/ports.js';

export interface Claim {
  readonly job: Job;
  readonly token: string;
  readonly claimed: Mark;
  /** `reserved_until` as it stood, so that a job given back keeps its place. */
  readonly dueBefore: unknown;
  /** The start that was granted to it was not used, and is somebody else's. */
  notStarted(): void;
}
