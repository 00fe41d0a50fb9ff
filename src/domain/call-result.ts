/** What a call leaves on SpeechAI's documents, in the shapes that its API, its front end and its reports read. */
import { saysNothing } from './blanks.js';
import type { CallReading, NextStep, Outcome } from './call.js';
import type { Disposition } from './dispositions.js';
import type { Contact } from './job.js';
import { storable } from './storable.js';
import { isFinal } from './transitions.js';

type Fields = Record<string, unknown>;

/** Free text of an analysis, in a field that lists show. */
const LONGEST_DATE = 200;

export interface CallExtras {
  readonly attemptId: string;
  readonly disposition: Disposition;
  /** What was charged: by the tariff that is not what the provider asks, and the API adds these up to the batch's cost. */
  readonly costCents: number;
}

/**
 * `jobs.call_result`. The copies beside `summary` are what SpeechAI's aggregations add up (they look there and nowhere
 * else), and `combined_cost` is always a number because the front end formats it without asking.
 */
export function callResult(given: CallReading | null, outcome: Outcome, extras: CallExtras, now: Date): Fields {
  const reading = given === null ? null : asStored(given);
  const status = reading?.status ?? 'unknown';
  return {
    success: outcome.success,
    status,
    summary: summaryOf(reading, outcome, extras.costCents),
    details: reading?.raw ?? {},
    timestamp: now,
    call_id: reading?.callId ?? null,
    call_status: status,
    duration_ms: outcome.durationMs,
    call_cost: {
      combined_cost: extras.costCents,
      total_duration_seconds: wholeSeconds(outcome.durationMs),
    },
    attempt_id: extras.attemptId,
    outcome_class: outcome.class,
    outcome_reason: outcome.reason,
    reached: outcome.reached,
    qualification: extras.disposition.qualification,
    qualification_score: extras.disposition.score,
    disposition: extras.disposition.outcome,
    sentiment: extras.disposition.sentiment,
  };
}

/** Each part has its own room: a transcript that fills the whole must not push the analysis out. */
function asStored(reading: CallReading): CallReading {
  return { ...reading, raw: storable(reading.raw), analysis: storable(reading.analysis), collected: storable(reading.collected) };
}

function summaryOf(reading: CallReading | null, outcome: Outcome, costCents: number): Fields {
  const raw = reading?.raw ?? {};
  const cost = isRecord(raw['call_cost']) ? raw['call_cost'] : null;
  return {
    call_status: reading?.status ?? null,
    disconnection_reason: reading?.reason ?? null,
    duration_ms: outcome.durationMs,
    start_timestamp: raw['start_timestamp'] ?? null,
    end_timestamp: raw['end_timestamp'] ?? null,
    recording_url: raw['recording_url'] ?? null,
    recording_multi_channel_url: raw['recording_multi_channel_url'] ?? null,
    public_log_url: raw['public_log_url'] ?? null,
    transcript: raw['transcript'] ?? null,
    ...(cost === null ? {} : { call_cost: { ...cost, combined_cost: costCents } }),
    ...(reading?.analysis ? { call_analysis: reading.analysis } : {}),
    ...(reading?.collected ? { collected_dynamic_variables: reading.collected } : {}),
  };
}

export interface JobFieldsInput {
  readonly reading: CallReading | null;
  readonly outcome: Outcome;
  readonly next: NextStep;
  readonly now: Date;
}

/**
 * The other fields of the job to set after a call. Not among them: status, attempts, number index and lease, which the
 * fenced transition owns. Values are data, never expressions: a promised amount may begin with `$`.
 */
export function jobFields({ reading, outcome, next, now }: JobFieldsInput): Fields {
  return {
    is_calling: false,
    call_ended_at: outcome.endedAt,
    call_duration_seconds: wholeSeconds(outcome.durationMs),
    last_attempt_result: (reading?.status ?? outcome.class).toLowerCase(),
    last_error: next.lastError,
    next_try_at: next.status === 'pending' ? next.dueAt : null,
    ...(reading === null ? {} : { call_id: reading.callId }),
    ...finishedFields(next.status, now),
    ...promiseFields(reading?.collected ?? null),
  };
}

