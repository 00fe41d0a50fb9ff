/**
 * The safeties of the protocol, taken out one at a time: the rows of the table that are different without it, and by which promise its loss
 * must be noticed. Anything else that is found proves nothing about it.
 */

import type { Changes } from './machine.js';
import { HANDOVER, insertAttempt, PROTOCOL, sendRequest, takeJob } from './protocol.js';
import type { Row } from './protocol.js';
import { isOpen, withAttempt, withDaemon, withJob } from './state.js';
import type { Bounds, Stage, View } from './state.js';

export const SMALL: Bounds = { claims: 2, crashes: 0, stops: 0, replacements: 0, pauses: false, rescues: null };

/** Those that are taken out of the program too (test/chaos/sabotage.ts). */
export const SABOTAGES = [
  'no-fencing',
  'no-intent',
  'no-reconcile',
  'expiry-redials',
  'no-unique-index',
  'retry-post',
  'majority-on-standalone',
  'no-dial-within',
  'plain-increment-charge',
  'early-hold-sweep',
  'no-second-reading',
  'look-before-take',
  'hands-to-finished',
] as const;
export type Sabotage = (typeof SABOTAGES)[number];

export interface Sabotaged {
  readonly changes: Changes;
  /** The violation that shows it. */
  readonly expects: string;
  readonly bounds?: Partial<Bounds>;
}

/** The rows of a stage, changed. */
const rows = (stage: Stage, change: (row: Row) => Row): Row[] => PROTOCOL[stage].map(change);
const always = (): boolean => true;

/** As if the token in the job were one's own. */
const unfencedJob = (row: Row): Row => ({
  ...row,
  does: (view) => row.does?.({ ...view, state: withJob(view.state, { token: view.token }) }) ?? view.state,
});
/** A finished attempt owns the job, too. */
const findAny = ({ state, who }: View) => {
  const found = state.attempts.findLastIndex((one) => one.lease !== 'none');
  return withDaemon(state, who, { found: found < 0 ? null : found });
};
const CALLED_AGAIN = 'P1: somebody who had answered was called again';
const TWO_LIVE = 'P1: two calls to one number were live';
const ONCE_MORE = 'P1: one attempt was dialled twice';
const CHARGED_TWICE = 'P5: a call was charged twice';
const AFTER_PAUSE = 'P4: a call was placed when the pause was certain';

