/** Makes a problem about a setting from what the schema knows of it. */
import { maskValue } from './mask.js';
import type { Problem } from './problem.js';
import { sectionOf } from './problem.js';
import { entryNamed } from './schema.js';

export interface Complaint {
  readonly level?: 'error' | 'warning';
  readonly message: string;
  /** The setting that was meant, where the name is not one itself. */
  readonly about?: string;
  /** The text as it was written; it is masked here. */
  readonly given?: string | null;
  /** Default: a value from the example. */
  readonly remedy?: string;
}

export function complain(name: string, complaint: Complaint): Problem {
  const setting = entryNamed(name)?.setting ?? entryNamed(name.replace(/_FILE$/, ''))?.setting;
  const example = setting === undefined ? null : `${setting.name}=${setting.example}`;
  const given = complaint.given ?? null;
  return {
    level: complaint.level ?? 'error',
    section: sectionOf(entryNamed(complaint.about ?? setting?.name ?? name)?.path ?? 'app'),
    name,
    message: complaint.message,
    given: given === null ? null : given === '' ? '(nothing)' : maskValue(setting?.privacy, given),
    allowed: setting?.parser.allowed ?? null,
    example,
    remedy: complaint.remedy ?? `Write for example ${example ?? 'nothing'}.`,
  };
}

/** A path somebody wrote where a file was wanted. What does not look like one may be the secret itself, so it is not shown. */
export function shownPath(path: string): string {
  return /^(?:\.{0,2}\/|~\/)/.test(path) ? maskValue('open', path) : '(hidden: not a path)';
}
