/**
 * Step 1, claim: taking due jobs. One question is one findOneAndUpdate. Questions of one moment are one look at what is due and one grouped write,
 * in which each job is taken as it was seen or not at all: a third of the cost, and the same promise.
 */
import type { Document, Filter } from 'mongodb';
import { idKey } from '../domain/job.js';
import { createChange, own } from './change.js';
import { hinted, type AnyDocument, type Connection } from './connection.js';
import { DUE_BY_SERVER } from './job-stages.js';
import { createTogether, Failed } from './together.js';

/** Which jobs of a batch one claim asks for; separate questions, so that neither starves the other. */
export type ClaimKind = 'new' | 'retry' | 'scheduled';

/** Which jobs by their queue. Anything but `queues: null` needs the index `claimQueue`, which only installations with queues have. */
export interface Lane {
  readonly name: string;
  /** null: whatever their queue; a null in the list: those that name none. */
  readonly queues: readonly (string | null)[] | null;
  readonly work: 'both' | 'new' | 'retry';
}

export const EVERY_QUEUE: Lane = { name: 'all', queues: null, work: 'both' };

export interface ClaimQuestion {
  readonly batch: string | null;
  readonly kind: ClaimKind;
  readonly lane?: Lane;
  readonly token: string;
  readonly worker: string;
  readonly leaseMs: number;
  readonly bound: Date;
}

export const JOB_INDEX = {
  claim: 'speechai_claim',
  claimQueue: 'speechai_claim_queue',
  rescue: 'speechai_rescue',
  oldWorker: 'speechai_old_worker',
  token: 'speechai_token',
  account: 'speechai_account',
  ref: 'speechai_job_ref',
  dedup: 'speechai_dedup',
} as const;

/** As a range, which an index can be made of: `bot-1`, `bot-12`. */
export const OLD_WORKER = { $gte: 'bot-', $lt: 'bot.' } as const;

const TICK_MS = 1;
/** So many due jobs are passed over at most: the server reads them to pass them over. */
const FARTHEST = 256;
/** Another process took the job between the look and the taking. */
const LOST = Symbol('lost');
/** Another claim of this process is about to take it. */
const BUSY = Symbol('busy');
/** After a look that lost nothing. Falling slowly, since most looks of many processes lose nothing once they are spread. */
const LESS = 7 / 8;

/** Wrapped, since `null` is an answer too. */
interface Answer {
  readonly doc: AnyDocument | null;
}

const NOTHING: Answer = { doc: null };

interface Lease {
  readonly token: string;
  readonly worker: string;
  readonly lease_ms: number;
  /** As it was seen. */
  readonly status: unknown;
  readonly due: unknown;
}

/** Resolves with the job as it was before; null: nothing of this kind is due in the batch. */
export function createClaims(connection: Connection): (question: ClaimQuestion) => Promise<AnyDocument | null> {
  const jobs = connection.collection('jobs');
  /** Over so many parts of what is due looks are spread, where jobs were lost to other processes and there are more. */
  const spreads = new Map<string, number>();
  /** Jobs that are being taken here: what is new and what is a retry lie in one index, and two looks may see the same. */
  const taking = new Set<string>();

  /**
   * Index `claim` or `claimQueue`, no sort: the index's own order is oldest first, and a sorted claim reads every due key once any job holds
   * an array there.
   */
  function one(question: ClaimQuestion): Promise<AnyDocument | null> {
    const { token, worker, leaseMs } = question;
    const lease = leaseOf({ $literal: token }, { $literal: worker }, leaseMs);
    return jobs.findOneAndUpdate(dueFor(question), [{ $set: { ...lease, rescued_from: '$$REMOVE' } }], {
      hint: hinted(indexOf(question)),
      returnDocument: 'before',
    });
  }

  /** By `_id`. Not changed where its status or its time is no longer what was seen: unchanged, what was due is due. */
  const take = createChange<Lease>(connection, {
    collection: 'jobs',
    stages: [
      {
        $replaceWith: {
          $cond: [
            { $and: [{ $eq: ['$status', own('status')] }, { $eq: [{ $ifNull: ['$reserved_until', null] }, own('due')] }] },
            {
              $unsetField: {
                field: 'rescued_from',
                input: { $mergeObjects: ['$$ROOT', leaseOf(own('token'), own('worker'), own('lease_ms'))] },
              },
            },
            '$$ROOT',
          ],
        },
      },
    ],
    fields: ['lease_token'],
    shows: (doc, { token }) => doc['lease_token'] === token,
  });

  /**
   * The same index. Processes that look at one moment see the same jobs, and for each job all but one of them lose: who has lost looks at
   * another part of what is due for a while. Where a part is the last, the whole is looked at.
   */
  async function look(first: ClaimQuestion, count: number): Promise<readonly AnyDocument[]> {
    const busy = new Set(taking);
    const limit = count + busy.size;
    const due = (skip: number): Promise<AnyDocument[]> => jobs.find(dueFor(first), { hint: indexOf(first), skip, limit }).toArray();
    const parts = Math.min(spreads.get(keyOf(first)) ?? 1, FARTHEST / count);
    const part = Math.floor(fractionOf(first.token) * Math.max(1, parts));
    let seen = await due(part * count);
    if (seen.length < limit) {
      spreads.delete(keyOf(first));
      if (part > 0) seen = await due(0);
    }
    const free = seen.filter(({ _id }) => !busy.has(idKey(_id)));
    return free.length === 0 ? seen : free;
  }

  /** What was not there is not asked for again; what another took is. */
  async function together(questions: readonly ClaimQuestion[], again = true): Promise<readonly (Answer | Failed)[]> {
    const [first] = questions;
    if (first === undefined) return [];
    const key = keyOf(first);
    if (questions.length === 1 && !spreads.has(key)) return [await alone(first)];
    const seen = await look(first, questions.length);
    const answers = await Promise.all(questions.map((question, index) => answer(question, seen[index])));
    const spread = spreads.get(key) ?? 1;
    if (answers.includes(LOST)) spreads.set(key, Math.min(FARTHEST, spread * 2));
    else if (again && spread > 2) spreads.set(key, spread * LESS);
    else if (again) spreads.delete(key);
    const losers = questions.filter((_, index) => answers[index] === LOST || answers[index] === BUSY);
    const others = (await anew(losers, again)).values();
    return answers.map((known) => (known === LOST || known === BUSY ? (others.next().value ?? NOTHING) : known));
  }

  /** Once more together, then each alone. An error there must not take those along that have their job. */
  async function anew(losers: readonly ClaimQuestion[], again: boolean): Promise<readonly (Answer | Failed)[]> {
    if (!again) return Promise.all(losers.map(alone));
    try {
      return await together(losers, false);
    } catch (error) {
      // The look failed: nothing was taken by it.
      return losers.map(() => new Failed(error));
    }
  }

  /** Its own error for each: whoever is told too early that it failed looks for a lease that is not written yet. */
  async function alone(question: ClaimQuestion): Promise<Answer | Failed> {
    try {
      return { doc: await one(question) };
    } catch (error) {
      return new Failed(error);
    }
  }

  /** Its own error for each: a write that failed must not take the claims beside it along. */
  async function answer(question: ClaimQuestion, doc: AnyDocument | undefined): Promise<Answer | Failed | typeof LOST | typeof BUSY> {
    if (doc === undefined) return NOTHING;
    const id = idKey(doc._id);
    if (taking.has(id)) return BUSY;
    taking.add(id);
    const { token, worker, leaseMs } = question;
    const asSeen = { status: doc['status'] as unknown, due: (doc['reserved_until'] as unknown) ?? null };
    try {
      return (await take(doc._id, { token, worker, lease_ms: leaseMs, ...asSeen })) ? { doc } : LOST;
    } catch (error) {
      return new Failed(error);
    } finally {
      taking.delete(id);
    }
  }

  const ask = createTogether<ClaimQuestion, Answer>((_, questions) => together(questions), TICK_MS);
  return async (question) => (await ask(keyOf(question), question)).doc;
}