export const WITHOUT: Readonly<Record<Sabotage | 'counts-rescuers' | 'hands-over-unsent', Sabotaged>> = {
  'no-fencing': {
    changes: { table: { charged: rows('charged', (row) => (row.to === 'moved' ? { ...unfencedJob(row), when: always } : row)) } },
    expects: 'P3: a job was written by somebody who had lost it',
  },
  // The attempt is written after the call was placed, as one writes a log.
  'no-intent': {
    changes: {
      table: {
        decided: [
          ...PROTOCOL.decided.slice(0, 1),
          {
            step: 'intend',
            says: 'left out',
            to: 'intended',
            does: ({ state, token }) => withAttempt(state, token, { afterPause: state.world.pause !== 'none' }),
          },
        ],
        placed: rows('placed', (row) => ({
          ...row,
          when: (view) => row.when?.(withLateAttempt(view)) ?? true,
          does: (view) => row.does?.(withLateAttempt(view)) ?? view.state,
        })),
      },
    },
    expects: TWO_LIVE,
  },
  'no-reconcile': {
    changes: {
      table: { waiting: rows('waiting', (row) => (row.to === 'unknown' ? { ...row, says: 'no answer: no call', to: 'annulling' } : row)) },
    },
    expects: TWO_LIVE,
  },
  'expiry-redials': {
    changes: { table: { idle: rows('idle', (row) => (row.to === 'unknown' ? { ...row, says: 'dials anew', to: 'annulling' } : row)) } },
    expects: TWO_LIVE,
  },
  'no-unique-index': {
    changes: { table: { decided: [{ step: 'intend', to: 'intended', does: insertAttempt }] } },
    bounds: { replacements: 1 },
    expects: TWO_LIVE,
  },
  'retry-post': {
    changes: {
      table: {
        waiting: [
          ...PROTOCOL.waiting,
          { step: 'place', says: 'once more', when: ({ line }) => line.request !== 'under way', to: 'waiting', does: sendRequest },
        ],
      },
    },
    expects: ONCE_MORE,
  },
  // A standalone acknowledges `majority` before the write is on disk.
  'majority-on-standalone': {
    changes: {
      world: (state) =>
        state.attempts.flatMap((attempt, id) =>
          attempt.state === 'placing' && !attempt.knowsCall
            ? [
                {
                  name: `the database dies and has forgotten attempt ${id}`,
                  next: withAttempt(state, id, { state: 'none', lease: 'none' }),
                  mischief: true,
                },
              ]
            : [],
        ),
    },
    expects: TWO_LIVE,
  },
  'no-dial-within': {
    changes: { table: { confirmed: [{ step: 'place', to: 'waiting', does: sendRequest }] } },
    bounds: { pauses: true },
    expects: AFTER_PAUSE,
  },
  'plain-increment-charge': {
    changes: {
      table: {
        settled: [
          {
            step: 'charge',
            to: 'charged',
            does: ({ state, token, own }) => withAttempt(state, token, { held: false, charges: own.charges + 1 }),
          },
        ],
      },
    },
    expects: CHARGED_TWICE,
  },
  // R3 takes holds of finished attempts only; this one takes those of live ones as well.
  'early-hold-sweep': {
    changes: {
      world: (state) =>
        state.attempts.flatMap((attempt, id) =>
          attempt.held ? [{ name: `the hold of ${id} is swept`, next: withAttempt(state, id, { held: false }) }] : [],
        ),
    },
    expects: 'P5: a call was charged 0 times',
  },
  'no-second-reading': {
    changes: { table: { held: [{ step: 'confirm', says: 'not asked', to: 'confirmed' }] } },
    bounds: { pauses: true },
    expects: AFTER_PAUSE,
  },
  'look-before-take': {
    changes: {
      table: {
        // Stage `taken` is here: has looked, has not taken it yet.
        idle: rows('idle', (row) =>
          row.to === 'taken'
            ? { ...row, says: 'looks before it takes', does: (view) => withDaemon(findAny(view), view.who, { token: view.token }) }
            : row,
        ),
        taken: [
          { step: 'rescue', says: 'takes the job', when: isExpired, to: 'looked', does: takeJob },
          { step: 'rescue', says: 'nothing to take any more', when: (view) => !isExpired(view), to: 'idle' },
        ],
      },
    },
    expects: CALLED_AGAIN,
  },
  'hands-to-finished': {
    changes: { table: { taken: [{ step: 'rescue', to: 'looked', does: findAny }] } },
    bounds: { crashes: 1 },
    expects: 'P3: a job counted one attempt twice',
  },
  'counts-rescuers': {
    changes: {
      table: {
        idle: rows('idle', (row) =>
          row.to === 'taken'
            ? {
                ...row,
                does: (view) => withJob(takeJob(view), { rescues: Math.min(view.bounds.rescues ?? 0, view.state.job.rescues + 1) }),
              }
            : row,
        ),
      },
    },
    bounds: { rescues: 2, crashes: 1 },
    expects: 'P2: a rescuer was counted as an owner that went down',
  },
  'hands-over-unsent': {
    changes: {
      handover: {
        ...HANDOVER,
        does: (view) => {
          const after = HANDOVER.does?.(view) ?? view.state;
          const { own, token } = view;
          return isOpen(own) ? withAttempt(after, token, { state: own.state }) : after;
        },
      },
    },
    bounds: { stops: 1 },
    expects: 'P3: a job paid an attempt for what was handed over before it was sent',
  },
};

function isExpired({ state: { job } }: View): boolean {
  return job.status === 'in_progress' && !job.leased;
}

function withLateAttempt(view: View): View {
  const { state, token, own, who } = view;
  if (own.state !== 'none') return view;
  const late = { state: 'placing', lease: 'live', runner: who, held: true } as const;
  return { ...view, state: withAttempt(state, token, late), own: { ...own, ...late } };
}
