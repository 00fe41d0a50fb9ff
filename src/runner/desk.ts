/**
 * The claims desk: the one place of the process that asks the database for work, however many worker loops park at it. It asks for as
 * many jobs as there are idle loops, batch by batch among those that may dial, and only after a start was granted by the pace.
 */
import { messageOf } from '../domain/errors.js';
import type { Mark } from '../domain/ports.js';
import { readJob } from '../domain/read-job.js';
import type { ClaimKind } from '../store/claims.js';
import type { Waiting } from '../store/jobs.js';
import { isRefusal } from '../store/writer.js';
import type { Bucket } from '../retell/bucket.js';
import type { Board, Group } from './board.js';
import type { Context } from './context.js';
import type { Crowd } from './crowd.js';
import type { Claim } from './claim.js';
import type { Headroom } from './headroom.js';
import { newToken } from './ids.js';
import type { Releases } from './releases.js';
import { batchesByLane, lanesOf } from './lanes.js';
import { tellFull } from './full.js';
import { createShares, type Choice } from './shares.js';
import { INSTALLATION, type Slots } from './slots.js';

export interface Desk {
  /** Parks a worker until there is a job for it; null: no more work will be given out. */
  next(): Promise<Claim | null>;
  run(): Promise<void>;
  /** Something may be due now. */
  nudge(): void;
  parked(): number;
  /** Claims on their way to a worker, or back. */
  claiming(): number;
  /** True after a look that found nothing due. */
  idle(): boolean;
}

/** Claims under way at once: contention grows with processes, not with WORKER_COUNT. */
const AT_ONCE = 32;
/** What was empty costs so many questions a second at most, however many batches there are. */
const ASK_AGAIN_MS = 20;
const KINDS: readonly ClaimKind[] = ['retry', 'new', 'scheduled'];
/** What was never looked at goes by the batch's hours: taking all of it for a few contacts elsewhere would cost two writes for each job. */
const DATED: readonly ClaimKind[] = ['retry'];

export interface DeskParts {
  readonly board: Board;
  readonly slots: Slots;
  readonly crowd: Crowd;
  readonly pace: Bucket;
  readonly releases: Releases;
  readonly headroom: Headroom;
  readonly retryShare: number;
  readonly mayDial: () => boolean;
}

