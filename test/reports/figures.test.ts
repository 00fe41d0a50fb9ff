/** Figures are counted once, from plain values: no database here. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCounting, type CountedCall } from '../../src/reports/figures.js';
import { htmlOf } from '../../src/reports/html.js';
import { sectionsOf } from '../../src/reports/sections.js';

const call = (more: Partial<CountedCall> = {}): CountedCall => ({
  job: 'j1',
  at: new Date('2026-11-20T02:30:00Z'),
  open: false,
  phone_index: 0,
  timezone: 'America/Santiago',
  outcome: { class: 'answered', success: true, reached: 'conversation', durationMs: 90_000 },
  cost: { micros: 150_000, final: true },
  ...more,
});
const noAnswer = { class: 'no_answer', success: false, reached: 'rang', durationMs: 0 } as const;

describe('the figures of a report', () => {
  it('of nothing are zero, and their rates are nothing', () => {
    const { contacts, calls, byDay } = createCounting().figures();
    expect(contacts).toMatchObject({ total: 0, called: 0, contactRate: null });
    expect(calls).toMatchObject({ calls: 0, pickUpRate: null, successRate: null, meanSeconds: null, dollarsPerPickUp: null });
    expect(byDay).toEqual([]);
  });

  it('count a person once, however often she was called, and a live call in no rate', () => {
    const counting = createCounting();
    counting.call(call({ outcome: noAnswer, cost: { micros: 0, final: true } }));
    counting.call(call({ at: new Date('2026-11-20T14:00:00Z') }));
    counting.call(call({ job: 'j2', outcome: noAnswer, phone_index: 1, cost: { micros: 50_000, final: false } }));
    const { outcome: _, cost: __, ...live } = call({ job: 'j3', open: true });
    counting.call(live);
    const { contacts, calls, byOutcome, byHour, byDay, byNumber } = counting.figures();
    expect(contacts).toMatchObject({ called: 3, pickedUp: 1, succeeded: 1, contactRate: 1 / 3 });
    expect(calls).toMatchObject({
      calls: 4,
      ended: 3,
      live: 1,
      pickedUp: 1,
      talked: 1,
      pickUpRate: 1 / 3,
      successes: 1,
      minutes: 1.5,
      meanSeconds: 90,
    });
    expect(calls).toMatchObject({ dollars: 0.2, dollarsPerPickUp: 0.2, dollarsPerSuccess: 0.2, provisional: 1 });
    expect(byOutcome.map(({ key, calls: n, share }) => [key, n, share])).toEqual([['no_answer', 2, 0.5], ['answered', 1, 0.25], ['live', 1, 0.25]]); // prettier-ignore
    // 02:30 in UTC is 23:30 of the day before where the phone rang.
    expect(byDay.map(({ key, calls: n }) => [key, n])).toEqual([['2026-11-19', 3], ['2026-11-20', 1]]); // prettier-ignore
    expect(byHour.map(({ key, calls: n }) => [key, n])).toEqual([['11', 1], ['23', 3]]); // prettier-ignore
    expect(byNumber.map(({ key, calls: n }) => [key, n])).toEqual([['1', 3], ['2', 1]]); // prettier-ignore
  });

  it('a machine that takes the call is nobody who answers', () => {
    const counting = createCounting();
    counting.call(call({ outcome: { class: 'voicemail', success: false, reached: 'answered', durationMs: 20_000 } }));
    const { contacts, calls, byOutcome } = counting.figures();
    expect(contacts).toMatchObject({ called: 1, pickedUp: 0, contactRate: 0 });
    expect(calls).toMatchObject({ ended: 1, pickedUp: 0, talked: 0, pickUpRate: 0, meanSeconds: null });
    expect(byOutcome).toMatchObject([{ key: 'voicemail', calls: 1 }]);
  });

  it('who picked up and who talked are told apart, and every rate names the one it goes by', () => {
    const counting = createCounting();
    counting.call(call());
    counting.call(call({ job: 'j2', outcome: { class: 'transient', success: false, reached: 'answered', durationMs: 30_000 } }));
    counting.call(call({ job: 'j3', outcome: noAnswer }));
    const rows = new Map(sectionsOf(counting.figures())[0]?.rows.map(([name, ...rest]) => [name, rest]));
    expect([...rows.keys()].filter((name) => String(name).includes('answer'))).toEqual([]);
    expect(Object.fromEntries(rows)).toMatchObject({
      'contacts reached': [2, 'a person picked up'],
      'calls picked up': [2, 'a person did, no machine'],
      'calls talked': [1, 'outcome "answered", 1 other picked up'],
      'pick-up rate %': [66.7, 'picked up of 3 ended calls'],
      'mean seconds': [60, '2 picked-up calls'],
      'dollars per picked-up call': [0.225, '2 picked-up calls'],
    });
    const outcomes = sectionsOf(counting.figures()).find(({ title }) => title === 'Calls by outcome');
    expect(outcomes?.rows.map(([name, n, , pickedUp]) => [name, n, pickedUp])).toEqual([
      ['answered (talked)', 1, 1],
      ['no_answer', 1, 0],
      ['transient', 1, 1],
    ]);
  });

  it('a call whose price nobody knows makes no other call look cheaper', () => {
    const counting = createCounting();
    counting.call(call());
    counting.call(call({ job: 'old', foreign: true, cost: { micros: 0, final: true } }));
    expect(counting.figures().calls).toMatchObject({ calls: 2, pickedUp: 2, dollars: 0.15, dollarsPerPickUp: 0.15, dollarsPerSuccess: 0.15, unpriced: 1 }); // prettier-ignore
    expect(sectionsOf(counting.figures())[0]?.rows.find(([name]) => name === 'dollars')).toEqual([
      'dollars',
      0.15,
      'that of 1 is not known',
    ]);
  });

  it('a zone that nobody knows is UTC', () => {
    const counting = createCounting();
    counting.call(call({ timezone: 'Chile' }));
    expect(counting.figures().byHour).toMatchObject([{ key: '02' }]);
  });

  it.each([
    [
      { status: 'done', payload: { debt_amount: '1500.5' }, monto_pago_cliente: 700, fecha_pago_cliente: '2026-12-01' },
      { debt: 1500.5, promises: 1, promised: 700 },
    ],
    [
      { status: 'done', fecha_pago_cliente: '2026-12-01' },
      { debt: 0, promises: 1, promised: 0 },
    ],
    [
      { status: 'failed', payload: null, monto_pago_cliente: 'mucho' },
      { debt: 0, promises: 0, promised: 0 },
    ],
    [{ status: 7 }, { byStatus: { 7: 1 } }],
    [{ status: 'completed' }, { byStatus: { done: 1 } }],
    [null, { byStatus: { none: 1 } }],
  ])('of the job %j are %j', (job, expected) => {
    const counting = createCounting();
    counting.job(job);
    expect(counting.figures().contacts).toMatchObject({ total: 1, ...expected });
  });

  const anyCall = fc.record({
    job: fc.constantFrom('a', 'b', 'c'),
    at: fc.date({ min: new Date('2026-01-01'), max: new Date('2026-12-31'), noInvalidDate: true }),
    open: fc.boolean(),
    phone_index: fc.nat(3),
    timezone: fc.constantFrom('America/Santiago', 'America/Argentina/Buenos_Aires', 'Pacific/Easter', 'nowhere'),
    outcome: fc.record({
      class: fc.constantFrom('answered' as const, 'busy' as const, 'lost' as const),
      success: fc.boolean(),
      reached: fc.constantFrom('placed', 'rang', 'answered', 'conversation'),
      durationMs: fc.nat(600_000),
    }),
    cost: fc.record({ micros: fc.nat(1_000_000), final: fc.boolean() }),
  });

  it('every table adds up to the same calls, answers and dollars', () => {
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 40 }), (calls) => {
        const counting = createCounting();
        for (const one of calls) counting.call(one);
        const { calls: all, byOutcome, byDay, byHour, byNumber } = counting.figures();
        for (const rows of [byOutcome, byDay, byHour, byNumber]) {
          expect(rows.reduce((sum, row) => sum + row.calls, 0)).toBe(calls.length);
          expect(rows.reduce((sum, row) => sum + row.pickedUp, 0)).toBe(all.pickedUp);
          expect(rows.reduce((sum, row) => sum + row.talked, 0)).toBe(all.talked);
          expect(rows.reduce((sum, row) => sum + row.dollars, 0)).toBeCloseTo(all.dollars, 6);
        }
        expect(all.talked).toBe(byOutcome.find(({ key }) => key === 'answered')?.calls ?? 0);
        expect(all.pickedUp).toBeGreaterThanOrEqual(all.talked);
        expect(all.dollars).toBeCloseTo(calls.reduce((sum, { cost }) => sum + cost.micros, 0) / 1e6, 6);
      }),
    );
  });
});

describe('the HTML of a report', () => {
  it('holds what a name holds as text, and nothing from elsewhere', () => {
    const counting = createCounting();
    counting.job({ status: '<script>alert(1)</script>' });
    counting.call(call());
    const about = {
      title: 'Batch "Más & <b>más</b>"',
      since: new Date('2026-11-01T03:00:00Z'),
      until: null,
      at: new Date('2026-11-21T00:00:00Z'),
    };
    const html = htmlOf(about, sectionsOf(counting.figures()));
    expect(html).not.toMatch(/<script|<b>|src=|href=|url\(/);
    expect(html).toContain('<title>Batch &quot;Más &amp; &lt;b&gt;más&lt;/b&gt;&quot;</title>');
    expect(html).toContain('calls from 2026-11-01T03:00:00.000Z');
    expect(html).toContain('<td class="n">1</td>');
  });
});
