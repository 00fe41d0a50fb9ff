/** P5: what others read of batches and accounts is right again after any crash, any write that failed, and a day without calls. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Board } from '../../src/runner/board.js';
import type { Context } from '../../src/runner/context.js';
import { createPictures } from '../../src/runner/pictures.js';
import { createClock } from '../../src/telemetry/clock.js';
import { account, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';

const painted = (failures: number, project = (_: string): Promise<void> => Promise.resolve()) => {
  const counted: string[] = [];
  const projected: string[] = [];
  let left = failures;
  const mayFail = (): Promise<void> => ((left -= 1) >= 0 ? Promise.reject(new Error('away')) : Promise.resolve());
  const abandon = new AbortController();
  const real = createClock();
  let aheadMs = 0;
  const cx = {
    store: {
      time: { now: () => new Date() },
      recount: { batch: (id: string) => mayFail().then(() => (counted.push(id), 0)) },
      ledgers: {
        project: (id: string) =>
          project(id)
            .then(mayFail)
            .then(() => void projected.push(id)),
      },
    },
    clock: {
      ...real,
      mark: () => ({ monoMs: real.mark().monoMs + aheadMs, wallMs: real.mark().wallMs + aheadMs }),
      elapsedMs: (since: { monoMs: number }) => real.mark().monoMs + aheadMs - since.monoMs,
      sleep: () => real.sleep(1),
    },
    log: { debug: () => undefined },
    policy: { defaultTimezone: 'UTC' },
    abandon: abandon.signal,
  };
  const board = {
    staleAccounts: () => [],
    account: () => 'missing',
    groups: () => [{ batch: { id: 'open' } }, { batch: { id: null } }],
    closed: () => [{ batch: { id: 'closed' } }],
  };
  const pictures = createPictures(cx as unknown as Context, board as unknown as Board);
  return { pictures, counted, projected, later: (ms: number) => (aheadMs += ms), end: () => abandon.abort() };
};

describe('pictures', () => {
  it('count every batch at the start, and again from time to time: who moved the last job may have died', async () => {
    const { pictures, counted, later, end } = painted(0);
    const running = pictures.run();
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['closed', 'open']);
    later(601_000);
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['closed', 'closed', 'open', 'open']);
    end();
    await running;
  });

  it('are painted again when it failed', async () => {
    const { pictures, counted, projected, end } = painted(3);
    pictures.touched('acc-1', 'b-1');
    pictures.touched(null, 'b-2');
    const running = pictures.run();
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['b-1', 'b-2', 'closed', 'open']);
    expect(projected).toEqual(['acc-1']);
    end();
    await running;
  });

  it('P7: are painted of the others, where one is refused for good or changes all the time', async () => {
    const busy: { touch?: () => void } = {};
    const project = async (id: string): Promise<void> => {
      if (id === 'refused') throw new Error('Document failed validation');
      busy.touch?.();
    };
    const { pictures, counted, projected, end } = painted(0, project);
    busy.touch = () => pictures.touched('busy', null);
    for (const id of ['refused', 'busy', 'quiet']) pictures.touched(id, null);
    const running = pictures.run();
    await expect.poll(() => counted.toSorted(), { interval: 2 }).toEqual(['closed', 'open']);
    expect(projected).toEqual(expect.arrayContaining(['busy', 'quiet']));
    end();
    await running;
  });
});

describe('of a day without calls', () => {
  let world: StoreWorld;
  beforeAll(async () => {
    world = await openStoreWorld();
  });
  afterAll(() => world.close());

  it("yesterday's calls do not fill today's limit, though nobody was called today", async () => {
    const accounts = world.database.db.collection('accounts');
    await accounts.insertOne({
      account_id: 'acc-1',
      plan_type: 'credit_based',
      status: 'active',
      country: 'CL',
      credit_balance: 100,
      calls_today: 7,
    });
    await world.database.db.collection('batches').insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true });
    await world.store.ledgers.hold(account(), 't1', { micros: 0, ms: 0 }, [{ key: 'a:2026-11-20', max: null }]);
    await world.store.ledgers.charge('acc-1', 't1', { micros: 0, ms: 0, final: true });

    const { cx, board } = openRunner(world.store);
    await board.fresh();
    await createPictures(cx, board).flush();
    expect(await accounts.findOne({ account_id: 'acc-1' })).toMatchObject({ calls_today: 0, credit_used: 0 });
  });
});
