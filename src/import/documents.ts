/** Job and batch documents exactly as SpeechAI's API writes them, so that its lists, reports and screens show them. */
import type { Account } from '../domain/account.js';
import type { ContactDraft } from './contact.js';
import type { JobIds } from './identity.js';
import type { ImportSettings } from './import-settings.js';

export interface BatchPaper {
  readonly batchId: string;
  readonly importId: string;
  readonly account: Account;
  readonly name: string;
  readonly createdAt: Date;
  readonly settings: ImportSettings;
  /** YYYY-MM-DD on the account's clock: dynamic dates count from it. */
  readonly today: string;
  readonly dates: { readonly due: string | null; readonly max: string | null };
}

const DEFAULT_ATTEMPTS = 3;
/** What an average call is taken for in an estimate, in SpeechAI as here. */
const ESTIMATED_MINUTES = 3;

export interface JobPaper extends Readonly<Record<string, unknown>> {
  readonly deduplication_key: string;
}

export function dniOf(contact: Pick<ContactDraft, 'dni' | 'line'>): string {
  return contact.dni ?? `contact_${contact.line}`;
}

/** `_id` is the caller's to add. No field is written that holds nothing: SpeechAI's readers tell the two apart. */
export function jobDocument(contact: ContactDraft, batch: BatchPaper, ids: JobIds): JobPaper {
  const { account, batchId, importId, createdAt, settings, dates } = batch;
  const dni = dniOf(contact);
  const maxDate = dates.max ?? contact.maxDate;
  return {
    job_id: ids.jobId(contact.line),
    account_id: account.id,
    batch_id: batchId,
    status: 'pending',
    mode: 'single',
    attempts: 0,
    max_attempts: attemptsOf(settings),
    deduplication_key: `${account.id}::${dni}::${batchId}`,
    contact: {
      name: contact.name,
      dni,
      phones: contact.phones,
      next_phone_index: 0,
      ...(contact.timezone === null ? {} : { timezone: contact.timezone }),
    },
    to_number: contact.phones[0] ?? null,
    payload: {
      // Without these two keys SpeechAI's API cannot show the job at all.
      debt_amount: contact.amount ?? 0,
      due_date: dates.due ?? contact.dueDate ?? '',
      company_name: companyOf(contact, settings),
      reference_number: contact.reference,
      ...contact.offer,
      additional_info: {
        ...contact.extra,
        cantidad_cupones: contact.rows,
        ...(maxDate === null ? {} : { fecha_maxima: maxDate }),
        ...(contact.dni === null ? {} : { rut: contact.dni }),
        batch_origen: batchId,
      },
    },
    estimated_cost: estimatedCost(account),
    created_at: createdAt,
    import_id: importId,
  };
}

export function companyOf(contact: ContactDraft, settings: ImportSettings): string | null {
  return contact.company === '' ? settings.company : contact.company;
}

export function batchDocument(
  { batchId, importId, account, name, createdAt, settings }: BatchPaper,
  total: number,
): Readonly<Record<string, unknown>> {
  return {
    account_id: account.id,
    batch_id: batchId,
    name,
    description: settings.description,
    total_jobs: total,
    pending_jobs: total,
    completed_jobs: 0,
    failed_jobs: 0,
    suspended_jobs: 0,
    total_cost: 0,
    total_minutes: 0,
    estimated_cost: Math.round(total * estimatedCost(account) * 100) / 100,
    is_active: false,
    priority: typeof settings.callSettings?.['priority'] === 'number' ? settings.callSettings['priority'] : 1,
    call_settings: settings.callSettings,
    created_at: createdAt,
    ...settings.batch,
    import_id: importId,
  };
}

function attemptsOf({ callSettings }: ImportSettings): number {
  const asked = callSettings?.['max_attempts'];
  return typeof asked === 'number' && Number.isInteger(asked) && asked > 0 ? asked : DEFAULT_ATTEMPTS;
}

function estimatedCost({ tariff }: Account): number {
  return Math.round((tariff.setupMicros + ESTIMATED_MINUTES * tariff.perMinuteMicros) / 1e4) / 100;
}
