import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { readJob } from '../../src/domain/read-job.js';
import type { Job } from '../../src/domain/job.js';
import { jobDoc } from './samples.js';

function read(doc: unknown, country: string | null = 'CL'): Job {
  const reading = readJob(doc, country);
  if (reading.kind !== 'job') throw new Error(reading.why);
  return reading.job;
}
const numbers = (job: Job) => job.contact.phones.map(({ e164 }) => e164);

describe('generations of documents', () => {
  test('nested contact and payload', () => {
    const job = read(jobDoc());
    expect(job).toMatchObject({
      id: 'doc-1',
      ref: 'job_1',
      account: 'acc-1',
      batch: 'batch-1',
      status: 'pending',
      attempts: 0,
      maxAttempts: 3,
    });
    expect(numbers(job)).toEqual(['+56911112222', '+56922223333']);
    expect(job.contact).toMatchObject({ name: 'Ana Prueba', dni: '12345678K', phoneIndex: 0 });
    expect(job.payload).toEqual({ debt_amount: 1000, due_date: '2026-12-01' });
  });

  test('the flat one of the workflows: rut, nombre, to_number, dates as texts', () => {
    const job = read({
      job_id: 'b1::12345678K',
      rut: '12345678',
      rut_fmt: '12345678-K',
      nombre: 'Ana',
      to_number: '+56911112222',
      attempts: '1',
      status: 'pending',
      created_at: '2025-09-01T12:00:00',
      next_try_at: '2025-09-01T13:00:00.123456+00:00',
    });
    expect(job.contact).toMatchObject({ name: 'Ana', dni: '12345678-K' });
    expect(numbers(job)).toEqual(['+56911112222']);
    expect(job.attempts).toBe(1);
    expect(job.createdAt?.toISOString()).toBe('2025-09-01T12:00:00.000Z');
    expect(job.nextTryAt?.toISOString()).toBe('2025-09-01T13:00:00.123Z');
    expect(job.account).toBeNull();
    expect(job.batch).toBeNull();
    expect(job.contact.person).toBe(read(jobDoc()).contact.person);
  });

  test('try_phones of the first worker keep their order; phone_index of a flat document is its index', () => {
    const job = read({ rut: '1', try_phones: ['+56922223333', '+56911112222'], to_number: '+56911112222', phone_index: 1 });
    expect(numbers(job)).toEqual(['+56922223333', '+56911112222']);
    expect(job.contact.phoneIndex).toBe(1);
  });

  test("the debtor's phones object: mobile, landline, best, each once", () => {
    const phones = { raw_mobile: '911112222', mobile_e164: '+56911112222', landline_e164: '+56228151807', best_e164: '+56911112222' };
    expect(numbers(read({ rut: '1', phones }))).toEqual(['+56911112222', '+56228151807']);
    expect(numbers(read({ contact: { phones } }))).toEqual(['+56911112222', '+56228151807']);
    expect(numbers(read({ contact: { phones: '938773910; 922223333' } }))).toEqual(['+56938773910', '+56922223333']);
  });

  test('numbers inside objects, each in its place', () => {
    const phones = [{ type: 'home' }, { number: '+56911112222' }, '+56922223333', { phone: '+56933334444', label: 'x' }];
    expect(numbers(read({ contact: { phones } }))).toEqual([null, '+56911112222', '+56922223333', '+56933334444']);
  });

  test('national numbers need the country of the account, or of the document', () => {
    const contact = { phones: ['938773910'] };
    expect(numbers(read({ contact }, 'CL'))).toEqual(['+56938773910']);
    expect(numbers(read({ contact }, null))).toEqual([null]);
    expect(numbers(read({ contact, country: 'CL' }, null))).toEqual(['+56938773910']);
    expect(numbers(read({ contact, country: 'Chile' }, 'AR'))).toEqual(['+56938773910']);
    // What is no country overrules nothing.
    for (const country of ['Chilito', 'XX', 7]) expect(numbers(read({ contact, country }, 'CL'))).toEqual(['+56938773910']);
  });
});

test.each([
  [0, 0],
  [1, 1],
  [2, 0],
  [99, 0],
  [-1, 0],
  [null, 0],
  [undefined, 0],
  ['1', 1],
  [1.0, 1],
  [1.7, 1],
  ['x', 0],
  [Number.NaN, 0],
  [{}, 0],
])('an index stored as %j is read as %i', (stored, index) => {
  expect(read(jobDoc({ contact: { phones: ['+56911112222', '+56922223333'], next_phone_index: stored } })).contact.phoneIndex).toBe(index);
});

