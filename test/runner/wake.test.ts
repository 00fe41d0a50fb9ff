/** Hints from change streams, which only a replica set has: here the streams are the test's own, and what is done with them is the program's. */

import { EventEmitter } from 'node:events';
import type { ChangeStream } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { wakeOnChanges } from '../../src/runner/wake.js';
import type { Connection } from '../../src/store/connection.js';
import { watchWork } from '../../src/store/watch.js';
import { logTo, type Said } from './support.js';
import { fakeClock } from '../retell/support.js';

const database = (topology: Connection['topology']) => {
  const streams: { collection: string; stream: EventEmitter; closed: boolean }[] = [];
  const collection = (name: string) => ({
    watch: (): ChangeStream => {
      const entry = { collection: name, stream: new EventEmitter(), closed: false };
      streams.push(entry);
      return Object.assign(entry.stream, { close: () => Promise.resolve((entry.closed = true)) }) as unknown as ChangeStream;
    },
  });
  return { connection: { topology, collection } as unknown as Connection, streams };
};

const open = () => {
  const { connection, streams } = database('replica-set');
  const clock = fakeClock();
  const said: Said[] = [];
  const stop = new AbortController();
  let nudges = 0;
  const ended = wakeOnChanges(
    { store: { connection }, clock, random: () => 0.5, log: logTo(said), noMoreClaims: stop.signal },
    () => (nudges += 1),
  );
  return { streams, clock, said, stop, ended, nudges: () => nudges };
};

describe('a daemon whose database notifies', () => {
  it('looks for work once per burst of changes of jobs or batches', async () => {
    const { streams, clock, nudges, stop, ended } = open();
    expect(streams.map(({ collection }) => collection)).toEqual(['jobs', 'batches']);
    for (let n = 0; n < 500; n += 1) streams[n % 2]?.stream.emit('change', {});
    expect(nudges()).toBe(0);
    await clock.advance(50);
    expect(nudges()).toBe(1);
    streams[0]?.stream.emit('change', {});
    await clock.advance(50);
    expect(nudges()).toBe(2);
    stop.abort();
    await ended;
    expect(streams.every(({ closed }) => closed)).toBe(true);
  });

  it('opens the streams again some seconds after one was lost, and warns nobody: polling goes on meanwhile', async () => {
    const { streams, clock, said, nudges, stop, ended } = open();
    streams[1]?.stream.emit('error', new Error('the pool was cleared'));
    await clock.advance(1);
    expect(streams.map(({ closed }) => closed)).toEqual([true, true]);
    expect(said).toEqual([{ level: 'debug', message: 'the change stream was lost; polling goes on' }]);
    await clock.advance(7_500);
    expect(streams).toHaveLength(4);
    streams[2]?.stream.emit('change', {});
    await clock.advance(50);
    expect(nudges()).toBe(1);
    stop.abort();
    await ended;
  });

  it('is left to polling by a server alone', () => {
    const { connection, streams } = database('standalone');
    expect(
      watchWork(
        connection,
        () => undefined,
        () => undefined,
      ),
    ).toBeNull();
    expect(streams).toEqual([]);
  });
});
