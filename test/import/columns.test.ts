import { expect, test } from 'vitest';
import { mapColumns, parseMapping, type Columns } from '../../src/import/columns.js';

const map = (header: readonly string[], ...mappings: readonly string[]): Columns => mapColumns(header, mappings.map(parseMapping));
const fields = (columns: Columns): Record<string, string> => Object.fromEntries(columns.fields.map(({ header, field }) => [header, field]));

test("SpeechAI's columns are found, accents and spaces forgiven", () => {
  expect(
    fields(
      map([
        'RUTS',
        'Nombre',
        'Origen Empresa',
        'Saldo actualizado',
        'Fecha Vencimiento',
        'Días de retraso',
        'Teléfono móvil',
        'TELEFONO_RESIDENCIAL',
      ]),
    ),
  ).toEqual({
    RUTS: 'rut',
    Nombre: 'name',
    'Origen Empresa': 'company',
    'Saldo actualizado': 'amount',
    'Fecha Vencimiento': 'expiry',
    'Días de retraso': 'days_late',
    'Teléfono móvil': 'mobile',
    TELEFONO_RESIDENCIAL: 'landline',
  });
});

test('an exact name wins over one that contains it, which is then left out', () => {
  const columns = map(['Nombre ejecutivo', 'Nombre', 'RUT ejecutivo', 'RUT', 'Celular']);
  expect(fields(columns)).toEqual({ Nombre: 'name', RUT: 'rut', Celular: 'mobile' });
  expect(columns.ignored).toEqual(['Nombre ejecutivo', 'RUT ejecutivo']);
});

test('every column of numbers counts', () => {
  expect(fields(map(['dni', 'Telefono1', 'Telefono 2', 'Fono Celular', 'phones']))).toMatchObject({
    Telefono1: 'phone',
    'Telefono 2': 'phone',
    'Fono Celular': 'mobile',
    phones: 'phone',
  });
});

test('--map rules over names, makes variables and leaves out', () => {
  const columns = map(['A', 'Nombre', 'Plan', 'Celular'], 'A=phone', 'Plan=plan', '#2=-');
  expect(fields(columns)).toEqual({ A: 'phone', Celular: 'mobile' });
  expect(columns.extras).toEqual([{ index: 2, header: 'Plan', variable: 'plan' }]);
  expect(columns.ignored).toEqual(['Nombre']);
});

test.each([
  [['Nombre', 'Monto'], [], /No column .* telephone/],
  [['Celular', 'RUT', 'Rut'], [], /Both "RUT" \(column 2\) and "Rut" \(column 3\)/],
  [['Celular'], ['Fono=phone'], /"Fono", which the file has not/],
  [['Celular', 'A', 'A'], ['A=plan'], /2 times/],
  [['Celular'], ['Celular'], /not COLUMN=FIELD/],
  [['Celular'], ['Celular=a.b'], /not COLUMN=FIELD/],
] as const)('%j with %j is refused', (header, mappings, message) => {
  expect(() => map(header, ...mappings)).toThrow(message);
});
