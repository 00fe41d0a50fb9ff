/** How live calls are read where one of the two ways to the provider is closed. */

import { describe, expect, it } from 'vitest';
import type { CallReading } from '../../src/domain/call.js';
import { newCall, type Call } from '../../src/runner/call.js';
import { createReadings } from '../../src/runner/readings.js';
import type { Retell } from '../../src/retell/client.js';
import type { Store } from '../../src/store/store.js';
import { intentFor, newId } from '../store/support.js';
import { openRunner, reading, type Runner, type RunnerOptions } from './support.js';

const DOWN = { kind: 'unavailable', message: 'HTTP 404', retryAfterMs: null } as const;
/** Readings ask nothing of a database. */
const NO_STORE = { attempts: {} } as unknown as Store;

const calls = ({ cx }: Runner, count: number): Call[] =>
  Array.from({ length: count }, (_, n) => {
    const since = cx.clock.mark();
    const facts = { ...intentFor(newId()), dial_by: new Date() };
    return Object.assign(newCall(facts, null, [], { mark: since, date: new Date() }, { name: 'live', since, limitMs: 60_000 }), {
      callId: `call-${n}`,
    });
  });

const open = (retell: Partial<Retell>, timing: RunnerOptions['timing'] = {}) => {
  const runner = openRunner(NO_STORE, { retell, timing });
  const read: CallReading[] = [];
  const absent: Call[] = [];
  const readings = createReadings(runner.cx, {
    read: (_, one) => Promise.resolve(void read.push(one)),
    absent: (call) => Promise.resolve(void absent.push(call)),
  });
  return { runner, read, absent, readings };
};

describe('P2: readings of live calls', () => {
  it('go on one by one, all in turn, where no list can be had; it is said once, and once that there is one again', async () => {
    let list = false;
    const { runner, read, readings } = open({
      listByIds: (ids) =>
        Promise.resolve(list ? { kind: 'calls', complete: true, calls: ids.map((id) => reading(id, { live: true })) } : DOWN),
      read: (id) => Promise.resolve({ kind: 'call', call: reading(id, { live: true }) }),
    });
    const live = calls(runner, 90);
    for (let looks = 0; looks < 3; looks += 1) await readings.look(live);
    expect(new Set(read.map(({ callId }) => callId)).size).toBe(90);
    expect(read).toHaveLength(120);
    list = true;
    await readings.look(live);
    expect(read).toHaveLength(210);
    expect(runner.said).toMatchObject([{ level: 'warn' }, { level: 'info' }]);
  });

  it.each([2, 6])(
    'of %i calls that are refused one by one while the list is not: no account fault, and they are asked for as absent',
    async (count) => {
      const FORBIDDEN = { kind: 'account', message: 'HTTP 403' } as const;
      const tripped: string[] = [];
      let list: Awaited<ReturnType<Retell['listByIds']>> = { kind: 'calls', complete: true, calls: [] };
      const { runner, readings, absent } = open({ listByIds: () => Promise.resolve(list), read: () => Promise.resolve(FORBIDDEN) });
      Object.assign(runner.cx.breaker, { trip: (reason: string) => tripped.push(reason) });
      const live = calls(runner, count);
      await readings.look(live);
      expect({ tripped, absent: new Set(absent).size }).toEqual({ tripped: [], absent: count });
      list = FORBIDDEN;
      await readings.look(live);
      expect(tripped).toEqual(['HTTP 403']);
    },
  );

  it('a list request that our own stop cuts off says nothing about the provider', async () => {
    const { runner, readings } = open({
      listByIds: () => {
        runner.abandon();
        return Promise.resolve({ kind: 'unavailable', message: 'given up by us', retryAfterMs: null });
      },
    });
    await readings.look(calls(runner, 6));
    expect(runner.said).toEqual([]);
  });

  it.each([2, 6])(
    'of %i calls that cannot be read singly settle what the list says is over, once a transcript was waited for',
    async (count) => {
      const { runner, read, readings } = open(
        {
          listByIds: (ids) => Promise.resolve({ kind: 'calls', complete: true, calls: ids.map((id) => reading(id)) }),
          read: () => Promise.resolve(DOWN),
        },
        { analysisWaitMs: 30 },
      );
      const live = calls(runner, count);
      await readings.look(live);
      expect(read).toEqual([]);
      await runner.cx.clock.sleep(40);
      await readings.look(live);
      expect(read).toHaveLength(count);
      expect(read.every(({ live: isLive }) => !isLive)).toBe(true);
    },
  );
});
