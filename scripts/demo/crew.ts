/** The daemons of the play, one at a time, and their end whatever happens. */
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon, type DaemonProcess } from './daemon.js';
import type { DemoEvent } from './events.js';
import type { Output } from './output.js';
import { ENTRY } from './program.js';
import type { Progress } from './progress.js';

export interface Crew {
  start(): Promise<void>;
  running(): boolean;
  /** How the latest daemon ended, with the last it said; empty while it runs. */
  fate(): string;
  /** Asks a daemon that listens what its workers do; the answer is a line of its log. */
  ask(): void;
  kill(): Promise<void>;
  /** Resolves when no daemon runs; one that does not go within its budget is killed. */
  stop(): Promise<void>;
}

/** Grace and hand-over of the settings, and a margin for a busy machine. */
const STOP_MS = 8_000;

const children = new Set<DaemonProcess>();

/** For whoever leaves in a hurry. */
export function killChildren(): void {
  for (const child of children) child.signal('SIGKILL');
}

export function createCrew(envFile: string, progress: Progress, output: Output): Crew {
  let current: DaemonProcess | null = null;
  /** A signal that asks would end a daemon that does not listen yet. */
  let listens = false;
  let leaving = false;
  let fate = '';

  const tell = (event: DemoEvent): void => {
    progress.note(event);
    output.event(progress.sinceMs(), event);
  };

  return {
    fate: () => fate,
    running: () => current?.running() === true,
    ask: () => {
      if (listens) current?.signal('SIGUSR2');
    },
    start: async () => {
      if (leaving) return;
      const daemon = startDaemon(ENTRY, envFile, (line) => {
        const event = progress.line(line);
        if (event !== null) output.event(progress.sinceMs(), event);
      });
      current = daemon;
      children.add(daemon);
      void daemon.ended.then((how) => {
        children.delete(daemon);
        fate = `${how} ${daemon.lastWords()}`.trim();
        if (!leaving && how !== 'SIGKILL') tell({ name: 'daemon', text: `ended: ${fate}` });
      });
      tell({ name: 'daemon', text: `started, process ${daemon.pid}` });
      progress.daemon(`process ${daemon.pid}, starting`);
      listens = await daemon.ready;
      if (listens) progress.daemon(`process ${daemon.pid}`);
    },
    kill: async () => {
      if (current === null) return;
      listens = false;
      const live = progress.live();
      current.signal('SIGKILL');
      await current.ended;
      tell({ name: 'KILL', text: `process ${current.pid} was killed while ${live} calls were live` });
      progress.daemon('killed');
    },
    stop: async () => {
      leaving = true;
      listens = false;
      const daemon = current;
      if (daemon?.running() !== true) return;
      daemon.signal('SIGTERM');
      const patience = new AbortController();
      await Promise.race([daemon.ended, delay(STOP_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
      patience.abort();
      daemon.signal('SIGKILL');
      await daemon.ended;
    },
  };
}
