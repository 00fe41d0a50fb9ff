/**
 * Stands for the mongod program where none can be had: it takes the options, prints the lines and answers the set's commands as mongod
 * does, and hands everything else to the server at FAKE_MONGOD_UPSTREAM. What it proves is how mongod is started, found and ended.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createFramer, parseCommand, replyMessage } from '../support/fault-proxy-wire.js';

const option = (name: string): string => process.argv[process.argv.indexOf(`--${name}`) + 1] ?? '';

const upstreamHost = process.env['FAKE_MONGOD_UPSTREAM'] ?? '';
const port = Number(option('port'));
const setName = option('replSet');
const initiatedMark = join(option('dbpath'), 'initiated');
const itself = `127.0.0.1:${port}`;
const becomePrimary = (): void => {
  setTimeout(
    () => console.log('transition to PRIMARY from SECONDARY\ntransition to primary complete; database writes are now permitted'),
    5,
  );
};

const answers: Readonly<Record<string, () => Record<string, unknown>>> = {
  hello: () => ({
    ok: 1,
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    setName,
    hosts: [itself],
    me: itself,
    primary: itself,
    minWireVersion: 0,
    maxWireVersion: 25,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
  }),
  replSetInitiate: () => {
    if (existsSync(initiatedMark)) return { ok: 0, code: 23, codeName: 'AlreadyInitialized', errmsg: 'already initialized' };
    writeFileSync(initiatedMark, '');
    becomePrimary();
    return { ok: 1 };
  },
  replSetGetConfig: () => ({ ok: 1, config: { _id: setName, version: 1, members: [{ _id: 0, host: itself }] } }),
  replSetReconfig: () => {
    becomePrimary();
    return { ok: 1 };
  },
  shutdown: () => {
    setTimeout(() => process.exit(0), 5);
    return { ok: 1 };
  },
};

createServer((client) => {
  const upstream = upstreamHost.endsWith('.sock')
    ? connect(upstreamHost)
    : connect(Number(upstreamHost.split(':')[1] ?? 27_017), '127.0.0.1');
  client.on(
    'data',
    createFramer((message) => {
      const command = parseCommand(message);
      const answer = command === null ? undefined : answers[command.name.toLowerCase() === 'ismaster' ? 'hello' : command.name];
      if (command === null || answer === undefined) upstream.write(message);
      else client.write(replyMessage(command.requestId, answer()));
    }),
  );
  upstream.on('data', (chunk) => client.write(chunk));
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => client.destroy());
  client.on('error', () => undefined);
  upstream.on('error', () => undefined);
}).listen(port, '127.0.0.1', () => console.log('Waiting for connections'));
process.on('SIGINT', () => process.exit(0));
