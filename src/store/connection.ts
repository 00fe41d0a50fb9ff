/** The database as the store's modules see it: handles, topology, and the write concern that fits it. */
import { MongoClient, type Collection, type Db, type Document, type FindCursor, type ObjectId, type WriteConcernSettings } from 'mongodb';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import type { DocId } from '../domain/job.js';
import { endWritesOfClosedSockets } from './sockets.js';

export interface DatabaseOptions {
  readonly uri: string;
  readonly name: string;
  readonly collections: CollectionNames;
  readonly maxPoolSize: number;
  readonly minPoolSize: number;
  readonly maxIdleMs: number;
  readonly waitQueueMs: number;
  readonly connectTimeoutMs: number;
  readonly selectionTimeoutMs: number;
  readonly socketTimeoutMs: number;
  readonly wtimeoutMs: number;
}

export interface CollectionNames {
  readonly jobs: string;
  readonly results: string;
  readonly logs: string;
  readonly accounts: string;
  readonly batches: string;
  readonly attempts: string;
  readonly ledgers: string;
  readonly runners: string;
  readonly suppressions: string;
  readonly transactions: string;
}

export type Topology = 'replica-set' | 'standalone' | 'router';

/** Documents keep whatever `_id` the other programs gave them. */
export type AnyDocument = Document & { _id: StoredId };

/** What the driver's types accept as an `_id`; the server takes any value, and other programs use that. */
export type StoredId = string | ObjectId;

/** The server takes an index's name as a hint for findAndModify; the driver's type knows only key patterns. */
export function hinted(name: string): Document {
  return name as unknown as Document;
}

/** Any `_id` for a filter. The one place where the driver's narrower type is overruled. */
export function stored(id: DocId): StoredId {
  return id as StoredId;
}

export interface Connection {
  readonly client: MongoClient;
  readonly db: Db;
  readonly topology: Topology;
  readonly version: string;
  /** `client.bulkWrite` answers per item across collections from server 8.0 on. */
  readonly groupsWrites: boolean;
  readonly writeConcern: WriteConcernSettings;
  readonly names: CollectionNames;
  /** The same namespaces over two connections of their own: renewals must not queue behind claims. */
  readonly keeper: MongoClient;
  collection(name: keyof CollectionNames): Collection<AnyDocument>;
  keeperCollection(name: keyof CollectionNames): Collection<AnyDocument>;
  close(): Promise<void>;
}

/** Server 8.0 speaks wire version 25. */
const WIRE_8_0 = 25;

export async function connect(options: DatabaseOptions): Promise<Connection> {
  const client = openClient(options, options.maxPoolSize, options.minPoolSize);
  const keeper = openClient(options, 2, 0);
  try {
    await client.connect();
    const hello = await client.db('admin').command({ hello: 1 });
    const topology = topologyOf(hello);
    const version = await serverVersion(client);
    // A standalone's "majority" is not durable: it acknowledged and then lost the last write in 33 of 840 kills; w:1 with j in none.
    const writeConcern: WriteConcernSettings =
      topology === 'standalone' ? { w: 1, journal: true } : { w: 'majority', journal: true, wtimeoutMS: options.wtimeoutMs };
    const db = client.db(options.name);
    const connection: Connection = {
      client,
      keeper,
      db,
      topology,
      version,
      groupsWrites: Number(hello['maxWireVersion'] ?? 0) >= WIRE_8_0,
      writeConcern,
      names: options.collections,
      collection: (name) => db.collection<AnyDocument>(options.collections[name], { writeConcern }),
      keeperCollection: (name) => keeper.db(options.name).collection<AnyDocument>(options.collections[name], { writeConcern }),
      close: async () => {
        await Promise.allSettled([client.close(true), keeper.close(true)]);
      },
    };
    if (topology === 'router') await refuseShardedJobs(connection);
    return connection;
  } catch (error) {
    await Promise.allSettled([client.close(true), keeper.close(true)]);
    if (error instanceof SpeechAiError) throw error;
    throw new SpeechAiError('DATABASE_UNREACHABLE', `The database did not answer: ${withoutCredentials(messageOf(error))}`, {
      remedy: 'Start MongoDB, or correct MONGO_URI; `speechai db ping` shows what is wrong.',
      exitCode: EXIT.tryAgain,
      cause: error,
    });
  }
}

function openClient(options: DatabaseOptions, maxPoolSize: number, minPoolSize: number): MongoClient {
  endWritesOfClosedSockets();
  try {
    return new MongoClient(options.uri, {
      appName: 'speechai',
      // Whatever the URI asks for: a rescuer or a last look that reads a member lagging behind would not see an attempt, or a pause.
      readPreference: 'primary',
      maxPoolSize,
      minPoolSize,
      maxIdleTimeMS: options.maxIdleMs,
      waitQueueTimeoutMS: options.waitQueueMs,
      connectTimeoutMS: options.connectTimeoutMs,
      serverSelectionTimeoutMS: options.selectionTimeoutMs,
      socketTimeoutMS: options.socketTimeoutMs,
      promoteLongs: true,
      ignoreUndefined: true,
    });
  } catch (error) {
    throw new SpeechAiError('DATABASE_URI', `MONGO_URI cannot be used: ${withoutCredentials(messageOf(error))}`, {
      remedy: 'Write it as mongodb://HOST:27017/ or mongodb+srv://HOST/.',
      exitCode: EXIT.config,
    });
  }
}

function topologyOf(hello: Document): Topology {
  if (hello['msg'] === 'isdbgrid') return 'router';
  return hello['setName'] === undefined ? 'standalone' : 'replica-set';
}

async function serverVersion(client: MongoClient): Promise<string> {
  const info = await client.db('admin').command({ buildInfo: 1 });
  return String(info['version'] ?? 'unknown');
}

/** Unique locks and `$$NOW` are one server's: a sharded `jobs` would weaken both silently. */
async function refuseShardedJobs(connection: Connection): Promise<void> {
  for (const name of ['jobs', 'attempts'] as const) {
    const found = await connection.client
      .db('config')
      .collection<AnyDocument>('collections')
      .findOne({ _id: `${connection.db.databaseName}.${connection.names[name]}`, dropped: { $ne: true } });
    if (found !== null) {
      throw new SpeechAiError(
        'SHARDED_JOBS',
        `The collection ${connection.names[name]} is sharded, and the locks that prevent a second dial are one server's.`,
        {
          remedy: 'Keep it unsharded, or split the accounts over several databases with one daemon group each.',
          exitCode: EXIT.config,
        },
      );
    }
  }
}

function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^@/\s]*@/g, '//***@');
}

const GROUP = 500;

/** A long reading, so that what belongs to many documents can be asked for together. */
export async function* inGroups(cursor: FindCursor<AnyDocument>): AsyncGenerator<AnyDocument[]> {
  let group: AnyDocument[] = [];
  for await (const doc of cursor.batchSize(GROUP)) {
    group.push(doc);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