test.each([
  [null, 0],
  ['2', 2],
  ['two', 0],
  [-3, 0],
  [2.9, 2],
  [undefined, 0],
])('attempts stored as %j are read as %i', (stored, attempts) => {
  expect(read(jobDoc({ attempts: stored })).attempts).toBe(attempts);
});

test.each([0, -1, null, 'many', {}])('max_attempts %j is no limit', (stored) => {
  expect(read(jobDoc({ max_attempts: stored })).maxAttempts).toBeNull();
});

test('a job without numbers is a job: the gates stop it with a reason', () => {
  for (const contact of [{ phones: [] }, {}, { phones: null }]) expect(read({ contact }).contact.phones).toEqual([]);
});

test.each([
  [null],
  ['text'],
  [[]],
  [{}],
  [{ contact: 'Ana +56911112222' }],
  [{ contact: 5 }],
  [{ contact: ['+56911112222'] }],
  [{ contact: { phones: 5 } }],
  [{ contact: { phones: true } }],
  [{ contact: null, payload: {} }],
])('P7: %j cannot be understood, and says why', (doc) => {
  expect(readJob(doc)).toMatchObject({ kind: 'unreadable', why: expect.stringMatching(/^(it|contact)[ .]/) as string });
});

test('BSON numbers and ids are read', () => {
  class Decimal128 {
    readonly _bsontype = 'Decimal128';
    toString(): string {
      return '2';
    }
  }
  class ObjectId {
    readonly _bsontype = 'ObjectId';
    toHexString(): string {
      return 'abc123';
    }
  }
  const job = read(jobDoc({ _id: new ObjectId(), job_id: undefined, attempts: new Decimal128(), batch_id: new ObjectId() }));
  // Looking like a batch's id, it still is found by none.
  expect(job).toMatchObject({ ref: 'abc123', attempts: 2, batch: 'ObjectId abc123' });
});

test('requests made during a call are seen in any spelling', () => {
  expect(read(jobDoc({ cancel_requested: { by: 'ana' } })).cancelRequested).toBe(true);
  expect(read(jobDoc({ cancel_requested: new Date() })).cancelRequested).toBe(true);
  expect(read(jobDoc({ suspend_requested: true, cancel_requested: false })).cancelRequested).toBe(false);
  expect(read(jobDoc({ suspend_requested: true })).suspendRequested).toBe(true);
});

const KEYS = [
  '_id',
  'job_id',
  'contact',
  'phones',
  'payload',
  'attempts',
  'max_attempts',
  'status',
  'to_number',
  'try_phones',
  'next_try_at',
  'bad_lines',
  'country',
];
const CONTACT_KEYS = ['name', 'dni', 'phones', 'next_phone_index', 'timezone'];
const hostile = fc.oneof(
  fc.anything({ withDate: true, withBigInt: true, withSparseArray: true, withNullPrototype: true }),
  fc.constant('+56911112222'),
);
const hostileDoc = fc.oneof(
  hostile,
  fc.dictionary(fc.constantFrom(...KEYS), hostile),
  fc.record({ contact: fc.dictionary(fc.constantFrom(...CONTACT_KEYS), hostile) }),
);

test('P7: any value is a job with an index inside its numbers, or unreadable', () => {
  fc.assert(
    fc.property(hostileDoc, fc.option(fc.string()), (doc, country) => {
      const reading = readJob(doc, country);
      if (reading.kind === 'unreadable') return reading.why.length > 0;
      const { contact, attempts } = reading.job;
      return (
        contact.phoneIndex >= 0 &&
        contact.phoneIndex < Math.max(1, contact.phones.length) &&
        Number.isSafeInteger(attempts) &&
        attempts >= 0
      );
    }),
    { numRuns: 2_000 },
  );
});

test('P7: getters that throw, cycles and revoked proxies do not throw', () => {
  const throwing = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no');
      },
      ownKeys: () => {
        throw new Error('no');
      },
      getPrototypeOf: () => {
        throw new Error('no');
      },
    },
  );
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const cycle: Record<string, unknown> = { job_id: null };
  cycle['contact'] = cycle;
  cycle['_id'] = cycle;
  cycle['phones'] = [cycle];
  for (const bad of [throwing, revoked.proxy, cycle]) {
    for (const doc of [
      bad,
      { contact: bad },
      { contact: { phones: bad } },
      { contact: { phones: [bad] } },
      jobDoc({ _id: bad, job_id: null, attempts: bad, next_try_at: bad }),
    ]) {
      expect(['job', 'unreadable']).toContain(readJob(doc).kind);
    }
  }
});
