/** The daemons of a chaos run: real processes that are killed, frozen, asked to stop and started again; each life writes a log of its own. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inheritedEnv, processState } from '../support/processes.js';
import { GRACE_MS, LEASE_MS } from './options.js';
import type { Life } from './schedule.js';

export interface Ended {
  readonly slot: number;
  readonly life: number;
  readonly log: string;
  /** `start`: gave up before it was ready, as it may when the database is away (a supervisor starts it again). null: it ended by itself, which it must not. */
  readonly cause: 'kill' | 'term' | 'fail point' | 'start' | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** After SIGTERM; null where it was frozen or killed meanwhile, or had not been asked. */
  readonly stoppedWithinMs: number | null;
}

export interface Fleet {
  kill(slot: number): boolean;
  term(slot: number): boolean;
  freeze(slot: number, forMs: number): boolean;
  /** Every slot gets a healthy process: no fail points, no wrong clock. */
  heal(): Promise<void>;
  /** SIGTERM to all, for good. */
  stop(): Promise<void>;
  ended(): readonly Ended[];
  frozenAtPoints(): number;
  logs(): readonly string[];
}

export interface FleetOptions {
  readonly entry: string;
  readonly out: string;
  readonly env: (slot: number) => Readonly<Record<string, string>>;
  readonly lives: readonly (readonly Life[])[];
}

const LOOK_EVERY_MS = 100;
const HEALTHY: Life = { offsetMs: 0, failPoint: null, pauseBeforeMs: 0 };

interface Slot {
  child: ChildProcess | null;
  life: number;
  asked: 'kill' | 'term' | null;
  askedAt: number;
  /** Frozen by us or by itself since it was started: how long it then takes to stop says nothing. */
  wasFrozen: boolean;
  frozenUntil: number | null;
  gone: Promise<void>;
}

export const startFleet = (options: FleetOptions): Fleet => {
  mkdirSync(options.out, { recursive: true });
  const ended: Ended[] = [];
  const logs: string[] = [];
  const slots = options.lives.map((): Slot => ({
    child: null,
    life: 0,
    asked: null,
    askedAt: 0,
    wasFrozen: false,
    frozenUntil: null,
    gone: Promise.resolve(),
  }));
  let mode: 'chaos' | 'healthy' | 'ending' = 'chaos';
  let frozenAtPoints = 0;

  const launch = (index: number, life: Life): void => {
    const slot = slots[index];
    if (slot === undefined || slot.child !== null || mode === 'ending') return;
    const log = join(options.out, `daemon-${index}-${String(slot.life).padStart(3, '0')}.log`);
    logs.push(log);
    const number = slot.life;
    slot.life += 1;
    Object.assign(slot, { asked: null, wasFrozen: false, frozenUntil: null });
    const file = openSync(log, 'w');
    const child = spawn(process.execPath, [options.entry, 'run', '--wait', '120'], {
      env: {
        ...inheritedEnv(),
        ...options.env(index),
        ...(life.offsetMs === 0 ? {} : { SPEECHAI_TEST_CLOCK_OFFSET_MS: String(life.offsetMs) }),
        ...(life.failPoint === null ? {} : { SPEECHAI_TEST_FAIL_POINT: life.failPoint }),
      },
      stdio: ['ignore', file, file],
    });
    closeSync(file);
    slot.child = child;
    slot.gone = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        slot.child = null;
        const cause =
          slot.asked ??
          (signal === 'SIGKILL' && life.failPoint !== null ? 'fail point' : code !== null && hadNoDatabase(log, code) ? 'start' : null);
        const measured = slot.asked === 'term' && !slot.wasFrozen;
        ended.push({
          slot: index,
          life: number,
          log,
          cause,
          code,
          signal,
          stoppedWithinMs: measured ? performance.now() - slot.askedAt : null,
        });
        resolve();
        void next(index);
      });
    });
  };

  const next = async (index: number): Promise<void> => {
    const slot = slots[index];
    const list = options.lives[index] ?? [];
    if (slot === undefined || mode === 'ending') return;
    const life = mode === 'healthy' ? HEALTHY : (list[slot.life % list.length] ?? HEALTHY);
    await delay(life.pauseBeforeMs);
    launch(index, mode === 'healthy' ? HEALTHY : life);
  };

  const signal = (index: number, name: NodeJS.Signals): boolean => slots[index]?.child?.kill(name) === true;

  const ask = (index: number, how: 'kill' | 'term'): boolean => {
    const slot = slots[index];
    if (slot?.child == null || slot.asked !== null) return false;
    Object.assign(slot, { asked: how, askedAt: performance.now() });
    return signal(index, how === 'kill' ? 'SIGKILL' : 'SIGTERM');
  };

  /** A process that froze itself at a fail point is woken when its lease is surely over; one that hangs in its stop is killed. */
  const watch = setInterval(() => {
    const now = performance.now();
    slots.forEach((slot, index) => {
      if (slot.child === null) return;
      if (slot.frozenUntil === null && processState(slot.child.pid) === 'T') {
        frozenAtPoints += 1;
        Object.assign(slot, { wasFrozen: true, frozenUntil: now + 1.4 * LEASE_MS });
      } else if (slot.frozenUntil !== null && now > slot.frozenUntil) {
        slot.frozenUntil = null;
        signal(index, 'SIGCONT');
      }
      if (slot.asked === 'term' && now - slot.askedAt > GRACE_MS + 15_000) signal(index, 'SIGKILL');
    });
  }, LOOK_EVERY_MS);

  options.lives.forEach((list, index) => launch(index, list[0] ?? HEALTHY));
  return {
    kill: (index) => ask(index, 'kill'),
    term: (index) => ask(index, 'term'),
    freeze: (index, forMs) => {
      const slot = slots[index];
      if (slot?.child == null || slot.frozenUntil !== null) return false;
      Object.assign(slot, { wasFrozen: true, frozenUntil: performance.now() + forMs });
      return signal(index, 'SIGSTOP');
    },
    heal: async () => {
      mode = 'healthy';
      for (const slot of slots) {
        slot.child?.kill('SIGCONT');
        const { gone } = slot;
        ask(slots.indexOf(slot), 'kill');
        await gone;
      }
    },
    stop: async () => {
      mode = 'ending';
      slots.forEach((slot, index) => {
        slot.child?.kill('SIGCONT');
        ask(index, 'term');
      });
      await Promise.all(slots.map((slot) => slot.gone));
      clearInterval(watch);
    },
    ended: () => ended,
    frozenAtPoints: () => frozenAtPoints,
    logs: () => logs,
  };
};

/** Before it was ready: either it said that the database was away (75), or an injected answer of the database ended it. */
const hadNoDatabase = (log: string, code: number): boolean => {
  const text = readFileSync(log, 'utf8');
  return !text.includes('"msg":"ready"') && (code === 75 || /the fault proxy (answers|says)/.test(text));
};
