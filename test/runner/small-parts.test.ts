/** The small parts: names, slots, the register, fail points, patience. */

import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { slotLocks } from '../../src/runner/call.js';
import type { Call } from '../../src/runner/call.js';
import type { Context } from '../../src/runner/context.js';
import { parseFailPoints, STEPS } from '../../src/runner/failpoints.js';
import { newRunnerId, newToken, workspaceOf } from '../../src/runner/ids.js';
import { persist } from '../../src/runner/persist.js';
import { createRefusals } from '../../src/runner/refusals.js';
import { createRegistry } from '../../src/runner/registry.js';
import { createSlots, scopesOf } from '../../src/runner/slots.js';
import type { Slots } from '../../src/runner/slots.js';
import type { ProbeReply } from '../../src/retell/client.js';
import { logTo, type Said } from './support.js';
import { createClock } from '../../src/telemetry/clock.js';

describe('names', () => {
  test.prop([fc.date({ min: new Date(0), max: new Date(4_000_000_000_000), noInvalidDate: true }), fc.nat(1_000_000)])(
    'a token sorts by time, is unique, and may name a field',
    (now, later) => {
      const [a, b, c] = [newToken(now), newToken(now), newToken(new Date(now.getTime() + later + 1))];
      expect(a).toMatch(/^[0-9a-f]{32}$/);
      expect(a).not.toBe(b);
      expect(a < c).toBe(true);
      expect(Number.parseInt(a.slice(0, 12), 16)).toBe(now.getTime());
    },
  );

  it('P1: a runner is another one at every boot; a workspace is another one with another key, and tells neither', () => {
    expect(newRunnerId()).not.toBe(newRunnerId());
    const workspace = workspaceOf('https://api.example', 'key_secret');
    expect(workspace).toMatch(/^[0-9a-f]{16}$/);
    expect(workspaceOf('https://api.example', 'key_secret')).toBe(workspace);
    expect(workspaceOf('https://api.example', 'key_other')).not.toBe(workspace);
    expect(workspaceOf('https://other.example', 'key_secret')).not.toBe(workspace);
  });

  it('slots are told from what stays locked until the settlement', () => {
    expect(slotLocks(['job:1', 'line:2', 'person:3', 'slot:4', 'acct:a:5', 'batch:b:6', 'call:7'])).toEqual({
      slots: ['slot:4', 'acct:a:5', 'batch:b:6'],
      rest: ['job:1', 'line:2', 'person:3', 'call:7'],
    });
  });
});

