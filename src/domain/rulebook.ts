/** The tables and packs that say what calls mean and what is allowed; config reads and checks them before anything starts. */
import type { DispositionTable } from './dispositions.js';
import type { OutcomeTable } from './outcomes.js';
import type { Routes } from './routes.js';
import type { Packs } from './rules.js';

export interface Rulebook {
  readonly packs: Packs;
  readonly outcomes: OutcomeTable;
  readonly dispositions: DispositionTable;
  readonly routes: Routes;
}
