/** A store on the test server, behind a fault proxy, and what its tests ask again and again: what was sent, and what it cost the server. */

import type { Document } from 'mongodb';
import type { Account } from '../../src/domain/account.js';
import type { DocId } from '../../src/domain/job.js';
import { readAccount } from '../../src/domain/read-account.js';
import type { AttemptDoc, Intent } from '../../src/store/attempt.js';
import type { CollectionNames, DatabaseOptions } from '../../src/store/connection.js';
import { createIndexes, requireIndexes } from '../../src/store/indexes.js';
import type { ClaimQuestion, Lane } from '../../src/store/claims.js';
import { openStore } from '../../src/store/store.js';
import type { Store } from '../../src/store/store.js';
import { createClock } from '../../src/telemetry/clock.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { openTestDatabase } from '../support/mongo.js';
import type { TestDatabase } from '../support/mongo.js';

export const NAMES: CollectionNames = {
  jobs: 'jobs',
  results: 'call_results',
  logs: 'logs',
  accounts: 'accounts',
  batches: 'batches',
  attempts: 'call_attempts',
  ledgers: 'account_ledgers',
  runners: 'runners',
  suppressions: 'suppressions',
  transactions: 'transactions',
};

export const LEASE_MS = 30_000;
export const DIAL_WITHIN_MS = 3_000;

export const databaseOptions = (uri: string, name: string, more: Partial<DatabaseOptions> = {}): DatabaseOptions => ({
  uri,
  name,
  collections: NAMES,
  maxPoolSize: 20,
  minPoolSize: 0,
  maxIdleMs: 60_000,
  waitQueueMs: 5_000,
  connectTimeoutMs: 2_000,
  selectionTimeoutMs: 3_000,
  socketTimeoutMs: 20_000,
  wtimeoutMs: 1_000,
  ...more,
});

export interface StoreWorld {
  readonly database: TestDatabase;
  readonly proxy: FaultProxy;
  /** Its commands pass the proxy. */
  readonly store: Store;
  /** Another process's, past the proxy. */
  readonly rival: Store;
  /** The commands that `act` sent to `collection`, as they were. */
  sent(collection: string, act: () => Promise<unknown>): Promise<Document[]>;
  /** What the server says of the first command that `act` sends to `collection`. */
  cost(collection: string, act: () => Promise<unknown>): Promise<Cost>;
  explain(command: Document | undefined): Promise<Cost>;
  close(): Promise<void>;
}

export interface Cost {
  readonly keys: number;
  readonly docs: number;
  readonly returned: number;
  readonly stages: readonly string[];
  readonly indexes: readonly string[];
}

export const openStoreWorld = async (more: Partial<DatabaseOptions> = {}): Promise<StoreWorld> => {
  const database = await openTestDatabase();
  const proxy = await startFaultProxy(database.uri);
  const clock = createClock();
  // A driver rests after an error before it looks at the server again; what is tested here is what comes after the rest.
  const store = await openStore(databaseOptions(proxy.uri, database.name, more), clock);
  const rival = await openStore(databaseOptions(database.uri, database.name), clock);
  requireIndexes(await createIndexes(rival.connection, { queues: true, callerCaps: true }));

  const sent = async (collection: string, act: () => Promise<unknown>): Promise<Document[]> => {
    const seen: Document[] = [];
    const witness = proxy.add({
      command: '*',
      collection,
      fault: 'delay',
      delayMs: 0,
      where: (command) => {
        seen.push(command.document());
        return false;
      },
    });
    await act();
    witness.remove();
    return seen;
  };

  const explain: StoreWorld['explain'] = async (command) => {
    if (command === undefined) throw new Error('nothing was sent');
    return costOf(await database.db.command({ explain: bare(command), verbosity: 'executionStats' }));
  };

  return {
    database,
    proxy,
    store,
    rival,
    sent,
    explain,
    cost: async (collection, act) => explain((await sent(collection, act))[0]),
    close: async () => {
      proxy.clear();
      await Promise.all([store.close(), rival.close()]);
      await proxy.close();
      await database.drop();
    },
  };
};

