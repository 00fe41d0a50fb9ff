/** The way to the database: what its topology asks for, and errors that tell no secret. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SpeechAiError } from '../../src/domain/errors.js';
import { connect } from '../../src/store/connection.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { closedPort } from '../support/http.js';
import { openTestDatabase } from '../support/mongo.js';
import type { TestDatabase } from '../support/mongo.js';
import { databaseOptions, NAMES } from './support.js';

const failure = async (uri: string): Promise<SpeechAiError> => {
  const error: unknown = await connect(databaseOptions(uri, 'x', { selectionTimeoutMs: 60 })).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SpeechAiError) return error;
  throw new Error('it did not fail as it should');
};

describe('a connection', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());

  it('knows its topology, its version and whether writes can be grouped, and names collections by settings', async () => {
    const connection = await connect(databaseOptions(database.uri, database.name, { collections: { ...NAMES, jobs: 'trabajos' } }));
    const hello = await database.client.db('admin').command({ hello: 1 });
    expect(connection.topology).toBe(hello['setName'] === undefined ? 'standalone' : 'replica-set');
    expect(connection.version).toMatch(/^\d+\.\d+/);
    expect(connection.groupsWrites).toBe(Number(hello['maxWireVersion']) >= 25);
    await connection.collection('jobs').updateOne({ _id: 'a' }, { $set: { n: 1 } }, { upsert: true });
    expect(await database.db.collection('trabajos').countDocuments()).toBe(1);
    expect(connection.keeperCollection('jobs').collectionName).toBe('trabajos');
    await connection.close();
  });

  it('P1: reads from the primary whatever the URI asks for: a member that lags behind does not know the attempt that protects a job', async () => {
    const uri = `${database.uri}${database.uri.includes('?') ? '&' : '?'}readPreference=secondaryPreferred`;
    const connection = await connect(databaseOptions(uri, database.name));
    const modes = [connection.collection('jobs'), connection.keeperCollection('attempts')].map((each) => each.readPreference?.mode);
    expect(modes).toEqual(['primary', 'primary']);
    await connection.close();
  });

  it('P1: renewals travel on connections of their own, so that a full pool cannot hold them up', async () => {
    const proxy = await startFaultProxy(database.uri);
    const connection = await connect(databaseOptions(proxy.uri, database.name, { maxPoolSize: 1 }));
    expect(connection.keeper).not.toBe(connection.client);
    // The one connection of the pool is busy with a question that is not answered; the keeper's is.
    const held = proxy.add({ command: 'find', fault: 'hold' });
    const slow = connection.collection('jobs').findOne({});
    await held.hit;
    const queued = connection.collection('jobs').findOne({});
    expect(await connection.keeperCollection('jobs').findOne({})).toBeNull();
    held.release();
    expect(await Promise.all([slow, queued])).toEqual([null, null]);
    await connection.close();
    await proxy.close();
  });

  it('P8: a command written to a socket that was destroyed in that moment fails, and gives its place in the pool back', async () => {
    const sockets: Socket[] = [];
    const watch = (message: unknown): void => void sockets.push(z.object({ socket: z.instanceof(Socket) }).parse(message).socket);
    subscribe('net.client.socket', watch);
    const connection = await connect(databaseOptions(database.uri, database.name, { maxPoolSize: 1 }));
    await connection.collection('jobs').insertOne({ _id: 'a', n: 1 });
    unsubscribe('net.client.socket', watch);
    for (const socket of sockets) {
      socket.write = () => {
        socket.destroy();
        return false;
      };
    }
    await expect(connection.collection('jobs').updateOne({ _id: 'a' }, { $set: { n: 2 } })).rejects.toThrow(/closed/);
    await expect
      .poll(() =>
        connection
          .collection('jobs')
          .findOne({ _id: 'a' })
          .catch(() => null),
      )
      .toMatchObject({ n: 1 });
    await connection.close();
  });

  it('P8: an address that cannot be reached or read is told without what is secret in it', async () => {
    const unreachable = await failure(`mongodb://admin:s3cr%2Ft@127.0.0.1:${await closedPort()}/?authSource=admin`);
    expect(unreachable).toMatchObject({ code: 'DATABASE_UNREACHABLE', exitCode: 75 });
    const unreadable = await failure('mongodb://admin:s3cr%2Ft@/?x=1');
    expect(unreadable).toMatchObject({ code: 'DATABASE_URI', exitCode: 78 });
    for (const error of [unreachable, unreadable]) {
      expect(error.message).not.toMatch(/s3cr|admin:/);
      expect(error.remedy.length).toBeGreaterThan(10);
    }
  });

  it('closes both ways', async () => {
    const connection = await connect(databaseOptions(database.uri, database.name));
    await connection.close();
    await expect(connection.collection('jobs').findOne({})).rejects.toBeInstanceOf(Error);
    await expect(connection.keeperCollection('jobs').findOne({})).rejects.toBeInstanceOf(Error);
  });
});
