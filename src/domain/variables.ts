/** What the agent's prompt may know about a contact: every generation of SpeechAI's documents, under the names its prompts use. */
import { Temporal } from 'temporal-polyfill';
import { OFFER_FIELDS } from './offer.js';
import type { Job } from './job.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The prompt's variables: strings only, none empty. `timezone` is the contact's own, and so are the times, also in the variable that
 * SpeechAI's prompts call after Santiago: they mean "now, where you are calling". `extra` is added last and wins over nothing.
 */
export function dynamicVariables(job: Job, now: Date, timezone: string, extra: Fields = {}): Record<string, string> {
  const local = localTime(now, timezone);
  return collect(job, local, extra);
}

/** Which of the names a prompt requires this job has no value for; the times are always there. */
export function missingVariables(job: Job, required: readonly string[]): string[] {
  const known = collect(job, { text: 'now', today: Temporal.PlainDate.from('2000-01-01'), zone: 'UTC' }, {});
  return required.filter((name) => !Object.hasOwn(known, name) && !CURRENT_TIME.test(name));
}

interface LocalTime {
  readonly text: string;
  readonly today: Temporal.PlainDate;
  readonly zone: string;
}

/** Any name of this form gets the time of the call: what an import stored under it was the time of the import. */
const CURRENT_TIME = /^current_time_/i;

function collect(job: Job, local: LocalTime, extra: Fields): Record<string, string> {
  const variables = createVariables();
  const { payload, raw, contact } = job;
  const info = fieldsOf(payload['additional_info']);
  /** The nested document, then its additional_info, then the root, where older generations keep everything. */
  const valueOf = (names: readonly string[]): unknown => {
    for (const source of [payload, info, raw]) {
      for (const name of names) {
        if (textOf(source[name]) !== null) return source[name];
      }
    }
    return null;
  };
  const find = (...names: readonly string[]): string | null => textOf(valueOf(names));
  const amount = (...names: readonly string[]): string | null => wholeAmount(valueOf(names));

  variables.add('nombre', textOf(contact.name) ?? find('nombre'));
  variables.add('empresa', find('company_name', 'origen_empresa', 'empresa'));
  variables.add('RUT', documentOf(contact.dni) ?? documentOf(find('rut_fmt', 'rut', 'RUT', 'dni')));
  for (const zone of ['America/Santiago', local.zone]) {
    variables.add(`current_time_${zone.replaceAll('/', '_')}`, local.text);
    variables.add(`current_time_${zone}`, local.text);
  }

  const offer = find('offer_description', 'descripcion_oferta');
  const debt = amount('debt_amount', 'monto_total', 'deuda');
  const dueDate = find('due_date', 'fecha_limite');
  if (offer !== null) variables.add('tipo_llamada', 'marketing');
  else if (debt !== null || dueDate !== null) variables.add('tipo_llamada', 'cobranza');

  variables.add('monto_total', debt);
  variables.add('fecha_limite', dueDate);
  variables.add('fecha_maxima', find('fecha_maxima'));
  variables.add('dias_vencidos', amount('overdue_days', 'dias_vencidos') ?? daysOverdue(dueDate, local.today));
  variables.add('tipo_deuda', find('debt_type', 'tipo_deuda'));
  const coupons = amount('cantidad_cupones', 'cuotas_adeudadas');
  variables.add('cantidad_cupones', coupons);
  variables.add('cuotas_adeudadas', coupons);

  if (offer !== null) {
    variables.add('descripcion_oferta', offer);
    variables.add('descuento_porcentaje', find('discount_percentage', 'descuento_porcentaje') ?? '0');
    variables.add('categoria_producto', find('product_category', 'categoria_producto'));
    variables.add('segmento_cliente', find('customer_segment', 'segmento_cliente'));
    variables.add('tipo_campana', find('campaign_type', 'tipo_campana'));
    variables.add('llamada_accion', find('call_to_action', 'llamada_accion'));
    variables.add('valor_oferta', amount('offer_value', 'valor_oferta') ?? '0');
    variables.add('oferta_expira', find('offer_expires', 'oferta_expira'));
  }

  for (const source of [payload, info, extra]) {
    for (const [name, value] of Object.entries(source)) {
      if (TRANSLATED.has(name)) continue;
      variables.add(name, CURRENT_TIME.test(name) ? local.text : textOf(value));
    }
  }
  return variables.all;
}

/** Sent under the names above already. */
const TRANSLATED = new Set(['additional_info', 'company_name', 'debt_amount', 'due_date', 'overdue_days', 'debt_type', ...OFFER_FIELDS]);

/** The provider refuses more than 50 kB; escaping and the rest of the body need the difference. */
const MAX_TOTAL_BYTES = 40_000;
const MAX_VALUE_CHARS = 4_000;
/** What a prompt can name between its braces. */
const NAME = /^[^\s{}\p{Cc}](?:[^{}\p{Cc}]{0,98}[^\s{}\p{Cc}])?$/u;

/** The first value of a name stays. What no longer fits is left out, and what matters most is added first. */
function createVariables(): { readonly all: Record<string, string>; add(name: string, value: string | null): void } {
  const all: Record<string, string> = {};
  let left = MAX_TOTAL_BYTES;
  return {
    all,
    add(name, value) {
      if (value === null || name === '__proto__' || !NAME.test(name) || Object.hasOwn(all, name)) return;
      const kept = shortened(value);
      const size = Buffer.byteLength(JSON.stringify([name, kept]));
      if (size > left) return;
      left -= size;
      all[name] = kept;
    },
  };
}

