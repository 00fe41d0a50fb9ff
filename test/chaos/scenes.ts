/** For each safety the shortest play in which its loss shows. The same play on the untouched program must end without a breach. */

import { setTimeout as delay } from 'node:timers/promises';
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
    const first = await daemon({ failPoint: point, env: { LEASE_SECONDS: '4', DIAL_WITHIN_MS: '2000' } });
    await dialled(1);
    await first.ended;
    const second = await daemon();
    await second.says('"msg":"ready"');
    // As long as it takes to look at the job, and to dial it once more where nothing forbids that.
    await delay(3 * LEASE_OVER_MS);
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
  await daemon();
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

const pausedSinceLastLook = async ({ job, daemon, dialled, pause }: Scene): Promise<void> => {
  await job(ANSWERED);
  await daemon({ env: { BATCH_REFRESH_SECONDS: '8' } });
  await dialled(1);
  const resume = await pause();
  await delay(DIAL_WITHIN_MS + 900);
  await job('+56911113900');
  await delay(1_200);
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

/** `control`: how the same play goes where nothing was taken out. */
export const SCENES: Readonly<
  Record<Sabotage, { readonly play: (scene: Scene) => Promise<void>; readonly control?: (scene: Scene) => Promise<void> }>
> = {
  'no-fencing': { play: wakesWithOldNews },
  'no-intent': { play: diesAfterPlacing('after:place:1') },
  'no-reconcile': { play: replyIsLost },
  'expiry-redials': { play: diesAfterPlacing('before:record:1') },
  'no-unique-index': { play: oneNumberTwice },
  'retry-post': { play: replyIsLost },
  'majority-on-standalone': { play: oneCall },
  'no-dial-within': { play: frozenBeforePlacing },
  'plain-increment-charge': { play: diesAfterCharging },
  'early-hold-sweep': { play: longCall },
  'no-second-reading': { play: pausedSinceLastLook },
  'hands-to-finished': { play: twoDieOnOneJob },
  'look-before-take': { play: rescuerInTwoMinds('before:rescue:1:stop'), control: rescuerInTwoMinds('after:rescue:1:stop') },
};
