/**
 * What the model of the call protocol knows: one job, two daemons, a database, a provider, a clock. Nothing is changed in place: what two
 * states have in common is one object, which is what makes a million of them affordable.
 *
 * Time is what the promises need of it, and no more. An attempt is `young` until its `dial_by`, then `late` (its first byte may not leave
 * any more), then `over` once the reconcile window has passed, by when everything that was under way has arrived or is lost. A pause is
 * `written`, and `certain` once DIAL_WITHIN_MS has passed since: all attempts that could have been confirmed before it are late.
 */

import type { JobStatus } from '../../src/domain/transitions.js';

/** A claim's token is its attempt's id. A rescuer's has no attempt: who holds it tells it from all others, so that rescues need no bound. */
export type Token = number | 'rescuer 0' | 'rescuer 1';
export type Who = 0 | 1;

export interface Job {
  readonly status: JobStatus;
  readonly token: Token | null;
  readonly leased: boolean;
  /** The token it carried before the first rescuer took it, `rescued_from`. */
  readonly before: Token | null;
  /** Owners that went down, as far as they are counted. */
  readonly rescues: number;
}

export type Result = 'answered' | 'lost' | null;

export interface Attempt {
  readonly state: 'none' | 'placing' | 'unknown' | 'live' | 'settled' | 'void';
  readonly lease: 'none' | 'live' | 'expired';
  readonly runner: Who | null;
  readonly knowsCall: boolean;
  readonly age: 'young' | 'late' | 'over';
  readonly afterPause: boolean;
  readonly held: boolean;
  readonly charges: number;
  /** How often its job was told about it. */
  readonly told: number;
  readonly result: Result;
  /** A stop handed it over before its request could leave, and nothing will ever be sent for it. */
  readonly handedUnsent: boolean;
}

/** What the provider knows of an attempt. */
export interface Line {
  readonly request: 'none' | 'under way' | 'accepted' | 'refused' | 'vanished';
  readonly ring: 'none' | 'live' | 'over';
  readonly dials: number;
}

/** What a daemon has in its hands; protocol.ts says what it may do from there. */
export type Stage =
  // an owner on its way to a call
  | 'idle' | 'decided' | 'intended' | 'held' | 'confirmed' | 'waiting' | 'placed'
  // a call, known or to be looked for
  | 'unknown' | 'following'
  // a call that is over
  | 'settling' | 'settled' | 'charged' | 'moved'
  // nothing was placed
  | 'annulling' | 'annulled' | 'released' | 'found void' | 'giving back'
  // a rescuer with a job
  | 'taken' | 'looked'; // prettier-ignore

export interface Daemon {
  readonly stage: Stage;
  readonly token: Token | null;
  /** A rescuer's look: the attempt that owns the job. */
  readonly found: number | null;
  readonly result: Result;
}

/** What happened in the world, and how much of it still may (`Bounds`). */
export interface World {
  readonly pause: 'none' | 'written' | 'certain';
  /** Somebody answered, and nobody wrote the job anew since its attempt began. */
  readonly talkedTo: boolean;
  /** Attempts before this one belong to a document that a rival has overwritten. */
  readonly disowned: number;
  readonly claims: number;
  readonly crashes: number;
  readonly stops: number;
  readonly replacements: number;
}

export interface State {
  readonly job: Job;
  readonly attempts: readonly Attempt[];
  readonly lines: readonly Line[];
  readonly daemons: readonly [Daemon, Daemon];
  readonly world: World;
}

export interface Bounds {
  readonly claims: number;
  readonly crashes: number;
  /** Hand-overs of a daemon that is asked to stop. */
  readonly stops: number;
  /** Whole-document writes of the job by a rival. */
  readonly replacements: number;
  readonly pauses: boolean;
  /** A job that brought down so many owners is set aside; null: they are not counted. */
  readonly rescues: number | null;
}

