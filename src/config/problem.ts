/** One thing that is wrong with the environment, with what a person needs to mend it. */

export interface Problem {
  readonly level: 'error' | 'warning';
  readonly section: SectionName;
  readonly name: string;
  /** One sentence. */
  readonly message: string;
  /** What was written, secrets hidden; null where nothing was. */
  readonly given: string | null;
  readonly allowed: string | null;
  /** `NAME=value`, ready to copy. */
  readonly example: string | null;
  readonly remedy: string;
}

export const SECTIONS = [
  'app',
  'database',
  'retell',
  'workers',
  'calls',
  'retries',
  'limits',
  'credit',
  'campaign',
  'logging',
  'alerts',
] as const;

export type SectionName = (typeof SECTIONS)[number];

export function sectionOf(path: string): SectionName {
  const head = path.split('.')[0];
  return SECTIONS.find((section) => section === head) ?? 'app';
}
