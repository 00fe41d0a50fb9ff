/** What a row says of a document, whoever wrote it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALL_COLUMNS, CONTACT_COLUMNS, TRANSCRIPT_COLUMN, type ListedCall } from '../../src/reports/columns.js';
import { asCsv } from '../../src/reports/files.js';

const row = (job: unknown): Record<string, unknown> => Object.fromEntries(CONTACT_COLUMNS.map(({ name, value }) => [name, value(job)]));

describe('a row of a contact', () => {
  it.each([
    ['as the API writes it', { contact: { name: 'Ana', dni: '1-9', phones: ['+56911112222', '+56922223333'] } }, { name: 'Ana', dni: '1-9', phone_1: '+56911112222', phone_2: '+56922223333' }],
    ['flat', { nombre: 'Ana', rut: '1', rut_fmt: '1-9', to_number: '+56911112222' }, { name: 'Ana', dni: '1-9', phone_1: '+56911112222', phone_2: null }],
    ['with tries', { rut: '1-9', try_phones: ['a', 'b', 'c', 'd', 'e'] }, { phone_3: 'c', more_phones: 'd; e' }],
    ['with numbers in one text', { contact: { phones: '+56911112222;+56922223333' } }, { phone_2: '+56922223333' }],
    ['with objects, and a place without a number', { contact: { phones: [{ number: 'x' }, null, 'z'] } }, { phone_1: 'x', phone_2: null, phone_3: 'z' }],
    ['with a date of another age', { finished_at: new Date(-1e15), created_at: '2026-11-20T12:00:00Z' }, { finished_at: null, created_at: new Date('2026-11-20T12:00:00Z') }],
    ['that waits', { status: 'pending', reserved_until: new Date(0) }, { next_call_at: new Date(0) }],
    ['that is done', { status: 'done', reserved_until: new Date(0) }, { next_call_at: null }],
    ['of the old worker', { call_result: { status: 'ended', summary: { disconnection_reason: 'user_hangup', duration_ms: 61_400 } } }, { last_result: 'ended', last_reason: 'user_hangup', duration_seconds: 61 }],
  ])('%s', (_, job, expected) => expect(row(job)).toMatchObject(expected)); // prettier-ignore

  it('P7: of anything is a row of plain values', () => {
    fc.assert(
      fc.property(fc.anything({ withDate: true, withNullPrototype: true }), (job) => {
        for (const value of [...Object.values(row(job)), ...Object.values(row({ contact: job, call_result: job, payload: job })), TRANSCRIPT_COLUMN.value(job)])
          expect(value === null || value instanceof Date || ['string', 'number', 'boolean'].includes(typeof value)).toBe(true);
      }),
    ); // prettier-ignore
  });
});

describe('a row of a call', () => {
  const call: ListedCall = {
    _id: 'a1', job_ref: 'j1', batch: null, account: 'acc', to_number: '+56911112222', from_number: '+56600000001', phone_index: 1, at: new Date(0),
    state: 'settled', open: false, timezone: 'UTC', cost: { micros: 0, ms: 0, final: true }, runner: 'r',
  }; // prettier-ignore
  const of = (one: ListedCall): Record<string, unknown> => Object.fromEntries(CALL_COLUMNS.map(({ name, value }) => [name, value(one)]));

  it('says nothing of a price that nobody knows', () => {
    expect(of(call)).toMatchObject({ phone: 2, cost_dollars: 0, cost_final: true, placed_at: new Date(0) });
    expect(of({ ...call, foreign: true })).toMatchObject({ cost_dollars: null, cost_final: null });
  });
});

it('in CSV a number is a number, a number to call is one, and a formula is text', () => {
  expect(asCsv([-1500, -0.5, '+56911112222', '+56911112222; +56922223333', '=1+1', '-1', null, true])).toBe(
    '-1500,-0.5,+56911112222,+56911112222; +56922223333,"\'=1+1","\'-1",,true\r\n',
  );
});
