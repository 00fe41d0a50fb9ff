/** Fields that an agent has filled in with nothing: in several ways, and in the languages the agents speak. */

const NOTHING: ReadonlySet<string> = new Set([
  '',
  '-',
  '0',
  'none',
  'null',
  'n/a',
  'na',
  'nan',
  'no',
  'unknown',
  'undefined',
  'not specified',
  'not provided',
  'ninguno',
  'ninguna',
  'nada',
  'no aplica',
  'no indica',
  'no informa',
  'no informado',
  'no informada',
  'no especifica',
  'no especificado',
  'no especificada',
  'no definido',
  'no definida',
  'no disponible',
  'sin fecha',
  'sin monto',
  'sin informacion',
  'sin definir',
  'desconocido',
  'desconocida',
]);

/** An amount of nothing is none. */
export function saysNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === 0) return true;
  return typeof value === 'string' && NOTHING.has(plainText(value).replace(/[.!]+$/, ''));
}

/** For comparing what people write: without case, accents and margins. */
export function plainText(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').trim().toLowerCase();
}
