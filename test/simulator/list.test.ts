import { describe, expect, it } from 'vitest';
import { FROM, HOUR_MS, create, dial, handClock, ids, list, simulate } from './support.js';

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

  it('finds calls by each filter, ANDed', async () => {
    const simulator = await simulate({ script: { '+56911110001': [{ outcome: 'success', ringSeconds: 1, talkSeconds: 60 }] } });
    const talked = await dial(simulator, '+56911110001', { metadata: { attempt_id: 'a', batch_id: 'b1' } });
    const busy = await dial(simulator, '+56911112930', { metadata: { attempt_id: 'b', batch_id: 'b1' } });
    const rings = await dial(simulator, '+541143210920', { metadata: { attempt_id: 'c', batch_id: 'b2', n: 1 } });
    simulator.advance(25_000);
    simulator.advance(60_000);
    const ringing = await dial(simulator, '+541143210920', { metadata: { attempt_id: 'd' } });
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
    ['an operator nobody knows', { filter_criteria: { to_number: { type: 'string', op: 'like', value: 'x' } } }],
  ])('refuses %s', async (_what, body) => {
    const simulator = await simulate();
    expect((await list(simulator, body)).status).toBe(400);
  });

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
