/** What happens on the way: a batch is paused and resumed, the daemon is killed, and at some moment nothing is left that may be called. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Simulator } from '../../src/simulator/server.js';
import { isWithin, type Pause } from './audit.js';
import type { Campaign } from './campaign.js';
import type { Crew } from './crew.js';
import type { DemoDatabase, Picture } from './database.js';
import type { DemoEvent } from './events.js';
import { OUTAGE } from './faults.js';
import type { DemoOptions } from './options.js';
import type { Output } from './output.js';
import { runCommand } from './program.js';
import type { Progress } from './progress.js';

export interface Scene {
  readonly options: DemoOptions;
  readonly output: Output;
  readonly interrupted: AbortSignal;
  readonly campaign: Campaign;
  readonly simulator: Simulator;
  readonly database: DemoDatabase;
  readonly progress: Progress;
  readonly crew: Crew;
  readonly envFile: string;
}

export interface Conducted {
  /** null: everything that may be called was called. Otherwise what came between. */
  readonly cutShort: string | null;
  readonly pauses: readonly Pause[];
  readonly killed: number;
}

const TICK_MS = 200;
/** Past this something is wrong, however slow the machine is. */
const LIMIT_MS = 120_000;
const PAUSE_MS = 2_000;
/** Shares of the jobs that are over when something happens. */
const PAUSE_AT = 0.2;
const KILL_AT = 0.35;
const OVER = new Set(['done', 'completed', 'failed', 'cancelled', 'suspended']);

export async function conduct(scene: Scene): Promise<Conducted> {
  const { options, output, interrupted, campaign, simulator, database, progress, crew } = scene;
  const pauses: Pause[] = [];
  let pausing: Promise<void> | null = null;
  let killed = 0;
  const complete = (picture: Picture): boolean => pauses.length > 0 && isOver(picture, campaign);
  const pause = (): Promise<void> => pauseAWhile(scene).then((done) => void pauses.push(done));

  void crew.start();
  while (!interrupted.aborted && progress.sinceMs() < LIMIT_MS && crew.running()) {
    const picture = await database.picture();
    progress.picture(picture);
    output.frame(progress.screen());
    if (complete(picture)) return { cutShort: null, pauses, killed };
    if (pausing === null && shareOver(picture, campaign.paused) >= PAUSE_AT) pausing = pause();
    if (options.kill && killed === 0 && shareOver(picture, null) >= KILL_AT && progress.live() > 0) {
      killed += 1;
      if (options.faults) simulator.addFault(OUTAGE);
      await crew.kill();
      void crew.start();
    }
    if (output.live) crew.ask();
    await pauseFor(TICK_MS, interrupted);
  }
  const cutShort = crew.running() ? `it took longer than ${LIMIT_MS / 1_000} s` : `the daemon ended by itself: ${crew.fate()}`;
  await pausing;
  return { cutShort, pauses, killed };
}

/** With the commands an operator has. `batch pause` returns when no further call can come of the batch. */
async function pauseAWhile({ envFile, campaign, interrupted, progress, output }: Scene): Promise<Pause> {
  const batch = campaign.paused;
  const act = async (name: string, args: readonly string[]): Promise<number> => {
    const startedMs = Date.now();
    const { ok, text } = await runCommand(envFile, args, interrupted);
    const event: DemoEvent = { name, text: `${args.join(' ')}: ${ok ? 'done' : text}` };
    progress.note(event);
    output.event(progress.sinceMs(), event);
    return startedMs;
  };
  await act('PAUSE', ['batch', 'pause', batch, '--reason', 'the demo shows it']);
  const fromMs = Date.now();
  await pauseFor(PAUSE_MS, interrupted);
  return { batch, fromMs, toMs: await act('RESUME', ['batch', 'resume', batch, '--yes']) };
}

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);

/** Share of a batch's jobs (null: of all) that are over. */
function shareOver({ counts }: Picture, batch: string | null): number {
  const own = counts.filter((one) => batch === null || one.batch === batch);
  const sum = (list: typeof own): number => list.reduce((total, { jobs }) => total + jobs, 0);
  return sum(own) === 0 ? 0 : sum(own.filter(({ status }) => OVER.has(status))) / sum(own);
}

/** Nothing is under way, and what still waits is in a batch whose hours are not now. */
function isOver({ counts, open }: Picture, campaign: Campaign): boolean {
  const closed = new Set(campaign.batches.filter(({ hours }) => hours !== null && !isWithin(hours, new Date())).map(({ id }) => id));
  return open === 0 && counts.every(({ status, batch }) => OVER.has(status) || (status === 'pending' && closed.has(batch)));
}
