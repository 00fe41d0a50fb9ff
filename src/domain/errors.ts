/** Errors a person may meet: a stable code, one sentence, and what to do about it. */

/** The exit codes of every command; the README's table is made from this one. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  found: 3,
  tryAgain: 75,
  config: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorDetails {
  /** What the reader should do next, as one sentence. */
  readonly remedy: string;
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

export class SpeechAiError extends Error {
  override readonly name = 'SpeechAiError';
  readonly remedy: string;
  readonly exitCode: ExitCode;

  constructor(
    readonly code: string,
    message: string,
    details: ErrorDetails,
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.remedy = details.remedy;
    this.exitCode = details.exitCode ?? EXIT.failed;
  }
}

/** The text of anything that was thrown, never its stack. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === 'string' ? thrown : 'an unknown error';
}