/** `finished_at` is the old worker's word, `completed_at` the one the API's hourly summary looks for. */
function finishedFields(status: string, now: Date): Fields {
  if (!isFinal(status)) return {};
  if (status === 'cancelled') return { finished_at: now };
  return status === 'failed' ? { finished_at: now, completed_at: now, failed_at: now } : { finished_at: now, completed_at: now };
}

/** What says nothing is left out, and an amount that is no number: the front end prints `NaN` for text. It stays readable in the call's variables. */
function promiseFields(collected: Readonly<Fields> | null): Fields {
  const date = collected?.['fecha_pago_cliente'];
  const dateText = typeof date === 'string' ? date.trim().slice(0, LONGEST_DATE) : '';
  const amount = parseAmount(collected?.['monto_pago_cliente']);
  return {
    ...(saysNothing(dateText) ? {} : { fecha_pago_cliente: dateText }),
    ...(amount === null || amount === 0 ? {} : { monto_pago_cliente: amount }),
  };
}

/** `$ 150.000`, `150,000.50`, `150.000,50`, `150000.0`, `150 mil`: a lone separator before exactly three digits groups thousands. */
export function parseAmount(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string') return null;
  const match = /^(\d[\d.,]*)(mil)?$/.exec(value.toLowerCase().replace(/\s|\$|clp|ars|pesos/g, ''));
  if (match === null) return null;
  const digits = (match[1] ?? '').replace(/[.,]+$/, '');
  const plain = plainNumber(digits);
  return plain === null ? null : plain * (match[2] === undefined ? 1 : 1000);
}

function plainNumber(digits: string): number | null {
  const decimal = decimalSeparator(digits);
  const parts = decimal === null ? [digits] : [digits.slice(0, digits.lastIndexOf(decimal)), digits.slice(digits.lastIndexOf(decimal) + 1)];
  const [whole = '', fraction = ''] = parts;
  if (!/^\d+$|^\d{1,3}([.,]\d{3})+$/.test(whole) || !/^\d*$/.test(fraction)) return null;
  const number = Number(`${whole.replace(/[.,]/g, '')}.${fraction || '0'}`);
  return Number.isFinite(number) ? number : null;
}

function decimalSeparator(digits: string): string | null {
  const last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
  if (last < 0) return null;
  const separator = digits.charAt(last);
  const other = separator === '.' ? ',' : '.';
  const repeated = digits.indexOf(separator) !== last;
  if (digits.includes(other)) return repeated ? null : separator;
  return repeated || digits.length - last - 1 === 3 ? null : separator;
}

export interface ResultDocumentInput {
  readonly attemptId: string;
  readonly jobRef: string;
  readonly account: string | null;
  readonly batch: string | null;
  /** null: the job is gone. */
  readonly contact: Pick<Contact, 'name' | 'dni'> | null;
  /** The number that rang, as dialled. */
  readonly phoneUsed: string;
  readonly outcome: Outcome | null;
  readonly result: Fields;
}

/** SpeechAI's `call_results` document, but for its key and its date: one per call, with the full reply. */
export function resultDocument({ attemptId, jobRef, account, batch, contact, phoneUsed, outcome, result }: ResultDocumentInput): Fields {
  return {
    job_id: jobRef,
    account_id: account,
    batch_id: batch,
    attempt_id: attemptId,
    contact: { ...(contact === null ? {} : { name: contact.name, dni: contact.dni }), phone_used: phoneUsed },
    call_data: result,
    call_status: result['call_status'] ?? 'unknown',
    duration_ms: outcome?.durationMs ?? 0,
    is_successful: outcome?.success ?? false,
  };
}

function wholeSeconds(durationMs: number): number {
  return Math.round(durationMs / 1000);
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