/** What a job is named by in the log. */
export const REFS = { job_id: 1, batch_id: 1, account_id: 1 };
/** No room for a lease: within that of the largest document. */
export const IS_FULL = { $gt: [{ $bsonSize: '$$ROOT' }, 16 * 1024 * 1024 - 512] };

/**
 * After a claim that the server refused: a job filled to the last byte takes no lease, and would be the first to be asked for, for ever. It
 * has room for a shorter status, and for no reason. The claim's index; reads what is due until it finds one. null: that was not why.
 */
export function createFailFull(connection: Connection): (question: ClaimQuestion) => Promise<AnyDocument | null> {
  const jobs = connection.collection('jobs');
  return (question) =>
    jobs.findOneAndUpdate(
      { ...dueFor(question), $expr: { $and: [DUE_BY_SERVER, IS_FULL] } },
      { $set: { status: 'failed' } },
      { hint: hinted(indexOf(question)), returnDocument: 'after', projection: REFS },
    );
}

/** By chance, from the end of a token; what is no token of ours looks at the front. */
function fractionOf(token: string): number {
  const read = Number.parseInt(token.slice(-4), 16);
  return Number.isNaN(read) ? 0 : read / 0x1_00_00;
}

function dueFor({ batch, kind, lane = EVERY_QUEUE, bound }: ClaimQuestion): Filter<AnyDocument> {
  return {
    batch_id: batch,
    status: kind === 'scheduled' ? 'scheduled' : 'pending',
    reserved_until: kind === 'retry' ? { $lte: bound } : { $not: { $gt: bound } },
    $expr: DUE_BY_SERVER,
    ...inLane(lane),
  };
}

/** As expressions: a token that looks like a path must not become one. */
function leaseOf(token: unknown, worker: unknown, leaseMs: unknown): Document {
  return {
    status: 'in_progress',
    lease_token: token,
    worker_id: worker,
    started_at: '$$NOW',
    updated_at: '$$NOW',
    reserved_until: { $add: ['$$NOW', leaseMs] },
  };
}

function keyOf({ batch, kind, lane = EVERY_QUEUE }: ClaimQuestion): string {
  return JSON.stringify([batch, kind, lane.name]);
}

function indexOf({ lane = EVERY_QUEUE }: ClaimQuestion): string {
  return claimIndex(lane);
}

export function claimIndex({ queues }: Lane): string {
  return queues === null ? JOB_INDEX.claim : JOB_INDEX.claimQueue;
}

export function inLane({ queues, work }: Lane): Filter<AnyDocument> {
  if (queues === null) return {};
  const attempts = work === 'both' ? {} : { attempts: work === 'retry' ? { $gt: 0 } : { $not: { $gt: 0 } } };
  return { queue: { $in: [...queues] }, ...attempts };
}
