/** A copy of the compiled program for one run: it stays the same while others build, and can be broken on purpose without touching the real one. */

import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** With the project's libraries beside it, wherever it is put. Answers with the copy's entry. */
export const copyBuild = (into: string): string => {
  const root = resolve(into);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const part of ['dist', 'config', 'package.json']) cpSync(part, join(root, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  return join(root, 'dist', 'main.js');
};
