/** Serves a directory through a real mongod, as a replica set of one node, so that transactions and change streams are there too. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../domain/errors.js';
import type { Home } from './home.js';
import { DirectoryInUse } from './served.js';
import type { Served } from './served.js';

const SET_NAME = 'speechai';
const PORT_RETRY_MS = 100;
const PORT_WAIT_MS = 8_000;

export const serveMongod = async (home: Home, binary: string | null): Promise<Served> => {
  const { MongoMemoryReplSet } = await import('mongodb-memory-server');
  mkdirSync(home.mongodData, { recursive: true, mode: 0o700 });
  const port = await portOf(home);
  await portIsFree(port);
  const set = await MongoMemoryReplSet.create({
    replSet: { count: 1, name: SET_NAME, storageEngine: 'wiredTiger' },
    instanceOpts: [{ dbPath: home.mongodData, port, storageEngine: 'wiredTiger' }],
    binary: binary === null ? {} : { systemBinary: binary },
  }).catch((error: unknown) => {
    const message = messageOf(error);
    throw /DBPathInUse|lock file/i.test(message) ? new DirectoryInUse(message, { cause: error }) : error;
  });
  const mongod = set.servers[0]?.instanceInfo?.instance.mongodProcess;
  return {
    uri: `mongodb://127.0.0.1:${port}/?replicaSet=${SET_NAME}`,
    close: async () => {
      mongod?.removeAllListeners('exit');
      await set.stop({ doCleanup: false });
    },
    kill: () => mongod?.kill('SIGKILL'),
    onDeath: (listener) => mongod?.once('exit', listener),
  };
};

/** A set remembers its members by address, so the port is chosen once per directory. */
const portOf = async (home: Home): Promise<number> => {
  const known = Number(readFileOrEmpty(home.mongodPortFile));
  if (Number.isInteger(known) && known > 0 && known < 65_536) return known;
  const port = await listenOnce(0);
  writeFileSync(home.mongodPortFile, `${port}\n`, { mode: 0o600 });
  return port;
};

/** mongodb-memory-server would take another port without a word, and the set would wait for its member for ever. A mongod that is just ending is waited for. */
const portIsFree = async (port: number): Promise<void> => {
  for (let waitedMs = 0; ; waitedMs += PORT_RETRY_MS) {
    try {
      await listenOnce(port);
      return;
    } catch (cause) {
      if (waitedMs >= PORT_WAIT_MS)
        throw new Error(`port ${port}, by which the replica set of this folder knows itself, is taken`, { cause });
      await delay(PORT_RETRY_MS);
    }
  }
};

const readFileOrEmpty = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** The port that was had by listening for a moment. */
const listenOnce = (wanted: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port was given'))));
    });
  });
