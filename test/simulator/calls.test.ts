import { describe, expect, it } from 'vitest';
import { PATTERNS } from '../../src/simulator/patterns.js';
import { HOUR_MS, MINUTE_MS, create, dial, handClock, read, request, simulate } from './support.js';

const stopCall = (simulator: Parameters<typeof request>[0], callId: string): ReturnType<typeof request> =>
  request(simulator, 'POST', `/v2/stop-call/${callId}`);

describe('the life of a call', () => {
  it('goes from registered over ongoing to ended, with analysis later than the end', async () => {
    const script = { '*': [{ outcome: 'success', ringSeconds: 10, talkSeconds: 76, analysisSeconds: 20 }] };
    const scripted = await simulate({ script });
    const callId = await dial(scripted, '+56911112222', { metadata: { attempt_id: 'a1', nested: [1] } });
    expect(callId).toMatch(/^call_[0-9a-f]{27}$/);
    const ringing = await read(scripted, callId);
    expect(ringing).toMatchObject({ call_status: 'registered', metadata: { attempt_id: 'a1', nested: [1] } });
    expect(ringing).not.toHaveProperty('start_timestamp');
    expect(ringing).not.toHaveProperty('disconnection_reason');

    scripted.advance(10_000);
    expect(await read(scripted, callId)).toMatchObject({ call_status: 'ongoing', start_timestamp: expect.any(Number) });

    scripted.advance(75_999);
    expect(await read(scripted, callId)).toMatchObject({ call_status: 'ongoing' });
    scripted.advance(1);
    const ended = await read(scripted, callId);
    expect(ended).toMatchObject({
      call_status: 'ended',
      disconnection_reason: 'agent_hangup',
      duration_ms: 76_000,
      end_timestamp: expect.any(Number),
      transcript: expect.stringMatching(/^Agent: .*\nUser: /),
      collected_dynamic_variables: {
        fecha_pago_cliente: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        monto_pago_cliente: expect.stringMatching(/^\d+$/),
      },
      call_cost: { total_duration_seconds: 76 },
    });
    expect(ended).not.toHaveProperty('call_analysis');

    scripted.advance(20_000);
    expect(await read(scripted, callId)).toMatchObject({ call_analysis: { call_successful: true, in_voicemail: false } });
  });

  it('shows a call that nobody answered as Retell does', async () => {
    const simulator = await simulate();
    const callId = await dial(simulator, '+56911112920');
    simulator.advance(29_999);
    expect(await read(simulator, callId)).toMatchObject({ call_status: 'registered' });
    simulator.advance(1);
    const call = await read(simulator, callId);
    expect(call).toMatchObject({
      call_status: 'not_connected',
      disconnection_reason: 'dial_no_answer',
      duration_ms: 0,
      transcript: '',
    });
    expect(call['call_cost']).toEqual({ product_costs: [], combined_cost: 0 });
    expect(call).not.toHaveProperty('start_timestamp');
    expect(call).not.toHaveProperty('end_timestamp');
  });

  it('honours ring_duration_ms and max_call_duration_ms', async () => {
    const simulator = await simulate({ script: { '*': [{ outcome: 'user_hangup', ringSeconds: 50, talkSeconds: 500 }] } });
    const short = await dial(simulator, '+56911112001', { agent_override: { agent: { ring_duration_ms: 5_000 } } });
    const long = await dial(simulator, '+56911112002', {
      agent_override: { agent: { ring_duration_ms: 60_000, max_call_duration_ms: 120_000 } },
    });
    simulator.advance(5_000);
    expect(await read(simulator, short)).toMatchObject({ call_status: 'not_connected', disconnection_reason: 'dial_no_answer' });
    simulator.advance(45_000);
    expect(await read(simulator, long)).toMatchObject({ call_status: 'ongoing' });
    simulator.advance(120_000);
    expect(await read(simulator, long)).toMatchObject({
      call_status: 'ended',
      disconnection_reason: 'max_duration_reached',
      duration_ms: 120_000,
    });
  });

  it.each(PATTERNS.map((pattern) => [pattern.digits, pattern] as const))('...%s ends as the table says', async (digits, pattern) => {
    const simulator = await simulate();
    const callId = await dial(simulator, `+56911112${digits}`);
    simulator.advance(3 * HOUR_MS);
    const call = await read(simulator, callId);
    expect(call).toMatchObject({ call_status: pattern.status, disconnection_reason: pattern.reason });
    expect('start_timestamp' in call).toBe(pattern.talkSeconds !== null);
    expect('call_analysis' in call).toBe(pattern.talkSeconds !== null && pattern.analysisSeconds !== null);
    expect('call_cost' in call).toBe(pattern.cost);
    expect(simulator.liveCalls()).toEqual([]);
  });

  it('has a pattern for every reason that is documented, and each one once', () => {
    const reasons = new Set(PATTERNS.map((pattern) => pattern.reason));
    const documented =
      'user_hangup agent_hangup call_transfer transfer_bridged transfer_cancelled call_take_over inactivity max_duration_reached voicemail_reached ivr_reached dial_no_answer user_declined dial_busy invalid_destination dial_failed marked_as_spam network_blocked telephony_provider_unavailable concurrency_limit_reached error_retell error_asr error_unknown error_no_audio_received registered_call_timeout sip_routing_error error_llm_websocket_lost_connection error_llm_websocket_runtime error_llm_websocket_corrupt_payload no_valid_payment scam_detected telephony_provider_permission_denied error_llm_websocket_open credit_exhausted budget_reached user_requested_dnc manual_stopped no_concurrency_fallback error_user_not_joined';
    expect(documented.split(' ').filter((reason) => !reasons.has(reason))).toEqual([]);
    expect(new Set(PATTERNS.map((pattern) => pattern.digits)).size).toBe(PATTERNS.length);
    expect(new Set(PATTERNS.map((pattern) => pattern.name)).size).toBe(PATTERNS.length);
  });

  it('makes two calls of two identical creates', async () => {
    const simulator = await simulate();
    const first = await dial(simulator, '+56911112900', { metadata: { attempt_id: 'a' } });
    const second = await dial(simulator, '+56911112900', { metadata: { attempt_id: 'a' } });
    expect(second).not.toBe(first);
    expect(simulator.figures()).toMatchObject({ dials: 2, dialsByAttempt: { a: 2 }, peakConcurrency: 2 });
  });
});

