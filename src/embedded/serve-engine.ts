/** Serves a directory through the embedded engine: MongoDB's own server code as a library of this process. */

import { readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { messageOf } from '../domain/errors.js';
import type { Home } from './home.js';
import { DirectoryInUse } from './served.js';
import type { Served } from './served.js';

interface OpenEngine {
  readonly socketPath: string;
  close(): Promise<void>;
}

const moduleSchema = z.object({ open: z.custom<(directory: string) => Promise<OpenEngine>>((value) => typeof value === 'function') });

const ENGINE_SOCKET_FOLDER = /^embedded-mongodb-/;

export const serveEngine = async (home: Home, moduleName: string): Promise<Served> => {
  const { open } = moduleSchema.parse(createRequire(import.meta.url)(moduleName));
  // The engine makes its socket in a fresh folder of the temporary one. Relative to the sockets' folder its path is always short enough.
  process.chdir(home.socketFolder);
  process.env['TMPDIR'] = '.';
  const leftOver = readdirSync('.').filter((name) => ENGINE_SOCKET_FOLDER.test(name));
  const engine = await open(home.engineData).catch((error: unknown) => {
    const message = messageOf(error);
    throw message.includes('DBPathInUse') ? new DirectoryInUse(message, { cause: error }) : error;
  });
  for (const name of leftOver) rmSync(name, { recursive: true, force: true });
  const draft = `database.${process.pid}`;
  rmSync(draft, { force: true });
  symlinkSync(engine.socketPath, draft);
  renameSync(draft, home.databaseSocket);
  return {
    uri: engineUri(home.databaseSocket),
    close: () => engine.close(),
    // It lives in this process: its end is ours, and the owners see their connection close.
    kill: () => undefined,
    onDeath: () => undefined,
  };
};

/** `directConnection`: one server and no set, so nothing to discover. */
const engineUri = (socket: string): string => `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;
