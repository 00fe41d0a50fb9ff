/** A check over several settings at once. */
import type { Problem } from './problem.js';
import type { Settings } from './settings.js';

export interface RuleContext {
  readonly settings: Settings;
  /** Whether a person wrote this setting anywhere, the package's profile aside. */
  readonly written: (name: string) => boolean;
  /** The commands that never speak to Retell work without its key. */
  readonly withoutRetell: boolean;
}

export interface Rule {
  /** Names it reads; it is not asked while one of them is itself wrong, so that one mistake gives one message. */
  readonly reads: readonly string[];
  readonly check: (context: RuleContext) => readonly Problem[];
}

/** Where people are really called, mistakes are errors. */
export function severity(settings: Settings): 'error' | 'warning' {
  return settings.env === 'production' ? 'error' : 'warning';
}
