/** Another program writes to the same documents in mid-call, without asking. */

import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { withWorld } from '../support/world.js';

it(
  'P3, P5: jobs replaced, deleted and cancelled in mid-call: each call is followed and charged once, no job comes back',
  { timeout: 90_000 },
  () =>
    withWorld('rivals', { simulator: { speed: 0 } }, async (world) => {
      await world.account();
      await world.batch();
      const [replaced = '', deleted = '', cancelled = '', retried = ''] = await world.jobs([
        {},
        {},
        { patterns: ['930'] },
        { patterns: ['930'] },
      ]);
      const daemon = await world.daemon();
      await eventually(world.records, ({ attempts }) =>
        attempts.filter((one) => one['state'] === 'live').length === 4 ? null : 'not all live',
      );

      const jobs = world.db.collection<Document>('jobs');
      const before = await world.job(replaced);
      const { lease_token: _token, worker_id: _worker, reserved_until: _until, ...old } = before;
      await jobs.replaceOne({ job_id: replaced }, { ...old, status: 'done', note: 'written whole by another program' });
      await jobs.deleteOne({ job_id: deleted });
      await jobs.updateOne({ job_id: cancelled }, { $set: { status: 'cancelled' } });
      await jobs.updateOne({ job_id: retried }, { $set: { cancel_requested: true } });
      world.simulator.setSpeed(400);
      await world.quiet();

      expect(await world.job(replaced)).toMatchObject({ status: 'done', attempts: 0, note: 'written whole by another program' });
      expect(await world.job(deleted)).toEqual({});
      expect(await world.job(cancelled)).toMatchObject({ status: 'cancelled', attempts: 1, call_result: { outcome_class: 'busy' } });
      expect(await world.job(retried)).toMatchObject({ status: 'cancelled', attempts: 1 });
      expect(world.dials()).toHaveLength(4);
      // The replaced document knows nothing of the attempt; the attempt and the ledger do.
      expect((await world.books()).filter((fault) => !fault.startsWith(`job ${replaced} counts`))).toEqual([]);
      expect((await daemon.stop()).code).toBe(0);
    }),
);

it('P1, P4: a job replaced by a fresh one in mid-call is dialled again only when that call is over', { timeout: 90_000 }, () =>
  withWorld('replaced by a fresh one', { simulator: { speed: 0 } }, async (world) => {
    await world.account();
    await world.batch();
    const [id = ''] = await world.jobs([{}]);
    const daemon = await world.daemon();
    await eventually(world.records, ({ attempts }) => (attempts[0]?.['state'] === 'live' ? null : 'not live'));
    const { lease_token: _token, reserved_until: _until, ...old } = await world.job(id);
    await world.db.collection<Document>('jobs').replaceOne({ job_id: id }, { ...old, status: 'pending' });
    // Claimed and given back, again and again, because the number's lock is held.
    await eventually(
      () => daemon.lines().filter((line) => line['path'] === '/v2/create-phone-call').length,
      (creates) => (creates === 1 ? null : `${creates} creates`),
    );
    await eventually(world.records, ({ jobs }) => (jobs[0]?.['reserved_until'] instanceof Date ? null : 'it was not claimed yet'));
    expect(world.dials()).toHaveLength(1);
    world.simulator.setSpeed(400);
    await world.quiet();
    expect(world.dials()).toHaveLength(2);
    expect(world.simulator.check()).toEqual([]);
    expect(await world.job(id)).toMatchObject({ status: 'done', attempts: 1 });
  }),
);

it(
  'P5: an account overwritten with a stale whole document shows what was used again, and the ledger never loses it',
  { timeout: 90_000 },
  () =>
    withWorld('stale account', {}, async (world) => {
      await world.account();
      await world.batch();
      const accounts = world.db.collection<Document>('accounts');
      const stale = (await accounts.findOne({ account_id: 'acc-1' })) ?? {};
      await world.jobs([{}, {}, {}]);
      await world.daemon();
      await world.quiet();
      const used = Number((await world.records()).ledgers[0]?.['used_micros']);
      expect(used).toBeGreaterThan(0);

      await accounts.replaceOne({ account_id: 'acc-1' }, { ...stale, credit_balance: 20_000 });
      await eventually(
        () => accounts.findOne({ account_id: 'acc-1' }),
        (account) => (Math.abs(Number(account?.['credit_used']) - used / 1e6) < 1e-9 ? null : `it shows ${account?.['credit_used']}`),
      );
      expect(await accounts.findOne({ account_id: 'acc-1' })).toMatchObject({ credit_balance: 20_000 });
      await world.jobs([{}]);
      await world.quiet();
      expect(await world.books()).toEqual([]);
    }),
);
