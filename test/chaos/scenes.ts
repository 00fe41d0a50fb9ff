/** For each safety the shortest play in which its loss shows. The same play on the untouched program must end without a breach. */

import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { DIAL_WITHIN_MS, LEASE_MS } from './options.js';
import type { Sabotage } from './sabotage.js';
import type { Scene } from './scene.js';

const ANSWERED = '+56911111900';
const BUSY = '+56911112930';
/** Calls go on for so long that everything else happens during them. */
const SLOW = 2;
/** A call's id is on its attempt by then. */
const RECORDED_MS = 300;
const LEASE_OVER_MS = LEASE_MS + 400;

/** It dies when the provider has the call and nobody else knows. */
const diesAfterPlacing =
  (point: string) =>
  async ({ simulator, job, daemon, dialled }: Scene): Promise<void> => {
    simulator.setSpeed(SLOW);
    await job(ANSWERED);
    // Time enough that the one call it makes before it dies is not dropped for being late on a busy machine.
    const first = await daemon({ failPoint: point, env: { LEASE_SECONDS: '8', DIAL_WITHIN_MS: '3500' } });
    await dialled(1);
    await first.ended;
    const second = await daemon();
    await second.says('"msg":"ready"');
    // As long as it takes to look at the job, and to dial it once more where nothing forbids that.
    await delay(8_000 + LEASE_OVER_MS);
  };

const replyIsLost = async ({ simulator, job, daemon, dialled }: Scene): Promise<void> => {
  simulator.setSpeed(SLOW);
  simulator.addFault({ kind: 'accept-drop', times: 1 });
  await job(ANSWERED);
  await daemon();
  await dialled(1);
  await delay(LEASE_OVER_MS);
};

const oneNumberTwice = async ({ simulator, job, daemon, dialled }: Scene): Promise<void> => {
  simulator.setSpeed(SLOW);
  await job(ANSWERED);
  await daemon();
  await dialled(1);
  // Both at once would each see the other's intent and wait; later, only the lock tells that the number is still talking.
  await delay(RECORDED_MS);
  await job(ANSWERED);
  await delay(LEASE_OVER_MS);
};

/** The first wakes up with a finished call in its hands, while its job is in the middle of the next one. */
const wakesWithOldNews = async ({ simulator, job, daemon, dialled }: Scene): Promise<void> => {
  await job(BUSY);
  const first = await daemon({ failPoint: 'before:job:1:stop' });
  await first.frozen();
  simulator.setSpeed(0.5);
  await daemon();
  await dialled(2);
  first.wake();
  await delay(LEASE_MS);
};

const diesAfterCharging = async ({ job, daemon }: Scene): Promise<void> => {
  await job(ANSWERED);
  await (
    await daemon({ failPoint: 'after:charge:1' })
  ).ended;
  await daemon();
};

/** One dies with a finished call whose job is free again; the next claims that job and dies as well; the third finds both. */
const twoDieOnOneJob = async ({ job, daemon }: Scene): Promise<void> => {
  await job(BUSY);
  await // It must still stand when the second's lease ends, however slowly that one started.
  (
    await daemon({ failPoint: 'before:finish:1', env: { LEASE_SECONDS: '12' } })
  ).ended;
  await (
    await daemon({ failPoint: 'before:decide:1', env: { LEASE_SECONDS: '4' } })
  ).ended;
  // Its own lease is so long that what it hands over is still there when it finds the finished call.
  const third = await daemon({ env: { LEASE_SECONDS: '16' } });
  await third.says('"event":"adopted"');
  await delay(1_000);
};

const frozenBeforePlacing = async ({ job, daemon, pause }: Scene): Promise<void> => {
  await job(ANSWERED);
  // A lease so long that only DIAL_WITHIN_MS stands in the way.
  const first = await daemon({ failPoint: 'before:place:1:stop', env: { LEASE_SECONDS: '30' } });
  await first.frozen();
  const resume = await pause();
  await delay(DIAL_WITHIN_MS + 900);
  first.wake();
  await delay(600);
  await resume();
};

const pausedSinceLastLook = async ({ db, job, daemon, dialled, pause }: Scene): Promise<void> => {
  await job(ANSWERED);
  await daemon({ env: { BATCH_REFRESH_SECONDS: '20' } });
  await dialled(1);
  const resume = await pause();
  await delay(DIAL_WITHIN_MS + 900);
  const { ref } = await job('+56911113900');
  // It was claimed by what the daemon still knows of its batch: now the second reading alone stands in the way.
  await eventually(() => db.collection('jobs').findOne({ job_id: ref }), (found) => (found?.['started_at'] === undefined ? `${ref} was not claimed` : null)); // prettier-ignore
  await delay(800);
  await resume();
};

