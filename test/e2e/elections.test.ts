/** A replica set whose members change roles while calls are placed and settled (P1, P2, P5). */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startFaultProxySet } from '../support/fault-proxy-set.js';
import type { Election } from '../support/fault-proxy-set.js';
import { hasReplicaSet } from '../support/mongo.js';
import { withWorld } from '../support/world.js';

const JOBS = 100;
const ELECTIONS = 10;
const KINDS: readonly Election['how'][] = ['step-down', 'cut', 'crash'];

it.skipIf(hasReplicaSet())(
  'P1 P2 P5: ten elections while a hundred contacts are called lose no job, dial nobody twice and charge each call once',
  { timeout: 90_000 },
  () =>
    withWorld('elections', { simulator: { speed: 150 }, env: { CALLS_PER_SECOND: '20', WORKER_COUNT: '16' } }, async (world) => {
      await world.account();
      await world.batch();
      // Answered at once, answered at the second try, never answered: every transition has its elections.
      await world.jobs(Array.from({ length: JOBS }, (_, n) => ({ patterns: [['900', '901', '910', '902'][n % 4] ?? '900'] })));
      const set = await startFaultProxySet(world.mongoUri);
      try {
        const env = { MONGO_SOCKET_TIMEOUT_SECONDS: '2', MONGO_SELECTION_TIMEOUT_SECONDS: '3' };
        const daemons = await Promise.all([world.daemon({ mongoUri: set.uri, env }), world.daemon({ mongoUri: set.uri, env })]);
        await Promise.all(daemons.map((daemon) => daemon.ready));
        // It takes the set for one, and lives without the change streams that only a real one has.
        await daemons[0].line((line) => line['msg'] === 'the change stream was lost; polling goes on', 'it polls');
        for (let n = 0; n < ELECTIONS; n += 1) {
          // Each falls among calls that are being placed: after the next dials, whatever the machine's speed.
          await world.dialled(Math.min(JOBS, (n + 1) * 8));
          expect(await set.elect({ how: KINDS[n % KINDS.length] ?? 'cut', unconfirmed: 40, withoutPrimaryMs: 150 + 50 * (n % 4) })).toBe(true); // prettier-ignore
          await delay(100);
        }
        const { jobs } = await world.quiet();
        expect(jobs).toHaveLength(JOBS);
        expect(await world.books()).toEqual([]);
        // Some of what the daemons wrote was done by a primary that could not confirm it, and confirmed by its successor.
        expect(set.repeatedAnswers()).toBeGreaterThan(0);
        expect(daemons.filter((daemon) => daemon.hasEnded())).toEqual([]);
        for (const daemon of daemons) expect((await daemon.stop()).code).toBe(0);
      } finally {
        await set.close();
      }
    }),
);
