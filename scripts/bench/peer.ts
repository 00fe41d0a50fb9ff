/** Agenda, the job queue on MongoDB that most users know, doing what the plain loop does: claim and complete, with a handler that does nothing. */
import { Agenda } from 'agenda';
import { MongoBackend } from '@agendajs/mongo-backend';
import type { World } from './world.js';

const NAME = 'call';
const POLL_MS = 100;
/** It locks one job after the other and, at its limit, stops until the next poll: this many seconds without an end mean that it hangs. */
const PATIENCE_MS = 120_000;

export interface PeerFigures {
  readonly rate: number;
  /** It reports a refused write as an event and goes on; a figure with many of them would say little. */
  readonly errors: number;
}

/**
 * Its settings, to its advantage:
 * - processEvery 100 ms (default 5 s): each poll starts another chain of claims, one claim after the other. Of 1, 5, 20 and 100 ms this was the best;
 * - lockLimit twice the concurrency (default unlimited: it then locks all before it runs any), so that a job is at hand when one ends;
 * - removeOnComplete off and its own index, as it comes; no log of its own, no other job name, the same write concern and pool as the plain loop.
 * The clock runs from the first job that starts to the last that is stored as finished; what was locked before the first start is a gift.
 */
export async function agendaLoop(world: World, jobs: number, concurrency: number): Promise<PeerFigures> {
  await world.database('bench_agenda').dropDatabase();
  const db = world.client.db('bench_agenda', { writeConcern: { w: 1, journal: true } });
  const backend = new MongoBackend({ mongo: db, collection: 'jobs' });
  const agenda = new Agenda({
    backend,
    processEvery: POLL_MS,
    maxConcurrency: concurrency,
    defaultConcurrency: concurrency,
    lockLimit: 2 * concurrency,
    defaultLockLimit: 2 * concurrency,
    defaultLockLifetime: 600_000,
  });
  agenda.define(NAME, (_, done) => done());
  await agenda.ready;
  await seed(db.collection('jobs'), jobs);

  let started = Number.NaN;
  let errors = 0;
  let done = 0;
  const finished = new Promise<number>((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error(`agenda finished ${done} of ${jobs} jobs`)), PATIENCE_MS);
    agenda.on('error', () => (errors += 1));
    agenda.once('start', () => (started = performance.now()));
    agenda.on('complete', () => {
      done += 1;
      if (done < jobs) return;
      clearTimeout(patience);
      resolve(performance.now());
    });
  });
  await agenda.start();
  const ended = await finished;
  await agenda.stop();
  return { rate: jobs / ((ended - started) / 1000), errors };
}

/** As `agenda.now` stores them, a thousand at a time: how they come in is not what is measured. */
async function seed(collection: ReturnType<ReturnType<World['database']>['collection']>, jobs: number): Promise<void> {
  const nextRunAt = new Date(Date.now() - 1_000);
  for (let done = 0; done < jobs; done += 1_000) {
    const chunk = Array.from({ length: Math.min(1_000, jobs - done) }, (_, n) => ({
      name: NAME,
      type: 'normal',
      priority: 0,
      nextRunAt,
      data: { n: done + n },
      lockedAt: null,
      lastRunAt: null,
      lastFinishedAt: null,
      failedAt: null,
      failCount: null,
      failReason: null,
      repeatInterval: null,
      repeatTimezone: null,
      repeatAt: null,
      lastModifiedBy: null,
    }));
    await collection.insertMany(chunk, { ordered: false });
  }
}