describe('slots', () => {
  const open = (locks: string[], stale = { is: false }): { slots: Slots; reads: () => number } => {
    let reads = 0;
    const read = (): Promise<string[]> => {
      reads += 1;
      return Promise.resolve(locks);
    };
    let seed = 1;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    return {
      slots: createSlots(
        read,
        random,
        () => stale.is,
        () => ({ monoMs: 0, wallMs: 0 }),
      ),
      reads: () => reads,
    };
  };
  const TWO = { prefix: 'slot', size: 2 };

  it('P4: gives each name once, and none when one scope is full', async () => {
    const { slots } = open(['slot:1', 'job:x', 'acct:a:b:0', 'line:9']);
    await slots.refresh();
    expect(slots.free(TWO)).toBe(1);
    expect(slots.pick([TWO, { prefix: 'acct:a:b', size: 1 }])).toBeNull();
    expect(slots.free(TWO)).toBe(1);
    expect(slots.pick([TWO])).toEqual(['slot:0']);
    expect(slots.pick([TWO])).toBeNull();
    slots.release(['slot:0']);
    expect(slots.pick([TWO])).toEqual(['slot:0']);
  });

  it('a name that turned out to be taken is not tried again until it is known to be free', async () => {
    const locks = ['slot:0'];
    const { slots, reads } = open(locks);
    await slots.refresh();
    const [mine = ''] = slots.pick([TWO]) ?? [];
    expect(mine).toBe('slot:1');
    slots.taken(mine);
    expect(slots.pick([TWO])).toBeNull();
    locks.splice(0);
    await slots.refresh();
    expect(reads()).toBe(2);
    expect(slots.free(TWO)).toBe(2);
  });

  it('P9: reads the open locks again only when they are stale or a try collided', async () => {
    const stale = { is: false };
    const { slots, reads } = open([], stale);
    await slots.refresh();
    await slots.refresh();
    expect(reads()).toBe(1);
    stale.is = true;
    await slots.refresh();
    expect(reads()).toBe(2);
  });

  it('own names stay own when a reading shows them, and a limit that shrank counts what is over it', async () => {
    const locks: string[] = [];
    const { slots } = open(locks, { is: true });
    const picked = slots.pick([{ prefix: 'slot', size: 5 }]) ?? [];
    locks.push(...picked, 'slot:7');
    await slots.refresh();
    expect(slots.free({ prefix: 'slot', size: 5 })).toBe(3);
    slots.release(picked);
    expect(slots.free({ prefix: 'slot', size: 5 })).toBe(4);
    expect(slots.free({ prefix: 'slot', size: 0 })).toBe(0);
    // Slot 0 has nobody, and still there is one call too many already.
    expect(slots.used('slot')).toBe(1);
    expect(slots.pick([{ prefix: 'slot', size: 1 }])).toBeNull();
  });

  test.prop([fc.integer({ min: 1, max: 40 }), fc.uniqueArray(fc.nat(39)), fc.nat(50)])(
    'never more than the size, never a name twice',
    async (size, taken, wishes) => {
      const { slots } = open(taken.map((n) => `slot:${n}`));
      await slots.refresh();
      const got = Array.from({ length: wishes }, () => slots.pick([{ prefix: 'slot', size }])).flatMap((names) => names ?? []);
      const names = new Set([...got, ...taken.filter((n) => n < size).map((n) => `slot:${n}`)]);
      expect(names.size).toBe(got.length + taken.filter((n) => n < size).length);
      expect(names.size).toBeLessThanOrEqual(size);
    },
  );

  it.each([
    [{ installation: 3, account: null, batch: null }, ['slot']],
    [{ installation: 3, account: 2, batch: 1 }, ['slot', 'acct:a', 'batch:b']],
    [{ installation: 3, account: 0, batch: null }, ['slot', 'acct:a']],
  ])('the scopes of a call follow its plan: %j', (slots, prefixes) => {
    const plan = { slots } as Parameters<typeof scopesOf>[0];
    expect(scopesOf(plan, 'a', 'b').map((scope) => scope.prefix)).toEqual(prefixes);
    expect(scopesOf(plan, null, null).map((scope) => scope.prefix)).toEqual(['slot']);
  });
});

describe('the register', () => {
  const call = (id: string): Call => ({ facts: { _id: id } }) as Call;

  it('P6: is empty when the last call has gone, or when nobody waits any more', async () => {
    const registry = createRegistry();
    await registry.empty(new AbortController().signal);
    registry.add(call('a'));
    registry.add(call('b'));
    let empty = 0;
    const waiting = [registry.empty(new AbortController().signal), registry.empty(new AbortController().signal)].map((one) =>
      one.then(() => (empty += 1)),
    );
    registry.remove('a');
    registry.remove('nobody');
    await Promise.resolve();
    expect({ empty, size: registry.size(), known: registry.get('b')?.facts._id }).toEqual({ empty: 0, size: 1, known: 'b' });
    registry.remove('b');
    await Promise.all(waiting);
    registry.add(call('c'));
    const giveUp = new AbortController();
    const given = registry.empty(giveUp.signal);
    giveUp.abort();
    await given;
    expect(registry.all()).toHaveLength(1);
  });
});

describe('fail points', () => {
  it.each([
    ['before:place:2', ['-', '-', 'SIGKILL', '-']],
    ['before:place', ['SIGKILL', '-', '-', '-']],
    ['after:place:1:stop', ['-', 'SIGSTOP', '-', '-']],
    ['before:settle:1', ['-', '-', '-', '-']],
    ['nonsense', ['-', '-', '-', '-']],
  ])('%s', (spec, expected) => {
    const signals: string[] = [];
    const points = parseFailPoints(spec, (name) => signals.push(name));
    const seen = (['before', 'after', 'before', 'after'] as const).map((when) => {
      signals.length = 0;
      points[when]('place');
      return signals[0] ?? '-';
    });
    expect(seen).toEqual(expected);
    expect(STEPS).toContain('place');
  });
});

