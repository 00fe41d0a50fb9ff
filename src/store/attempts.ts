/**
 * `call_attempts`: every query of the attempts, with its index and what zero matches means. The partial unique index over `locks` makes
 * one open attempt per job, line, person and concurrency slot a fact of the database (P1, P4).
 */
import type { Filter } from 'mongodb';
import type { NextStep, Outcome, StopReason } from '../domain/call.js';
import type { DocId } from '../domain/job.js';
import type { AttemptCost, AttemptDoc, HeldAttempt, Intent } from './attempt.js';
import { createAttemptChanges } from './attempt-changes.js';
import { hinted, stored, type AnyDocument, type Connection } from './connection.js';
import { earlierCalls, HISTORY_FIELDS, type EarlierCall } from './earlier-calls.js';
import { literals } from './literals.js';
import type { DatabaseTime } from './time.js';
import { createTogether } from './together.js';
import { DuplicateKeyError, type WriteResult, type Writer } from './writer.js';

export interface Settlement {
  readonly outcome: Outcome;
  readonly cost: AttemptCost;
  readonly next: NextStep | null;
  readonly result: Record<string, unknown>;
  readonly jobFields: Record<string, unknown>;
}

export interface Attempts {
  intend(intent: Intent, leaseMs: number, dialWithinMs: number): Promise<WriteResult>;
  recordCall(id: string, callId: string): Promise<'recorded' | 'closed'>;
  markUnknown(id: string, runner: string, lookInMs: number): Promise<WriteResult>;
  markEnded(id: string, runner: string, slotFree: readonly string[]): Promise<WriteResult>;
  markStopping(id: string, reason: StopReason): Promise<WriteResult>;
  settle(id: string, runner: string, settlement: Settlement): Promise<boolean>;
  annul(id: string, reason: string): Promise<WriteResult>;
  insertStray(stray: AttemptDoc, leaseMs: number): Promise<WriteResult>;
  finish(id: string, runner: string, lookAt: Date | null): Promise<void>;
  finalCost(id: string, cost: AttemptCost): Promise<WriteResult>;
  renew(ids: readonly string[], runner: string, leaseMs: number): Promise<number>;
  stillMine(ids: readonly string[], runner: string): Promise<Set<string>>;
  takeExpired(runner: string, leaseMs: number, bound: Date): Promise<readonly AttemptDoc[]>;
  takeLook(bound: Date, nextLookMs: number): Promise<AttemptDoc | null>;
  endLook(attempt: Pick<AttemptDoc, '_id' | 'look_at'>): Promise<WriteResult>;
  handOver(ids: readonly string[], unsent: readonly string[], runner: string): Promise<void>;
  leasedFor(job: DocId): Promise<AttemptDoc | null>;
  byId(id: string): Promise<AttemptDoc | null>;
  ofHolds(ids: readonly string[]): Promise<Map<string, HeldAttempt>>;
  forJob(job: DocId): Promise<AttemptDoc[]>;
  openLocks(): Promise<string[]>;
  openOf(filter: { batch?: string; account?: string }): Promise<AttemptDoc[]>;
  callerBlocks(numbers: readonly string[], since: Date): Promise<{ from: string; at: Date }[]>;
  callsFrom(number: string, since: Date, limit: number): Promise<Date[]>;
  history(lines: readonly string[], persons: readonly string[], since: Date): Promise<EarlierCall[]>;
}

const FINISHED = { lease_until: '', result: '', job_fields: '' };
const HELD = { lease_until: 1, open: 1, state: 1, counts: 1, cost: 1, batch: 1 };
const TICK_MS = 1;
/** Of what dead processes left: with a write of its own for each, thousands of live calls would wait for their turn. */
const TAKEN_AT_ONCE = 200;

