/** Which jobs of a batch this process may claim, as questions an index can answer: jobs that name a served queue, and jobs that name none. */
import { servedWork, type Routes } from '../domain/routes.js';
import { EVERY_QUEUE, type Lane } from '../store/claims.js';
import type { Group } from './board.js';

/** An empty name is no name: SpeechAI's forms store one where nothing was entered. */
const UNNAMED = [null, ''] as const;

/**
 * Two lanes rather than one, because the index lists jobs without a queue before those with one: in one lane a job that names its queue
 * would wait until nothing else of its batch is due.
 */
export function lanesOf({ batch }: Group, queues: readonly string[], routes: Routes): readonly Lane[] {
  if (queues.length === 0) return [EVERY_QUEUE];
  const named: Lane = { name: 'named', queues, work: 'both' };
  const work = servedWork(batch, queues, routes);
  return work === 'none' ? [named] : [named, { name: `unnamed ${work}`, queues: UNNAMED, work }];
}

/** The fewest questions that ask whether anything is due: the batches of each lane together. */
export function batchesByLane(
  groups: readonly Group[],
  queues: readonly string[],
  routes: Routes,
): readonly { readonly lane: Lane; readonly batches: readonly (string | null)[] }[] {
  const lanes = new Map<string, { lane: Lane; batches: (string | null)[] }>();
  for (const group of groups) {
    for (const lane of lanesOf(group, queues, routes)) {
      const known = lanes.get(lane.name);
      if (known === undefined) lanes.set(lane.name, { lane, batches: [group.batch.id] });
      else known.batches.push(group.batch.id);
    }
  }
  return [...lanes.values()];
}
