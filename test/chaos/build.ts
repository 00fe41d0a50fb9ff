/** A copy of the compiled program for one run: it stays the same while others build, and can be broken on purpose without touching the real one. */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Below the project's folder, so that its libraries are found from there. Answers with the copy's entry. */
export const copyBuild = (into: string): string => {
  const root = resolve(into);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const part of ['dist', 'config', 'package.json']) cpSync(part, join(root, part), { recursive: true });
  return join(root, 'dist', 'main.js');
};
