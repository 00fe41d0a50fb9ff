/**
 * The call protocol as a state machine small enough to be walked through completely: one job, two daemons, a database, a provider, a rival.
 * Every step is one write, one reading or one request; between any two of them a process may die or simply not move on for as long as
 * it likes (so a frozen process needs no state of its own), leases may run out, replies may be lost and requests may arrive late.
 *
 * Time is what the promises need of it, and no more. An attempt is `young` until its `dial_by`, then `late` (its first byte may not leave
 * any more), then `over` once the reconcile window has passed, by when everything that was under way has arrived or is lost. A pause is
 * `written`, and `certain` once DIAL_WITHIN_MS has passed since: all attempts that could have been confirmed before it are late.
 *
 * A step is named as src/runner/failpoints.ts names it, so that a story of this model can be replayed with `SPEECHAI_TEST_FAIL_POINT`.
 */

import type { Step } from '../../src/runner/failpoints.js';
import type { Model, Move } from './explore.js';

/** The safeties that can be switched off, one at a time. */
export const SAFETIES = [
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
export type Sabotage = (typeof SAFETIES)[number];

export interface Bounds {
  /** Claims and rescues together. */
  readonly tokens: number;
  readonly crashes: number;
  /** Whole-document writes of the job by a rival. */
  readonly replacements: number;
  readonly pauses: boolean;
}

interface Job {
  status: 'pending' | 'in_progress' | 'done';
  token: number | null;
  leased: boolean;
  /** The token it carried before the first rescuer took it. */
  before: number | null;
}

interface Attempt {
  state: 'none' | 'placing' | 'unknown' | 'live' | 'settled' | 'void';
  lease: 'none' | 'live' | 'expired';
  runner: number;
  knowsCall: boolean;
  age: 'young' | 'late' | 'over';
  afterPause: boolean;
  held: boolean;
  charges: number;
  /** How often its job was told about it. */
  told: number;
  result: 'answered' | 'lost' | null;
}

/** What the provider knows of an attempt. */
interface Line {
  request: 'none' | 'under way' | 'accepted' | 'refused' | 'vanished';
  ring: 'none' | 'live' | 'over';
  dials: number;
  posts: number;
}

type Stage =
  | 'idle' | 'decided' | 'intended' | 'held' | 'confirmed' | 'waiting' | 'placed' | 'unknown' | 'following' | 'settling' | 'settled'
  | 'charged' | 'moved' | 'annulling' | 'annulled' | 'released' | 'taken' | 'looked' | 'looked first'; // prettier-ignore

interface Daemon {
  stage: Stage;
  token: number;
  /** What a rescuer found: the attempt that owns the job, or -1. */
  found: number;
  result: 'answered' | 'lost' | null;
}

export interface State {
  job: Job;
  attempts: Attempt[];
  lines: Line[];
  daemons: Daemon[];
  pause: 'none' | 'written' | 'certain';
  /** Somebody answered, and nobody wrote the job anew since its attempt began. */
  talkedTo: boolean;
  /** Attempts before this one belong to a document that a rival has overwritten. */
  disowned: number;
  tokens: number;
  crashes: number;
  replacements: number;
}

type Change = (state: State) => string | void;

const IDLE: Daemon = { stage: 'idle', token: -1, found: -1, result: null };
const open = (attempt: Attempt): boolean => attempt.state === 'placing' || attempt.state === 'unknown' || attempt.state === 'live';

/** One letter for each value a field can have: keys are made a million times in a walk. */
const letters = new Map<unknown, number>();
const letterOf = (value: unknown): number => {
  if (typeof value === 'number') return value + 2;
  const known = letters.get(value);
  if (known !== undefined) return known;
  const next = letters.size + 64;
  letters.set(value, next);
  return next;
};

const packed = (state: State, zero: number): string => {
  const { job, attempts, lines, daemons, tokens } = state;
  const key: number[] = [
    letterOf(job.status), letterOf(job.token), letterOf(job.leased), letterOf(job.before), letterOf(state.pause), letterOf(state.talkedTo),
    letterOf(state.disowned), letterOf(tokens), letterOf(state.crashes), letterOf(state.replacements),
  ]; // prettier-ignore
  for (let id = 0; id < tokens; id += 1) {
    const one = attempts[id] as Attempt;
    const line = lines[id] as Line;
    key.push(
      letterOf(one.state), letterOf(one.lease), letterOf(one.runner < 0 ? one.runner : one.runner === zero ? 0 : 1), letterOf(one.knowsCall),
      letterOf(one.age), letterOf(one.afterPause), letterOf(one.held), letterOf(one.charges), letterOf(one.told), letterOf(one.result),
      letterOf(line.request), letterOf(line.ring), letterOf(line.dials), letterOf(line.posts),
    ); // prettier-ignore
  }
  for (const who of [zero, 1 - zero]) {
    const { stage, token, found, result } = daemons[who] as Daemon;
    key.push(letterOf(stage), letterOf(token), letterOf(found), letterOf(result));
  }
  return String.fromCharCode(...key);
};

export const protocol = (bounds: Bounds, sabotage: Sabotage | null = null): Model<State> => {
  const without = (safety: Sabotage): boolean => sabotage === safety;

  const copy = (state: State): State => ({
    ...state,
    job: { ...state.job },
    attempts: state.attempts.map((one) => ({ ...one })),
    lines: state.lines.map((one) => ({ ...one })),
    daemons: state.daemons.map((one) => ({ ...one })),
  });
  const move = (state: State, name: string, change: Change, mischief = false): Move<State> => {
    const next = copy(state);
    const broken = change(next);
    forget(next);
    return { name, next, mischief, broken: typeof broken === 'string' ? broken : undefined };
  };

  /** What nobody asks about any more is set to one value, so that states that differ in nothing that matters are one state. */
  const forget = (state: State): void => {
    state.attempts.forEach((attempt, id) => {
      const line = state.lines[id] as Line;
      if (!state.daemons.some((daemon) => daemon.token === id)) line.posts = 0;
      if (id >= state.tokens) return;
      // Young matters until the request leaves, the window only for an attempt that is still looked for.
      if (attempt.state === 'settled' || attempt.state === 'void' || attempt.knowsCall) attempt.age = 'over';
      else if (line.request !== 'none' && attempt.age === 'young' && !without('no-dial-within')) attempt.age = 'late';
      if (attempt.state === 'settled' && attempt.lease === 'none' && line.request !== 'under way') line.request = 'accepted';
    });
    for (const daemon of state.daemons) if (daemon.stage === 'idle') Object.assign(daemon, IDLE);
  };

  /** Every write to the job is fenced by its token; a fence that does not match changes nothing. */
  const writeJob = (state: State, token: number, change: (job: Job) => void): string | undefined => {
    const fits = state.job.token === token;
    if (!fits && !without('no-fencing')) return undefined;
    change(state.job);
    return fits ? undefined : 'P3: a job was written by somebody who had lost it';
  };

  /** What daemon `who` may do next. */
  const steps = (state: State, who: number): Move<State>[] => {
    const daemon = state.daemons[who] as Daemon;
    const { token } = daemon;
    const attempt = state.attempts[token];
    const line = state.lines[token];
    const act = (step: Step, change: (next: State, me: Daemon, own: Attempt, call: Line) => string | void, detail = ''): Move<State> =>
      move(state, `${step}${detail === '' ? '' : ` (${detail})`} by ${who}`, (next) =>
        change(next, next.daemons[who] as Daemon, next.attempts[token] as Attempt, next.lines[token] as Line),
      );
    const rest = (me: Daemon): void => void Object.assign(me, IDLE);
    const to = (step: Step, stage: Stage, detail = ''): Move<State> => act(step, (_, me) => void (me.stage = stage), detail);

    switch (daemon.stage) {
      case 'idle':
        return [...claims(state, who), ...rescues(state, who)];
      case 'decided': {
        const taken = state.attempts.some((one, id) => id !== token && open(one));
        if (taken && !without('no-unique-index')) {
          return [act('intend', (next, me) => (rest(me), writeJob(next, token, release)), 'a lock is taken')];
        }
        if (without('no-intent'))
          return [act('intend', (next, me, own) => void ((me.stage = 'intended'), (own.afterPause = next.pause !== 'none')), 'left out')];
        return [
          act('intend', (next, me, own) => {
            me.stage = 'intended';
            Object.assign(own, { state: 'placing', lease: 'live', runner: who, afterPause: next.pause !== 'none' });
          }),
        ];
      }
      case 'intended':
        return [act('hold', (_, me, own) => void ((me.stage = 'held'), (own.held = true)))];
      case 'held': {
        const mine = state.job.status === 'in_progress' && state.job.token === token && state.job.leased;
        const mayDial = (mine && state.pause === 'none') || without('no-second-reading');
        return [mayDial ? to('confirm', 'confirmed') : to('confirm', 'annulling', 'no')];
      }
      case 'confirmed':
        if (attempt?.age !== 'young' && !without('no-dial-within')) return [to('place', 'annulling', 'too late')];
        return [
          act('place', (next, me, _, call) => {
            me.stage = 'waiting';
            call.request = 'under way';
            call.posts += 1;
            return next.pause === 'certain' ? 'P4: a call was placed when the pause was certain' : undefined;
          }),
        ];
      case 'waiting': {
        const again = without('retry-post') && (line?.posts ?? 0) < 2;
        const ambiguous = again
          ? act('place', (_, me, __, call) => void ((me.stage = 'waiting'), (call.request = 'under way'), (call.posts += 1)), 'once more')
          : to('place', without('no-reconcile') ? 'annulling' : 'unknown', 'no answer');
        if (line?.request === 'accepted') return [to('place', 'placed', 'answered'), ambiguous];
        if (line?.request === 'refused') return [to('place', 'annulling', 'refused'), ambiguous];
        return [ambiguous];
      }
      case 'placed':
        return [
          act('record', (_, me, own, call) => {
            if (without('no-intent') && own.state === 'none')
              Object.assign(own, { state: 'placing', lease: 'live', runner: who, held: true });
            if (open(own)) {
              Object.assign(own, { state: 'live', knowsCall: true });
              me.stage = 'following';
            } else if (own.knowsCall) rest(me);
            else {
              // Its attempt was closed meanwhile: the call is stopped and booked by itself.
              call.ring = 'over';
              rest(me);
            }
          }),
        ];
      case 'unknown':
        if (line?.request === 'accepted') return [to('record', 'placed', 'found')];
        // Never placed: only when nothing can be under way any more.
        return attempt?.age === 'over'
          ? [act('settle', (_, me) => void ((me.stage = 'settling'), (me.result = 'lost')), 'never placed')]
          : [];
      case 'following':
        return line?.ring === 'over' ? [act('follow', (_, me) => void ((me.stage = 'settling'), (me.result = 'answered')), 'over')] : [];
      case 'settling':
        return [
          act('settle', (_, me, own) => {
            const mine = own.runner === who || without('no-fencing');
            if (!open(own) || !mine) return rest(me);
            Object.assign(own, { state: 'settled', result: me.result });
            me.stage = 'settled';
          }),
        ];
      case 'settled':
        return [
          act('charge', (_, me, own) => {
            me.stage = 'charged';
            if (!own.held && !without('plain-increment-charge')) return;
            own.held = false;
            own.charges += 1;
          }),
        ];
      case 'charged': {
        // A rescuer's token has no attempt: it hands the job back as soon as it has looked.
        const holder =
          state.job.status === 'in_progress' && state.job.token !== null && state.job.token !== token
            ? state.attempts[state.job.token]
            : undefined;
        if (holder?.state === 'none' && !without('no-fencing')) return [];
        return [
          act('job', (next, me, own) => {
            me.stage = 'moved';
            const late = writeJob(next, token, (job) => {
              own.told += 1;
              if (job.status === 'in_progress') job.status = own.result === 'answered' ? 'done' : 'pending';
              Object.assign(job, { token: null, leased: false, before: null });
            });
            return late ?? (own.told > 1 ? 'P3: a job counted one attempt twice' : undefined);
          }),
        ];
      }
      case 'moved':
        return [act('finish', (_, me, own) => (rest(me), finished(own, who)))];
      case 'annulling':
        return [
          act('annul', (_, me, own) => {
            me.stage = 'annulled';
            // Whoever owns it by now: that nothing was placed is known to the one alone who would have placed it.
            if (!open(own) || own.knowsCall) return;
            Object.assign(own, { state: 'void', held: false });
          }),
        ];
      case 'annulled':
        return [act('annul', (next, me) => ((me.stage = 'released'), writeJob(next, token, release)), 'the job is given back')];
      case 'released':
        return [act('finish', (_, me, own) => (rest(me), finished(own, who)))];
      case 'taken': {
        // A finished attempt owns the job only if it owned it before: otherwise it has told the job already, which was claimed again since.
        const owner = state.attempts.findLastIndex(
          (one, id) => one.lease !== 'none' && (open(one) || id === state.job.before || without('hands-to-finished')),
        );
        return [act('rescue', (_, me) => void ((me.stage = 'looked'), (me.found = owner)), 'looks for the attempt')];
      }
      case 'looked':
        return [
          act('rescue', (next, me) => {
            const { found } = me;
            rest(me);
            return writeJob(next, token, (job) => (found < 0 ? release(job) : void Object.assign(job, { token: found, before: null })));
          }, daemon.found < 0 ? 'gives the job back' : 'hands the job to its attempt'),
        ]; // prettier-ignore
      case 'looked first':
        if (state.job.status !== 'in_progress' || state.job.leased) return [act('rescue', (_, me) => rest(me), 'nothing to take any more')];
        return [
          act('rescue', (next, me) => void (Object.assign(next.job, { token, leased: true }), (me.stage = 'looked')), 'takes the job'),
        ];
    }
  };

  const release = (job: Job): void => {
    if (job.status === 'in_progress') job.status = 'pending';
    Object.assign(job, { token: null, leased: false, before: null });
  };

  const finished = (own: Attempt, who: number): string | undefined => {
    if (own.runner !== who) return undefined;
    own.lease = 'none';
    return own.result === 'answered' && own.charges !== 1 ? `P5: a call was charged ${own.charges} times` : undefined;
  };

  const claims = (state: State, who: number): Move<State>[] => {
    if (state.job.status !== 'pending' || state.tokens >= bounds.tokens) return [];
    return [
      move(state, `claim, decide by ${who}`, (next) => {
        next.job = { status: 'in_progress', token: next.tokens, leased: true, before: null };
        // What the process knows may be old: deciding by it saves work and protects nothing. Nobody sees it, so it is one step with the claim.
        Object.assign(next.daemons[who] as Daemon, { stage: 'decided', token: next.tokens });
        next.tokens += 1;
      }),
    ];
  };

  /** Expired attempts first, then jobs; the job is taken before its attempt is looked for. */
  const rescues = (state: State, who: number): Move<State>[] => {
    const adoptions = state.attempts.flatMap((attempt, id) => {
      if (attempt.lease !== 'expired') return [];
      return [
        move(state, `rescue (adopts attempt ${id}) by ${who}`, (next) => {
          const own = next.attempts[id] as Attempt;
          Object.assign(own, { runner: who, lease: 'live' });
          Object.assign(next.daemons[who] as Daemon, { ...IDLE, stage: adopted(own), token: id });
        }),
      ];
    });
    if (state.job.status !== 'in_progress' || state.job.leased || state.tokens >= bounds.tokens) return adoptions;
    const take = move(state, `rescue (${without('look-before-take') ? 'looks before it takes' : 'takes the job'}) by ${who}`, (next) => {
      const me = next.daemons[who] as Daemon;
      me.token = next.tokens;
      next.tokens += 1;
      if (without('look-before-take')) {
        Object.assign(me, { stage: 'looked first', found: next.attempts.findIndex((one) => one.lease !== 'none') });
        return;
      }
      me.stage = 'taken';
      Object.assign(next.job, { token: me.token, leased: true, before: next.job.before ?? next.job.token });
    });
    return [...adoptions, take];
  };

  const adopted = (own: Attempt): Stage => {
    if (own.state === 'settled') return 'settled';
    if (own.state === 'void') return 'annulled';
    if (own.state === 'live') return 'following';
    return without('expiry-redials') ? 'annulling' : 'unknown';
  };

  /** What the provider does with a request, and when calls end. */
  const providerMoves = (state: State): Move<State>[] =>
    state.lines.flatMap((line, id) => {
      const accept: Change = (next) => {
        const own = next.lines[id] as Line;
        const answeredBefore = next.talkedTo;
        Object.assign(own, { request: 'accepted', ring: 'live', dials: own.dials + 1 });
        return answeredBefore ? 'P1: somebody who had answered was called again' : undefined;
      };
      const answer =
        (request: Line['request']): Change =>
        (next) =>
          void Object.assign(next.lines[id] as Line, { request });
      return [
        ...(line.request === 'under way'
          ? [
              move(state, `the provider accepts ${id}`, accept),
              move(state, `the provider refuses ${id}`, answer('refused')),
              move(state, `the request of ${id} is lost`, answer('vanished')),
            ]
          : []),
        ...(line.ring === 'live'
          ? [
              move(
                state,
                `call ${id} is answered and ends`,
                (next) => void (((next.lines[id] as Line).ring = 'over'), (next.talkedTo ||= id >= next.disowned)),
              ),
            ]
          : []),
      ];
    });

  /** Time: leases end, attempts grow old. LEASE_SECONDS exceeds DIAL_WITHIN_MS, and the window covers whatever is under way. */
  const timeMoves = (state: State): Move<State>[] => {
    const leases =
      state.job.status === 'in_progress' && state.job.leased
        ? [move(state, "the job's lease runs out", (next) => void (next.job.leased = false))]
        : [];
    const ofAttempts = state.attempts.flatMap((attempt, id) => {
      // Before it is inserted nothing depends on its age.
      const used =
        id < state.tokens &&
        (attempt.state === 'placing' || attempt.state === 'unknown' || without('no-intent') || without('majority-on-standalone'));
      const onTheWay = state.lines[id]?.request === 'under way';
      return [
        ...(attempt.lease === 'live' && attempt.age !== 'young'
          ? [move(state, `the lease of attempt ${id} runs out`, (next) => void ((next.attempts[id] as Attempt).lease = 'expired'))]
          : []),
        ...(used && attempt.age === 'young'
          ? [move(state, `dial_by of ${id} passes`, (next) => void ((next.attempts[id] as Attempt).age = 'late'))]
          : []),
        ...(used && attempt.age === 'late' && !onTheWay
          ? [move(state, `the window of ${id} passes`, (next) => void ((next.attempts[id] as Attempt).age = 'over'))]
          : []),
      ];
    });
    return [...leases, ...ofAttempts, ...renewals(state)];
  };

  /** One renewal for what a process holds, also when it comes too late: nobody may rely on an expired lease staying expired. */
  const renewals = (state: State): Move<State>[] =>
    state.daemons.flatMap((daemon, who) => {
      const own = state.attempts[daemon.token];
      if (own === undefined || own.state === 'none' || own.runner !== who || own.lease === 'none') return [];
      const jobToo = state.job.token === daemon.token && state.job.status === 'in_progress';
      if (own.lease === 'live' && (!jobToo || state.job.leased)) return [];
      return [
        move(state, `${who} renews`, (next) => {
          (next.attempts[daemon.token] as Attempt).lease = 'live';
          if (jobToo) next.job.leased = true;
        }),
      ];
    });

  /** Crashes, rivals, pauses, and a database that forgets. */
  const mischief = (state: State): Move<State>[] => {
    const crashes = state.crashes >= bounds.crashes ? [] : state.daemons.flatMap((daemon, who) => (daemon.stage === 'idle' ? [] : [move(state, `${who} dies at "${daemon.stage}"`, (next) => {
      Object.assign(next.daemons[who] as Daemon, IDLE);
      next.crashes += 1;
    }, true)])); // prettier-ignore
    const rival = state.replacements >= bounds.replacements || state.job.status === 'pending' ? [] : [move(state, 'a rival writes the job anew', (next) => {
      next.job = { status: 'pending', token: null, leased: false, before: null };
      next.talkedTo = false;
      next.disowned = next.tokens;
      next.replacements += 1;
    }, true)]; // prettier-ignore
    const pause =
      bounds.pauses && state.pause === 'none' ? [move(state, 'the batch is paused', (next) => void (next.pause = 'written'), true)] : [];
    const old = state.attempts.every((attempt, id) => id >= state.tokens || attempt.afterPause || attempt.age !== 'young');
    const certain =
      state.pause === 'written' && old ? [move(state, 'DIAL_WITHIN_MS passes', (next) => void (next.pause = 'certain'), true)] : [];
    // A standalone acknowledges `majority` before the write is on disk.
    const forgets = !without('majority-on-standalone') ? [] : state.attempts.flatMap((attempt, id) => (attempt.state === 'placing' && !attempt.knowsCall ? [move(state, `the database dies and has forgotten attempt ${id}`, (next) => void Object.assign(next.attempts[id] as Attempt, { state: 'none', lease: 'none' }), true)] : [])); // prettier-ignore
    // Holds of finished attempts only; the sabotaged sweep takes those of live ones as well.
    const sweeps = !without('early-hold-sweep') ? [] : state.attempts.flatMap((attempt, id) => (attempt.held ? [move(state, `the hold of ${id} is swept`, (next) => void ((next.attempts[id] as Attempt).held = false))] : [])); // prettier-ignore
    return [...crashes, ...rival, ...pause, ...certain, ...forgets, ...sweeps];
  };

  const blank = <T>(of: T): T[] => Array.from({ length: bounds.tokens }, () => ({ ...of }));
  return {
    start: {
      job: { status: 'pending', token: null, leased: false, before: null },
      attempts: blank<Attempt>({
        state: 'none',
        lease: 'none',
        runner: -1,
        knowsCall: false,
        age: 'young',
        afterPause: false,
        held: false,
        charges: 0,
        told: 0,
        result: null,
      }),
      lines: blank<Line>({ request: 'none', ring: 'none', dials: 0, posts: 0 }),
      daemons: [{ ...IDLE }, { ...IDLE }],
      pause: 'none',
      talkedTo: false,
      disowned: 0,
      tokens: 0,
      crashes: 0,
      replacements: 0,
    },
    moves: (state) => [
      ...state.daemons.flatMap((_, who) => steps(state, who)),
      ...providerMoves(state),
      ...timeMoves(state),
      ...mischief(state),
    ],
    violation: ({ lines, attempts }) => {
      if (lines.some((line) => line.dials > 1)) return 'P1: one attempt was dialled twice';
      if (lines.filter((line) => line.ring === 'live').length > 1) return 'P1: two calls to one number were live';
      if (attempts.some((attempt) => attempt.charges > 1)) return 'P5: a call was charged twice';
      return null;
    },
    // The two daemons are alike: which of them is called 0 makes no difference.
    key: (state) => {
      const [zero, one] = state.daemons as [Daemon, Daemon];
      if (zero.stage !== one.stage) return packed(state, zero.stage < one.stage ? 0 : 1);
      const [first, second] = [packed(state, 0), packed(state, 1)];
      return first < second ? first : second;
    },
    // Where all tokens are spent the bound ends the walk, not the protocol; a paused batch waits by intention.
    settled: ({ job, attempts, lines, tokens, pause }) =>
      tokens >= bounds.tokens ||
      (attempts.every((attempt) => attempt.lease === 'none' && !open(attempt)) &&
        lines.every((line) => line.ring !== 'live') &&
        (job.status === 'done' || (job.status === 'pending' && pause !== 'none'))),
  };
};
