/** What SpeechAI's Python worker left behind, and what it does when it is still there. */

import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { phoneThat, withWorld } from '../support/world.js';

const ago = (ms: number): Date => new Date(Date.now() - ms);

/** In progress under an old worker whose lease is over. */
const left = (fields: Document): Document => ({
  status: 'in_progress',
  worker_id: 'bot-3',
  reserved_until: ago(5_000),
  is_calling: true,
  ...fields,
});

it(
  'P1, P2: calls of the old worker are followed where there are any, and its jobs counted as one attempt where there are none',
  { timeout: 90_000 },
  () =>
    withWorld('old worker left', { simulator: { speed: 0 } }, async (world) => {
      await world.account();
      await world.batch();
      const [known, byNumber, ringing] = [phoneThat('900'), phoneThat('900'), phoneThat('900')];
      const othersCall = phoneThat('901');
      const othersCallId = await world.ring(othersCall, { attempt_id: 'of-another-job' });
      world.simulator.advance(200_000);
      const callId = await world.ring(known);
      await world.ring(byNumber);
      // Answered: only calls that were have a start.
      world.simulator.advance(25_000);
      await world.ring(ringing);
      const started = ago(40_000);
      const success = { success: true, status: 'ended', summary: { disconnection_reason: 'user_hangup' }, details: { transcript: 'kept' } };
      const succeeded = await world.jobs([
        // Its worker went down between the result and the status, or somebody asked for another try.
        { fields: left({ started_at: started, call_id: 'call_before', call_result: success, attempts: 1 }) },
        { fields: { call_id: 'call_before', call_result: success, attempts: 1 } },
      ]);
      const [withCall = '', unknownCall = '', noId = '', stillRinging = '', nothing = '', stale = '', shared = ''] = await world.jobs([
        { phones: [known], fields: left({ started_at: started, call_id: callId, call_started_at: ago(35_000) }) },
        // Its call is known to nobody any more, and older than any call can be.
        { fields: left({ started_at: ago(7_200_000), call_id: 'call_of_another_workspace', call_started_at: ago(7_195_000) }) },
        { phones: [byNumber], fields: left({ started_at: started }) },
        { phones: [ringing], fields: left({ started_at: started }) },
        { fields: left({ started_at: started }) },
        // The id of an earlier attempt's call says nothing about this one, which he counted when he began it.
        { fields: left({ started_at: started, call_id: 'call_of_last_week', call_started_at: ago(600_000_000), attempts: 2 }) },
        // There was a call to its number, but another job's.
        { phones: [othersCall], fields: left({ started_at: started }) },
      ]);
      const daemon = await world.daemon();
      await daemon.line(() => daemon.lines().filter((line) => line['event'] === 'rescued').length === 8, 'it took all eight');
      world.simulator.setSpeed(200);
      await world.quiet();

      expect(await world.job(withCall)).toMatchObject({ status: 'done', attempts: 1, call_result: { call_id: callId } });
      expect(await world.job(noId)).toMatchObject({ status: 'done', attempts: 1 });
      expect(await world.job(stillRinging)).toMatchObject({ status: 'done', attempts: 1 });
      expect(await world.job(unknownCall)).toMatchObject({ status: 'suspended', suspend_reason: 'review', attempts: 1 });
      expect(await world.job(nothing)).toMatchObject({ status: 'done', attempts: 2 });
      expect(await world.job(stale)).toMatchObject({ status: 'done', attempts: 3 });
      expect(await world.job(shared)).toMatchObject({ status: 'done', attempts: 2 });
      for (const id of succeeded) expect(await world.job(id)).toMatchObject({ status: 'done', attempts: 1, call_result: success });
      // Three of the old worker's own and another job's; one each for the three jobs of whose call nobody knows.
      expect(world.dials()).toHaveLength(7);
      expect(world.simulator.check()).toEqual([]);
      const { ledgers, jobs } = await world.records();
      expect(ledgers).toMatchObject([{ held_micros: 0, holds: {} }]);
      const booked = world.simulator.ledger().filter((entry) => entry.callId !== othersCallId);
      const costs = booked.reduce((sum, entry) => sum + Math.round((entry.costCents ?? 0) * 10_000), 0);
      // Nobody can say what the unknown call cost: the account's own tariff of a failed call, one cent.
      expect(ledgers[0]?.['used_micros']).toBe(costs + 10_000);
      expect(jobs.filter((job) => job['lease_token'] !== undefined)).toEqual([]);
    }),
);

it('P1: while an old worker is alive nothing is dialled, and it is said; when it has stopped, dialling begins', { timeout: 90_000 }, () =>
  withWorld('old worker alive', {}, async (world) => {
    await world.account();
    await world.batch();
    const [held = ''] = await world.jobs([{ fields: left({ reserved_until: new Date(Date.now() + 600_000), started_at: ago(1_000) }) }]);
    await world.jobs([{}, {}]);
    const daemon = await world.daemon();
    const said = await daemon.line((line) => String(line['msg']).startsWith('an old worker is still at work'), 'it complained');
    expect(said).toMatchObject({ level: 'error', workers: ['bot-3'] });
    // Several looks for work later there is still no call.
    const looks = daemon.lines().length;
    const later = performance.now();
    await eventually(() => performance.now() - later, (ms) => (ms > 1_500 ? null : `${ms} ms`)); // prettier-ignore
    expect(daemon.lines().length).toBeGreaterThanOrEqual(looks);
    expect(world.dials()).toEqual([]);
    expect(await world.job(held)).toMatchObject({ status: 'in_progress', worker_id: 'bot-3' });

    await world.db.collection('jobs').updateOne({ job_id: held }, { $set: { status: 'done' } });
    await world.quiet();
    expect(world.dials()).toHaveLength(2);
  }),
);
