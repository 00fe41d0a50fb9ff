/**
 * The call protocol as one table: what a daemon has in its hands, what it may do there, and where that leads. Every row is one write, one
 * reading or one request; between any two of them a process may die or simply not move on for as long as it likes (so a frozen process needs
 * no state of its own), leases may run out, replies may be lost and requests may arrive late (world.ts).
 *
 * A row is named by its step in src/runner/failpoints.ts, so that a story of this model can be replayed with `SPEECHAI_TEST_FAIL_POINT`. What
 * a row makes of the job's status must be in the table of src/domain/transitions.ts (promises.ts holds it against that).
 */

import type { Step } from '../../src/runner/failpoints.js';
import { FREE, IDLE, isOpen, withAttempt, withDaemon, withJob, withLine, withWorld } from './state.js';
import type { Attempt, Daemon, Job, Stage, State, View } from './state.js';

export interface Row {
  readonly step: Step;
  /** In which case, in words. */
  readonly says?: string;
  readonly when?: (view: View) => boolean;
  /** What it writes, reads or asks for; nothing where only the daemon knows more than before. */
  readonly does?: (view: View) => State;
  readonly to: Stage;
}

export type Table = Readonly<Record<Stage, readonly Row[]>>;

const row = (step: Step, to: Stage, does?: Row['does']): Row => ({ step, to, ...(does === undefined ? {} : { does }) });
const rowIf = (step: Step, says: string, when: (view: View) => boolean, to: Stage, does?: Row['does']): Row => ({
  ...row(step, to, does),
  says,
  when,
});

/* prettier-ignore */
export const PROTOCOL: Table = {
  // An idle daemon claims what is due, and rescues: expired attempts first, then the job.
  idle: [
    rowIf('claim',   'and decides',                     mayClaim,                'decided',     claimJob),
    rowIf('rescue',  'adopts what was never placed',    isAdoptable('void'),     'found void',  adopt),
    rowIf('rescue',  'adopts what is half settled',     isAdoptable('settled'),  'settled',     adopt),
    rowIf('rescue',  'adopts a live call',              isAdoptable('live'),     'following',   adopt),
    rowIf('rescue',  'adopts what may be a call',       isUnclear,               'unknown',     adopt),
    rowIf('rescue',  'takes the job',                   mayTakeJob,              'taken',       takeJob),
  ],

  // An owner on its way to a call.
  decided: [
    rowIf('intend',  'a lock is taken',                 lockIsTaken,             'idle',        giveBack),
    rowIf('intend',  'inserts the attempt',             not(lockIsTaken),        'intended',    insertAttempt),
  ],
  intended: [
    row  ('hold',                                                                'held',        change({ held: true })),
  ],
  held: [
    rowIf('confirm', 'yes',                             mayDial,                 'confirmed'),
    rowIf('confirm', 'no',                              not(mayDial),            'annulling'),
  ],
  confirmed: [
    rowIf('place',   'too late',                        not(isYoung),            'annulling'),
    rowIf('place',   'sends the request',               isYoung,                 'waiting',     sendRequest),
  ],
  waiting: [
    rowIf('place',   'answered',                        requestIs('accepted'),   'placed'),
    rowIf('place',   'refused',                         requestIs('refused'),    'annulling'),
    row  ('place',                                                               'unknown'),    // no answer, whatever became of it
  ],

  // A call: its id is written whoever owns the attempt by now, for that is evidence.
  placed: [
    rowIf('record',  'the attempt is open',             ownIsOpen,               'following',   change({ state: 'live', knowsCall: true })),
    rowIf('record',  'known already',                   knownAlready,            'idle'),
    rowIf('record',  'closed meanwhile: a stray',       isStray,                 'idle',        hangUp),
  ],
  unknown: [
    rowIf('record',  'the provider has it',             requestIs('accepted'),   'placed'),
    rowIf('settle',  'never placed',                    isLost,                  'settling',    learn('lost')),
  ],
  following: [
    rowIf('follow',  'the call is over',                callIsOver,              'settling',    learn('answered')),
  ],

  // A call that is over: closed, charged, the job told, let go, in that order.
  settling: [
    rowIf('settle',  'closes the attempt',              isMineAndOpen,           'settled',     closeAttempt),
    rowIf('settle',  'not ours any more',               not(isMineAndOpen),      'idle'),
  ],
  settled: [
    row  ('charge',                                                              'charged',     charge),
  ],
  charged: [
    rowIf('job',     'tells the job',                   not(isBetweenOwners),    'moved',       tellJob),
    rowIf('job',     'waits in the background',         allWait,                 'idle'),
  ],
  moved: [
    row  ('finish',                                                              'idle',        letGo),
  ],

  // Nothing was placed: known to the one alone who would have placed it, whoever owns the attempt by now.
  annulling: [
    row  ('annul',                                                               'annulled',    annul),
  ],
  annulled: [
    row  ('annul',                                                               'released',    giveBack),
  ],
  'found void': [
    row  ('annul',                                                               'giving back', annul),
  ],
  'giving back': [
    rowIf('annul',   'gives the job back',              not(isBetweenOwners),    'released',    giveBack),
    rowIf('annul',   'waits in the background',         allWait,                 'idle'),
  ],
  released: [
    row  ('finish',                                                              'idle',        letGo),
  ],

  // A rescuer: the job was taken before its attempt is looked for.
  taken: [
    row  ('rescue',                                                              'looked',      lookForAttempt),
  ],
  looked: [
    rowIf('rescue',  'hands the job to its attempt',    hasFound,                'idle',        handToAttempt),
    rowIf('rescue',  'gives the job back',              not(hasFound),           'idle',        giveBackRescued),
  ],
};

