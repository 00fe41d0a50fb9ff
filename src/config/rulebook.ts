/** The files that say what calls mean and what is allowed, read and checked together before anything starts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Rulebook } from '../domain/rulebook.js';
import { loadDispositions, loadOutcomes } from './outcomes-file.js';
import { loadPacks } from './packs.js';
import { loadRoutes } from './routes-file.js';

/** `ownDir` is the installation's folder (SPEECHAI_CONFIG_DIR); what it does not hold comes with the program. */
export function loadRulebook(ownDir: string | null): Rulebook {
  return {
    packs: loadPacks(ownDir !== null && existsSync(join(ownDir, 'rules')) ? ownDir : undefined),
    outcomes: loadOutcomes(ownDir).table,
    dispositions: loadDispositions(ownDir).table,
    routes: loadRoutes(ownDir),
  };
}
