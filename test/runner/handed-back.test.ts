/** What a settlement owes to whoever met it half way: a rescuer that hands the job back, a picture painted too early. */

import { expect, it } from 'vitest';
import type { NextStep } from '../../src/domain/call.js';
import { NO_FAIL_POINTS } from '../../src/runner/failpoints.js';
import type { Context } from '../../src/runner/context.js';
import { createSettler } from '../../src/runner/settle.js';
import type { SettledAttempt } from '../../src/runner/call.js';
import { createClock } from '../../src/telemetry/clock.js';

const DONE: NextStep = {
  status: 'done', phoneIndex: 0, dueAt: null, countsAttempt: true, countsTransient: false, badLine: null, suspendReason: null,
  lastError: null, why: 'answered',
}; // prettier-ignore

const ATTEMPT: SettledAttempt = {
  _id: 'T', job: 'job-1', job_ref: 'job-1', account: null, batch: null, workspace: 'w', to_number: '', from_number: '', line: 'l', person: null,
  phone_index: 0, ring_ms: 1, max_duration_ms: 1, estimate: { micros: 0, ms: 0 }, counts: [], timezone: 'UTC', dial_by: new Date(0),
  cost: { micros: 0, ms: 0, final: true }, next: DONE,
}; // prettier-ignore

/** A job in a rescuer's hands, which hands it back under our token after so many looks at it. */
const settlement = async (looksUntilHandedBack: number, status = 'in_progress'): Promise<{ settled: boolean; finished: boolean }> => {
  let token = 'T2';
  let looks = 0;
  let settled = false;
  let finished = false;
  const cx = {
    store: {
      time: { now: () => new Date(0) },
      jobs: {
        settle: (_id: unknown, own: string) => {
          settled ||= own === token;
          return Promise.resolve(own === token);
        },
        byId: () => {
          looks += 1;
          if (looks >= looksUntilHandedBack) token = 'T';
          return Promise.resolve({ _id: 'job-1', status, lease_token: token });
        },
      },
      attempts: {
        byId: (id: string) => Promise.resolve(id === 'T' ? { _id: 'T' } : null),
        finish: () => {
          finished = true;
          return Promise.resolve({ matched: 1, upserted: false });
        },
      },
    },
    clock: createClock(),
    random: () => 0,
    failPoints: NO_FAIL_POINTS,
    journal: { write: () => undefined },
    timing: { leaseMs: 20, secondLookMs: 1 },
    abandon: new AbortController().signal,
  };
  const board = { batchOf: () => Promise.resolve(null), account: () => 'missing' as const, countryOf: () => Promise.resolve(null) };
  const settler = createSettler(cx as unknown as Context, board, () => undefined);
  await settler.finishSettled(ATTEMPT);
  return { settled, finished };
};

it.each([1, 2, 5])(
  'P1, P2: a job that a rescuer hands back at look %i is told about its call, or it would be dialled again',
  async (looks) => {
    expect(await settlement(looks)).toEqual({ settled: true, finished: true });
  },
);

it('P3: so is one that was cancelled while the rescuer had it', async () => {
  expect(await settlement(1, 'cancelled')).toEqual({ settled: true, finished: true });
});

it('P5: money given back is shown on the account: it may have been painted while it was held', async () => {
  const painted: string[] = [];
  const done = { matched: 1, upserted: false };
  const cx = {
    me: 'me',
    store: { attempts: { annul: () => Promise.resolve(done) }, ledgers: { cancel: () => Promise.resolve(done) } },
    failPoints: NO_FAIL_POINTS,
    abandon: new AbortController().signal,
  };
  const settler = createSettler(
    cx as unknown as Context,
    {} as Parameters<typeof createSettler>[1],
    (account) => void painted.push(account),
  );
  await settler.annul({ ...ATTEMPT, account: 'acc-1' }, 'refused');
  expect(painted).toEqual(['acc-1']);
});