const longCall = async ({ simulator, job, daemon, dialled }: Scene): Promise<void> => {
  simulator.setSpeed(0);
  await job(ANSWERED);
  await daemon();
  await dialled(1);
  await delay(2 * LEASE_MS);
};

const oneCall = async ({ job, daemon, dialled }: Scene): Promise<void> => {
  await job(ANSWERED);
  await daemon();
  await dialled(1);
};

/**
 * The owner's whole machine stands still after the claim, its clocks included; the rescuer stands still in the middle of its work. The owner
 * wakes, inserts its attempt, renews, dials and dies; then the rescuer goes on with what it saw.
 */
const rescuerInTwoMinds = (rescuerStops: string) => async ({ simulator, db, job, daemon }: Scene): Promise<void> => {
  simulator.setSpeed(0);
  const { ref } = await job(ANSWERED);
  const owner = await daemon({ failPoint: 'before:decide:1:stop', env: { SPEECHAI_TEST_STILL_CLOCKS: '1', WORKER_COUNT: '1' } });
  await owner.frozen();
  await delay(LEASE_OVER_MS);
  const rescuer = await daemon({ failPoint: rescuerStops });
  await rescuer.frozen();
  // The second reading waits until the job was renewed.
  owner.proxy.add({ command: 'find', collection: 'jobs', where: (seen) => 'lease_token' in (seen.document()['filter'] as object), fault: 'delay', delayMs: LEASE_MS / 2 });
  owner.wake();
  await owner.says(/* either */ '"attempt_id"');
  await delay(LEASE_MS / 2);
  await owner.kill();
  await delay(LEASE_OVER_MS);
  rescuer.wake();
  await delay(LEASE_OVER_MS);
  if ((await db.collection('jobs').findOne({ job_id: ref })) === null) throw new Error('the job is gone');
}; // prettier-ignore

interface Experiment {
  readonly play: (scene: Scene) => Promise<void>;
  /** How the same play goes where nothing was taken out. */
  readonly control?: (scene: Scene) => Promise<void>;
  /** The findings of which one shows the loss. Whatever else is broken proves nothing: a daemon that merely falls over leaves work over, too. */
  readonly expects: readonly string[];
}

/** Which of the two it is depends on whether the first call is over when the second begins. */
const CALLED_AGAIN = ['P1 one live call per number', 'P1 an answered contact is not called again'];
const COUNTED_TWICE = ['P3 a job counts the attempts made for it'];
const WRONG_CHARGE = ['P5 charges equal the cost of the calls'];
const AFTER_PAUSE = ['P4 no dial while paused'];

export const SCENES: Readonly<Record<Sabotage, Experiment>> = {
  'no-fencing': { play: wakesWithOldNews, expects: COUNTED_TWICE },
  'no-intent': { play: diesAfterPlacing('after:place:1'), expects: CALLED_AGAIN },
  'no-reconcile': { play: replyIsLost, expects: CALLED_AGAIN },
  'expiry-redials': { play: diesAfterPlacing('before:record:1'), expects: CALLED_AGAIN },
  'no-unique-index': { play: oneNumberTwice, expects: ['P1 one live call per number'] },
  'retry-post': { play: replyIsLost, expects: ['P1 one dial per attempt id'] },
  'majority-on-standalone': { play: oneCall, expects: ['durability protocol writes are w:1, j:true on a standalone'] },
  'no-dial-within': { play: frozenBeforePlacing, expects: AFTER_PAUSE },
  'plain-increment-charge': { play: diesAfterCharging, expects: WRONG_CHARGE },
  'early-hold-sweep': { play: longCall, expects: WRONG_CHARGE },
  'no-second-reading': { play: pausedSinceLastLook, expects: AFTER_PAUSE },
  'hands-to-finished': { play: twoDieOnOneJob, expects: COUNTED_TWICE },
  'look-before-take': {
    play: rescuerInTwoMinds('before:rescue:1:stop'),
    control: rescuerInTwoMinds('after:rescue:1:stop'),
    expects: CALLED_AGAIN,
  },
};
