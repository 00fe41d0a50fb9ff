/** All settings in one place: the sections joined, and the envalid schema that validates an environment against them at once. */
import { cleanEnv, EnvError, makeExactValidator } from 'envalid';
import { app } from './sections/app.js';
import { calls } from './sections/calls.js';
import { alerts, campaign, credit, limits } from './sections/campaign.js';
import { database, databaseParts } from './sections/database.js';
import { logging } from './sections/logging.js';
import { retell } from './sections/retell.js';
import { retries } from './sections/retries.js';
import { workers } from './sections/workers.js';
import type { Schema, Setting } from './setting.js';
import { defaultIn } from './setting.js';
import type { Environment } from './settings.js';

const schema: Schema = {
  ...app,
  ...database,
  ...retell,
  ...workers,
  ...calls,
  ...retries,
  ...limits,
  ...credit,
  ...campaign,
  ...logging,
  ...alerts,
};

export interface Entry {
  /** Where the value stands in `Settings`; the parts of MONGO_URI stand nowhere and have a path for their section only. */
  readonly path: string;
  readonly isPart: boolean;
  readonly setting: Setting<unknown>;
}

/** In the order of the documentation. */
export const ENTRIES: readonly Entry[] = Object.entries<Setting<unknown>>(schema).flatMap(([path, setting]) => {
  const entry: Entry = { path, isPart: false, setting };
  if (path !== 'database.uri') return [entry];
  return [entry, ...Object.values<Setting<unknown>>(databaseParts).map((part) => ({ path: 'database.part', isPart: true, setting: part }))];
});

const BY_NAME: ReadonlyMap<string, Entry> = new Map(ENTRIES.map((entry) => [entry.setting.name, entry]));

export function entryNamed(name: string): Entry | undefined {
  return BY_NAME.get(name);
}

export interface Validated {
  /** By name; a setting that was refused has its default here, so that the other checks can still run. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly refused: ReadonlySet<string>;
}

/** Checks every value at once. `given` has the texts that were written; what is missing takes the environment's default. */
export function validate(given: ReadonlyMap<string, string>, env: Environment): Validated {
  const specs = Object.fromEntries(ENTRIES.map(({ setting }) => [setting.name, validator(setting)()]));
  const written: Record<string, string> = {};
  for (const { setting } of ENTRIES) written[setting.name] = given.get(setting.name) ?? defaultIn(setting, env);
  const refused = new Set<string>();
  const cleaned = cleanEnv(written, specs, {
    reporter: ({ errors }) => {
      for (const name of Object.keys(errors)) refused.add(name);
    },
  });
  const values = new Map<string, unknown>();
  for (const { setting } of ENTRIES) {
    const { name, parser } = setting;
    values.set(name, refused.has(name) ? parser.parse(defaultIn(setting, env))?.value : cleaned[name]?.value);
  }
  return { values, refused };
}

/** Values stand in a box, because envalid takes a bare null for a missing one. */
function validator(setting: Setting<unknown>) {
  return makeExactValidator((text: string): { readonly value: unknown } => {
    const read = text === '' && setting.default !== '' ? null : setting.parser.parse(text);
    if (read === null) throw new EnvError(`${setting.name} takes ${setting.parser.allowed}`);
    return read;
  });
}
