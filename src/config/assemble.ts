/** From checked values to `Settings`. */
import { ENTRIES } from './schema.js';
import type { Settings } from './settings.js';

type Tree = { [key: string]: unknown };

export function settingsFrom(values: ReadonlyMap<string, unknown>): Settings {
  const root: Tree = {};
  for (const { path, isPart, setting } of ENTRIES) if (!isPart) put(root, path.split('.'), values.get(setting.name));
  // The boundary: `Schema` has one setting for each leaf, of the leaf's own type, so the tree built along its paths is a Settings.
  return root as unknown as Settings;
}

/** Freezes objects and arrays all the way down; maps are left to their ReadonlyMap type. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

function put(tree: Tree, keys: readonly string[], value: unknown): void {
  const [key = '', ...rest] = keys;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const branch = tree[key];
  const next: Tree = isTree(branch) ? branch : {};
  tree[key] = next;
  put(next, rest, value);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
