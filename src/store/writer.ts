/**
 * Writes of many jobs, grouped: what is asked within one tick goes to the server as one `bulkWrite`, and every item's own result comes
 * back. Single writes cost 0.36-0.42 of a plain claim-and-complete loop, grouped ones 0.55-0.79.
 */
import {
  BSON,
  MongoInvalidArgumentError,
  MongoServerError,
  MongoWriteConcernError,
  type AnyClientBulkWriteModel,
  type ClientUpdateResult,
  type Document,
} from 'mongodb';
import { createGathering } from './gathering.js';
import type { AnyDocument, CollectionNames, Connection } from './connection.js';

export interface WriteResult {
  readonly matched: number;
  readonly upserted: boolean;
}

export interface Update {
  readonly collection: keyof CollectionNames;
  readonly filter: Document;
  /** Operators, or a pipeline. */
  readonly update: Document | Document[];
  readonly upsert?: boolean;
}

/** A new document whose `_id` is known: a third of an upsert's cost. One that is there already rejects with DuplicateKeyError. */
export interface Insert {
  readonly collection: keyof CollectionNames;
  readonly document: Document;
}

export type Write = Update | Insert;

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

const TICK_MS = 1;
/** While so many groups are under way the next one gathers: under load groups grow, on an idle daemon nothing waits. */
const UNDER_WAY = 4;
/** The server takes up to 100,000; a smaller group keeps the reply of a full stop (500 live calls) quick. */
const GROUP = 500;

export function createWriter(connection: Connection): Writer {
  const waiting: Pending[] = [];
  const gathering = createGathering(TICK_MS);
  let timer: NodeJS.Timeout | undefined;
  let underWay = 0;

  function flush(): void {
    timer = undefined;
    while (waiting.length > 0 && underWay < UNDER_WAY) {
      underWay += 1;
      void gathering.timed(send(waiting.splice(0, GROUP).sort(byCollection))).finally(() => {
        underWay -= 1;
        if (waiting.length > 0) soon();
      });
    }
  }

  function soon(): void {
    timer ??= setTimeout(flush, gathering.waitMs);
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
        item.resolve(resultOf(item.write, result.updateResults?.get(index)));
      });
    } catch (error) {
      // One write that cannot even be sent (a document too large) must not take the others of its group with it, time after time (P7).
      if (isUnsendable(error)) await Promise.all(group.map((item) => single(item)));
      else settleGroup(group, error);
    }
  }

  async function single({ write, resolve, reject }: Pending): Promise<void> {
    try {
      const collection = connection.collection(write.collection);
      if ('document' in write) {
        await collection.insertOne(write.document as AnyDocument);
        resolve(INSERTED);
        return;
      }
      const result = await collection.updateOne(write.filter, write.update, { upsert: write.upsert ?? false });
      resolve({ matched: result.matchedCount, upserted: result.upsertedId !== null });
    } catch (error) {
      reject(duplicateOf(error) ?? error);
    }
  }

  function model(write: Write): AnyClientBulkWriteModel<Document> {
    const namespace = `${connection.db.databaseName}.${connection.names[write.collection]}`;
    if ('document' in write) return { name: 'insertOne', namespace, document: write.document };
    return {
      name: 'updateOne',
      namespace,
      filter: write.filter,
      update: write.update,
      upsert: write.upsert ?? false,
    };
  }

  return {
    write: (write) =>
      new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject });
        soon();
      }),
  };
}

/** New documents of one collection that stand together are stored together. Nothing waits for its neighbour: the order is free. */
function byCollection({ write: a }: Pending, { write: b }: Pending): number {
  return a.collection < b.collection ? -1 : a.collection > b.collection ? 1 : Number('document' in a) - Number('document' in b);
}

/** A group that failed in part tells which items did what; one that got no answer, or no durable one, tells nothing about any. */
function settleGroup(group: Pending[], error: unknown): void {
  const parts = bulkParts(error);
  group.forEach((item, index) => {
    const failure = parts?.failures.get(index);
    const known = parts?.durable === true;
    // Not durable, "it is there already" may be about a document that is rolled back: whoever takes it for his own would be wrong.
    if (failure !== undefined && (known || !(failure instanceof DuplicateKeyError))) item.reject(failure);
    else if (known && parts.done.has(index)) item.resolve(resultOf(item.write, parts.updates.get(index)));
    else item.reject(error);
  });
}

const INSERTED: WriteResult = { matched: 0, upserted: true };

/** The server counts an upsert as a match; a single update does not. */
function resultOf(write: Write, own: Counts | undefined): WriteResult {
  if ('document' in write) return INSERTED;
  if (own === undefined) return { matched: 0, upserted: false };
  if (own.upsertedId !== undefined) return INSERTED;
  return { matched: own.matchedCount, upserted: false };
}

type Counts = Pick<ClientUpdateResult, 'matchedCount'> & { readonly upsertedId?: unknown };

function isUnsendable(error: unknown): boolean {
  return error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError || error instanceof RangeError;
}

interface BulkParts {
  readonly failures: Map<number, Error>;
  readonly updates: ReadonlyMap<number, Counts>;
  readonly done: ReadonlySet<number>;
  readonly durable: boolean;
}

function bulkParts(error: unknown): BulkParts | null {
  if (!(error instanceof Error) || error.name !== 'MongoClientBulkWriteError') return null;
  const bulk = error as Error & {
    writeErrors?: Map<number, { code?: number; message?: string; errmsg?: string }>;
    writeConcernErrors?: unknown[];
    partialResult?: { updateResults?: ReadonlyMap<number, Counts>; insertResults?: ReadonlyMap<number, unknown> };
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
  const updates = bulk.partialResult?.updateResults ?? new Map<number, Counts>();
  return { failures, updates, done: new Set([...updates.keys(), ...(bulk.partialResult?.insertResults ?? new Map()).keys()]), durable };
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
