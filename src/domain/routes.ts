/**
 * Which queue work belongs to. A job that names one is in that queue; all other jobs of a batch are where the batch says, else where the
 * first rule that fits sends them, else in the default queue. Worked out per batch, never per job, so that claims need not look at jobs.
 */
import type { Batch } from './batch.js';
import type { Job } from './job.js';

export type Work = 'new' | 'retry';

/** An empty list asks for nothing; a name ending in `*` is a beginning. */
export interface RouteRule {
  readonly queue: string;
  readonly accounts: readonly string[];
  readonly batches: readonly string[];
  readonly useCases: readonly string[];
  /** null: both. */
  readonly work: Work | null;
}

export interface Routes {
  readonly defaultQueue: string;
  /** In order: the first that fits. */
  readonly rules: readonly RouteRule[];
}

export type RoutedBatch = Pick<Batch, 'id' | 'account' | 'queue' | 'useCase'>;

/** The queue of those jobs of a batch that name none. */
export function queueOf(batch: RoutedBatch, work: Work, routes: Routes): string {
  if (batch.queue !== null) return batch.queue;
  const rule = routes.rules.find(
    (each) =>
      (each.work === null || each.work === work) &&
      fits(each.accounts, batch.account) &&
      fits(each.batches, batch.id) &&
      fits(each.useCases, batch.useCase),
  );
  return rule?.queue ?? routes.defaultQueue;
}

/** The queue a job is in now: its own, else where its batch's next call of that kind goes. */
export function queueOfJob({ queue, attempts }: Pick<Job, 'queue' | 'attempts'>, batch: RoutedBatch, routes: Routes): string {
  return queue ?? queueOf(batch, attempts > 0 ? 'retry' : 'new', routes);
}

/** Which of a batch's jobs without a queue of their own a process with these queues serves. */
export function servedWork(batch: RoutedBatch, queues: readonly string[], routes: Routes): Work | 'both' | 'none' {
  const serves = (work: Work): boolean => queues.includes(queueOf(batch, work, routes));
  if (serves('new')) return serves('retry') ? 'both' : 'new';
  return serves('retry') ? 'retry' : 'none';
}

function fits(wanted: readonly string[], value: string | null): boolean {
  if (wanted.length === 0) return true;
  return value !== null && wanted.some((each) => (each.endsWith('*') ? value.startsWith(each.slice(0, -1)) : each === value));
}
