/** The settings file of an import: SpeechAI's `call_settings`, its dynamic dates, and what else a batch can carry. Refused where it is not understood. */
import { z } from 'zod';
import { EXIT, SpeechAiError } from '../domain/errors.js';

export interface ImportSettings {
  readonly callSettings: Readonly<Record<string, unknown>> | null;
  /** Every contact's `fecha_limite`, so many days from today, over what the file says. */
  readonly dueInDays: number | null;
  readonly maxInDays: number | null;
  readonly company: string | null;
  readonly description: string;
  readonly requiredVariables: readonly string[];
  /** Contacts called within so many days are counted in the preview. */
  readonly recentDays: number;
  /** Fields of the batch itself, by their names in the document. */
  readonly batch: Readonly<Record<string, unknown>>;
}

export const NO_SETTINGS: ImportSettings = {
  callSettings: null,
  dueInDays: null,
  maxInDays: null,
  company: null,
  description: '',
  requiredVariables: [],
  recentDays: 7,
  batch: {},
};

const days = z.int().min(0).max(3_650);
const dateText = z.string().min(10);

const OWN = z.strictObject({
  dias_fecha_limite: days.optional(),
  dias_fecha_maxima: days.optional(),
  company_name: z.string().min(1).optional(),
  description: z.string().optional(),
  required_variables: z.array(z.string().min(1)).optional(),
  recent_days: days.optional(),
  call_settings: z.record(z.string(), z.unknown()).nullable().optional(),
  use_case: z.string().min(1).optional(),
  queue: z.string().min(1).optional(),
  rules: z.union([z.string(), z.boolean()]).optional(),
  from_numbers: z.union([z.string(), z.array(z.string())]).optional(),
  agent_id: z.string().min(1).optional(),
  start_at: dateText.optional(),
  end_at: dateText.optional(),
  priority: z.union([z.int().min(1).max(4), z.string()]).optional(),
});

/** A key that is misspelt would be a rule that nobody keeps. */
const CALL_KEYS = new Set([
  'max_attempts',
  'retry_delay_hours',
  'hours_between_attempts',
  'retry_settings',
  'allowed_hours',
  'allowed_call_hours',
  'days_of_week',
  'allowed_days',
  'timezone',
  'time_zone',
  'holidays',
  'closed_dates',
  'ring_timeout',
  'max_call_duration',
  'max_concurrent_calls',
  'max_calls_per_day',
  'daily_call_limit',
  'priority',
  'queue',
  'rules',
  'from_numbers',
  'from_number',
  'agent_id',
  'retell_agent_id',
  'start_at',
  'end_at',
  'use_case',
]);

export function readImportSettings(text: string, path: string): ImportSettings {
  const given = parseObject(text, path);
  const ownKeys = new Set(Object.keys(OWN.shape));
  const own = OWN.safeParse(pick(given, (key) => ownKeys.has(key)));
  if (!own.success) throw refused(path, z.prettifyError(own.error).replace(/\s+/g, ' '));
  const {
    dias_fecha_limite: due,
    dias_fecha_maxima: max,
    company_name: company,
    description,
    required_variables: required,
    recent_days: recent,
    call_settings: nested,
    ...rest
  } = own.data;
  const flat = pick(given, (key) => !ownKeys.has(key));
  const callSettings = { ...nested, ...flat };
  const unknown = Object.keys(callSettings).filter((key) => !CALL_KEYS.has(key));
  if (unknown.length > 0) throw refused(path, `nothing is known by the name of ${unknown.map((key) => `"${key}"`).join(', ')}`);
  const { priority, ...batch } = rest;
  return {
    // SpeechAI reads the priority of a batch among its call settings as well, and its forms write it there.
    callSettings:
      priority === undefined && Object.keys(callSettings).length === 0
        ? null
        : { ...callSettings, ...(priority === undefined ? {} : { priority }) },
    dueInDays: due ?? null,
    maxInDays: max ?? null,
    company: company ?? null,
    description: description ?? '',
    requiredVariables: required ?? [],
    recentDays: recent ?? NO_SETTINGS.recentDays,
    batch,
  };
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw refused(path, 'it is no JSON');
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw refused(path, 'it is no JSON object');
  return parsed.data;
}

function pick(from: Readonly<Record<string, unknown>>, keep: (key: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => keep(key)));
}

function refused(path: string, why: string): SpeechAiError {
  return new SpeechAiError('IMPORT_SETTINGS', `${path} cannot be used: ${why}.`, {
    remedy:
      'It holds call_settings like {"allowed_hours": {"start": "09:00", "end": "18:00"}, "days_of_week": [1,2,3,4,5]}, and dias_fecha_limite, required_variables...',
    exitCode: EXIT.usage,
  });
}
