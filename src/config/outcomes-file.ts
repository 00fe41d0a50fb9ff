/** Reads and checks config/outcomes.json and config/dispositions.json, each replaceable by a file in SPEECHAI_CONFIG_DIR. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { DispositionTable } from '../domain/dispositions.js';
import { isSubject } from '../domain/dispositions.js';
import { EXIT, messageOf, SpeechAiError } from '../domain/errors.js';
import type { OutcomeTable } from '../domain/outcomes.js';
import { OUTCOME_CLASSES } from '../domain/outcomes.js';

export interface Loaded<T> {
  readonly table: T;
  /** The files it was made from, the last one ruling. */
  readonly sources: readonly string[];
}

const PACKAGED_DIR = fileURLToPath(new URL('../../config/', import.meta.url));

const outcomeClass = z.enum(OUTCOME_CLASSES);

const reasonRow = z.union([
  outcomeClass.transform((name) => ({ class: name, ifSilent: null })),
  z.strictObject({ class: outcomeClass, ifSilent: outcomeClass }),
]);

const action = z
  .strictObject({
    delay: z.union([z.enum(['retry', 'noAnswer', 'transient', 'none']), z.array(z.number().positive().max(43_200)).min(1)]),
    rotate: z.boolean(),
    costsAttempt: z.boolean(),
    endsJob: z.boolean(),
    status: z.enum(['success', 'pending', 'failed', 'suspended']),
    reached: z.enum(['placed', 'rang', 'answered', 'conversation']),
    suspendReason: z.string().min(1).nullable().default(null),
    badLine: z.boolean().default(false),
    suppress: z.boolean().default(false),
    alert: z.boolean().default(false),
  })
  .refine((row) => row.endsJob !== (row.status === 'pending'), {
    error: 'endsJob and status disagree: only a row that does not end the job leaves it pending',
  })
  .refine((row) => row.endsJob || row.delay !== 'none', {
    error: 'a row that does not end the job needs a delay, else the contact is redialled at once',
  })
  .refine((row) => (row.status === 'suspended') === (row.suspendReason !== null), {
    error: 'suspendReason belongs to the status suspended, and only there',
  })
  .refine((row) => !row.suppress || row.endsJob, { error: 'a contact that may not be called again cannot stay pending' });

/** Reasons whose class is no matter of taste: a person who asked for no more calls is not asked again by a configuration. */
const FIXED_REASONS = { user_requested_dnc: 'no_contact' } as const;

const outcomesFile = z
  .strictObject({ reasons: z.record(z.string().min(1), reasonRow), classes: z.record(outcomeClass, action) })
  .refine((file) => Object.hasOwn(file.reasons, '*'), { error: 'a row "*" is needed for reasons nobody knows yet', path: ['reasons'] })
  .superRefine((file, context) => {
    for (const [reason, name] of Object.entries(FIXED_REASONS)) {
      if (file.reasons[reason]?.class !== name) context.addIssue({ code: 'custom', path: ['reasons', reason], message: `must be ${name}` });
    }
    if (!file.classes.no_contact.suppress)
      context.addIssue({ code: 'custom', path: ['classes', 'no_contact'], message: 'must suppress the contact' });
    if (!file.classes.answered.endsJob) context.addIssue({ code: 'custom', path: ['classes', 'answered'], message: 'must end the job' });
  });

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const dispositionsFile = z
  .strictObject({
    qualifications: z.record(z.string().min(1), z.number()),
    outcomes: z.array(z.string().min(1)).min(1),
    sentiments: z.array(z.string().min(1)).min(1),
    rules: z.array(
      z.strictObject({
        name: z.string().min(1),
        when: z
          .record(z.string(), z.union([scalar, z.array(scalar).min(1), z.strictObject({ present: z.boolean() })]))
          .refine((when) => Object.keys(when).length > 0, { error: 'a rule without conditions would hide all after it; use "default"' })
          .refine((when) => Object.keys(when).every(isSubject), {
            error: 'asks for something unknown; known are class, reason, success, sentiment, reached, custom.X, collected.X, analysis.X',
          }),
        set: z.strictObject({ outcome: z.string().optional(), qualification: z.string().optional(), sentiment: z.string().optional() }),
      }),
    ),
    default: z.strictObject({ outcome: z.string(), qualification: z.string(), sentiment: z.string() }),
  })
  .superRefine((file, context) => {
    const answers = [
      { path: ['default'], set: file.default },
      ...file.rules.map((rule, n) => ({ path: ['rules', n, 'set'], set: rule.set })),
    ];
    for (const { path, set } of answers) {
      const unknown = (key: string, value: string | undefined, known: readonly string[]): void => {
        if (value === undefined || known.includes(value)) return;
        context.addIssue({ code: 'custom', path: [...path, key], message: `"${value}" is not one of ${known.join(', ')}` });
      };
      unknown('outcome', set.outcome, file.outcomes);
      unknown('qualification', set.qualification, Object.keys(file.qualifications));
      unknown('sentiment', set.sentiment, file.sentiments);
    }
  });

