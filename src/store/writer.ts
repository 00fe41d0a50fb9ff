/**
 * Writes of many jobs, grouped: what is asked within one tick goes to the server as one `bulkWrite`, and every item's own result comes
 * back. Single writes cost 0.36-0.42 of a plain claim-and-complete loop, grouped ones 0.55-0.79.
 */
import {
  BSON,
  MongoInvalidArgumentError,
  MongoServerError,
  MongoWriteConcernError,
  type ClientUpdateOneModel,
  type Document,
} from 'mongodb';
import type { CollectionNames, Connection } from './connection.js';

export interface WriteResult {
  readonly matched: number;
  readonly upserted: boolean;
}

export interface Write {
  readonly collection: keyof CollectionNames;
  readonly filter: Document;
  /** Operators, or a pipeline. */
  readonly update: Document | Document[];
  readonly upsert?: boolean;
}

export interface Writer {
  /** Resolves with what this one write did; rejects with its own error, or the group's when no answer came. */
  write(write: Write): Promise<WriteResult>;
}

/** A unique index refused a write; `value` is the key that was taken. */
export class DuplicateKeyError extends Error {
  override readonly name = 'DuplicateKeyError';
  readonly code = 'DUPLICATE_KEY';

  constructor(readonly value: string) {
    super('a unique key is taken');
  }
}

interface Pending {
  readonly write: Write;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

const TICK_MS = 2;
/** While so many groups are under way the next one gathers: under load groups grow, on an idle daemon nothing waits. */
const UNDER_WAY = 2;
/** The server takes up to 100,000; a smaller group keeps the reply of a full stop (500 live calls) quick. */
const GROUP = 500;

export function createWriter(connection: Connection): Writer {
  const waiting: Pending[] = [];
  let timer: NodeJS.Timeout | undefined;
  let underWay = 0;

  function flush(): void {
    timer = undefined;
    while (waiting.length > 0 && underWay < UNDER_WAY) {
      underWay += 1;
      void send(waiting.splice(0, GROUP)).finally(() => {
        underWay -= 1;
        if (waiting.length > 0) flush();
      });
    }
  }

  async function send(group: Pending[]): Promise<void> {
    const only = group.length === 1 ? group[0] : undefined;
    if (only !== undefined || !connection.groupsWrites) {
      await Promise.all(group.map((item) => single(item)));
      return;
    }
    try {
      const result = await connection.client.bulkWrite(
        group.map((item) => model(item.write)),
        { ordered: false, verboseResults: true, writeConcern: connection.writeConcern },
      );
      group.forEach((item, index) => {
        const own = result.updateResults?.get(index);
        item.resolve(own === undefined ? { matched: 0, upserted: false } : resultOf(own));
      });
    } catch (error) {
      // One write that cannot even be sent (a document too large) must not take the others of its group with it, time after time (P7).
      if (isUnsendable(error)) await Promise.all(group.map((item) => single(item)));
      else settleGroup(group, error);
    }
  }

  async function single({ write, resolve, reject }: Pending): Promise<void> {
    try {
      const result = await connection.collection(write.collection).updateOne(write.filter, write.update, { upsert: write.upsert ?? false });
      resolve({ matched: result.matchedCount, upserted: result.upsertedId !== null });
    } catch (error) {
      reject(duplicateOf(error) ?? error);
    }
  }

  function model(write: Write): ClientUpdateOneModel<Document> & { name: 'updateOne' } {
    return {
      name: 'updateOne',
      namespace: `${connection.db.databaseName}.${connection.names[write.collection]}`,
      filter: write.filter,
      update: write.update,
      upsert: write.upsert ?? false,
    };
  }

  return {
    write: (write) =>
      new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject });
        timer ??= setTimeout(flush, TICK_MS);
      }),
  };
}

/** A group that failed in part tells which items did what; one that got no answer, or no durable one, tells nothing about any. */
function settleGroup(group: Pending[], error: unknown): void {
  const parts = bulkParts(error);
  group.forEach((item, index) => {
    const failure = parts?.failures.get(index);
    const success = parts?.successes?.get(index);
    if (failure !== undefined) item.reject(failure);
    else if (parts !== null && parts.durable && success !== undefined) {
      item.resolve(resultOf(success));
    } else item.reject(error);
  });
}

/** The server counts an upsert as a match; a single update does not. */
function resultOf({ matchedCount, upsertedId }: { matchedCount: number; upsertedId?: unknown }): WriteResult {
  return upsertedId === undefined ? { matched: matchedCount, upserted: false } : { matched: 0, upserted: true };
}

function isUnsendable(error: unknown): boolean {
  return error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError || error instanceof RangeError;
}

interface BulkParts {
  readonly failures: Map<number, Error>;
  readonly successes: ReadonlyMap<number, { matchedCount: number; upsertedId?: unknown }> | undefined;
  readonly durable: boolean;
}

function bulkParts(error: unknown): BulkParts | null {
  if (!(error instanceof Error) || error.name !== 'MongoClientBulkWriteError') return null;
  const bulk = error as Error & {
    writeErrors?: Map<number, { code?: number; message?: string; errmsg?: string }>;
    writeConcernErrors?: unknown[];
    partialResult?: { updateResults?: ReadonlyMap<number, { matchedCount: number; upsertedId?: unknown }> };
    cause?: unknown;
  };
  const failures = new Map<number, Error>();
  for (const [index, one] of bulk.writeErrors ?? []) {
    const text = one.message ?? one.errmsg ?? 'write error';
    failures.set(
      index,
      one.code === 11000 ? new DuplicateKeyError(duplicateValue(text)) : new MongoServerError({ message: text, code: one.code ?? 0 }),
    );
  }
  // A network error in the middle arrives as the cause: nothing is known about the items it does not name.
  const durable = (bulk.writeConcernErrors ?? []).length === 0 && bulk.cause === undefined;
  return { failures, successes: bulk.partialResult?.updateResults, durable };
}

/**
 * The server understood the write and did not do it. Not so where it did the write and cannot promise to keep it (a majority is away), and
 * not so in an election, which interrupts writes that are done and answers others that come too early.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof DuplicateKeyError || isUnsendable(error)) return true;
  if (!(error instanceof MongoServerError) || error.cause instanceof Error) return false;
  const isDone = error instanceof MongoWriteConcernError || bulkParts(error)?.durable === false;
  return !isDone && !error.hasErrorLabel('RetryableWriteError');
}

export function duplicateOf(error: unknown): DuplicateKeyError | null {
  if (!(error instanceof MongoServerError) || error.code !== 11000) return null;
  return new DuplicateKeyError(duplicateValue(error.message));
}

/** Locks are hashes and numbers, so the message that carries the key's value carries nothing private. */
function duplicateValue(message: string): string {
  return /dup key: \{ [^:]+: "([^"]*)"/.exec(message)?.[1] ?? '';
}
