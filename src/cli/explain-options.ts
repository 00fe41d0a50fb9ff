/** What both explanations take, and how the time they are made for is read. */
import { EXIT, SpeechAiError } from '../domain/errors.js';
import { momentIn } from '../domain/moments.js';

export interface ExplainOptions {
  readonly at?: string;
  readonly sample?: number;
  readonly json?: boolean;
}

export function timeOrExit(written: string, zone: string): Date {
  const read = momentIn(written, zone);
  if (read !== null) return read;
  throw new SpeechAiError('TIME', `--at: "${written.slice(0, 40)}" is not a valid time.`, {
    remedy: 'Write it as 2026-11-23T09:00, or with an offset.',
    exitCode: EXIT.usage,
  });
}
