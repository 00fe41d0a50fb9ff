/** A job made by hand: what SpeechAI's API would have written for the contact (facts its lists and reports rely on), or why it cannot be made. */
import type { Account } from './account.js';
import type { Batch } from './batch.js';
import { readIdentity, writtenPerson } from './person.js';
import { readPhone } from './phones.js';

export interface NewJob {
  readonly account: string;
  readonly batch: string | null;
  readonly phones: readonly string[];
  readonly name: string | null;
  readonly dni: string | null;
  readonly amount: number | null;
  /** YYYY-MM-DD. */
  readonly due: string | null;
  readonly company: string | null;
  readonly fields: Readonly<Record<string, string>>;
  readonly maxAttempts: number | null;
  readonly queue: string | null;
}

export interface JobTargets {
  readonly account: Account | 'missing';
  /** null: none was named. */
  readonly batch: Batch | 'missing' | null;
}

export interface JobPaper extends Readonly<Record<string, unknown>> {
  readonly job_id: string;
  readonly deduplication_key: string;
}

export type JobDraft =
  | { readonly kind: 'job'; readonly doc: JobPaper; readonly phones: readonly string[] }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] };

const DEFAULT_ATTEMPTS = 3;
const FIELD_NAME = /^[^\s.${}\0][^.{}\0]{0,98}$/;

/** `suffix` makes the job's id unique; the database gives the dates. */
export function draftJob(order: NewJob, targets: JobTargets, now: Date, suffix: string): JobDraft {
  const reasons = [...targetProblems(order, targets), ...fieldProblems(order)];
  const country = targets.account === 'missing' ? null : targets.account.country;
  const read = order.phones.map((phone) => readPhone(phone, country));
  read.forEach((phone, index) => {
    if (phone.e164 === null) reasons.push(`Telephone number ${index + 1} is none that can be dialled; write it as +56912345678.`);
  });
  const phones = read
    .filter(({ line }, index) => read.findIndex((other) => other.line === line) === index)
    .flatMap(({ e164 }) => e164 ?? []);
  if (order.phones.length === 0) reasons.push('A job needs at least one telephone number.');
  const [first] = phones;
  if (reasons.length > 0 || first === undefined) return { kind: 'refused', reasons };
  const dni = order.dni === null ? null : (readIdentity(order.dni, country)?.id ?? null);
  return {
    kind: 'job',
    phones,
    doc: {
      job_id: `job_${order.account.slice(0, 8)}_${stamp(now)}_${suffix}`,
      account_id: order.account,
      batch_id: order.batch,
      status: 'pending',
      mode: 'single',
      attempts: 0,
      max_attempts: order.maxAttempts ?? DEFAULT_ATTEMPTS,
      // One person has one key, in the spelling of imports. Somebody without a RUT or DNI is known by the number alone.
      deduplication_key: `${order.account}::${dni ?? first}::${order.batch ?? 'single'}`,
      contact: { name: order.name ?? '', dni: dni ?? '', phones, next_phone_index: 0 },
      to_number: first,
      payload: {
        debt_amount: order.amount,
        due_date: order.due ?? '',
        company_name: order.company,
        reference_number: '',
        additional_info: { ...order.fields },
      },
      reserved_until: null,
      ...(order.queue === null ? {} : { queue: order.queue }),
    },
  };
}

function targetProblems(order: NewJob, { account, batch }: JobTargets): string[] {
  const found: string[] = [];
  if (account === 'missing') found.push(`There is no account ${order.account}.`);
  else if (account.problems.length > 0) found.push(`The account ${order.account} is not understood: ${account.problems.join('; ')}.`);
  if (batch === 'missing') found.push(`There is no batch ${order.batch ?? ''}.`);
  if (batch === null || batch === 'missing') return found;
  if (batch.account !== null && batch.account !== order.account)
    found.push(`The batch ${order.batch ?? ''} belongs to the account ${batch.account}.`);
  if (batch.state === 'cancelled' || batch.state === 'completed')
    found.push(`The batch ${order.batch ?? ''} is ${batch.state}: nothing in it is dialled any more.`);
  return found;
}

function fieldProblems({ amount, due, fields, maxAttempts, dni }: NewJob): string[] {
  const found = Object.keys(fields).flatMap((name) =>
    FIELD_NAME.test(name) ? [] : [`"${name.slice(0, 40)}" cannot be the name of a field.`],
  );
  if (amount !== null && !(Number.isFinite(amount) && amount >= 0)) found.push('The amount is not a number of at least 0.');
  if (due !== null && !isDay(due)) found.push('The due date is not a date like 2026-11-30.');
  if (maxAttempts !== null && !(Number.isInteger(maxAttempts) && maxAttempts >= 1))
    found.push('The attempts are no whole number of at least 1.');
  if (dni !== null && writtenPerson(dni) === null) found.push('The RUT or DNI is none.');
  return found;
}

function isDay(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return Number.isFinite(at.getTime()) && at.toISOString().startsWith(text);
}

function stamp(at: Date): string {
  return at.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '_');
}
