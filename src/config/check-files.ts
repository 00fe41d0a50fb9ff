/** What is wrong with the files that say what calls mean and what is allowed: each is tried by itself, so that one fault does not hide another. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SpeechAiError } from '../domain/errors.js';
import { loadDispositions, loadOutcomes } from './outcomes-file.js';
import { loadPacks } from './packs.js';
import type { Problem } from './problem.js';
import { loadRoutes } from './routes-file.js';

/** `ownDir` is SPEECHAI_CONFIG_DIR; the same files are read as by the daemon (rulebook.ts). */
export function fileProblems(ownDir: string | null): readonly Problem[] {
  return [
    fault('routes.json', () => loadRoutes(ownDir)),
    fault('outcomes.json', () => loadOutcomes(ownDir)),
    fault('dispositions.json', () => loadDispositions(ownDir)),
    fault('rules and holidays', () => loadPacks(ownDir !== null && existsSync(join(ownDir, 'rules')) ? ownDir : undefined)),
  ].flat();
}

function fault(name: string, load: () => unknown): readonly Problem[] {
  try {
    load();
    return [];
  } catch (thrown) {
    const remedy = thrown instanceof SpeechAiError ? thrown.remedy : 'Correct the file.';
    return [{ level: 'error', section: 'app', name, message: messageOf(thrown), given: null, allowed: null, example: null, remedy }];
  }
}
