/** Who serves a queue: work of one that nobody serves waits for ever, and no rule says so, because none forbids it. */
import { queueOf, queueOfJob, type Routes } from '../domain/routes.js';
import type { Batch } from '../domain/batch.js';
import type { Job } from '../domain/job.js';
import { impliedBatch } from '../domain/read-batch.js';
import { memberOf, type Member } from './member.js';
import type { Session } from './session.js';

/** A queue and the daemons at work that serve it. */
export interface ServedQueue {
  readonly name: string;
  readonly served_by: readonly string[];
}

export interface Queues {
  ofJob(job: Job, batch: Batch | 'missing'): ServedQueue;
  /** Where the jobs of a batch are that name no queue themselves: first calls, then retries, where those go elsewhere. */
  ofBatch(batch: Batch): readonly ServedQueue[];
}

export async function queuesOf({ store, loaded }: Session): Promise<Queues> {
  const [{ loadRoutes }, views] = await Promise.all([import('../config/routes-file.js'), store.runners.list()]);
  const now = store.time.now();
  const members = views.map((view) => memberOf(view, now, loaded.settings.workers.leaseMs));
  return queuesFrom(loadRoutes(loaded.settings.app.configDir), members);
}

export function queuesFrom(routes: Routes, members: readonly Member[]): Queues {
  const served = (name: string): ServedQueue => ({
    name,
    served_by: members.filter((one) => claims(one) && (one.queues.length === 0 || one.queues.includes(name))).map(({ id }) => id),
  });
  return {
    ofJob: (job, batch) => served(queueOfJob(job, batch === 'missing' ? impliedBatch(job.account) : batch, routes)),
    ofBatch: (batch) => [...new Set([queueOf(batch, 'new', routes), queueOf(batch, 'retry', routes)])].map(served),
  };
}

const claims = ({ alive, state }: Member): boolean => alive && (state === 'running' || state === 'starting');

/** One sentence with what to do; null: somebody serves it. */
export function unservedText({ name, served_by: runners }: ServedQueue): string | null {
  if (runners.length > 0) return null;
  return `No daemon at work serves queue "${name}": start one with \`speechai run\` or \`speechai run --queue ${name}\`.`;
}
