import { describe, expect, it } from 'vitest';
import { FROM, HOUR_MS, create, dial, handClock, ids, list, request, simulate } from './support.js';

describe('listing calls', () => {
  it('pages by cursor without losing or repeating one, in either order', async () => {
    const simulator = await simulate();
    const placed: string[] = [];
    for (let n = 0; n < 25; n += 1) placed.push(await dial(simulator, `+5691111${String(n).padStart(4, '0')}`));
    for (const sort_order of ['ascending', 'descending']) {
      const seen: string[] = [];
      let pagination_key: unknown;
      do {
        const page = await list(simulator, { limit: 10, sort_order, ...(pagination_key === undefined ? {} : { pagination_key }) });
        seen.push(...ids(page));
        pagination_key = page.body['pagination_key'];
        expect(page.body['has_more']).toBe(pagination_key !== undefined);
      } while (pagination_key !== undefined);
      expect(seen).toHaveLength(25);
      expect(new Set(seen)).toEqual(new Set(placed));
    }
    expect((await list(simulator, { include_total: true, skip: 20 })).body).toMatchObject({ total: 25, has_more: false });
  });

  it('goes on from where a page ended, though its last call has left the filter or changed its place since', async () => {
    const clock = handClock();
    const script = {
      '*': [{ outcome: 'user_hangup', ringSeconds: 10, talkSeconds: 60 }],
      '+56911110003': [{ outcome: 'dial_busy', ringSeconds: 1 }],
    };
    const simulator = await simulate({ clock, script });
    const placed: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      placed.push(await dial(simulator, `+5691111000${n}`));
      clock.pass(10);
    }
    const first = await list(simulator, { limit: 2, sort_order: 'ascending' });
    expect(ids(first)).toEqual(placed.slice(0, 2));
    // The last one of the page answers: it is listed by that moment now.
    simulator.advance(10_000);
    const ringing = { filter_criteria: { call_status: { type: 'enum', op: 'in', value: ['ongoing'] } }, limit: 2, sort_order: 'ascending' };
    const second = await list(simulator, { sort_order: 'ascending', pagination_key: first.body['pagination_key'] });
    expect(new Set(ids(second))).toEqual(new Set(placed));
    const page = await list(simulator, ringing);
    for (const id of ids(page)) expect((await request(simulator, 'POST', `/v2/stop-call/${id}`)).status).toBe(204);
    const next = await list(simulator, { ...ringing, pagination_key: page.body['pagination_key'] });
    expect(next.status).toBe(200);
    expect(new Set([...ids(page), ...ids(next)])).toEqual(new Set(placed.filter((id) => id !== placed[3])));
  });

  it('finds calls by each filter, ANDed', async () => {
    const simulator = await simulate({ script: { '+56911110001': [{ outcome: 'success', ringSeconds: 1, talkSeconds: 60 }] } });
    const talked = await dial(simulator, '+56911110001', { metadata: { attempt_id: 'a', batch_id: 'b1' } });
    const busy = await dial(simulator, '+56911112930', { metadata: { attempt_id: 'b', batch_id: 'b1' } });
    const rings = await dial(simulator, '+541143210920', { metadata: { attempt_id: 'c', batch_id: 'b2', n: 1 } });
    simulator.advance(25_000);
    simulator.advance(60_000);
    const ringing = await dial(simulator, '+541143210920', { metadata: { attempt_id: 'd' } });
    const versioned = await dial(simulator, '+12025550920', { override_agent_version: 3 });
    const filters: [Record<string, unknown>, string[]][] = [
      [{ call_id: { type: 'string', op: 'eq', value: busy } }, [busy]],
      [{ call_id: { type: 'enum', op: 'in', value: [busy, talked, 'call_x', busy] } }, [busy, talked]],
      [{ metadata: [{ key: 'attempt_id', type: 'string', op: 'eq', value: 'a' }] }, [talked]],
      [{ metadata: [{ key: 'attempt_id', type: 'enum', op: 'in', value: ['a', 'd'] }] }, [talked, ringing]],
      [{ metadata: [{ key: 'batch_id', type: 'string', op: 'eq', value: 'b1' }] }, [talked, busy]],
      [
        { metadata: [{ key: 'batch_id', type: 'string', op: 'eq', value: 'b1' }], to_number: { type: 'string', op: 'ew', value: '930' } },
        [busy],
      ],
      [{ metadata: [{ key: 'n', type: 'present', op: 'pr' }] }, [rings]],
      [{ metadata: [{ key: 'n', type: 'number', op: 'ge', value: 1 }] }, [rings]],
      [{ to_number: { type: 'string', op: 'eq', value: '+541143210920' } }, [rings, ringing]],
      [{ to_number: { type: 'string', op: 'sw', value: '+569' } }, [talked, busy]],
      [{ from_number: { type: 'string', op: 'ne', value: FROM } }, []],
      [{ call_status: { type: 'enum', op: 'in', value: ['not_connected'] } }, [busy, rings]],
      [{ disconnection_reason: { type: 'enum', op: 'in', value: ['dial_busy', 'agent_hangup'] } }, [talked, busy]],
      [{ duration_ms: { type: 'range', op: 'bt', value: [60_000, 60_000] } }, [talked]],
      [{ duration_ms: { type: 'number', op: 'lt', value: 1 } }, [busy, rings]],
      [{ start_timestamp: { type: 'number', op: 'gt', value: 0 } }, [talked]],
      [{ direction: { type: 'enum', op: 'in', value: ['inbound'] } }, []],
      [{ disconnection_reason: { type: 'enum', op: 'in', value: ['credit_exhausted'] } }, []],
      [{ batch_call_id: { type: 'string', op: 'eq', value: 'x' } }, []],
      [{ e2e_latency_p50: { type: 'number', op: 'gt', value: 1 } }, [talked]],
      [{ agent: [{ agent_id: 'agent_other' }, { agent_id: 'agent_simulated', version: [3] }] }, [versioned]],
      [{ agent: [{ agent_id: 'agent_simulated', version: [0] }] }, [talked, busy, rings, ringing]],
      [{ agent: [] }, []],
    ];
    for (const [filter_criteria, expected] of filters) {
      const found = ids(await list(simulator, { filter_criteria }));
      expect(new Set(found), JSON.stringify(filter_criteria)).toEqual(new Set(expected));
      expect(found).toHaveLength(expected.length);
    }
  });

  it.each([
    ['registered as a filter', { filter_criteria: { call_status: { type: 'enum', op: 'in', value: ['registered'] } } }],
    ['more than 1000 at once', { limit: 1001 }],
    ['skip and cursor together', { skip: 1, pagination_key: 'x' }],
    ['a cursor that is none', { pagination_key: 'x' }],
    ['a filter nobody knows', { filter_criteria: { colour: { type: 'string', op: 'eq', value: 'red' } } }],
    ['a filter by a word of the language', { filter_criteria: { constructor: { type: 'string', op: 'eq', value: 'red' } } }],
    ['a field nobody knows', { filter: {} }],
    ['a total that is no yes or no', { include_total: 'yes' }],
    ['text for a time', { filter_criteria: { start_timestamp: { type: 'string', op: 'eq', value: 'x' } } }],
    ['one status as text', { filter_criteria: { call_status: { type: 'string', op: 'eq', value: 'ended' } } }],
    ['a list of numbers', { filter_criteria: { to_number: { type: 'enum', op: 'in', value: ['+1'] } } }],
    ['a direction nobody knows', { filter_criteria: { direction: { type: 'enum', op: 'in', value: ['sideways'] } } }],
    ['a reason nobody knows', { filter_criteria: { disconnection_reason: { type: 'enum', op: 'in', value: ['nonsense'] } } }],
    ['words that are none', { filter_criteria: { call_id: { type: 'enum', op: 'in', value: [1] } } }],
    ['three ends of a range', { filter_criteria: { duration_ms: { type: 'range', op: 'bt', value: [1, 2, 3] } } }],
    ['a key where there is none', { filter_criteria: { to_number: { type: 'string', op: 'eq', value: '+1', key: 'x' } } }],
    ['metadata without a key', { filter_criteria: { metadata: [{ type: 'string', op: 'eq', value: 'x' }] } }],
    [
      'more than 1000 ids',
      { filter_criteria: { call_id: { type: 'enum', op: 'in', value: Array.from({ length: 1001 }, (_, n) => `call_${n}`) } } },
    ],
    ['an operator nobody knows', { filter_criteria: { to_number: { type: 'string', op: 'like', value: 'x' } } }],
  ])('refuses %s', async (_what, body) => {
    const simulator = await simulate();
    expect((await list(simulator, body)).status).toBe(400);
  });

  it.each(['agent_tag', 'custom_attributes', 'data_storage_setting', 'tool_calls'])(
    'says of %s that the provider has it and the simulator does not',
    async (name) => {
      const answered = await list(await simulate(), { filter_criteria: { [name]: [] } });
      expect(answered.status).toBe(400);
      expect(answered.text).toContain('the provider has this filter, the simulator does not');
    },
  );

  it('carries no transcripts', async () => {
    const simulator = await simulate();
    await dial(simulator, '+56911112900');
    simulator.advance(HOUR_MS);
    const [item] = (await list(simulator)).body['items'] as Record<string, unknown>[];
    expect(item).toMatchObject({ call_status: 'ended', call_analysis: { call_successful: true } });
    expect(item).not.toHaveProperty('transcript');
    expect(item).not.toHaveProperty('transcript_object');
  });

  it('can lag behind, and hide ringing calls', async () => {
    const clock = handClock();
    const simulator = await simulate({ clock, switches: { indexLagMs: 3_000 } });
    const { body } = await create(simulator, '+56911112900');
    expect(ids(await list(simulator))).toEqual([]);
    clock.pass(2_999);
    expect(ids(await list(simulator))).toEqual([]);
    clock.pass(1);
    expect(ids(await list(simulator))).toEqual([body['call_id']]);
    simulator.change({ hideRegistered: true });
    expect(ids(await list(simulator))).toEqual([]);
    simulator.advance(21_000);
    expect(ids(await list(simulator))).toEqual([body['call_id']]);
  });
});

describe('listing telephone numbers', () => {
  const NUMBERS = ['+56225550000', '+56225550001', '+56225550002', '+56225550003', '+56225550004'];

  it.each([
    ['ascending', NUMBERS],
    ['descending', NUMBERS.toReversed()],
  ])('pages through them, %s', async (order, expected) => {
    const simulator = await simulate({ numbers: NUMBERS });
    const seen: string[] = [];
    let key = '';
    do {
      const { body } = await request(simulator, 'GET', `/v2/list-phone-numbers?limit=2&sort_order=${order}${key}`);
      seen.push(...(body['items'] as { phone_number: string }[]).map((item) => item.phone_number));
      expect(body['has_more']).toBe('pagination_key' in body);
      key = typeof body['pagination_key'] === 'string' ? `&pagination_key=${body['pagination_key']}` : '';
    } while (key !== '');
    expect(seen).toEqual(expected);
  });

  it.each(['limit=0', 'limit=x', 'limit=1001', 'sort_order=up', 'pagination_key=x', 'colour=red'])('refuses %s', async (query) => {
    expect((await request(await simulate(), 'GET', `/v2/list-phone-numbers?${query}`)).status).toBe(400);
  });
});
