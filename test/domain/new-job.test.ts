import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draftJob, type JobTargets, type NewJob } from '../../src/domain/new-job.js';
import { readAccount } from '../../src/domain/read-account.js';
import { impliedBatch, readBatch } from '../../src/domain/read-batch.js';
import { readJob } from '../../src/domain/read-job.js';

const NOW = new Date('2026-11-21T10:15:00.000Z');
const account = readAccount({ account_id: 'acc-a1b2c3d4', plan_type: 'unlimited', status: 'active', country: 'CL' });
const TARGETS: JobTargets = { account, batch: null };
const ORDER: NewJob = {
  account: 'acc-a1b2c3d4',
  batch: null,
  phones: ['+56911112222'],
  name: 'Ana Prueba',
  dni: '12.345.678-k',
  amount: 104050,
  due: '2026-11-30',
  company: 'Empresa X',
  fields: { cantidad_cupones: '2' },
  maxAttempts: null,
  queue: null,
};
const draft = (more: Partial<NewJob> = {}, targets: Partial<JobTargets> = {}): ReturnType<typeof draftJob> =>
  draftJob({ ...ORDER, ...more }, { ...TARGETS, ...targets }, NOW, '0a1b2c3d');

describe('a job made by hand', () => {
  it("is the document that SpeechAI's API would have written", () => {
    expect(draft()).toEqual({
      kind: 'job',
      phones: ['+56911112222'],
      doc: {
        job_id: 'job_acc-a1b2_20261121_101500_0a1b2c3d',
        account_id: 'acc-a1b2c3d4',
        batch_id: null,
        status: 'pending',
        mode: 'single',
        attempts: 0,
        max_attempts: 3,
        deduplication_key: 'acc-a1b2c3d4::12345678K::single',
        contact: { name: 'Ana Prueba', dni: '12345678K', phones: ['+56911112222'], next_phone_index: 0 },
        to_number: '+56911112222',
        payload: {
          debt_amount: 104050,
          due_date: '2026-11-30',
          company_name: 'Empresa X',
          reference_number: '',
          additional_info: { cantidad_cupones: '2' },
        },
        reserved_until: null,
      },
    });
  });

  it('reads national numbers by the country of the account, each line once', () => {
    expect(draft({ phones: ['9 6123 4567', '+56 9 6123 4567', '+5491144445555', '+541144445555'] })).toMatchObject({
      phones: ['+56961234567', '+5491144445555'],
    });
  });

  it('knows one contact by its RUT however it is written, and by its number where there is none', () => {
    const key = (more: Partial<NewJob>): unknown => {
      const made = draft(more);
      return made.kind === 'job' ? made.doc.deduplication_key : made.reasons;
    };
    expect(new Set(['12.345.678-k', '12345678K', '012345678-K'].map((dni) => key({ dni }))).size).toBe(1);
    expect(key({ dni: null })).toBe('acc-a1b2c3d4::+56911112222::single');
  });

  it.each([
    { title: 'no number', order: { phones: [] }, targets: {}, reason: /at least one/ },
    { title: 'a number that is none', order: { phones: ['+56911112222', '12'] }, targets: {}, reason: /number 2 is none/ },
    { title: 'no such account', order: {}, targets: { account: 'missing' as const }, reason: /no account acc-a1b2c3d4/ },
    { title: 'no such batch', order: { batch: 'b' }, targets: { batch: 'missing' as const }, reason: /no batch b/ },
    {
      title: "another account's batch",
      order: { batch: 'b' },
      targets: { batch: { ...impliedBatch('acc-2'), id: 'b' } },
      reason: /belongs to the account acc-2/,
    },
    {
      title: 'a cancelled batch',
      order: { batch: 'b' },
      targets: { batch: readBatch({ batch_id: 'b', state: 'cancelled' }) },
      reason: /is cancelled/,
    },
    {
      title: 'an account with an unknown limit',
      order: {},
      targets: { account: readAccount({ ...account, daily_call_limit: 'some' }) },
      reason: /not understood/,
    },
    { title: 'a day that is none', order: { due: '2026-02-30' }, targets: {}, reason: /due date/ },
    { title: 'a negative amount', order: { amount: -1 }, targets: {}, reason: /amount/ },
    { title: 'no attempt', order: { maxAttempts: 0 }, targets: {}, reason: /attempts/ },
    { title: 'a RUT that is none', order: { dni: 'contact_12' }, targets: {}, reason: /RUT or DNI/ },
    { title: 'a field that is an operator', order: { fields: { $where: '1' } }, targets: {}, reason: /cannot be the name/ },
    { title: 'a field that is a path', order: { fields: { 'a.b': '1' } }, targets: {}, reason: /cannot be the name/ },
  ])('is refused with the reason: $title', ({ order, targets, reason }) => {
    const made = draft(order, targets);
    expect(made.kind).toBe('refused');
    expect(made.kind === 'refused' ? made.reasons.join(' ') : '').toMatch(reason);
  });

  it('tells every reason at once', () => {
    expect(draft({ phones: ['x'], due: 'soon', amount: Number.NaN }, { account: 'missing' })).toMatchObject({
      kind: 'refused',
      reasons: { length: 4 },
    });
  });

  it('P7: whatever is typed, it is refused or can be read as a job with those numbers', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('+56911112222', '12345678-5', '$a', 'a.b', ''));
    const nullable = fc.option(text, { nil: null });
    const orders = fc.record({
      account: text, batch: nullable, phones: fc.array(text, { maxLength: 4 }), name: nullable, dni: nullable, amount: fc.option(fc.double(), { nil: null }),
      due: nullable, company: nullable, fields: fc.dictionary(text, text), maxAttempts: fc.option(fc.integer(), { nil: null }), queue: nullable,
    }); // prettier-ignore
    fc.assert(
      fc.property(orders, (order) => {
        const made = draftJob(order, TARGETS, NOW, '0a1b2c3d');
        if (made.kind === 'refused') return made.reasons.length > 0;
        const reading = readJob({ _id: 'x', ...made.doc });
        return (
          reading.kind === 'job' &&
          reading.job.contact.phones.every(({ e164 }) => e164 !== null) &&
          reading.job.contact.phones.length === made.phones.length
        );
      }),
    );
  });
});
