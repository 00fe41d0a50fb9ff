/** Questions of many, answered together: one run per key at a time, what is asked meanwhile goes into the next. */

import { setTimeout as delay } from 'node:timers/promises';
import { createGathering } from './gathering.js';

/** The answer to one ask that failed while the others of its run did not. */
export class Failed {
  constructor(readonly error: unknown) {}
}

/** Each ask gets its own answer; an error of the run is every ask's of that run. */
export function createTogether<Ask, Answer>(
  run: (key: string, asks: readonly Ask[]) => Promise<readonly (Answer | Failed)[]>,
  tickMs: number,
) {
  interface Waiting {
    readonly ask: Ask;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: unknown) => void;
  }
  interface Line {
    waiting: Waiting[];
    running: boolean;
  }
  const lines = new Map<string, Line>();
  const gathering = createGathering(tickMs);

  async function flush(key: string, line: Line): Promise<void> {
    while (line.waiting.length > 0) {
      await delay(gathering.waitMs);
      const group = line.waiting;
      line.waiting = [];
      try {
        const answers = await gathering.timed(
          run(
            key,
            group.map(({ ask }) => ask),
          ),
        );
        group.forEach((one, index) => {
          const answer = answers[index];
          if (answer === undefined) one.reject(new Error('a group gave no answer to one of its asks'));
          else if (answer instanceof Failed) one.reject(answer.error);
          else one.resolve(answer);
        });
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    lines.delete(key);
  }

  return (key: string, ask: Ask): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const line = lines.get(key) ?? { waiting: [], running: false };
      lines.set(key, line);
      line.waiting.push({ ask, resolve, reject });
      if (line.running) return;
      line.running = true;
      void flush(key, line);
    });
}
