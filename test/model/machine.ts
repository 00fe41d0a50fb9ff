/** The table, the world and the promises put together to a model that can be walked through, whole or with one safety taken out. */

import type { Model, Move } from './explore.js';
import { keyOf } from './key.js';
import { isSettled, wrongBy, wrongIn } from './promises.js';
import { HANDOVER, PROTOCOL } from './protocol.js';
import type { Row, Table } from './protocol.js';
import { forgotten, IDLE, startOf, viewOf, withDaemon } from './state.js';
import type { Bounds, State, Token, Who } from './state.js';
import { mischief, providerMoves, renewals, timeMoves } from './world.js';
import type { Happening } from './world.js';

/** What is different where a safety is missing (sabotages.ts). */
export interface Changes {
  readonly table?: Partial<Table>;
  readonly handover?: Row;
  readonly world?: (state: State) => Happening[];
}

export const machine = (bounds: Bounds, { table: changed, handover = HANDOVER, world }: Changes = {}): Model<State> => {
  const table: Table = { ...PROTOCOL, ...changed };

  /** What an idle daemon may take up: any attempt there is, the next claim, the job as a rescuer. */
  const tokensFor = (state: State, who: Who): Token[] => {
    const { token } = state.daemons[who];
    if (token !== null) return [token];
    return [...Array.from({ length: Math.min(bounds.claims, state.world.claims + 1) }, (_, id) => id), `rescuer ${who}` as const];
  };
  const rows = Object.fromEntries(
    Object.entries(table).map(([stage, own]) => [stage, stage === 'idle' ? own : [...own, handover]]),
  ) as Table;
  const stepsOf = (state: State, who: Who): Move<State>[] => {
    const { stage } = state.daemons[who];
    const moves: Move<State>[] = [];
    for (const token of tokensFor(state, who)) {
      const view = viewOf(state, who, bounds, token);
      for (const row of rows[stage]) {
        if (row.when?.(view) === false) continue;
        const written = row.does?.(view) ?? state;
        const next = forgotten(withDaemon(written, who, row.to === 'idle' ? IDLE : { stage: row.to }));
        const what = stage === 'idle' ? ` (${row.says} ${token})` : row.says === undefined ? '' : ` (${row.says})`;
        const name = `${row.step}${what} by ${who}`;
        moves.push({ name, step: row.step, next, mischief: row === handover, broken: wrongBy(row, view, written) });
      }
    }
    return moves;
  };
  const happenings = (state: State): Move<State>[] =>
    [...providerMoves(state), ...timeMoves(state), ...renewals(state), ...mischief(state, bounds), ...(world?.(state) ?? [])].map(
      ({ name, next, broken, mischief: isMischief }) => ({ name, step: 'the world', next: forgotten(next), broken, mischief: isMischief }),
    );

  return {
    start: startOf(bounds),
    moves: (state) => [...stepsOf(state, 0), ...stepsOf(state, 1), ...happenings(state)],
    violation: wrongIn,
    settled: (state) => isSettled(state, bounds),
    key: keyOf,
  };
};