describe('stopping a call', () => {
  it('ends one that talks, with the time it talked', async () => {
    const simulator = await simulate({ script: { '*': [{ outcome: 'user_hangup', ringSeconds: 5, talkSeconds: 100 }] } });
    const callId = await dial(simulator, '+56911112900');
    simulator.advance(15_000);
    expect(await stopCall(simulator, callId)).toMatchObject({ status: 204, text: '' });
    expect(await read(simulator, callId)).toMatchObject({
      call_status: 'ended',
      disconnection_reason: 'manual_stopped',
      duration_ms: 10_000,
    });
    expect((await stopCall(simulator, callId)).status).toBe(400);
    simulator.advance(HOUR_MS);
    expect(await read(simulator, callId)).toMatchObject({ disconnection_reason: 'manual_stopped', duration_ms: 10_000 });
  });

  it('ends one that rings, or refuses to when it is told so', async () => {
    const simulator = await simulate();
    const first = await dial(simulator, '+56911112920');
    expect((await stopCall(simulator, first)).status).toBe(204);
    expect(await read(simulator, first)).toMatchObject({ call_status: 'not_connected', disconnection_reason: 'manual_stopped' });
    simulator.change({ stopRinging: 'refused' });
    const second = await dial(simulator, '+56911112920');
    expect((await stopCall(simulator, second)).status).toBe(400);
    expect(await read(simulator, second)).toMatchObject({ call_status: 'registered' });
  });

  it('says 422 about a call it does not know, or 404 when it is told so', async () => {
    const simulator = await simulate();
    expect((await stopCall(simulator, 'call_unknown')).status).toBe(422);
    expect((await request(simulator, 'GET', '/v2/get-call/call_unknown')).status).toBe(422);
    simulator.change({ unknownCall: 404 });
    expect((await stopCall(simulator, 'call_unknown')).status).toBe(404);
  });
});

