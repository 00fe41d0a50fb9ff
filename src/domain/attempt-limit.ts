/** How many calls a job may have: said in one place, for the gate before a call and for the rules after it. */
import type { Batch } from './batch.js';
import type { Policy } from './decision.js';
import type { Job } from './job.js';

const DEFAULT_ATTEMPTS = 3;

/**
 * The batch's limit, else MAX_ATTEMPTS where somebody set it, else the job's, else 3. The job's own comes last because
 * SpeechAI's API stamps 3 on every job: taken first, it would silently overrule what an operator configured.
 */
export function attemptLimit(job: Job, batch: Batch | null, policy: Policy): number {
  return batch?.settings.maxAttempts ?? policy.maxAttempts ?? job.maxAttempts ?? DEFAULT_ATTEMPTS;
}
