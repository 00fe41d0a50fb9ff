/** The package's config folder, and an installation's own in front of it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `config/` of the package: two folders up from here, in the sources and compiled alike. */
export const PACKAGE_CONFIG_DIR = fileURLToPath(new URL('../../config/', import.meta.url));

/** A file of the installation's own folder where it has one, else the package's; null where neither has it. */
export function findConfigFile(name: string, ownDir: string | null): string | null {
  const folders = ownDir === null ? [PACKAGE_CONFIG_DIR] : [resolve(ownDir), PACKAGE_CONFIG_DIR];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
