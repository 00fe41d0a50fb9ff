/**
 * Who serves a queue, and whether anybody dials now. No rule of a batch says either: work of a queue that nobody serves, or that only
 * daemons serve whose account is refused, waits although nothing forbids it.
 */
import { queueOf, queueOfJob, type Routes } from '../domain/routes.js';
import type { Batch } from '../domain/batch.js';
import type { Job } from '../domain/job.js';
import { impliedBatch } from '../domain/read-batch.js';
import { memberOf, standstillText, type Member } from './member.js';
import type { Session } from './session.js';

/** Why no daemon dials what waits in a queue. */
export interface Hindrance {
  /** Stable: NO_DAEMON, QUEUE_UNSERVED, or what the daemons tell (PROVIDER_REFUSES, OLD_WORKER, INDEX_MISSING). */
  readonly code: string;
  /** One sentence, with what to do. */
  readonly text: string;
}

/** A queue and the daemons at work that serve it. */
export interface ServedQueue {
  readonly name: string;
  readonly served_by: readonly string[];
  /** null: somebody dials what is due in it. */
  readonly not_dialled: Hindrance | null;
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
  const atWork = members.filter(({ alive, state }) => alive && (state === 'running' || state === 'starting'));
  const served = (name: string): ServedQueue => {
    const by = atWork.filter(({ queues }) => queues.length === 0 || queues.includes(name));
    return { name, served_by: by.map(({ id }) => id), not_dialled: hindranceOf(name, atWork, by) };
  };
  return {
    ofJob: (job, batch) => served(queueOfJob(job, batch === 'missing' ? impliedBatch(job.account) : batch, routes)),
    ofBatch: (batch) => [...new Set([queueOf(batch, 'new', routes), queueOf(batch, 'retry', routes)])].map(served),
  };
}

function hindranceOf(queue: string, atWork: readonly Member[], by: readonly Member[]): Hindrance | null {
  if (atWork.length === 0) return { code: 'NO_DAEMON', text: 'No daemon is at work on this database: start one with `speechai run`.' };
  if (by.length === 0) {
    const text = `No daemon at work serves queue "${queue}": start one with \`speechai run\` or \`speechai run --queue ${queue}\`.`;
    return { code: 'QUEUE_UNSERVED', text };
  }
  const still = by.flatMap(({ standstill }) => standstill ?? []);
  const [first] = still;
  if (first === undefined || still.length < by.length) return null;
  return { code: first.code, text: `No daemon dials now: ${[...new Set(still.map(standstillText))].join('. ')}.` };
}

/** What stands in the way in some of these queues, each sentence once. */
export function hindrancesIn(queues: readonly ServedQueue[]): readonly Hindrance[] {
  const found = queues.flatMap(({ not_dialled: hindrance }) => hindrance ?? []);
  return found.filter(({ text }, n) => found.findIndex((other) => other.text === text) === n);
}