export function createDesk(cx: Context, { board, slots, crowd, pace, releases, headroom, retryShare, mayDial }: DeskParts): Desk {
  const parked: ((claim: Claim | null) => void)[] = [];
  const shares = createShares(retryShare, cx.random);
  /** Where nothing was due, and when that was seen. */
  let emptied = new Map<string, Mark>();
  let wake = new AbortController();
  let foundNothing = false;
  let claiming = 0;

  async function run(): Promise<void> {
    while (!cx.noMoreClaims.aborted) {
      await untilParked();
      if (cx.noMoreClaims.aborted) break;
      try {
        const due = await somethingIsDue();
        if (due) foundNothing = false;
        const worked = due && (await round());
        // Held back for a moment is not through.
        foundNothing = !worked && !heldBack();
        if (!worked) await nap();
      } catch (error) {
        cx.log.warn('no work could be asked for', { error: messageOf(error) });
        await cx.clock.sleep(Math.max(500, cx.timing.claimPollMs) * (1 + cx.random()), cx.noMoreClaims);
      }
    }
    for (const give of parked.splice(0)) give(null);
  }

  async function untilParked(): Promise<void> {
    while (parked.length === 0 && !cx.noMoreClaims.aborted) {
      wake = new AbortController();
      await cx.clock.sleep(60_000, wake.signal, cx.noMoreClaims);
    }
  }

  /** Jittered, so that processes started together do not ask together; short enough that what falls due is dialled within the interval. */
  async function nap(): Promise<void> {
    wake = new AbortController();
    await cx.clock.sleep(cx.timing.claimPollMs * (0.87 + 0.06 * cx.random()), wake.signal, cx.noMoreClaims);
  }

  /** By what passes by itself, and soon. */
  function heldBack(): boolean {
    return !cx.store.time.understood() || cx.slowdown.rateFactor() === 0;
  }

  /** One peek over all batches that may dial: an idle process asks no more than this. */
  async function somethingIsDue(): Promise<boolean> {
    if (!mayDial() || !cx.breaker.mayDial() || heldBack()) return false;
    await board.fresh();
    emptied = new Map();
    const abroad = board.groups().filter(({ closedAtHome }) => closedAtHome !== undefined);
    const others = abroad.length === 0 ? board.groups() : board.groups().filter(({ closedAtHome }) => closedAtHome === undefined);
    return (await anyDue(others, 'all')) || (await anyDue(abroad, 'dated'));
  }

  async function anyDue(groups: readonly Group[], which: Waiting): Promise<boolean> {
    for (const { lane, batches } of batchesByLane(groups, cx.queues, cx.routes)) {
      if (await cx.store.jobs.anyDue(batches, cx.store.time.now(), lane, which)) return true;
    }
    return false;
  }

  /** Gives out jobs until loops, work or slots run out. False: nothing was found at all. */
  async function round(): Promise<boolean> {
    await slots.refresh();
    let found = 0;
    while (parked.length > 0 && !cx.noMoreClaims.aborted && cx.breaker.mayDial()) {
      const want = Math.min(
        parked.length,
        AT_ONCE,
        await crowd.room(cx.noMoreClaims),
        await headroom.free(),
        slots.free({ prefix: INSTALLATION, size: cx.policy.maxConcurrentCalls }),
      );
      if (want === 0) break;
      const got = await Promise.all(Array.from({ length: want }, () => claimOne()));
      const claims = got.filter((one) => one === true).length;
      found += claims;
      headroom.used(claims);
      if (claims > 0) board.worked();
      if (claims === 0) break;
      await board.fresh();
    }
    return found > 0;
  }

  /** Step 1, pace: the start first, then the claim, so that no claimed job waits for its start. */
  async function claimOne(): Promise<boolean> {
    if (candidates().length === 0 || !(await pace.take(cx.noMoreClaims))) return false;
    // Many wait for their start at once, the last of them for long.
    await board.fresh();
    if (!mayDial() || !cx.breaker.mayDial()) {
      pace.giveBack();
      return false;
    }
    for (let choice = shares.next(candidates()); choice !== null; choice = shares.next(candidates())) {
      claiming += 1;
      const taken = await takeBy(choice).finally(() => (claiming -= 1));
      if (taken) return true;
      emptied.set(keyOf(choice), cx.clock.mark());
    }
    pace.giveBack();
    return false;
  }

  /** False: nothing of this kind was due. */
  async function takeBy(choice: Choice): Promise<boolean> {
    const claim = await claimBy(choice);
    if (claim === 'empty') return false;
    if (claim !== null) await hand(claim);
    return true;
  }

  function candidates(): Choice[] {
    return board
      .groups()
      .filter((group) => hasSlot(group))
      .flatMap((group) => lanesOf(group, cx.queues, cx.routes).flatMap((lane) => kindsOf(group).map((kind) => ({ group, kind, lane }))))
      .filter((choice) => !isEmptied(keyOf(choice)));
  }

  /** A round may last as long as a campaign: what was empty once is asked again, in an installation of many batches less often. */
  function isEmptied(key: string): boolean {
    const since = emptied.get(key);
    return since !== undefined && cx.clock.elapsedMs(since) < Math.max(cx.timing.claimPollMs, emptied.size * ASK_AGAIN_MS);
  }

  /** A batch or account with all its slots taken would only give jobs that must wait. */
  function hasSlot({ batch, account }: Group): boolean {
    const { maxConcurrentCalls: ofBatch } = batch.settings;
    if (batch.id !== null && ofBatch !== null && slots.free({ prefix: `batch:${batch.id}`, size: ofBatch }) === 0) return false;
    return account?.maxConcurrentCalls == null || slots.free({ prefix: `acct:${account.id}`, size: account.maxConcurrentCalls }) > 0;
  }

  /** Step 1, claim. A lost reply is looked up once by the token that was minted before. */
  async function claimBy({ group, kind, lane }: Choice): Promise<Claim | null | 'empty'> {
    const bound = cx.store.time.now();
    const token = newToken(bound);
    const claimed = cx.clock.mark();
    cx.failPoints.before('claim');
    const question = { batch: group.batch.id, kind, lane, token, worker: cx.me, leaseMs: cx.timing.leaseMs, bound };
    let doc;
    try {
      doc = await cx.store.jobs.claim(question);
    } catch (error) {
      cx.log.debug('a claim was not answered, or refused', { error: messageOf(error) });
      const found = await cx.store.jobs.byToken(token);
      if (found === null && isRefusal(error) && tellFull(cx, await cx.store.jobs.failFull(question))) return null;
      // What it was due before is not known any more: due at once is the nearest guess.
      doc = found === null ? null : { ...found, reserved_until: null };
    }
    cx.failPoints.after('claim');
    if (doc === null) return 'empty';
    const account: unknown = doc['account_id'];
    const country = typeof account === 'string' ? await board.countryOf(account) : null;
    const reading = readJob({ ...doc, lease_token: token, status: 'in_progress' }, country);
    if (reading.kind === 'unreadable') {
      await releases.unreadable(doc._id, token, reading.why);
      notStarted();
      return null;
    }
    const { timezone } = reading.job.contact;
    if (timezone !== null) board.met(group.batch, timezone);
    return { job: { ...reading.job, reservedUntil: null }, token, claimed, dueBefore: doc['reserved_until'], notStarted };
  }

  function notStarted(): void {
    pace.giveBack();
    headroom.used(-1);
  }

  /** A claim that finds no loop is released at once. */
  async function hand(claim: Claim): Promise<void> {
    const give = cx.noMoreClaims.aborted ? undefined : parked.shift();
    if (give === undefined) await releases.again(claim);
    else give(claim);
  }

  return {
    next: () =>
      new Promise((resolve) => {
        if (cx.noMoreClaims.aborted) {
          resolve(null);
          return;
        }
        parked.push(resolve);
        if (parked.length === 1) wake.abort(AWAKE);
      }),
    run,
    nudge: () => wake.abort(AWAKE),
    parked: () => parked.length,
    claiming: () => claiming,
    idle: () => foundNothing,
  };
}

/** Without a reason an abort makes an error with a stack, for each job anew. */
const AWAKE = 'awake';

function kindsOf({ closedAtHome }: Group): readonly ClaimKind[] {
  return closedAtHome === undefined ? KINDS : DATED;
}

function keyOf({ group, kind, lane }: Choice): string {
  return `${kind} ${lane.name} ${group.batch.id ?? ''}`;
}