describe('patience with the database', () => {
  const log = { warn: () => undefined } as never;
  const quick = { ...createClock(), sleep: () => Promise.resolve() };

  it('P1: evidence is written until it is acknowledged', async () => {
    let tries = 0;
    const write = (): Promise<string> => {
      tries += 1;
      return tries < 25 ? Promise.reject(new Error('away')) : Promise.resolve('written');
    };
    expect(await persist({ clock: quick, random: () => 0, log, abandon: new AbortController().signal }, 'x', write)).toBe('written');
    expect(tries).toBe(25);
  });

  it('P6: or until the process lets go', async () => {
    const abandon = new AbortController();
    let tries = 0;
    const write = (): Promise<never> => {
      tries += 1;
      if (tries === 3) abandon.abort();
      return Promise.reject(new Error('away'));
    };
    expect(await persist({ clock: quick, random: () => 0, log, abandon: abandon.signal }, 'x', write)).toBeNull();
    expect(tries).toBe(3);
    expect(await persist({ clock: quick, random: () => 0, log, abandon: abandon.signal }, 'x', write)).toBeNull();
    expect(tries).toBe(3);
  });

  it('what may be passed over is given up when the answer is no, ten times in a row', async () => {
    let tries = 0;
    const write = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new Error(tries === 5 ? 'away' : 'no'));
    };
    const refusal = (error: unknown): boolean => error instanceof Error && error.message === 'no';
    await expect(
      persist({ clock: quick, random: () => 0, log, abandon: new AbortController().signal }, 'x', write, refusal),
    ).rejects.toThrow('no');
    expect(tries).toBe(15);
  });
});

describe('several creates in a row without a clear answer', () => {
  const UNASKED = {
    alert: () => undefined,
    abandon: new AbortController().signal,
    retell: { probe: () => Promise.reject(new Error('nobody should ask')) },
  };

  it('slow starts down, and one that is accepted or refused begins the row anew: each of them may cost a job an attempt', () => {
    let slowed = 0;
    const slowdown = { trouble: () => (slowed += 1), rateFactor: () => 1, pausedForMs: () => 0 };
    const breaker = { trip: () => undefined } as unknown as Context['breaker'];
    const creates = createRefusals({ ...UNASKED, slowdown, breaker, log: logTo([]) });
    const after = (...what: ('accepted' | 'refused' | 'unclear')[]): number => {
      for (const each of what) creates[each]();
      return slowed;
    };
    expect(after('unclear', 'unclear', 'accepted', 'unclear', 'unclear', 'refused', 'unclear', 'unclear')).toBe(0);
    expect(after('unclear', 'unclear')).toBe(2);
  });

  it('or without any are a provider that is away, until it answers, whatever it says and whatever it is asked', async () => {
    const said: Said[] = [];
    const slowdown = { trouble: () => undefined, rateFactor: () => 1, pausedForMs: () => 0 };
    const breaker = { trip: () => undefined } as unknown as Context['breaker'];
    const answers: ProbeReply[] = ['unavailable', 'account'];
    let asked = 0;
    const probe = (): Promise<ProbeReply> => Promise.resolve(answers[(asked += 1) - 1] ?? 'ok');
    const creates = createRefusals({ ...UNASKED, slowdown, breaker, log: logTo(said), retell: { probe } });
    await creates.askAgain();
    expect(asked).toBe(0);
    for (let n = 0; n < 5; n += 1) {
      expect(creates.away()).toBe(n < 3 ? null : 'ECONNREFUSED');
      creates.unreachable('ECONNREFUSED');
    }
    creates.reached();
    expect(creates.away()).toBeNull();
    expect(said.map(({ level }) => level)).toEqual(['warn', 'info']);
    for (let n = 0; n < 3; n += 1) creates.unreachable('ECONNREFUSED');
    await Promise.all([creates.askAgain(), creates.askAgain()]);
    expect({ asked, away: creates.away() }).toEqual({ asked: 1, away: 'ECONNREFUSED' });
    await creates.askAgain();
    expect({ asked, away: creates.away() }).toEqual({ asked: 2, away: null });
  });
});
