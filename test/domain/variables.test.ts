import { fc } from '@fast-check/vitest';
import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { Contact, Job } from '../../src/domain/job.js';
import { dynamicVariables, missingVariables } from '../../src/domain/variables.js';

const SANTIAGO = 'America/Santiago';
const BUENOS_AIRES = 'America/Argentina/Buenos_Aires';
const someText: unknown = expect.any(String);
const SUMMER = new Date('2025-12-24T15:00:00Z');

interface Parts {
  payload?: Record<string, unknown>;
  raw?: Record<string, unknown>;
  contact?: Partial<Contact>;
}

function jobOf({ payload = {}, raw = {}, contact = {} }: Parts = {}): Job {
  return {
    id: 'x',
    ref: 'job_1',
    status: 'in_progress',
    account: 'acc-1',
    batch: 'batch-1',
    queue: null,
    attempts: 0,
    maxAttempts: null,
    transientCalls: 0,
    rescues: 0,
    refusals: 0,
    badLines: [],
    contact: {
      name: 'Ana Prueba',
      dni: '12345678K',
      person: 'p',
      formerPerson: null,
      phones: [],
      phoneIndex: 0,
      timezone: null,
      ...contact,
    },
    reservedUntil: null,
    nextTryAt: null,
    startedAt: null,
    createdAt: null,
    leaseToken: null,
    callId: null,
    callStartedAt: null,
    succeeded: false,
    lastError: null,
    suspendReason: null,
    cancelRequested: false,
    suspendRequested: false,
    payload,
    raw,
  };
}

const COLLECTION = {
  debt_amount: 104050.0,
  due_date: '2025-12-20',
  company_name: 'Empresa X',
  reference_number: '',
  additional_info: { cantidad_cupones: 3, fecha_maxima: '2025-12-31', current_time_America_Santiago: 'an hour ago', batch_origen: 'b-0' },
};

test('a collection as the API stores it: what the prompt requires, whole amounts, the time of the call', () => {
  const time = 'Wednesday, December 24, 2025 at 12:00:00 PM CLST';
  expect(dynamicVariables(jobOf({ payload: COLLECTION }), SUMMER, SANTIAGO)).toEqual({
    nombre: 'Ana Prueba',
    empresa: 'Empresa X',
    RUT: '12345678K',
    'current_time_America/Santiago': time,
    current_time_America_Santiago: time,
    tipo_llamada: 'cobranza',
    monto_total: '104050',
    fecha_limite: '2025-12-20',
    fecha_maxima: '2025-12-31',
    dias_vencidos: '4',
    cantidad_cupones: '3',
    cuotas_adeudadas: '3',
    batch_origen: 'b-0',
  });
});

describe('amounts are spoken whole', () => {
  test.each([
    [104050.0, '104050'],
    [104050.6, '104051'],
    [104.125, '104'],
    ['104050.0', '104050'],
    ['104.050', '104050'],
    ['$ 1.104.050', '1104050'],
    ['1.104.050,40', '1104050'],
    ['1,104,050.40', '1104050'],
    ['104050,5', '104051'],
    ['tres cuotas', 'tres cuotas'],
    [0, '0'],
    [-0.2, '0'],
    [10n, '10'],
    [Decimal128.fromString('104050.00'), '104050'],
  ])('%o is %s', (debt_amount, expected) => {
    expect(dynamicVariables(jobOf({ payload: { debt_amount } }), SUMMER, SANTIAGO)['monto_total']).toBe(expected);
  });
});

