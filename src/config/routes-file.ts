/** Reads and checks config/routes.json, replaceable as a whole by a file in SPEECHAI_CONFIG_DIR. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { EXIT, messageOf, SpeechAiError } from '../domain/errors.js';
import type { Routes } from '../domain/routes.js';

const PACKAGED_DIR = fileURLToPath(new URL('../../config/', import.meta.url));

/** The names that WORKER_QUEUES and --queue take. */
const queue = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is not a queue name: letters, digits, ".", "-" and "_", beginning with a letter or digit');
const names = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((given) => (typeof given === 'string' ? [given] : given))
  .default([]);

const schema = z.strictObject({
  default: queue,
  rules: z.array(
    z.strictObject({
      queue,
      when: z
        .strictObject({ account: names, batch: names, use_case: names, work: z.enum(['new', 'retry']).optional() })
        .refine((when) => when.work !== undefined || [when.account, when.batch, when.use_case].some((each) => each.length > 0), {
          error: 'a rule without conditions would hide all after it; use "default"',
        }),
    }),
  ),
});

export function loadRoutes(configDir: string | null): Routes {
  const own = configDir === null ? null : read(join(configDir, 'routes.json'));
  const packaged = join(PACKAGED_DIR, 'routes.json');
  const file = own ?? read(packaged);
  if (file === null) throw refused(packaged, 'it is missing from the installation');
  const parsed = schema.safeParse(file.value);
  if (!parsed.success) throw refused(file.path, z.prettifyError(parsed.error).replace(/\s+/g, ' '));
  return {
    defaultQueue: parsed.data.default,
    rules: parsed.data.rules.map(({ queue: name, when }) => ({
      queue: name,
      accounts: when.account,
      batches: when.batch,
      useCases: when.use_case.map((each) => each.toLowerCase()),
      work: when.work ?? null,
    })),
  };
}

/** null: there is no such file. */
function read(path: string): { path: string; value: unknown } | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
    throw refused(path, messageOf(thrown), thrown);
  }
  try {
    return { path, value: JSON.parse(text.replace(/^\uFEFF/, '')) as unknown };
  } catch (thrown) {
    throw refused(path, messageOf(thrown), thrown);
  }
}

function refused(path: string, why: string, cause?: unknown): SpeechAiError {
  return new SpeechAiError('CONFIG_FILE_INVALID', `${path} cannot be used: ${why}.`, {
    remedy: `Correct ${path}; its shape is {"default": "default", "rules": [{"queue": "retries", "when": {"work": "retry"}}]}.`,
    exitCode: EXIT.config,
    cause,
  });
}