/**
 * The packaged table with the installation's rows laid over it, row by row: a file that changes one delay stays complete
 * when a later version learns new reasons.
 */
export function loadOutcomes(configDir: string | null): Loaded<OutcomeTable> {
  const packaged = readJson(join(PACKAGED_DIR, 'outcomes.json'));
  const own = configDir === null ? null : readJson(join(configDir, 'outcomes.json'));
  if (packaged === null) throw missing(join(PACKAGED_DIR, 'outcomes.json'));
  const merged = own === null ? packaged.value : layOver(packaged.value, own.value);
  const table = check(outcomesFile, merged, own?.path ?? packaged.path);
  return { table, sources: own === null ? [packaged.path] : [packaged.path, own.path] };
}

/** The installation's file as a whole where there is one: rules in order make no sense in two halves. */
export function loadDispositions(configDir: string | null): Loaded<DispositionTable> {
  const own = configDir === null ? null : readJson(join(configDir, 'dispositions.json'));
  const file = own ?? readJson(join(PACKAGED_DIR, 'dispositions.json'));
  if (file === null) throw missing(join(PACKAGED_DIR, 'dispositions.json'));
  return { table: check(dispositionsFile, file.value, file.path), sources: [file.path] };
}

function layOver(packaged: unknown, own: unknown): unknown {
  if (!isRecord(packaged) || !isRecord(own)) return own;
  const classes = isRecord(own['classes']) ? overEach(packaged['classes'], own['classes']) : (own['classes'] ?? packaged['classes']);
  const reasons =
    isRecord(own['reasons']) && isRecord(packaged['reasons'])
      ? { ...packaged['reasons'], ...own['reasons'] }
      : (own['reasons'] ?? packaged['reasons']);
  return { ...packaged, ...own, reasons, classes };
}

function overEach(packaged: unknown, own: Record<string, unknown>): Record<string, unknown> {
  const base = isRecord(packaged) ? packaged : {};
  const changed = Object.entries(own).map(([name, row]) => {
    const before = base[name];
    return [name, isRecord(before) && isRecord(row) ? { ...before, ...row } : row];
  });
  return { ...base, ...(Object.fromEntries(changed) as Record<string, unknown>) };
}

function check<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new SpeechAiError('CONFIG_FILE_INVALID', `${path} is not valid: ${first.join('; ')}.`, {
    remedy: `Correct ${path}, then look at it with: speechai config outcomes`,
    exitCode: EXIT.config,
  });
}

function readJson(path: string): { path: string; value: unknown } | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (isRecord(thrown) && thrown['code'] === 'ENOENT') return null;
    throw new SpeechAiError('CONFIG_FILE_UNREADABLE', `${path} cannot be read: ${messageOf(thrown)}.`, {
      remedy: `Make ${path} readable for the user that runs speechai.`,
      exitCode: EXIT.config,
      cause: thrown,
    });
  }
  try {
    return { path, value: JSON.parse(text.replace(/^\uFEFF/, '')) as unknown };
  } catch (thrown) {
    throw new SpeechAiError('CONFIG_FILE_INVALID', `${path} is not JSON: ${messageOf(thrown)}.`, {
      remedy: `Correct ${path}, then look at it with: speechai config outcomes`,
      exitCode: EXIT.config,
      cause: thrown,
    });
  }
}

function missing(path: string): SpeechAiError {
  return new SpeechAiError('CONFIG_FILE_MISSING', `${path} is missing from the installation.`, {
    remedy: 'Install speechai again: its config directory belongs beside dist.',
    exitCode: EXIT.config,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
