/** Where an embedded database keeps its things: the data, the sockets, the lock file, the newer C library. */

import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { SpeechAiError, EXIT } from '../domain/errors.js';

export interface Home {
  /** What the person named, as an absolute path without links, so that two spellings are one database. */
  readonly directory: string;
  readonly engineData: string;
  readonly mongodData: string;
  readonly mongodPortFile: string;
  readonly lockFile: string;
  readonly logFile: string;
  /** Short enough for socket paths; usually inside the directory. */
  readonly socketFolder: string;
  /** The database's own socket: a link that each engine replaces, so that a URI outlives the engine that served it. */
  readonly databaseSocket: string;
  /** Where owners hold their connection: the engine lives as long as one of them does. */
  readonly ownersSocket: string;
}

/** A socket's path must fit into 108 bytes with its closing zero, on every Linux; macOS has 104. */
const MAX_SOCKET_PATH_BYTES = 103;
const LONGEST_SOCKET_NAME = 'database.sock';

export const defaultDirectory = (env: NodeJS.ProcessEnv): string =>
  join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'speechai', 'mongodb');

export const cacheDirectory = (env: NodeJS.ProcessEnv): string => join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'speechai');

export const openHome = (directory: string | null, env: NodeJS.ProcessEnv): Home => {
  const wanted = resolve(directory ?? defaultDirectory(env));
  let real: string;
  try {
    makeFolder(wanted);
    real = realpathSync(wanted);
  } catch (cause) {
    throw new SpeechAiError('EMBEDDED_DIRECTORY', `The folder ${wanted} for the embedded database cannot be made.`, {
      remedy: 'Name a folder that you may write: MONGO_URI=embedded:/path/to/folder.',
      exitCode: EXIT.config,
      cause,
    });
  }
  const socketFolder = socketFolderOf(real);
  return {
    directory: real,
    engineData: join(real, 'engine'),
    mongodData: join(real, 'mongod'),
    mongodPortFile: join(real, 'mongod.port'),
    lockFile: join(real, 'engine.lock'),
    logFile: join(real, 'engine.log'),
    socketFolder,
    databaseSocket: join(socketFolder, 'database.sock'),
    ownersSocket: join(socketFolder, 'owners.sock'),
  };
};

/** Step by step: where a folder cannot be made although its parent is there (/proc), Node's own `recursive` never returns. */
const makeFolder = (path: string): void => {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
};

const socketFolderOf = (directory: string): string => {
  const inside = join(directory, 'run');
  const folder = Buffer.byteLength(join(inside, LONGEST_SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES ? inside : shortFolder(directory);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseForeignFolder(folder);
  chmodSync(folder, 0o700);
  return folder;
};

const shortFolder = (directory: string): string => {
  const parent = join(tmpdir(), `speechai-${userInfo().uid}`);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  refuseForeignFolder(parent);
  return join(parent, createHash('sha256').update(directory).digest('hex').slice(0, 16));
};

/** A folder under /tmp that someone else made first could hand our data to them: the database has no password. */
const refuseForeignFolder = (folder: string): void => {
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === userInfo().uid) return;
  throw new SpeechAiError('EMBEDDED_SOCKET_FOLDER', `The folder ${folder} belongs to someone else.`, {
    remedy: 'Name another folder for the database, with a shorter path: MONGO_URI=embedded:/path/to/folder.',
    exitCode: EXIT.config,
  });
};
