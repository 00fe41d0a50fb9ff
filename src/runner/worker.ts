/** One worker: takes a job, places its one call, stays with it to its end, takes the next. */
import { messageOf } from '../domain/errors.js';
import type { Call } from './call.js';
import type { Context } from './context.js';
import type { Desk } from './desk.js';
import type { Claim } from './claim.js';

export interface WorkerView {
  readonly name: string;
  readonly job: string | null;
  readonly since: Date;
}

export interface Worker {
  run(): Promise<void>;
  view(): WorkerView;
}

export function createWorker(name: string, cx: Context, desk: Desk, dial: (claim: Claim) => Promise<Call | null>): Worker {
  let job: string | null = null;
  let since = cx.clock.now();

  return {
    view: () => ({ name, job, since }),

    run: async () => {
      for (;;) {
        const claim = await desk.next();
        if (claim === null) return;
        job = claim.job.ref;
        since = cx.clock.now();
        try {
          const call = await dial(claim);
          await call?.over;
        } catch (error) {
          // A surprise about one job is no reason to stop the others; its lease ends and a rescuer looks at what happened.
          cx.log.error('the work on a job was cut short', { worker: name, job_id: claim.job.ref, error: messageOf(error), cause: error });
          await cx.clock.sleep(100 + 400 * cx.random(), cx.noMoreClaims);
        }
        job = null;
        since = cx.clock.now();
      }
    },
  };
}
