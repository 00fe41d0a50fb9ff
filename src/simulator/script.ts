/** Script files: per telephone number a list of outcomes, one per dial; the last one repeats. `*` speaks for all other numbers. */
import { z } from 'zod';
import { SpeechAiError, EXIT } from '../domain/errors.js';
import { patternNamed } from './patterns.js';

const name = z
  .string()
  .refine((value) => patternNamed(value) !== undefined, { error: (issue) => `no outcome is called ${String(issue.input)}` });

const step = z.strictObject({
  outcome: name,
  ringSeconds: z.number().nonnegative().optional(),
  talkSeconds: z.number().nonnegative().optional(),
  /** null: never. */
  analysisSeconds: z.number().nonnegative().nullable().optional(),
  costCents: z.number().nonnegative().optional(),
  collected: z.record(z.string(), z.string()).optional(),
});

const scriptSchema = z.record(z.string(), z.array(z.union([name, step])).min(1));

export type ScriptStep = z.infer<typeof step>;
export type Script = Readonly<Record<string, readonly (string | ScriptStep)[]>>;

export function readScript(content: unknown, source = 'the script'): Script {
  const read = scriptSchema.safeParse(content);
  if (read.success) return read.data;
  throw new SpeechAiError('SIMULATOR_SCRIPT', `${source} is not a simulator script: ${z.prettifyError(read.error)}`, {
    remedy: 'Write {"+56911112222": ["dial_busy", "success"]}; `speechai simulator numbers` lists the outcomes.',
    exitCode: EXIT.config,
  });
}

/** What the script says about the n-th dial (from 1) of a number; undefined: nothing. */
export function scripted(script: Script, number: string, dial: number): ScriptStep | undefined {
  const steps = script[number] ?? script['*'];
  const found = steps?.[Math.min(dial, steps.length) - 1];
  return typeof found === 'string' ? { outcome: found } : found;
}
