/** What one setting is, and the types that tie every leaf of `Settings` to exactly one environment variable. */
import type { Parser } from './parser.js';
import type { Environment, Settings } from './settings.js';

/** How a value is shown: `secret` never, `uri` without password and unknown options, `phone` with its middle hidden. */
export type Privacy = 'open' | 'secret' | 'uri' | 'phone';

export interface Setting<T> {
  readonly name: string;
  readonly parser: Parser<T>;
  /** As it would be written in the environment; `''` means unset, and only then may the value be left empty. */
  readonly default: string | Readonly<Record<Environment, string>>;
  readonly unit?: string;
  /** One sentence. */
  readonly describe: string;
  readonly example: string;
  readonly privacy?: Privacy;
  /** Taken as it stands, without stripping a ` # comment`: a password may contain anything. */
  readonly verbatim?: boolean;
}

type IsLeaf<V> = V extends string | number | boolean | null | readonly unknown[] ? true : string extends keyof V ? true : false;

type Paths<T> = { [K in keyof T & string]: false extends IsLeaf<T[K]> ? `${K}.${Paths<T[K]>}` : K }[keyof T & string];

type ValueAt<T, P extends string> = P extends `${infer K}.${infer Rest}`
  ? K extends keyof T
    ? ValueAt<T[K], Rest>
    : never
  : P extends keyof T
    ? T[P]
    : never;

/** Every leaf of `Settings`, as `section.name`. */
export type SettingPath = Paths<Settings>;

/** One setting per leaf under the prefix, each parsing to exactly the leaf's type: a leaf forgotten here does not compile. */
export type Section<Prefix extends string> = {
  readonly [P in Extract<SettingPath, Prefix | `${Prefix}.${string}`>]: Setting<ValueAt<Settings, P>>;
};

export type Schema = { readonly [P in SettingPath]: Setting<ValueAt<Settings, P>> };

export function defaultIn(setting: Setting<unknown>, env: Environment): string {
  return typeof setting.default === 'string' ? setting.default : setting.default[env];
}