export const IDLE: Daemon = { stage: 'idle', token: null, found: null, result: null };
export const FREE: Job = { status: 'pending', token: null, leased: false, before: null, rescues: 0 };
export const NO_ATTEMPT: Attempt = {
  state: 'none', lease: 'none', runner: null, knowsCall: false, age: 'young', afterPause: false, held: false, charges: 0, told: 0, result: null,
  handedUnsent: false,
}; // prettier-ignore
const NO_LINE: Line = { request: 'none', ring: 'none', dials: 0 };
/** Over, let go, in nobody's hands. */
const GONE: Attempt = { ...NO_ATTEMPT, state: 'void', age: 'over' };

export const startOf = ({ claims }: Bounds): State => ({
  job: FREE,
  attempts: Array.from({ length: claims }, () => NO_ATTEMPT),
  lines: Array.from({ length: claims }, () => NO_LINE),
  daemons: [IDLE, IDLE],
  world: { pause: 'none', talkedTo: false, disowned: 0, claims: 0, crashes: 0, stops: 0, replacements: 0 },
});

/** A state as one daemon sees it that has a certain attempt in its hands, or before it. */
export interface View {
  readonly state: State;
  readonly who: Who;
  readonly bounds: Bounds;
  readonly me: Daemon;
  readonly token: Token;
  /** `NO_ATTEMPT` where a rescuer's token has none. */
  readonly own: Attempt;
  readonly line: Line;
}

export const viewOf = (state: State, who: Who, bounds: Bounds, token: Token): View => {
  const at = typeof token === 'number' ? token : -1;
  return { state, who, bounds, me: state.daemons[who], token, own: state.attempts[at] ?? NO_ATTEMPT, line: state.lines[at] ?? NO_LINE };
};

const put = <T>(list: readonly T[], at: Token, part: Partial<T>): readonly T[] =>
  list.map((one, index) => (index === at ? { ...one, ...part } : one));

export const withJob = (state: State, part: Partial<Job>): State => ({ ...state, job: { ...state.job, ...part } });
export const withWorld = (state: State, part: Partial<World>): State => ({ ...state, world: { ...state.world, ...part } });
export const withAttempt = (state: State, id: Token, part: Partial<Attempt>): State => ({
  ...state,
  attempts: put(state.attempts, id, part),
});
export const withLine = (state: State, id: Token, part: Partial<Line>): State => ({ ...state, lines: put(state.lines, id, part) });
export const withDaemon = (state: State, who: Who, part: Partial<Daemon>): State => {
  const [first, second] = state.daemons;
  return { ...state, daemons: who === 0 ? [{ ...first, ...part }, second] : [first, { ...second, ...part }] };
};

export const isOpen = ({ state }: Attempt): boolean => state === 'placing' || state === 'unknown' || state === 'live';
export const inHands = ({ daemons }: State, id: number): boolean => daemons.some((one) => one.token === id);

/** What nobody asks about any more is set to one value, so that states that differ in nothing that matters are one state. */
export const forgotten = (state: State): State => {
  let now = state;
  for (const [id, attempt] of state.attempts.entries()) {
    const line = state.lines[id] ?? NO_LINE;
    if (id >= state.world.claims || attempt === GONE) continue;
    const named =
      inHands(state, id) || state.job.token === id || state.job.before === id || state.daemons.some(({ found }) => found === id);
    if (!named && attempt.lease === 'none' && !isOpen(attempt) && line.request !== 'under way' && line.ring !== 'live') {
      now = { ...now, attempts: now.attempts.with(id, GONE), lines: now.lines.with(id, NO_LINE) };
      continue;
    }
    // Young matters until the request leaves, the window only for an attempt that is still looked for.
    const looked = attempt.state !== 'settled' && attempt.state !== 'void' && !attempt.knowsCall;
    const age = !looked ? 'over' : attempt.age === 'young' && line.request !== 'none' ? 'late' : attempt.age;
    if (age !== attempt.age) now = { ...now, attempts: now.attempts.with(id, { ...(now.attempts[id] ?? GONE), age }) };
  }
  return now;
};