/** Without what belongs to the one conversation it was sent in. */
const bare = (command: Document): Document => {
  const session = ['$db', 'lsid', 'txnNumber', '$clusterTime', '$readPreference', 'writeConcern', 'verboseResults'];
  return Object.fromEntries(Object.entries(command).filter(([key]) => !session.includes(key)));
};

const costOf = (explained: Document): Cost => {
  const stages = new Set<string>();
  const indexes = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('stage' in node && typeof node.stage === 'string') stages.add(node.stage);
    if ('indexName' in node && typeof node.indexName === 'string') indexes.add(node.indexName);
    for (const [key, part] of Object.entries(node)) if (key !== 'rejectedPlans' && key !== 'allPlansExecution') walk(part);
  };
  walk(explained);
  const stats = statsIn(explained);
  return {
    keys: Number(stats['totalKeysExamined']),
    docs: Number(stats['totalDocsExamined']),
    returned: Number(stats['nReturned']),
    stages: [...stages],
    indexes: [...indexes],
  };
};

/** An aggregation keeps the figures of its first stage inside. */
const statsIn = (explained: Document): Document => {
  const own: unknown = explained['executionStats'];
  if (typeof own === 'object' && own !== null) return own;
  const first = (explained['stages'] as Document[])[0]?.['$cursor'] as Document;
  return first['executionStats'] as Document;
};

/** The claims of these that the last look still finds in our hands. */
export const stillHeld = async (store: Store, claims: readonly { id: DocId; token: string }[]): Promise<readonly Document[]> =>
  (await store.lastLook({ claims, batches: [], accounts: [], lines: [], persons: [], since: new Date() })).jobs;

let ids = 0;
/** An id like the ones the program makes: sorted by time, no dot, no dollar. */
export const newId = (): string => {
  ids += 1;
  return `${Date.now().toString(16).padStart(12, '0')}${ids.toString(16).padStart(20, '0')}`;
};

export const intentFor = (id: string, more: Partial<Intent> = {}): Intent => ({
  _id: id,
  job: `job-of-${id}`,
  job_ref: `job-of-${id}`,
  account: 'acc-1',
  batch: 'batch-1',
  runner: 'runner-a',
  workspace: 'workspace',
  locks: [`job:${id}`, `line:${id}`, `slot:${id}`],
  to_number: '+56911112222',
  from_number: '+56600000001',
  line: `line-${id}`,
  person: `person-${id}`,
  phone_index: 0,
  ring_ms: 30_000,
  max_duration_ms: 600_000,
  estimate: { micros: 100, ms: 1_000 },
  counts: [],
  timezone: 'America/Santiago',
  ...more,
});

export const strayOf = (callId: string, more: Partial<AttemptDoc> = {}): AttemptDoc => ({
  ...intentFor(`stray:${callId}`),
  state: 'live',
  open: true,
  at: new Date(0),
  dial_by: new Date(0),
  locks: [`call:${callId}`],
  call_id: callId,
  stray: true,
  stop_reason: 'stray',
  ...more,
});

export const account = (more: Document = {}): Account =>
  readAccount({ account_id: 'acc-1', plan_type: 'credit_based', status: 'active', credit_balance: 100, country: 'CL', ...more });

export const ANY_QUEUE: Lane = { name: '', queues: null, work: 'both' };

export const question = (more: Partial<ClaimQuestion> = {}): ClaimQuestion => ({
  batch: 'batch-1',
  kind: 'new',
  token: newId(),
  worker: 'runner-a',
  leaseMs: LEASE_MS,
  bound: new Date(),
  ...more,
});

export const inMs = (ms: number): Date => new Date(Date.now() + ms);

/** Sends again until it is acknowledged, as the runner does. */
export const insist = async <T>(act: () => Promise<T>, tries = 8): Promise<T> => {
  for (let left = tries; ; left -= 1) {
    try {
      return await act();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
};

/** A call that was talked to its end. */
export const SETTLEMENT = {
  outcome: { class: 'answered', reason: 'user_hangup', success: true, reached: 'conversation', endedAt: new Date(0), durationMs: 1_000 },
  cost: { micros: 1, ms: 1_000, final: true },
  next: null,
  result: {},
  jobFields: {},
} as const;
