/** `runners`: one document per process, so that other commands can see the fleet and live runners can share a pace. */
import { get, text } from '../domain/lenient.js';
import { JOB_INDEX, OLD_WORKER } from './claims.js';
import type { Connection } from './connection.js';
import { literals } from './literals.js';

/** Why a process that is at work dials nothing now, for whoever asks the database and not its log. */
export interface Standstill {
  /** Stable: PROVIDER_REFUSES, PROVIDER_AWAY, OLD_WORKER, INDEX_MISSING. */
  readonly code: string;
  /** Half a sentence: "the provider refuses the account (http_401)". */
  readonly text: string;
  readonly remedy: string;
}

export interface Presence {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly workers: number;
  readonly queues: readonly string[];
  readonly fingerprint: string;
  /** How long after its last look this process may still place a call. */
  readonly dialWithinMs: number;
  readonly state: 'starting' | 'running' | 'draining' | 'stopped';
  readonly liveCalls: number;
  readonly breaker: string;
  /** null: it dials what is due. */
  readonly standstill: Standstill | null;
}

export interface RunnerView extends Presence {
  readonly heartbeatAt: Date;
  readonly startedAt: Date;
}

export interface Runners {
  beat(presence: Presence): Promise<void>;
  leave(id: string): Promise<void>;
  /** How many runners gave a sign of life within this time. */
  liveCount(withinMs: number): Promise<number>;
  list(): Promise<RunnerView[]>;
  /** Calls under way by the process that follows them, as the attempts have it now. */
  callsByRunner(): Promise<ReadonlyMap<string, number>>;
  /** The longest DIAL_WITHIN_MS of any process that has not said goodbye; 0: there is none. */
  longestDialWithinMs(): Promise<number>;
  /** `bot-N` workers of the old system that hold a live lease, or have claimed or written since `since`. */
  oldWorkers(since: Date): Promise<string[]>;
}

export function createRunners(connection: Connection): Runners {
  const runners = connection.keeperCollection('runners');

  return {
    beat: async ({ id, host, pid, version, workers, queues, fingerprint, dialWithinMs, state, liveCalls, breaker, standstill }) => {
      const facts = {
        host,
        pid,
        version,
        workers,
        queues: [...queues],
        settings_fingerprint: fingerprint,
        dial_within_ms: dialWithinMs,
        state,
        live_calls: liveCalls,
        breaker,
        standstill,
      };
      await runners.updateOne(
        { _id: id },
        [{ $set: { ...literals(facts), heartbeat_at: '$$NOW', started_at: { $ifNull: ['$started_at', '$$NOW'] } } }],
        { upsert: true },
      );
    },
    leave: async (id) => {
      await runners.updateOne({ _id: id }, { $set: { state: 'stopped', live_calls: 0 } });
      await runners.deleteMany({ $expr: { $lt: ['$heartbeat_at', { $subtract: ['$$NOW', 7 * 86_400_000] }] } });
    },
    liveCount: (withinMs) =>
      runners.countDocuments({
        state: { $in: ['running', 'starting'] },
        $expr: { $gt: ['$heartbeat_at', { $subtract: ['$$NOW', withinMs] }] },
      }),
    list: async () =>
      (await runners.find({}).sort({ heartbeat_at: -1 }).toArray()).map((doc) => ({
        id: String(doc._id),
        host: String(doc['host']),
        pid: Number(doc['pid']),
        version: String(doc['version']),
        workers: Number(doc['workers']),
        queues: Array.isArray(doc['queues']) ? (doc['queues'] as string[]) : [],
        fingerprint: String(doc['settings_fingerprint']),
        dialWithinMs: Number(doc['dial_within_ms'] ?? 0),
        state: doc['state'] as Presence['state'],
        liveCalls: Number(doc['live_calls'] ?? 0),
        breaker: String(doc['breaker'] ?? 'closed'),
        standstill: standstillOf(doc['standstill']),
        heartbeatAt: doc['heartbeat_at'] as Date,
        startedAt: doc['started_at'] as Date,
      })),

    /** Index `locks`, which holds open attempts only; no hint, because the fleet is looked at before `db init` too. Empty: no call is under way. */
    callsByRunner: async () => {
      const found = await connection
        .collection('attempts')
        .aggregate<{ _id: string; calls: number }>([
          { $match: { open: true, locks: { $exists: true }, state: { $in: ['unknown', 'live'] } } },
          { $group: { _id: '$runner', calls: { $sum: 1 } } },
        ])
        .toArray();
      return new Map(found.map(({ _id, calls }) => [_id, calls]));
    },

    /** A collection of a few documents. A frozen process is asked as well: it may wake. */
    longestDialWithinMs: async () => {
      const [slowest] = await runners
        .find({ state: { $ne: 'stopped' }, dial_within_ms: { $type: 'number' } }, { projection: { dial_within_ms: 1 } })
        .sort({ dial_within_ms: -1 })
        .limit(1)
        .toArray();
      return Number(slowest?.['dial_within_ms'] ?? 0);
    },

    /**
     * The old worker names itself `bot-N` and never sets our token. What it left behind long ago is no sign of life: a live lease, or a
     * claim since then, is. Indexes `rescue` (only jobs in progress are read) and `old_worker`: a claim it gave back at once stands in progress
     * for a moment only, but nobody else writes `started_at`. The second has no hint, because the fleet is looked at before `db init` too.
     */
    oldWorkers: async (since) => {
      const jobs = connection.collection('jobs');
      const projection = { worker_id: 1 };
      const claimed = { worker_id: OLD_WORKER, lease_token: { $exists: false }, started_at: { $gt: since } };
      const found = await jobs
        .find(
          {
            status: 'in_progress',
            worker_id: /^bot-\d+$/,
            lease_token: { $exists: false },
            reserved_until: { $exists: true },
            $or: [
              { $expr: { $and: [{ $eq: [{ $type: '$reserved_until' }, 'date'] }, { $gt: ['$reserved_until', '$$NOW'] }] } },
              { updated_at: { $gt: since } },
            ],
          },
          { projection, limit: 20, hint: JOB_INDEX.rescue },
        )
        .toArray();
      const others = found.length > 0 ? [] : await jobs.find(claimed, { projection, limit: 20 }).toArray();
      return [...new Set([...found, ...others].map((doc) => String(doc['worker_id'])))].filter((name) => /^bot-\d+$/.test(name));
    },
  };
}

function standstillOf(stored: unknown): Standstill | null {
  const [code, what] = [text(get(stored, 'code')), text(get(stored, 'text'))];
  return code === null || what === null ? null : { code, text: what, remedy: text(get(stored, 'remedy')) ?? '' };
}
