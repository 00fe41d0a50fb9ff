/** P1 to P5 as the model holds them: against every state, against every step, and against what is left at the end. */

import { canTransition } from '../../src/domain/transitions.js';
import type { Row } from './protocol.js';
import { isOpen } from './state.js';
import type { Bounds, State, View } from './state.js';

/** What is wrong with a state, whoever brought it about. */
export const wrongIn = ({ lines, attempts }: State): string | null => {
  if (lines.some((line) => line.dials > 1)) return 'P1: one attempt was dialled twice';
  if (lines.filter((line) => line.ring === 'live').length > 1) return 'P1: two calls to one number were live';
  if (attempts.some((attempt) => attempt.charges > 1)) return 'P5: a call was charged twice';
  return null;
};

/** What is wrong with a step of a daemon. */
export const wrongBy = ({ step }: Row, { state, token, own, who }: View, after: State): string | undefined => {
  const { job: before, world } = state;
  const { job } = after;
  const told = (typeof token === 'number' ? after.attempts[token]?.told : 0) ?? 0;
  if (job.status !== before.status && !canTransition(before.status, job.status))
    return `P2: a job went from ${before.status} to ${job.status}, which the table does not know`;
  const takes = before.status === 'pending' || (before.status === 'in_progress' && !before.leased && job.token === `rescuer ${who}`);
  if (job !== before && !takes && before.token !== token) return 'P3: a job was written by somebody who had lost it';
  if (job.rescues > before.rescues && typeof before.token !== 'number') return 'P2: a rescuer was counted as an owner that went down';
  if (told > 1) return 'P3: a job counted one attempt twice';
  if (step === 'job' && told > own.told && own.handedUnsent) return 'P3: a job paid an attempt for what was handed over before it was sent';
  if (step === 'place' && after !== state && world.pause === 'certain' && after.lines !== state.lines)
    return 'P4: a call was placed when the pause was certain';
  if (step === 'finish' && own.runner === who && own.result === 'answered' && own.charges !== 1)
    return `P5: a call was charged ${own.charges} times`;
  return undefined;
};

/** Nothing is left to do. Only a free job is excused by the bound on claims: what ends there is the walk, not the protocol. A paused batch waits by intention. */
export const isSettled = ({ job, attempts, lines, world }: State, bounds: Bounds): boolean =>
  attempts.every((attempt) => attempt.lease === 'none' && !isOpen(attempt)) &&
  lines.every((line) => line.ring !== 'live') &&
  (job.status === 'pending' ? world.claims >= bounds.claims || world.pause !== 'none' : job.status !== 'in_progress');