export function createAttempts(connection: Connection, writer: Writer, time: Pick<DatabaseTime, 'now'>): Attempts {
  const attempts = connection.collection('attempts');
  const kept = connection.keeperCollection('attempts');
  const mine = (id: string, runner: string): Filter<AnyDocument> => ({ _id: id, runner });
  const write = (filter: Filter<AnyDocument>, update: object | object[], upsert = false): Promise<WriteResult> =>
    writer.write({ collection: 'attempts', filter, update, upsert });

  const { record, close } = createAttemptChanges(connection);

  /** The last write of a call says the same for all of them: one for many costs the server a third. */
  const letGo = createTogether<string, true>(async (runner, ids) => {
    await attempts.updateMany({ _id: { $in: [...ids] }, runner }, { $unset: FINISHED });
    return ids.map(() => true);
  }, TICK_MS);

  return {
    /**
     * Step 3. A resend of an intent that arrived changes nothing. Rejects with DuplicateKeyError when a lock is taken. Its times are by our
     * estimate, since an insert can ask for no other: the last look holds that against the server's clock, and nothing is placed once it changed.
     */
    intend: async (intent, leaseMs, dialWithinMs) => {
      const now = time.now().getTime();
      const times = { at: new Date(now), lease_until: new Date(now + leaseMs), dial_by: new Date(now + dialWithinMs) };
      try {
        return await writer.write({ collection: 'attempts', document: { ...intent, ...times, state: 'placing', open: true } });
      } catch (error) {
        if (error instanceof DuplicateKeyError && error.value === intent._id) return { matched: 1, upserted: false };
        throw error;
      }
    },

    /** Step 7: evidence, fenced by the attempt alone, so that a process that lost its lease can still give it. _id index. */
    recordCall: async (id, callId) => ((await record(id, { call_id: callId })) ? 'recorded' : 'closed'),

    /** Zero matches: another runner took it over, and reconciles it. When it should have shown, it is asked whether there is a second one. */
    markUnknown: (id, runner, lookInMs) =>
      write({ ...mine(id, runner), state: { $in: ['placing', 'unknown'] } }, [
        { $set: { state: 'unknown', doubted: true, look_at: { $add: ['$$NOW', lookInMs] } } },
      ]),

    /** The call is over, its analysis is not there yet: the concurrency slots are free, person and line stay locked. */
    markEnded: (id, runner, slotFree) => write({ ...mine(id, runner), open: true }, { $set: { state: 'ended', locks: slotFree } }),

    /** Stored before the stop is sent, so that a successor knows whose hand ended the call. */
    markStopping: (id, reason) => write({ _id: id, open: true }, [{ $set: { stop_reason: { $ifNull: ['$stop_reason', reason] } } }]),

    /** Step 9, settle. False: not ours any more: drop it. */
    settle: (id, runner, { outcome, cost, next, result, jobFields }) =>
      close(id, {
        runner,
        settled: { state: 'settled', open: false, outcome, reached: outcome.reached, cost, next, result, job_fields: jobFields },
      }),

    /**
     * VOID: proof that nothing was placed, which only the one has who would have placed it: evidence, and fenced like it. Who took the attempt
     * over meanwhile looks for a call that cannot be, and would count it in the end. Zero matches: never inserted, or closed already.
     */
    annul: (id, reason) =>
      write(
        { _id: id, open: true, call_id: null },
        {
          $set: { state: 'void', open: false, void_reason: reason },
          $currentDate: { settled_at: true },
          $unset: { locks: '' },
        },
      ),

    /** A second call for one attempt, or one found after its attempt was closed. Its `_id` is the call's, so it is booked once. */
    insertStray: (stray, leaseMs) =>
      write(
        { _id: stray._id },
        [
          {
            $replaceWith: {
              $cond: [
                { $eq: [{ $type: '$state' }, 'missing'] },
                {
                  $mergeObjects: [
                    { ...literals(stray), at: '$$NOW', dial_by: '$$NOW', lease_until: { $add: ['$$NOW', leaseMs] } },
                    '$$ROOT',
                  ],
                },
                // Known already, perhaps settled: that is not undone.
                '$$ROOT',
              ],
            },
          },
        ],
        true,
      ),

    /** Step 9, finish: alone and last: from here on nobody has to finish this attempt. What another runner owns meanwhile is not touched. */
    finish: async (id, runner, lookAt) => {
      if (lookAt === null) await letGo(runner, id);
      else await write(mine(id, runner), { $unset: FINISHED, $set: { look_at: lookAt } });
    },

    finalCost: (id, cost) => write({ _id: id }, { $set: { cost }, $unset: { look_at: '' } }),

    /** Step 8, one write for the whole process, on connections of its own. Fewer matched than asked: some were lost (`stillMine`). */
    renew: async (ids, runner, leaseMs) => {
      const result = await kept.updateMany({ _id: { $in: ids }, runner, lease_until: { $exists: true } }, [
        { $set: { lease_until: { $add: ['$$NOW', leaseMs] } } },
      ]);
      return result.matchedCount;
    },
    stillMine: async (ids, runner) => {
      const found = await kept.find({ _id: { $in: ids }, runner, lease_until: { $exists: true } }, { projection: { _id: 1 } }).toArray();
      return new Set(found.map((doc) => String(doc._id)));
    },

    /**
     * R1. Index `lease`, then `_id`. Each is judged by the server's clock and taken or not by itself, whoever else takes some of them meanwhile.
     * None: nothing is expired, or another process is just taking it.
     */
    takeExpired: async (runner, leaseMs, bound) => {
      const over = { lease_until: { $lte: bound }, $expr: { $lte: ['$lease_until', '$$NOW'] } };
      const found = await attempts.find(over, { hint: INDEX.lease, projection: { _id: 1 }, limit: TAKEN_AT_ONCE }).toArray();
      if (found.length === 0) return [];
      const ids = { $in: found.map(({ _id }) => _id) };
      const lease = { runner, lease_until: { $add: ['$$NOW', leaseMs] } };
      // Not one that the driver would send again. What was taken although the answer was lost must not wait for another lease.
      const written = attempts.updateMany({ ...over, _id: ids }, [{ $set: lease }]);
      await written.catch(() => undefined);
      const taken = await attempts.find({ _id: ids, runner, $expr: { $gt: ['$lease_until', '$$NOW'] } }).toArray();
      if (taken.length === 0) await written;
      return taken.flatMap((doc) => asAttempt(doc) ?? []);
    },

    /** Index `look`. Moving `look_at` on is the claim: two processes never look at the same one. */
    takeLook: async (bound, nextLookMs) =>
      asAttempt(
        await attempts.findOneAndUpdate({ look_at: { $lte: bound } }, [{ $set: { look_at: { $add: ['$$NOW', nextLookMs] } } }], {
          hint: hinted(INDEX.look),
          returnDocument: 'after',
        }),
      ),
    /** Zero matches: its settlement planned another look meanwhile. _id index. */
    endLook: ({ _id: id, look_at: lookAt }) =>
      write({ _id: id, ...(lookAt === undefined ? {} : { look_at: lookAt }) }, { $unset: { look_at: '' } }),

    /**
     * Whoever takes them over follows, looks for or gives back what each stands for. `unsent` are those whose POST was never let through, and
     * cannot be any more: void, so that nobody looks for a call that cannot be and counts it in the end.
     */
    handOver: async (ids, unsent, runner) => {
      const mine = (some: readonly string[]): Filter<AnyDocument> => ({ _id: { $in: [...some] }, runner, lease_until: { $exists: true } });
      const leaseOver = { lease_until: '$$NOW' };
      const annulled = { ...leaseOver, state: 'void', open: false, void_reason: 'handed over before it was sent', settled_at: '$$NOW' };
      await Promise.all([
        ids.length === 0 ? null : attempts.updateMany(mine(ids), [{ $set: leaseOver }]),
        unsent.length === 0
          ? null
          : attempts.updateMany({ ...mine(unsent), open: true, call_id: null }, [{ $set: annulled }, { $unset: 'locks' }]),
      ]);
    },

    /** R2's look after the take. Index `job`. null: no attempt protects the job. A stray never moves a job, so it protects none. */
    leasedFor: async (job) =>
      asAttempt(
        await attempts.findOne(
          { job: stored(job), lease_until: { $exists: true }, stray: { $ne: true } },
          { hint: INDEX.job, sort: { at: -1 } },
        ),
      ),
    byId: async (id) => asAttempt(await attempts.findOne({ _id: id })),
    /** _id index, one question for all holds of an account. Missing from the answer: there is no such attempt (any more). */
    ofHolds: async (ids) => {
      if (ids.length === 0) return new Map();
      const found = await attempts.find({ _id: { $in: [...ids] } }, { projection: HELD }).toArray();
      return new Map(found.map((doc) => [String(doc._id), doc as unknown as HeldAttempt]));
    },
    /** A job's story. Index `story`. */
    forJob: async (job) =>
      (await attempts
        .find({ job: stored(job) })
        .sort({ at: 1 })
        .toArray()) as unknown as AttemptDoc[],

    /** Which slots are taken, by anybody. Index `locks` holds open attempts alone: cost follows those, not the history. */
    openLocks: async () => {
      const found = await attempts.find({ open: true }, { projection: { locks: 1 }, hint: INDEX.locks }).toArray();
      return found.flatMap((doc) => (Array.isArray(doc['locks']) ? (doc['locks'] as string[]) : []));
    },
    openOf: async (filter) => (await attempts.find({ ...filter, open: true }, { hint: INDEX.locks }).toArray()) as unknown as AttemptDoc[],

    /** Blocks of our own numbers, newest first. Index `blocks`, which holds nothing else. */
    callerBlocks: async (numbers, since) => {
      const blocked = { from_number: { $in: [...numbers] }, 'outcome.class': 'caller_id', settled_at: { $gte: since } };
      const found = await attempts
        .find(blocked, { hint: INDEX.blocks, projection: { from_number: 1, settled_at: 1 }, sort: { settled_at: -1 }, limit: 1_000 })
        .toArray();
      return found.flatMap((doc) =>
        doc['settled_at'] instanceof Date ? [{ from: String(doc['from_number']), at: doc['settled_at'] }] : [],
      );
    },

    /** The latest calls from one of our numbers, newest first. Index `caller` covers it; voids count too, which errs on the quiet side. */
    callsFrom: async (number, since, limit) => {
      const found = await attempts
        .find({ from_number: number, at: { $gte: since } }, { hint: INDEX.caller, projection: { _id: 0, at: 1 }, sort: { at: -1 }, limit })
        .toArray();
      return found.flatMap((doc) => (doc['at'] instanceof Date ? [doc['at']] : []));
    },

    /** Earlier calls to these lines and persons, newest first. Indexes `line` and `person`. Voids never rang and do not count. */
    history: async (lines, persons, since) => {
      const called = { at: { $gte: since }, state: { $ne: 'void' } };
      const [byLine, byPerson] = await Promise.all([
        lines.length === 0
          ? []
          : attempts.find({ line: { $in: [...lines] }, ...called }, { projection: HISTORY_FIELDS, hint: INDEX.line }).toArray(),
        persons.length === 0
          ? []
          : attempts.find({ person: { $in: [...persons] }, ...called }, { projection: HISTORY_FIELDS, hint: INDEX.person }).toArray(),
      ]);
      return earlierCalls([...byLine, ...byPerson]);
    },
  };
}

/** The indexes by name; indexes.ts says what each is. */
export const INDEX = {
  locks: 'speechai_locks',
  lease: 'speechai_lease',
  job: 'speechai_job_leased',
  story: 'speechai_job_story',
  look: 'speechai_look',
  line: 'speechai_line_at',
  person: 'speechai_person_at',
  batch: 'speechai_batch_at',
  blocks: 'speechai_caller_blocks',
  caller: 'speechai_caller_at',
} as const;

function asAttempt(doc: AnyDocument | null): AttemptDoc | null {
  return doc as unknown as AttemptDoc | null;
}