/** Cut, but never through the middle of a character. */
const shortened = (text: string): string => text.slice(0, MAX_VALUE_CHARS).replace(/[\uD800-\uDBFF]$/, '');

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a spreadsheet, pandas or Python spell "nothing"; a prompt would say it aloud. */
const NOTHING = new Set(['', 'none', 'null', 'nan', 'nat', 'undefined', 'n/a', '<na>']);
/** Numbers that BSON wraps; they print themselves. */
const WRAPPED = new Set(['Decimal128', 'Double', 'Int32', 'Long', 'ObjectId', 'UUID']);

interface Printable {
  readonly _bsontype: string;
  toString(radix?: number): string;
}

/** A document can have a field `_bsontype` too: only the driver's own classes print themselves. */
function isWrapped(value: object): value is Printable {
  if (!('_bsontype' in value) || typeof value._bsontype !== 'string') return false;
  return WRAPPED.has(value._bsontype) && Object.getPrototypeOf(value) !== Object.prototype;
}

function textOf(value: unknown): string | null {
  const text = spelled(value)?.trim() ?? '';
  return NOTHING.has(text.toLowerCase()) ? null : text;
}

function spelled(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return Number.isFinite(value) ? String(value) : null;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return spelledObject(value);
    default:
      return null;
  }
}

function spelledObject(value: object | null): string | null {
  if (value === null) return null;
  // A date without a time of day is what all of SpeechAI's dates are.
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString().slice(0, 10);
  try {
    if (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)) {
      return value.flatMap((item) => textOf(item) ?? []).join(', ');
    }
    if (isWrapped(value)) return value.toString();
    return Object.keys(value).length === 0 ? null : JSON.stringify(value);
  } catch {
    return null;
  }
}

/** An amount of pesos as it is spoken: `104050`, never `104050.0`. What is no plain number is passed on as it stands. */
function wholeAmount(value: unknown): string | null {
  const text = textOf(value);
  if (text === null) return null;
  // In a number a point is always a fraction; only in what people typed can it be anything else.
  if (typeof value !== 'string' && Number.isFinite(Number(text))) return String(Math.round(Number(text)) || 0);
  const bare = text.replace(/^\$\s*/, '');
  // Three digits after the point: thousands, as Chile and Argentina write them. Read as a fraction, 104.050 pesos would become 104.
  const plain = /^-?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/.test(bare)
    ? bare.replaceAll('.', '').replace(',', '.')
    : /^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(bare)
      ? bare.replaceAll(',', '')
      : bare.replace(/^(-?\d+),(\d+)$/, '$1.$2');
  if (!/^-?\d{1,15}(?:\.\d+)?$/.test(plain)) return text;
  return String(Math.round(Number(plain)) || 0);
}

/** CSV imports number their rows where a document is missing; read out, `contact_12` would pass for one. */
const documentOf = (dni: string | null): string | null => (dni === null || /^contact_\d+$/i.test(dni.trim()) ? null : textOf(dni));

function daysOverdue(dueDate: string | null, today: Temporal.PlainDate): string | null {
  const due = dueDate === null ? null : plainDate(dueDate);
  if (due === null) return null;
  return String(Math.max(0, due.until(today, { largestUnit: 'days' }).days));
}

/** `2025-11-25`, with or without a time, or `25/11/2025` and `25-11-2025`. */
function plainDate(text: string): Temporal.PlainDate | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/.exec(text);
  const local = /^(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)/.exec(text);
  const [year, month, day] = iso ? [iso[1], iso[2], iso[3]] : [local?.[3], local?.[2], local?.[1]];
  if (year === undefined) return null;
  try {
    return Temporal.PlainDate.from({ year: Number(year), month: Number(month), day: Number(day) }, { overflow: 'reject' });
  } catch {
    return null;
  }
}

/** Names people use there, which the locale data replaces by an offset; the offset keeps them right in summer. */
const ZONE_NAMES: Readonly<Record<string, string>> = {
  'America/Santiago GMT-4': 'CLT',
  'America/Santiago GMT-3': 'CLST',
  'Pacific/Easter GMT-6': 'EAST',
  'Pacific/Easter GMT-5': 'EASST',
};

const formats = new Map<string, Intl.DateTimeFormat>();

function formatFor(timezone: string): Intl.DateTimeFormat {
  const kept = formats.get(timezone);
  if (kept !== undefined) return kept;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'long',
    year: 'numeric',
    month: 'long',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h12',
    timeZoneName: 'short',
  });
  formats.set(timezone, made);
  return made;
}

/** The last second told in each zone: a busy daemon asks for the same one many times, and spelling it is dear. */
const told = new Map<string, { readonly second: number; readonly time: LocalTime }>();

function localTime(now: Date, timezone: string): LocalTime {
  const zone = isZone(timezone) ? timezone : 'UTC';
  const second = Math.floor(now.getTime() / 1000);
  const known = told.get(zone);
  if (known?.second === second) return known.time;
  const time = spellTime(now, zone);
  told.set(zone, { second, time });
  return time;
}

/** `Wednesday, December 24, 2025 at 12:00:00 PM CLST`, with the name the zone has on that day. */
function spellTime(now: Date, zone: string): LocalTime {
  const parts = new Map(
    formatFor(zone)
      .formatToParts(now)
      .map((part) => [part.type, part.value]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  const offset = part('timeZoneName');
  const name = ZONE_NAMES[`${zone} ${offset}`] ?? (zone.startsWith('America/Argentina/') && offset === 'GMT-3' ? 'ART' : offset);
  return {
    zone,
    today: Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone).toPlainDate(),
    text:
      `${part('weekday')}, ${part('month')} ${part('day')}, ${part('year')}` +
      ` at ${part('hour')}:${part('minute')}:${part('second')} ${part('dayPeriod')} ${name}`,
  };
}

function isZone(timezone: string): boolean {
  try {
    formatFor(timezone);
    return true;
  } catch {
    return false;
  }
}
