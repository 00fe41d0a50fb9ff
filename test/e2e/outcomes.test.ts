/** Every way a call can end, through the real daemon: what becomes of the job is what config/outcomes.json says. */

import { describe, expect, it } from 'vitest';
import { PATTERNS } from '../../src/simulator/patterns.js';
import { withWorld } from '../support/world.js';

/** Written down here by hand, so that a slip in the table is not repeated by its test. One attempt, one free transient call. */
const ENDS = {
  answered: { status: 'done', attempts: 1, dials: 1 },
  voicemail: { status: 'failed', attempts: 1, dials: 1 },
  no_answer: { status: 'failed', attempts: 1, dials: 1 },
  busy: { status: 'failed', attempts: 1, dials: 1 },
  bad_number: { status: 'failed', attempts: 1, dials: 1 },
  dial_failed: { status: 'failed', attempts: 1, dials: 1 },
  caller_id: { status: 'failed', attempts: 1, dials: 2 },
  transient: { status: 'failed', attempts: 1, dials: 2 },
  no_contact: { status: 'failed', attempts: 1, dials: 1 },
  operator: { status: 'suspended', attempts: 1, dials: 1 },
  unknown: { status: 'suspended', attempts: 1, dials: 1 },
} as const;

const EXPECTED: Readonly<Record<string, keyof typeof ENDS>> = {
  success: 'answered', user_hangup: 'answered', agent_hangup: 'answered', call_transfer: 'answered', transfer_bridged: 'answered',
  transfer_cancelled: 'answered', call_take_over: 'answered', inactivity: 'no_answer', max_duration_reached: 'answered',
  user_requested_dnc: 'no_contact', voicemail_reached: 'voicemail', ivr_reached: 'voicemail', voicemail_by_analysis: 'voicemail',
  voicemail_by_reason: 'voicemail', dial_no_answer: 'no_answer', user_declined: 'no_answer', dial_busy: 'busy',
  invalid_destination: 'bad_number', dial_failed: 'dial_failed', marked_as_spam: 'caller_id', network_blocked: 'caller_id',
  telephony_provider_unavailable: 'transient', concurrency_limit_reached: 'transient', error_retell: 'transient', error_asr: 'transient',
  error_unknown: 'transient', error_no_audio_received: 'transient', registered_call_timeout: 'transient', sip_routing_error: 'transient',
  no_concurrency_fallback: 'transient', error_user_not_joined: 'transient', error_llm_websocket_lost_connection: 'transient',
  error_llm_websocket_runtime: 'transient', error_llm_websocket_corrupt_payload: 'transient', manual_stopped: 'operator',
  unknown_reason: 'unknown', unknown_status: 'answered', unknown_live_status: 'answered', no_analysis: 'answered', long_talk: 'answered',
  late_analysis: 'answered', unknown_error: 'transient', unknown_dial: 'dial_failed',
}; // prettier-ignore

const ACCOUNT = [
  'error_llm_websocket_open',
  'no_valid_payment',
  'scam_detected',
  'telephony_provider_permission_denied',
  'credit_exhausted',
  'budget_reached',
];

describe('P2, P5: calls end', () => {
  it('covers every number pattern of the simulator', () => {
    const known = [...Object.keys(EXPECTED), ...ACCOUNT, 'no_cost'].sort();
    expect(PATTERNS.map((pattern) => pattern.name).sort()).toEqual(known);
  });

  it('for every reason and status, known and unknown, in the state that is documented', { timeout: 90_000 }, () =>
    withWorld('outcomes', { env: { TRANSIENT_RETRIES: '1', WORKER_COUNT: '60' } }, async (world) => {
      await world.account();
      await world.batch();
      const patterns = PATTERNS.filter((pattern) => Object.hasOwn(EXPECTED, pattern.name));
      const ids = await world.jobs(patterns.map(({ digits }) => ({ patterns: [digits], fields: { max_attempts: 1 } })));
      const daemon = await world.daemon();
      const { jobs } = await world.quiet(true, 50_000);

      const found = patterns.map(({ name, digits }, n) => {
        const job = jobs.find((one) => one['job_id'] === ids[n]);
        const dials = world.dials().filter((dial) => dial.to?.endsWith(digits)).length;
        return { name, class: job?.['call_result']?.outcome_class, status: job?.['status'], attempts: job?.['attempts'], dials };
      });
      expect(found).toEqual(patterns.map(({ name }) => ({ name, class: EXPECTED[name], ...ENDS[EXPECTED[name] ?? 'unknown'] })));
      expect(await world.books()).toEqual([]);
      expect((await world.db.collection('suppressions').find({}).toArray()).length).toBe(1);
      expect(daemon.lines().filter((line) => line['level'] === 'error' && /for an unknown reason/.test(String(line['msg'])))).toHaveLength(
        1,
      );
      expect((await daemon.stop()).code).toBe(0);
    }),
  );

  it('by a fault of the account: dialling stops, loudly, and the jobs wait uncounted', { timeout: 90_000 }, () =>
    withWorld('account faults', { simulator: { speed: 0 } }, async (world) => {
      await world.account();
      await world.batch();
      const digits = ACCOUNT.map((name) => PATTERNS.find((pattern) => pattern.name === name)?.digits ?? '');
      const ids = await world.jobs(digits.map((pattern) => ({ patterns: [pattern] })));
      const daemon = await world.daemon();
      await world.dialled(ids.length);
      world.simulator.setSpeed(400);
      await daemon.line((line) => line['msg'] === 'dialling stopped: the account is refused' && line['level'] === 'error', 'it said so');
      const { jobs, attempts } = await world.quiet(false);
      await world.jobs([{}]);
      expect(jobs.map(({ status, attempts: counted, transient_calls: free }) => ({ status, counted, free }))).toEqual(
        ids.map(() => ({ status: 'pending', counted: 0, free: 1 })),
      );
      // What was claimed again while the refusal was heard of is given back undialled.
      const called = attempts.filter((attempt) => attempt['state'] !== 'void');
      expect(called.map((attempt) => attempt['outcome']?.class)).toEqual(ids.map(() => 'account'));
      expect((await daemon.stop()).code).toBe(0);
      expect(world.dials()).toHaveLength(ids.length);
      expect(await world.books()).toEqual([]);
    }),
  );

  it('without a price: what it seems to have cost stays held, the job goes on', { timeout: 90_000 }, () =>
    withWorld('no cost', {}, async (world) => {
      await world.account();
      await world.batch();
      await world.jobs([{ patterns: ['994'] }]);
      const daemon = await world.daemon();
      await daemon.event('settled');
      await daemon.stop();
      const { jobs, ledgers, attempts } = await world.records();
      expect(jobs[0]).toMatchObject({ status: 'done', attempts: 1 });
      expect(attempts[0]).toMatchObject({ state: 'settled', open: false, cost: { final: false } });
      expect(attempts[0]?.['look_at']).toBeInstanceOf(Date);
      const cost = Number(attempts[0]?.['cost']?.micros);
      expect(cost).toBeGreaterThan(0);
      expect(ledgers[0]).toMatchObject({ used_micros: 0, held_micros: cost });
    }),
  );
});