describe('the time is the contact’s, with the name its zone has on that day', () => {
  test.each([
    ['2025-12-24T15:00:00Z', SANTIAGO, 'Wednesday, December 24, 2025 at 12:00:00 PM CLST'],
    ['2025-07-04T16:05:09Z', SANTIAGO, 'Friday, July 04, 2025 at 12:05:09 PM CLT'],
    ['2025-07-04T04:00:00Z', SANTIAGO, 'Friday, July 04, 2025 at 12:00:00 AM CLT'],
    ['2025-07-04T15:00:00Z', BUENOS_AIRES, 'Friday, July 04, 2025 at 12:00:00 PM ART'],
    ['2025-07-04T15:00:00Z', 'America/Bogota', 'Friday, July 04, 2025 at 10:00:00 AM GMT-5'],
    ['2025-07-04T15:00:00Z', 'America/New_York', 'Friday, July 04, 2025 at 11:00:00 AM EDT'],
    ['2025-07-04T15:00:00Z', 'Mars/Olympus', 'Friday, July 04, 2025 at 03:00:00 PM UTC'],
  ])('%s in %s', (at, zone, expected) => {
    const variables = dynamicVariables(jobOf(), new Date(at), zone);
    expect(variables['current_time_America_Santiago']).toBe(expected);
    expect(variables['current_time_America/Santiago']).toBe(expected);
  });

  test('another zone has both spellings of its own as well', () => {
    const variables = dynamicVariables(jobOf(), SUMMER, BUENOS_AIRES);
    const names = Object.keys(variables).filter((name) => name.startsWith('current_time_'));
    expect(names).toHaveLength(4);
    expect(variables[`current_time_${BUENOS_AIRES}`]).toBe(variables['current_time_America_Argentina_Buenos_Aires']);
  });

  test('what an import stored under such a name is never the time of the call', () => {
    const payload = { additional_info: { current_time_america_santiago: 'yesterday' } };
    const variables = dynamicVariables(jobOf({ payload }), SUMMER, SANTIAGO);
    expect(variables['current_time_america_santiago']).toBe(variables['current_time_America_Santiago']);
  });
});

describe('days overdue', () => {
  test.each([
    ['2025-12-24', '0'],
    ['2025-12-25', '0'],
    ['2025-11-24', '30'],
    ['2025-11-24T00:00:00Z', '30'],
    ['24/11/2025', '30'],
    [new Date('2025-11-24T00:00:00Z'), '30'],
    ['2025-02-31', undefined],
    ['pronto', undefined],
    ['', undefined],
  ])('due %s: %s', (due_date, expected) => {
    expect(dynamicVariables(jobOf({ payload: { due_date } }), SUMMER, SANTIAGO)['dias_vencidos']).toBe(expected);
  });

  test('counted by the contact’s calendar: the same moment is another day further east', () => {
    const midnight = new Date('2025-12-25T02:00:00Z');
    const job = jobOf({ payload: { due_date: '2025-12-20' } });
    expect(dynamicVariables(job, midnight, SANTIAGO)['dias_vencidos']).toBe('4');
    expect(dynamicVariables(job, midnight, 'Europe/Madrid')['dias_vencidos']).toBe('5');
  });

  test('a given figure wins', () => {
    expect(dynamicVariables(jobOf({ payload: { ...COLLECTION, overdue_days: 90 } }), SUMMER, SANTIAGO)['dias_vencidos']).toBe('90');
  });
});

test('marketing is reached with what the API can store: its fields in additional_info, the required debt of 0 beside them', () => {
  const payload = {
    debt_amount: 0,
    due_date: '',
    company_name: 'Tienda',
    additional_info: {
      offer_description: 'Plan fibra',
      discount_percentage: 20,
      offer_value: '19990.0',
      campaign_type: 'retención',
      canal: 'web',
    },
  };
  expect(dynamicVariables(jobOf({ payload }), SUMMER, SANTIAGO)).toMatchObject({
    tipo_llamada: 'marketing',
    empresa: 'Tienda',
    monto_total: '0',
    descripcion_oferta: 'Plan fibra',
    descuento_porcentaje: '20',
    valor_oferta: '19990',
    tipo_campana: 'retención',
    canal: 'web',
  });
});

test('an offer and a debt: both are told', () => {
  const variables = dynamicVariables(
    jobOf({ payload: { ...COLLECTION, offer_description: 'Repactación', debt_type: 'crédito' } }),
    SUMMER,
    SANTIAGO,
  );
  expect(variables).toMatchObject({
    descripcion_oferta: 'Repactación',
    monto_total: '104050',
    tipo_deuda: 'crédito',
    cuotas_adeudadas: '3',
  });
});

test('with a debt of 0 the company, the dates and the kind of call are still there', () => {
  expect(dynamicVariables(jobOf({ payload: { ...COLLECTION, debt_amount: 0 } }), SUMMER, SANTIAGO)).toMatchObject({
    tipo_llamada: 'cobranza',
    empresa: 'Empresa X',
    fecha_limite: '2025-12-20',
    monto_total: '0',
  });
});

