/** The statuses of jobs as people ask for them. */
import { EXIT, SpeechAiError } from '../domain/errors.js';

export const STATUSES: readonly string[] = ['pending', 'scheduled', 'in_progress', 'done', 'completed', 'failed', 'suspended', 'cancelled'];

/** Other programs have statuses of their own; one that is neither ours nor found in any job is a slip, and no empty list. */
export function refuseUnknown(statuses: readonly string[]): void {
  const unknown = statuses.find((status) => !STATUSES.includes(status));
  if (unknown === undefined) return;
  throw new SpeechAiError('STATUS', `No job has the status "${unknown.slice(0, 40)}".`, {
    remedy: `It is one of ${STATUSES.join(', ')}.`,
    exitCode: EXIT.usage,
  });
}
