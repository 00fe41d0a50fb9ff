/** The columns of the tables that reports write: a row for each contact, a row for each call. */
import type { Outcome } from '../domain/call.js';
import { date, get, number, text } from '../domain/lenient.js';
import { writtenContact } from '../domain/read-job.js';

export type Cell = string | number | boolean | Date | null;

export interface Column<T> {
  readonly name: string;
  readonly value: (from: T) => Cell;
}

const result = (job: unknown): unknown => get(job, 'call_result');
const summary = (job: unknown): unknown => get(result(job), 'summary');
const payload = (job: unknown): unknown => get(job, 'payload');
const flag = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);

/** Of jobs as they are stored, also by SpeechAI's worker: what is not there or cannot be read is left empty. */
export const CONTACT_COLUMNS: readonly Column<unknown>[] = [
  { name: 'job_id', value: (job) => text(get(job, 'job_id')) ?? text(get(job, '_id')) },
  { name: 'batch_id', value: (job) => text(get(job, 'batch_id')) },
  { name: 'account_id', value: (job) => text(get(job, 'account_id')) },
  { name: 'status', value: (job) => text(get(job, 'status')) },
  { name: 'name', value: (job) => writtenContact(job).name },
  { name: 'dni', value: (job) => writtenContact(job).dni },
  ...[0, 1, 2].map((at) => ({ name: `phone_${at + 1}`, value: (job: unknown) => writtenContact(job).numbers[at] ?? null })),
  { name: 'more_phones', value: (job) => writtenContact(job).numbers.slice(3).join('; ') || null },
  { name: 'attempts', value: (job) => number(get(job, 'attempts')) },
  { name: 'last_call_at', value: (job) => moment(get(job, 'call_ended_at')) ?? moment(get(result(job), 'timestamp')) },
  { name: 'last_result', value: (job) => text(get(result(job), 'outcome_class')) ?? text(get(result(job), 'status')) },
  { name: 'last_reason', value: (job) => text(get(result(job), 'outcome_reason')) ?? text(get(summary(job), 'disconnection_reason')) },
  { name: 'success', value: (job) => flag(get(result(job), 'success')) },
  { name: 'disposition', value: (job) => text(get(result(job), 'disposition')) },
  { name: 'qualification', value: (job) => text(get(result(job), 'qualification')) },
  { name: 'qualification_score', value: (job) => number(get(result(job), 'qualification_score')) },
  { name: 'sentiment', value: (job) => text(get(result(job), 'sentiment')) },
  { name: 'promised_date', value: (job) => text(get(job, 'fecha_pago_cliente')) },
  { name: 'promised_amount', value: (job) => number(get(job, 'monto_pago_cliente')) },
  { name: 'debt_amount', value: (job) => number(get(payload(job), 'debt_amount')) },
  { name: 'due_date', value: (job) => text(get(payload(job), 'due_date')) ?? moment(get(payload(job), 'due_date')) },
  { name: 'company_name', value: (job) => text(get(payload(job), 'company_name')) },
  { name: 'reference_number', value: (job) => text(get(payload(job), 'reference_number')) },
  { name: 'duration_seconds', value: (job) => number(get(job, 'call_duration_seconds')) ?? secondsOf(get(summary(job), 'duration_ms')) },
  { name: 'next_call_at', value: (job) => (get(job, 'status') === 'pending' ? moment(get(job, 'reserved_until')) : null) },
  { name: 'last_error', value: (job) => text(get(job, 'last_error')) },
  { name: 'call_summary', value: (job) => text(get(get(summary(job), 'call_analysis'), 'call_summary')) },
  { name: 'recording_url', value: (job) => text(get(summary(job), 'recording_url')) },
  { name: 'call_id', value: (job) => text(get(job, 'call_id')) ?? text(get(result(job), 'call_id')) },
  { name: 'created_at', value: (job) => moment(get(job, 'created_at')) },
  { name: 'finished_at', value: (job) => moment(get(job, 'finished_at')) },
];

/** Of the last call; long, and private: only where it was asked for. */
export const TRANSCRIPT_COLUMN: Column<unknown> = { name: 'transcript', value: (job) => text(get(summary(job), 'transcript')) };

/** The store's attempts fit. */
export interface ListedCall {
  readonly _id: string;
  readonly call_id?: string;
  readonly job_ref: string;
  readonly batch: string | null;
  readonly account: string | null;
  readonly to_number: string;
  readonly from_number: string;
  readonly phone_index: number;
  readonly at: Date;
  readonly placed_at?: Date;
  readonly state: string;
  readonly open: boolean;
  readonly timezone: string;
  readonly outcome?: Outcome;
  readonly stop_reason?: string;
  readonly stray?: boolean;
  readonly cost?: { readonly micros: number; readonly ms: number; readonly final: boolean };
  readonly foreign?: boolean;
  readonly runner: string;
}

export const CALL_COLUMNS: readonly Column<ListedCall>[] = [
  { name: 'call_id', value: (call) => call.call_id ?? null },
  { name: 'attempt_id', value: (call) => call._id },
  { name: 'job_id', value: (call) => call.job_ref },
  { name: 'batch_id', value: (call) => call.batch },
  { name: 'account_id', value: (call) => call.account },
  { name: 'to_number', value: (call) => call.to_number },
  { name: 'from_number', value: (call) => call.from_number },
  { name: 'phone', value: (call) => call.phone_index + 1 },
  { name: 'placed_at', value: (call) => call.placed_at ?? call.at },
  { name: 'ended_at', value: (call) => call.outcome?.endedAt ?? null },
  { name: 'timezone', value: (call) => call.timezone },
  { name: 'state', value: (call) => call.state },
  { name: 'result', value: (call) => call.outcome?.class ?? null },
  { name: 'reason', value: (call) => call.outcome?.reason ?? null },
  { name: 'reached', value: (call) => call.outcome?.reached ?? null },
  { name: 'success', value: (call) => call.outcome?.success ?? null },
  { name: 'duration_seconds', value: (call) => (call.outcome === undefined ? null : Math.round(call.outcome.durationMs / 1000)) },
  { name: 'cost_dollars', value: (call) => (hasPrice(call) ? call.cost.micros / 1e6 : null) },
  { name: 'cost_final', value: (call) => (hasPrice(call) ? call.cost.final : null) },
  { name: 'stopped_for', value: (call) => call.stop_reason ?? null },
  { name: 'stray', value: (call) => call.stray ?? false },
  { name: 'runner', value: (call) => call.runner },
];

/** A call that the old worker left may have no price that anybody knows. */
export function hasPrice<C extends { readonly cost?: { readonly micros: number }; readonly foreign?: boolean }>(
  call: C,
): call is C & { readonly cost: NonNullable<C['cost']> } {
  return call.cost !== undefined && (call.foreign !== true || call.cost.micros > 0);
}

/** Dates of any year can be stored, and neither sheets nor people can read those of some. */
function moment(value: unknown): Date | null {
  const read = date(value);
  return read === null || read.getUTCFullYear() < 1900 || read.getUTCFullYear() > 9999 ? null : read;
}

function secondsOf(ms: unknown): number | null {
  const read = number(ms);
  return read === null ? null : Math.round(read / 1000);
}