/** A stop, at whatever stage: what is not sent is void, what may be a call is left to the next owner, and no lease has to be waited for. */
export const HANDOVER: Row = {
  step: 'handover',
  when: ({ token, state, bounds }) => typeof token === 'number' && state.world.stops < bounds.stops,
  does: (view) => {
    const { state, token, who, own, me } = view;
    const stopped = withWorld(state, { stops: state.world.stops + 1 });
    const after = state.job.token === token ? withJob(stopped, { leased: false }) : stopped;
    if (own.runner !== who || own.lease === 'none') return after;
    const unsent = UNSENT.has(me.stage) && isOpen(own) && !own.knowsCall;
    return withAttempt(after, token, { lease: 'expired', ...(unsent ? { state: 'void', handedUnsent: true } : {}) });
  },
  to: 'idle',
};

const UNSENT: ReadonlySet<Stage> = new Set<Stage>(['intended', 'held', 'confirmed']);

/* ---- When -------------------------------------------------------------------------------------------------------------------- */

function not(when: (view: View) => boolean): (view: View) => boolean {
  return (view) => !when(view);
}
/** A claim's token is minted before it: the next that was never used. */
function mayClaim({ state: { job, world }, token }: View): boolean {
  return job.status === 'pending' && token === world.claims;
}
function isAdoptable(state: Attempt['state']): (view: View) => boolean {
  return ({ own }) => own.lease === 'expired' && own.state === state;
}
function isUnclear(view: View): boolean {
  return isAdoptable('placing')(view) || isAdoptable('unknown')(view);
}
function mayTakeJob({ state: { job }, who, token }: View): boolean {
  return job.status === 'in_progress' && !job.leased && token === `rescuer ${who}`;
}
/** The partial unique index over `locks`. */
function lockIsTaken({ state, token }: View): boolean {
  return state.attempts.some((one, id) => id !== token && isOpen(one));
}
/** The second reading: the job is still ours, its lease is not over, and the batch is not paused. */
function mayDial({ state: { job, world }, token }: View): boolean {
  return job.status === 'in_progress' && job.token === token && job.leased && world.pause === 'none';
}
function isYoung({ own }: View): boolean {
  return own.age === 'young';
}
function requestIs(request: View['line']['request']): (view: View) => boolean {
  return ({ line }) => line.request === request;
}
function ownIsOpen({ own }: View): boolean {
  return isOpen(own);
}
function knownAlready({ own }: View): boolean {
  return !isOpen(own) && own.knowsCall;
}
function isStray({ own }: View): boolean {
  return !isOpen(own) && !own.knowsCall;
}
/** Only when nothing can be under way any more. */
function isLost({ own, line }: View): boolean {
  return line.request !== 'accepted' && own.age === 'over';
}
function callIsOver({ line }: View): boolean {
  return line.ring === 'over';
}
function isMineAndOpen({ own, who }: View): boolean {
  return isOpen(own) && own.runner === who;
}
/** In the hands of a rescuer, who is about to hand it on or to give it back; or claimed anew, its attempt not inserted yet. */
function isBetweenOwners({ state: { job, attempts }, token }: View): boolean {
  if (job.status !== 'in_progress' || job.token === null || job.token === token) return false;
  return typeof job.token !== 'number' || attempts[job.token]?.state === 'none';
}
/** Where all wait for a job, one of them has to rescue it: in the program beside its wait, here before it begins anew from the attempt. */
function allWait(view: View): boolean {
  const { daemons, job } = view.state;
  return isBetweenOwners(view) && !job.leased && daemons.every(({ stage }) => stage === 'charged' || stage === 'giving back');
}
function hasFound({ me }: View): boolean {
  return me.found !== null;
}

