/** Names of levels, Python's among them, since SpeechAI's environment files have them. */

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof LEVELS)[number];

const OTHER_NAMES: Readonly<Record<string, Level | 'silent'>> = {
  notset: 'trace',
  warning: 'warn',
  critical: 'fatal',
  off: 'silent',
  none: 'silent',
  silent: 'silent',
};

/** An unknown name gives `info`: a mistyped level must not silence a daemon. */
export function levelNamed(name: string): Level | 'silent' {
  const lower = name.trim().toLowerCase();
  return LEVELS.find((level) => level === lower) ?? OTHER_NAMES[lower] ?? 'info';
}
