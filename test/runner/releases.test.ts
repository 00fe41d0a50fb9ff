/** P2, P4: jobs given back without a call: when they come back, with which words, and that none of it costs an attempt. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reason } from '../../src/domain/decision.js';
import { readJob } from '../../src/domain/read-job.js';
import { createReleases } from '../../src/runner/releases.js';
import type { Claim } from '../../src/runner/claim.js';
import type { Refused } from '../../src/runner/verdict.js';
import { inMs, newId, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner } from './support.js';
import type { Runner } from './support.js';

const reason = (code: string, until: Date | null = null): Reason => ({ code, text: `because of ${code}`, source: 'x', until });
const refusal = (more: Partial<Refused>): Refused => ({
  kind: 'refused',
  refusal: 'request',
  httpStatus: 422,
  message: 'no such agent',
  retryAfterMs: null,
  ...more,
});

describe('a job given back', () => {
  let world: StoreWorld;
  let runner: Runner;
  beforeAll(async () => {
    world = await openStoreWorld();
    runner = openRunner(world.store);
  });
  afterAll(() => world.close());

  const back = async (
    give: (claim: Claim) => Promise<void>,
    more: Document = {},
    dueBefore: unknown = null,
  ): Promise<Document & { waitsMs: number }> => {
    const id = newId();
    const doc = {
      _id: id,
      job_id: id,
      status: 'in_progress',
      lease_token: 't',
      attempts: 1,
      reserved_until: inMs(30_000),
      contact: { phones: ['+56911112222'] },
      ...more,
    };
    await world.database.db.collection<Document & { _id: string }>('jobs').insertOne(doc);
    const reading = readJob(doc);
    if (reading.kind !== 'job') throw new Error(reading.why);
    const before = Date.now();
    await give({ job: reading.job, token: 't', claimed: runner.cx.clock.mark(), dueBefore, notStarted: () => undefined });
    const end: Document = (await world.database.db.collection<Document & { _id: string }>('jobs').findOne({ _id: id })) ?? {};
    expect(end).toMatchObject({ attempts: 1 });
    expect(end).not.toHaveProperty('lease_token');
    return { ...end, waitsMs: end['reserved_until'] instanceof Date ? end['reserved_until'].getTime() - before : -1 };
  };
  const within = (ms: number, from: number, to: number): void => {
    expect(ms).toBeGreaterThanOrEqual(from - 200);
    expect(ms).toBeLessThanOrEqual(to + 2_000);
  };

  it('waits until its rules open, with all reasons', async () => {
    const until = inMs(3_600_000);
    const doc = await back((claim) =>
      runner.parts.releases.decided(claim, { kind: 'wait', until, reasons: [reason('WINDOW_CLOSED', until), reason('LIMIT')] }),
    );
    expect(doc).toMatchObject({ status: 'pending', reserved_until: until, last_error: 'because of WINDOW_CLOSED because of LIMIT' });
  });

  it('keeps its place when its batch is only paused', async () => {
    const due = inMs(-50_000);
    const doc = await back(
      (claim) => runner.parts.releases.decided(claim, { kind: 'wait', until: null, reasons: [reason('PAUSED')] }),
      {},
      due,
    );
    expect(doc).toMatchObject({ status: 'pending', reserved_until: due });
  });

  it('is looked at again after a while when nobody knows until when', async () => {
    const doc = await back((claim) =>
      runner.parts.releases.decided(
        { ...claim, job: { ...claim.job, batch: 'b' } },
        { kind: 'wait', until: null, reasons: [reason('ACCOUNT_MISSING')] },
      ),
    );
    within(doc.waitsMs, 60_000, 60_000);
  });

  it('nor until when, but not before the last of what is known: a block of a month in a batch of a week is no job for every minute', async () => {
    const ends = inMs(30 * 86_400_000);
    const reasons = [{ ...reason('SUPPRESSED'), until: ends }, reason('EXPIRED')];
    const doc = await back((claim) =>
      runner.parts.releases.decided({ ...claim, job: { ...claim.job, batch: 'b' } }, { kind: 'wait', until: null, reasons }),
    );
    expect(doc).toMatchObject({ status: 'pending', reserved_until: ends });
  });

  it.each([
    ['without a batch that could be closed for all of them', null, 'ACCOUNT_INACTIVE'],
    ['one of the many new ones of a batch that drains', 'b', 'DRAINING'],
  ])('P9: nor until when, %s: after a longer while, each at another moment', async (_, batch, code) => {
    const doc = await back((claim) =>
      runner.parts.releases.decided({ ...claim, job: { ...claim.job, batch } }, { kind: 'wait', until: null, reasons: [reason(code)] }),
    );
    within(doc.waitsMs, 600_000, 1_200_000);
  });

  it.each(['done', 'completed'] as const)('is %s without a word of an error where an earlier success makes it so', async (status) => {
    const { policy } = runner.cx;
    const releases = createReleases({ ...runner.cx, policy: { ...policy, successStatus: status } }, runner.parts.refusals, () => undefined);
    const doc = await back(
      (claim) => releases.decided(claim, { kind: 'stop', status, suspendReason: null, reasons: [reason('SUCCEEDED')] }),
      {
        call_result: { success: true, details: 'kept' },
      },
    );
    expect(doc).toMatchObject({ status, reserved_until: null, call_result: { success: true, details: 'kept' } });
    expect(doc['last_error']).toBeUndefined();
    expect(doc['completed_at']).toBeInstanceOf(Date);
  });

  it.each([
    ['failed', null],
    ['suspended', 'no_credit'],
    ['cancelled', null],
  ] as const)('is %s for good when its rules say so', async (status, suspendReason) => {
    const doc = await back((claim) =>
      runner.parts.releases.decided(claim, { kind: 'stop', status, suspendReason, reasons: [reason('X')] }),
    );
    expect(doc).toMatchObject({
      status,
      reserved_until: null,
      last_error: 'because of X',
      ...(suspendReason === null ? {} : { suspend_reason: suspendReason }),
    });
  });

  it('comes back soon when its line is in another call, in its old place when nothing stands in its way', async () => {
    within((await back((claim) => runner.parts.releases.busy(claim))).waitsMs, 500, 1_000);
    expect(await back((claim) => runner.parts.releases.again(claim), {}, 'text')).toMatchObject({
      status: 'pending',
      reserved_until: 'text',
    });
  });

  it('the provider’s rate limit counts against nobody', async () => {
    const doc = await back((claim) => runner.parts.releases.refused(claim, refusal({ refusal: 'rate', retryAfterMs: 4_000 })));
    within(doc.waitsMs, 4_000, 5_000);
    expect(doc).not.toHaveProperty('refusals');
  });

  it.each(['account', 'unreachable'] as const)('a refusal because of the %s is not the job’s', async (kind) => {
    const doc = await back((claim) => runner.parts.releases.refused(claim, refusal({ refusal: kind })));
    expect(doc).toMatchObject({ status: 'pending' });
    expect(doc).not.toHaveProperty('refusals');
  });

  it('P2: a job that the provider refuses again and again is set aside, not tried for ever', async () => {
    const first = await back((claim) => runner.parts.releases.refused(claim, refusal({})));
    expect(first).toMatchObject({ status: 'pending', refusals: 1 });
    within(first.waitsMs, 60_000, 120_000);
    const last = await back((claim) => runner.parts.releases.refused(claim, refusal({})), { refusals: 1 });
    expect(last).toMatchObject({ status: 'suspended', suspend_reason: 'refused', refusals: 2 });
  });

  it('P7: one that cannot be understood says why', async () => {
    const id = newId();
    await world.database.db.collection<Document & { _id: string }>('jobs').insertOne({ _id: id, status: 'in_progress', lease_token: 't' });
    await runner.parts.releases.unreadable(id, 't', '$its phones are no list');
    expect(await world.store.jobs.byId(id)).toMatchObject({
      status: 'suspended',
      suspend_reason: 'unreadable',
      last_error: '$its phones are no list',
    });
  });
});
