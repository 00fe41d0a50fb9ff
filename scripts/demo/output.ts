/** Where the demo speaks: a view redrawn in place on a terminal, plain lines into a pipe, one object for --json. */
import { createLogUpdate } from 'log-update';
import { plainLine, type DemoEvent } from './events.js';
import type { Screen } from './progress.js';
import { render, wantsColour, wantsLiveView } from './view.js';

export interface Output {
  /** True where frames are shown. */
  readonly live: boolean;
  event(sinceMs: number, event: DemoEvent): void;
  frame(screen: Screen): void;
  /** The last frame stays; lines go below it. */
  say(line: string): void;
  object(value: unknown): void;
  end(): void;
}

export function createOutput(stdout: NodeJS.WriteStream, json: boolean, env: NodeJS.ProcessEnv): Output {
  const live = !json && wantsLiveView(stdout.isTTY === true, env);
  const colour = wantsColour(env);
  const update = live ? createLogUpdate(sized(stdout)) : null;
  let drawn = false;
  const settle = (): void => {
    if (drawn) update?.done();
    drawn = false;
  };
  return {
    live,
    event: (sinceMs, event) => {
      if (!json && !live) stdout.write(`${plainLine(sinceMs, event)}\n`);
    },
    frame: (screen) => {
      if (update === null) return;
      update(render(screen, { columns: stdout.columns ?? 0, colour }).join('\n'));
      drawn = true;
    },
    say: (line) => {
      if (json) return;
      settle();
      stdout.write(`${line}\n`);
    },
    object: (value) => {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
    end: settle,
  };
}

/** A terminal behind a serial line or a bare pty says it has 0 columns and 0 rows; into those nothing could be drawn. */
function sized(stdout: NodeJS.WriteStream): NodeJS.WriteStream {
  return new Proxy(stdout, {
    get: (target, key) => {
      if (key === 'columns') return target.columns || 80;
      if (key === 'rows') return target.rows || 24;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
