import type { Parser } from '../parser.js';
import { duration, integer, matching, orEmpty, text } from '../parser.js';
import type { Section, Setting } from '../setting.js';
import { mongoUri } from '../uri.js';

const collectionName = matching('a collection name', /^(?!system\.)[A-Za-z_][A-Za-z0-9_.-]{0,119}$/);

function collection(name: string, value: string, holds: string): Setting<string> {
  return { name, parser: collectionName, default: value, describe: `Collection of ${holds}.`, example: value };
}

export const database: Section<'database'> = {
  'database.uri': {
    name: 'MONGO_URI',
    parser: mongoUri,
    default: {
      development: 'embedded',
      testing: 'embedded',
      staging: 'mongodb://localhost:27017',
      production: 'mongodb://localhost:27017',
    },
    describe: 'MongoDB address: a URI, or `embedded[:DIRECTORY]` for a local engine without a server (development and testing).',
    example: 'mongodb://speechai:PASSWORD@db.internal:27017/?replicaSet=rs0',
    privacy: 'uri',
  },
  'database.name': {
    name: 'MONGO_DB',
    parser: matching('a database name of at most 63 letters, digits, "-" and "_"', /^[A-Za-z0-9_-]{1,63}$/),
    default: 'speechai_db',
    describe: 'Database with all collections.',
    example: 'speechai_db',
  },
  'database.collections.jobs': collection('MONGO_COLL_JOBS', 'jobs', 'jobs, written by the API and by us'),
  'database.collections.results': collection('MONGO_COLL_RESULTS', 'call_results', "the provider's full replies"),
  'database.collections.logs': collection('MONGO_COLL_LOGS', 'call_logs', 'call logs in SpeechAI; this program does not read or write it'),
  'database.collections.accounts': collection('MONGO_COLL_ACCOUNTS', 'accounts', 'accounts'),
  'database.collections.batches': collection('MONGO_COLL_BATCHES', 'batches', 'batches'),
  'database.collections.attempts': collection('MONGO_COLL_ATTEMPTS', 'call_attempts', 'attempts: the record of who was called'),
  'database.collections.ledgers': collection('MONGO_COLL_LEDGERS', 'account_ledgers', 'what each account has used and has reserved'),
  'database.collections.runners': collection('MONGO_COLL_RUNNERS', 'runners', 'running daemons'),
  'database.collections.suppressions': collection('MONGO_COLL_SUPPRESSIONS', 'suppressions', 'numbers and people who must not be called'),
  'database.collections.transactions': collection('MONGO_COLL_TRANSACTIONS', 'transactions', 'movements of money'),
  'database.maxPoolSize': {
    name: 'MONGO_MAX_POOL_SIZE',
    parser: integer({ min: 1, max: 1_000 }),
    default: { development: '50', testing: '20', staging: '50', production: '50' },
    unit: 'connections',
    describe: 'Maximum connections from one process to each server.',
    example: '50',
  },
  'database.minPoolSize': {
    name: 'MONGO_MIN_POOL_SIZE',
    parser: integer({ min: 0, max: 1_000 }),
    default: { development: '0', testing: '0', staging: '2', production: '5' },
    unit: 'connections',
    describe: 'Connections kept open while idle.',
    example: '5',
  },
  'database.maxIdleMs': {
    name: 'MONGO_MAX_IDLE_SECONDS',
    parser: duration('seconds', { min: 1, max: 86_400 }),
    default: { development: '60', testing: '30', staging: '300', production: '300' },
    unit: 'seconds',
    describe: 'Unused connections are closed after this time; keep it below the idle limit of any firewall in between.',
    example: '300',
  },
  'database.waitQueueMs': {
    name: 'MONGO_WAIT_QUEUE_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 300 }),
    default: { development: '5', testing: '5', staging: '10', production: '10' },
    unit: 'seconds',
    describe: 'Longest wait for a free connection from the pool.',
    example: '10',
  },
  'database.connectTimeoutMs': {
    name: 'MONGO_CONNECT_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 300 }),
    default: '5',
    unit: 'seconds',
    describe: 'Longest time to open one connection.',
    example: '5',
  },
  'database.selectionTimeoutMs': {
    name: 'MONGO_SELECTION_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 300 }),
    default: '5',
    unit: 'seconds',
    describe: 'Longest wait for a usable server, for example during an election.',
    example: '5',
  },
  'database.socketTimeoutMs': {
    name: 'MONGO_SOCKET_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 600 }),
    default: '30',
    unit: 'seconds',
    describe: 'A request without an answer is given up after this time and its connection closed.',
    example: '30',
  },
  'database.wtimeoutMs': {
    name: 'MONGO_WTIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.1, max: 300 }),
    default: '10',
    unit: 'seconds',
    describe: 'Longest wait for a majority of servers to confirm a write; after that it is treated as a lost reply and checked.',
    example: '10',
  },
};

const hostName = matching('a host name or address without port', /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)$/);

export type PartName = 'MONGO_HOST' | 'MONGO_PORT' | 'MONGO_USER' | 'MONGO_PASSWORD' | 'MONGO_AUTH_SOURCE';

function part<T>(setting: Setting<T> & { readonly name: PartName; readonly parser: Parser<T> }): Setting<T> {
  return setting;
}

/** The database in parts, from which MONGO_URI is made where it is not written itself. They have no place of their own in `Settings`. */
export const databaseParts = {
  MONGO_HOST: part({
    name: 'MONGO_HOST',
    parser: orEmpty(hostName),
    default: '',
    describe: 'Host of MongoDB, instead of MONGO_URI.',
    example: 'db.internal',
  }),
  MONGO_PORT: part({
    name: 'MONGO_PORT',
    parser: integer({ min: 1, max: 65_535 }),
    default: '27017',
    describe: 'Port, used with MONGO_HOST.',
    example: '27017',
  }),
  MONGO_USER: part({
    name: 'MONGO_USER',
    parser: text('a user name', (given) => given.length <= 256),
    default: '',
    describe: 'User, used with MONGO_HOST.',
    example: 'speechai',
  }),
  MONGO_PASSWORD: part({
    name: 'MONGO_PASSWORD',
    parser: text('a password', (given) => given.length <= 1_024),
    default: '',
    describe: 'Password, used with MONGO_HOST; MONGO_PASSWORD_FILE is safer.',
    example: 'PASSWORD',
    privacy: 'secret',
    verbatim: true,
  }),
  MONGO_AUTH_SOURCE: part({
    name: 'MONGO_AUTH_SOURCE',
    parser: matching('a database name', /^[A-Za-z0-9_$-]{1,63}$/),
    default: 'admin',
    describe: 'Database in which MONGO_USER is defined.',
    example: 'admin',
  }),
} as const satisfies Record<PartName, Setting<string> | Setting<number>>;