describe('what a create refuses', () => {
  it.each([
    ['a number that is not E.164', { to_number: '011 4321' }, 400, /not a valid E\.164/],
    ['no number', { to_number: undefined }, 400, /to_number/],
    ['a variable that is no string', { retell_llm_dynamic_variables: { n: 5 } }, 400, /must be string/],
    ['metadata over 50 kB', { metadata: { text: 'x'.repeat(50_001) } }, 400, /50kB/],
    ['a ring time below 5 s', { agent_override: { agent: { ring_duration_ms: 4_999 } } }, 400, /ring_duration_ms/],
    ['a maximum above 2 h', { agent_override: { agent: { max_call_duration_ms: 7_200_001 } } }, 400, /max_call_duration_ms/],
    ['a number that is not E.164, though the caller need not be', { to_number: '123', ignore_e164_validation: true }, 400, /to_number/],
    ['a caller that is not E.164', { from_number: '123' }, 400, /from_number/],
    ['a leave that is no yes or no', { ignore_e164_validation: 'yes' }, 400, /boolean/],
    ['an override that is no object', { agent_override: 'x' }, 400, /agent_override must be object/],
    ['an agent of an override that is no object', { agent_override: { agent: [] } }, 400, /agent must be object/],
    ['a ring time that is none', { agent_override: { agent: { ring_duration_ms: null } } }, 400, /ring_duration_ms/],
    ['no agent instead of one', { override_agent_id: null }, 400, /override_agent_id/],
    ['a version that is none', { override_agent_version: true }, 400, /override_agent_version/],
    ['an agent it does not know', { override_agent_id: 'agent_other' }, 422, /agent_other/],
    ['a caller it does not know', { from_number: '+12025550199' }, 422, /12025550199/],
  ])('%s', async (_what, extra, status, why) => {
    const simulator = await simulate({ agents: ['agent_mine'], numbers: ['+56225550000'] });
    const answered = await create(simulator, '+56911112900', extra);
    expect(answered.status).toBe(status);
    expect(String(answered.body[status === 400 ? 'error_message' : 'message'])).toMatch(why);
    expect(simulator.figures().dials).toBe(0);
  });

  it('lets a caller be anything where it is told not to look', async () => {
    const simulator = await simulate({ numbers: ['1000'] });
    expect((await create(simulator, '+56911112900', { from_number: '1000', ignore_e164_validation: true })).status).toBe(201);
    expect((await create(simulator, '+56911112900', { from_number: '1001', ignore_e164_validation: true })).status).toBe(422);
  });

  it('takes the version of an agent as number, text or tag', async () => {
    const simulator = await simulate();
    for (const [version, shown] of [
      [3, 3],
      ['4', 4],
      ['latest', 0],
    ] as const) {
      expect((await create(simulator, '+56911112900', { override_agent_version: version })).body['agent_version']).toBe(shown);
      expect((await request(simulator, 'GET', `/get-agent/agent_1?version=${version}`)).body['version']).toBe(shown);
    }
    expect((await request(simulator, 'GET', '/get-agent/agent_1')).body['version']).toBe(0);
  });

  it('is silent about fields the provider ignores', async () => {
    const simulator = await simulate();
    expect((await create(simulator, '+56911112900', { agent_id: 'x', ring_timeout: 1, something: null })).status).toBe(201);
  });

  it('asks for a key, and for the right one where one is set', async () => {
    const simulator = await simulate({ key: 'secret' });
    for (const [key, status] of [
      ['', 401],
      ['wrong', 401],
      ['secret', 200],
    ] as const) {
      expect((await request(simulator, 'GET', '/get-api-key-info', undefined, key)).status).toBe(status);
    }
    expect((await request(simulator, 'GET', '/v2/unknown', undefined, 'secret')).status).toBe(404);
    expect((await request(simulator, 'GET', '/v2/create-phone-call', undefined, 'secret')).status).toBe(404);
  });
});

describe('where a dial’s outcome comes from', () => {
  it('is the seed: another run with it says and does the same, under ids that were never given before', async () => {
    const play = async (simulator: Awaited<ReturnType<typeof simulate>>): Promise<Record<string, unknown>[]> => {
      const placed: string[] = [];
      for (let n = 0; n < 20; n += 1) placed.push(await dial(simulator, `+5691234567${n % 10}`));
      placed.push(await dial(simulator, '+56911112900'), await dial(simulator, '+56911112901'));
      simulator.advance(HOUR_MS);
      return Promise.all(placed.map(async (id) => read(simulator, id)));
    };
    const simulator = await simulate({ clock: handClock() });
    const first = await play(simulator);
    simulator.reset();
    const runs = [first, await play(simulator), await play(await simulate({ clock: handClock() }))];
    const given = runs.flat().map((call) => call['call_id']);
    expect(new Set(given).size).toBe(66);
    const told = (calls: Record<string, unknown>[]): unknown[] =>
      calls.map((call) => [
        call['disconnection_reason'],
        call['duration_ms'],
        call['transcript'],
        call['call_analysis'],
        call['call_cost'],
      ]);
    expect(told(runs[1] ?? [])).toEqual(told(first));
    expect(told(runs[2] ?? [])).toEqual(told(first));
  });

  it('takes the script dial by dial, and repeats its last step', async () => {
    const simulator = await simulate({
      script: { '+56911112222': ['dial_busy', { outcome: 'success', costCents: 12.5, talkSeconds: 30 }] },
    });
    const calls: Record<string, unknown>[] = [];
    for (let dialNumber = 0; dialNumber < 3; dialNumber += 1) {
      const callId = await dial(simulator, '+56911112222');
      simulator.advance(10 * MINUTE_MS);
      calls.push(await read(simulator, callId));
    }
    expect(calls.map((call) => call['disconnection_reason'])).toEqual(['dial_busy', 'agent_hangup', 'agent_hangup']);
    expect(calls[1]).toMatchObject({ duration_ms: 30_000, call_cost: { combined_cost: 12.5 } });
  });

  it('ends calls at once when it is told to be instant', async () => {
    const simulator = await simulate({ instant: true });
    const answered = await create(simulator, '+56911112900');
    expect(answered.body).toMatchObject({ call_status: 'registered' });
    expect(await read(simulator, String(answered.body['call_id']))).toMatchObject({
      call_status: 'ended',
      call_analysis: { call_successful: true },
    });
  });
});