/* ---- Does -------------------------------------------------------------------------------------------------------------------- */

/** A write to the own attempt by its id alone. */
function change(part: Partial<Attempt>): (view: View) => State {
  return ({ state, token }) => withAttempt(state, token, part);
}
function learn(result: Daemon['result']): (view: View) => State {
  return ({ state, who }) => withDaemon(state, who, { result });
}
/** Every other write to the job is fenced by its token: one that does not match changes nothing. */
function fenced({ state, token }: View, part: (job: Job) => Partial<Job>): State {
  return state.job.token === token ? withJob(state, part(state.job)) : state;
}

/** What the process knows may be old: deciding by it saves work and protects nothing. Nobody sees it, so it is one step with the claim. */
function claimJob({ state, token, who }: View): State {
  const claimed = withJob(state, { status: 'in_progress', token, leased: true, before: null });
  return withDaemon(withWorld(claimed, { claims: state.world.claims + 1 }), who, { token });
}
function adopt({ state, token, who }: View): State {
  return withDaemon(withAttempt(state, token, { runner: who, lease: 'live' }), who, { ...IDLE, token });
}
/** It counts the owner that went down: once, however many rescuers fail at the job after it. */
export function takeJob({ state, token, who, bounds: { rescues } }: View): State {
  const { before, token: owner, rescues: counted } = state.job;
  const count = rescues === null || before !== null ? counted : Math.min(rescues, counted + 1);
  return withDaemon(withJob(state, { token, leased: true, before: before ?? owner, rescues: count }), who, { token });
}
export function insertAttempt({ state, token, who }: View): State {
  return withAttempt(state, token, { state: 'placing', lease: 'live', runner: who, afterPause: state.world.pause !== 'none' });
}
export function sendRequest({ state, token }: View): State {
  return withLine(state, token, { request: 'under way' });
}
/** It is booked by itself. */
function hangUp({ state, token }: View): State {
  return withLine(state, token, { ring: 'over' });
}
function closeAttempt({ state, token, me }: View): State {
  return withAttempt(state, token, { state: 'settled', result: me.result });
}
/** Taking the hold away and adding the charge is one write, which finds nothing to do the second time. */
function charge({ state, token, own }: View): State {
  return own.held ? withAttempt(state, token, { held: false, charges: own.charges + 1 }) : state;
}
function tellJob(view: View): State {
  const { state, token, own } = view;
  const after = own.result === 'answered' ? 'done' : 'pending';
  const told = fenced(view, ({ status }) => ({ ...FREE, status: status === 'in_progress' ? after : status }));
  return told === state ? state : withAttempt(told, token, { told: own.told + 1 });
}
function letGo({ state, token, own, who }: View): State {
  return own.runner === who ? withAttempt(state, token, { lease: 'none' }) : state;
}
/** The hold goes back even where the attempt was closed before: who closed it may have died in between. */
function annul({ state, token, own }: View): State {
  return withAttempt(
    state,
    token,
    isOpen(own) && !own.knowsCall ? { state: 'void', held: false } : own.state === 'void' ? { held: false } : {},
  );
}
function giveBack(view: View): State {
  return fenced(view, ({ status }) => ({ ...FREE, status: status === 'in_progress' ? 'pending' : status }));
}
/** A finished attempt owns the job only if it owned it before: otherwise it has told the job already, which was claimed again since. */
function lookForAttempt({ state, who }: View): State {
  const found = state.attempts.findLastIndex((one, id) => one.lease !== 'none' && (isOpen(one) || id === state.job.before));
  return withDaemon(state, who, { found: found < 0 ? null : found });
}
function handToAttempt(view: View): State {
  return fenced(view, () => ({ token: view.me.found, before: null }));
}
/** Nothing was ever sent. One that brought down too many owners waits for a person. */
function giveBackRescued(view: View): State {
  const { rescues } = view.bounds;
  return fenced(view, (job) => {
    if (job.status !== 'in_progress') return FREE;
    return rescues !== null && job.rescues >= rescues ? { ...FREE, status: 'suspended' } : { ...FREE, rescues: job.rescues };
  });
}