test('the flat documents of the first generations', () => {
  const raw = {
    rut: '11111111',
    rut_fmt: '1111111-1',
    nombre: 'Luis',
    origen_empresa: 'Empresa Y',
    cantidad_cupones: '2.0',
    monto_total: 55000,
    fecha_limite: '2025-12-01',
    fecha_maxima: '2026-01-01',
    fecha_pago_cliente: '',
    status: 'pending',
    attempts: 1,
    to_number: '+56911112222',
  };
  const variables = dynamicVariables(jobOf({ raw, contact: { name: null, dni: null } }), SUMMER, SANTIAGO);
  expect(variables).toMatchObject({
    nombre: 'Luis',
    RUT: '1111111-1',
    empresa: 'Empresa Y',
    cantidad_cupones: '2',
    cuotas_adeudadas: '2',
    monto_total: '55000',
    fecha_limite: '2025-12-01',
    fecha_maxima: '2026-01-01',
    dias_vencidos: '23',
    tipo_llamada: 'cobranza',
  });
  for (const name of ['status', 'attempts', 'to_number', 'fecha_pago_cliente']) expect(variables).not.toHaveProperty(name);
});

test('nothing is passed on that says nothing, nor the number of a row as a document', () => {
  const payload = {
    a: '',
    b: 'None',
    c: 'null',
    d: null,
    e: 'NaN',
    f: [],
    g: {},
    h: '  ',
    i: Number.NaN,
    j: new Date(Number.NaN),
    k: [null, 'x', 2],
    l: true,
  };
  const variables = dynamicVariables(jobOf({ payload, contact: { dni: 'contact_12', name: 'None' } }), SUMMER, SANTIAGO);
  expect(variables).toEqual({
    'current_time_America/Santiago': someText,
    current_time_America_Santiago: someText,
    k: 'x, 2',
    l: 'true',
  });
});

test('what other keys say wins over nothing that is known', () => {
  const payload = { ...COLLECTION, nombre: 'Otra', additional_info: { monto_total: 'mucho', RUT: 'x' } };
  const variables = dynamicVariables(jobOf({ payload }), SUMMER, SANTIAGO, { empresa: 'Z', intento: 2 });
  expect(variables).toMatchObject({ nombre: 'Ana Prueba', RUT: '12345678K', monto_total: '104050', empresa: 'Empresa X', intento: '2' });
});

test('too much is left out from the end, and no character is cut in two', () => {
  const additional_info = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, `${'a'.repeat(3_999)}😀`]));
  const variables = dynamicVariables(jobOf({ payload: { ...COLLECTION, additional_info } }), SUMMER, SANTIAGO);
  expect(Buffer.byteLength(JSON.stringify(variables))).toBeLessThan(50_000);
  expect(variables['monto_total']).toBe('104050');
  expect(variables['k0']).toBe('a'.repeat(3_999));
});

describe('what a prompt requires', () => {
  const PROMPT = ['nombre', 'empresa', 'cuotas_adeudadas', 'monto_total', 'fecha_limite', 'fecha_maxima', 'current_time_America/Santiago'];
  test('is all there', () => {
    expect(missingVariables(jobOf({ payload: COLLECTION }), PROMPT)).toEqual([]);
  });
  test('or is named', () => {
    expect(
      missingVariables(jobOf({ payload: { ...COLLECTION, company_name: null, additional_info: {} } }), [...PROMPT, 'toString']),
    ).toEqual(['empresa', 'cuotas_adeudadas', 'fecha_maxima', 'toString']);
  });
});

const anything = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('debt_amount', 'due_date', 'additional_info', 'offer_description', '__proto__')),
  fc.anything({ withDate: true, withBigInt: true }),
);

test('P7 whatever a document holds: strings only, none empty, never too many', () => {
  fc.assert(
    fc.property(anything, anything, fc.constantFrom(SANTIAGO, BUENOS_AIRES, 'UTC', ''), (payload, raw, zone) => {
      const variables = dynamicVariables(jobOf({ payload, raw }), SUMMER, zone);
      for (const value of Object.values(variables)) {
        expect(typeof value).toBe('string');
        expect(value.trim()).not.toBe('');
        expect(value.toLowerCase()).not.toMatch(/^(none|null|nan|undefined)$/);
      }
      expect(Buffer.byteLength(JSON.stringify(variables))).toBeLessThan(50_000);
    }),
  );
});
