import { fc, test as property } from '@fast-check/vitest';
import { ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { createRedactor, maskPhone, redact } from '../../src/telemetry/redact.js';

describe('P8 text', () => {
  it.each([
    ['call to +56911112910 failed', 'call to +56*****910 failed'],
    ['569 11112910', '+56*****910'],
    ['(56) - 9 1111 2910', '+56*****910'],
    ['0056 9.1111.2910', '+56*****910'],
    ['911112910', '*****910'],
    ['+54 9 11 2345-6789', '+54*****789'],
    ['tel:+1-202-555-0123;ext=1', 'tel:+1*****123;ext=1'],
    ['phones +56911112910, +56922223456', 'phones +56*****910, +56*****456'],
    ['\u202a+56\u00a09 1111\u20112910\u202c', '\u202a+56*****910\u202c'],
    ['RUT 12.345.678-K, 12345678-9, 12345678k, 7.654.321-0', 'RUT [rut], [rut], [rut], [rut]'],
    ['sent key_0123456789abcdef', 'sent key_[redacted]'],
    ['header Bearer abc.def-123 refused', 'header Bearer [redacted] refused'],
    ['mongodb://user:p@ss/w@host1:27017,host2/db?authSource=admin', 'mongodb://[redacted]@host1:27017,host2/db?authSource=admin'],
    ['mongodb+srv://u:p%40ss@cluster.example/db', 'mongodb+srv://[redacted]@cluster.example/db'],
    ['GET https://x.example/a?token=abc&to=%2B56%209%201111%202910&n=1', 'GET https://x.example/a?token=[redacted]&to=+56*****910&n=1'],
    ['E11000 dup key: { name: "Ana Prueba", n: 1 }', 'E11000 dup key: { name: "[redacted]", n: 1 }'],
    ['body {\\"transcript\\":\\"hola, que tal\\",\\"a\\":1}', 'body {\\"transcript\\":\\"[redacted]\\",\\"a\\":1}'],
    ['password=hunter2 tries=3', 'password=[redacted] tries=3'],
    ['{"contact":{"name":"Ana"},"status":"done"}', '{"contact":"[redacted]","status":"done"}'],
  ])('%j is written %j', (given, shown) => {
    expect(redact(given)).toBe(shown);
  });

  it.each([
    'job_acc-1234_20251025_174129_b96907c5',
    'job_acc-1234_20251025_174129_12345678',
    'batch-2025-10-26-142744-439872',
    'batch-acq-20251026-142744-439872',
    'batch-20251026-12345678',
    'call_119c3f8e47135a29e65947eeb34',
    'acc-123456789012',
    '67a1234567890bcdef123456',
    '3f2b8c10-0000-4000-8000-123456789012',
    '2025-11-20T10:00:00.123Z',
    '1729876543210',
    '127.0.0.1:27017',
    'no contact: the batch is paused',
    'done after 3600000 ms, 12 of 500 jobs',
    '/srv/speechai/file.ts:1234:56',
  ])('%s stays readable, alone and in a sentence', (text) => {
    expect(redact(text)).toBe(text);
    expect(redact(`seen ${text} again`)).toBe(`seen ${text} again`);
  });

  it('a huge text is cut, and the cut does not show the beginning of a secret', () => {
    const secret = 'S3cret-value-of-the-key';
    const { text } = createRedactor([secret]);
    for (let shift = 0; shift < 40; shift += 1) {
      const shown = text('x'.repeat(8_192 - shift) + secret.repeat(1_000));
      expect(shown.length).toBeLessThan(9_000);
      expect(shown).not.toContain(secret.slice(0, 6));
    }
  });
});

describe('P8 values', () => {
  it('keeps ids, figures and moments, and nothing about the contact', () => {
    const id = new ObjectId('123456789012345678901234');
    expect(
      redact({
        _id: id,
        attempt_id: '123456789012345678901234',
        lease_token: 'ab12cd34ef56',
        worker: 'bot-3',
        account_id: 'retail_express',
        call_id: 'call_119c3f8e47135a29e65947eeb34',
        durationMs: 123_456_789,
        startedAt: 1_729_876_543_210,
        at: new Date(0),
        attempts: 3,
        to_number: '+56911112910',
        phones: ['9 1111 2910', 56_911_112_910],
        contact: { name: 'Ana' },
        payload: { debt_amount: 5 },
        retell_llm_dynamic_variables: { nombre: 'Ana' },
        rut: '12345678K',
        x: 56_911_112_910,
        deduplication_key: 'acc-1::12345678K::single',
        job_id: 'batch-2025-10-26-142744-439872::12345678-K',
      }),
    ).toEqual({
      _id: id.toHexString(),
      attempt_id: '123456789012345678901234',
      lease_token: 'ab12cd34ef56',
      worker: 'bot-3',
      account_id: 'retail_express',
      call_id: 'call_119c3f8e47135a29e65947eeb34',
      durationMs: 123_456_789,
      startedAt: 1_729_876_543_210,
      at: '1970-01-01T00:00:00.000Z',
      attempts: 3,
      to_number: '+56*****910',
      phones: ['*****910', '+56*****910'],
      contact: '[redacted]',
      payload: '[redacted]',
      retell_llm_dynamic_variables: '[redacted]',
      rut: '[redacted]',
      x: '+56*****910',
      deduplication_key: '[redacted]',
      job_id: 'batch-2025-10-26-142744-439872::[rut]',
    });
  });

  it('reads what fights back: getters and proxies that throw, cycles, depth, breadth', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    let deep: unknown = 'bottom';
    for (let level = 0; level < 50; level += 1) deep = { deep };
    const proxy = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        ownKeys() {
          throw new Error('no');
        },
        getPrototypeOf() {
          throw new Error('no');
        },
      },
    );
    const thrower = {
      get bad(): string {
        throw new Error('+56911112910');
      },
    };
    expect(redact({ cycle, thrower, proxy })).toEqual({
      cycle: { self: '[circular]' },
      thrower: { bad: '[unreadable]' },
      proxy: '[unreadable]',
    });
    expect(JSON.stringify(redact(deep))).toContain('[too deep]');
    expect(redact(Array.from({ length: 1_000 }, (_, index) => index))).toHaveLength(101);
    const wide = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ a: 1 })));
    expect(JSON.stringify(redact(wide)).length).toBeLessThan(100_000);
  });

  it('takes an error apart with its causes, its aggregate and its own fields', () => {
    const error = new Error('outer +56911112910', {
      cause: new AggregateError([new Error('key_0123456789')], 'many', { cause: 'password=abc' }),
    });
    Object.assign(error, { response: { headers: ['authorization', 'abcdef'], transcript: 'hola' } });
    const shown = JSON.stringify(redact(error));
    for (const part of ['outer +56*****910', 'AggregateError', 'key_[redacted]', 'password=[redacted]', '"response"'])
      expect(shown).toContain(part);
    for (const part of ['1111', '0123456789', 'abc', 'hola']) expect(shown).not.toContain(part);
  });

  it('keeps both of two entries whose keys get the same mask', () => {
    expect(
      redact(
        new Map([
          ['+56911112910', 1],
          ['+56922222910', 2],
        ]),
      ),
    ).toEqual({ '+56*****910': 1, '+56*****910#2': 2 });
  });

  property.prop([
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSet: true, withTypedArray: true }),
  ])('any value becomes plain JSON without throwing', (value) => {
    const shown = redact({ value });
    expect(JSON.parse(JSON.stringify(shown))).toEqual(structuredClone(JSON.parse(JSON.stringify(shown))));
  });

  property.prop([fc.string()])('a text that is known to be a number never shows more than its last three digits', (text) => {
    expect(maskPhone(text)).toMatch(/^(\+\d{1,3})?\*{5}(\p{Nd}{3})?$/u);
  });
});
