/** One short text for each state: states that differ in nothing but which of the two daemons is called 0 have the same. */

import { JOB_STATUSES } from '../../src/domain/transitions.js';
import type { Attempt, Daemon, Job, Line, State, Token, Who, World } from './state.js';

/** A number for each value that a field can have. Made a million times in a walk: a plain look-up, no text. */
const numbered = <T extends string>(...values: readonly T[]): Readonly<Record<T, number>> =>
  Object.fromEntries(values.map((value, at) => [value, at])) as Record<T, number>;

const STATUS = numbered(...JOB_STATUSES);
const STATE = numbered<Attempt['state']>('none', 'placing', 'unknown', 'live', 'settled', 'void');
const LEASE = numbered<Attempt['lease']>('none', 'live', 'expired');
const AGE = numbered<Attempt['age']>('young', 'late', 'over');
const REQUEST = numbered<Line['request']>('none', 'under way', 'accepted', 'refused', 'vanished');
const RING = numbered<Line['ring']>('none', 'live', 'over');
const PAUSE = numbered<World['pause']>('none', 'written', 'certain');
const STAGE = numbered<Daemon['stage']>(
  'idle', 'decided', 'intended', 'held', 'confirmed', 'waiting', 'placed', 'unknown', 'following', 'settling', 'settled', 'charged', 'moved', 'annulling',
  'annulled', 'released', 'found void', 'giving back', 'taken', 'looked',
); // prettier-ignore
const RESULT = { answered: 1, lost: 2 } as const;

const bit = (value: boolean): number => (value ? 1 : 0);
const named = (who: Who | null, zero: Who): number => (who === null ? 2 : who === zero ? 0 : 1);
/** Up to five claims. */
const tokenOf = (token: Token | null, zero: Who): number => {
  if (token === null) return 7;
  return typeof token === 'number' ? token : 5 + named(token === 'rescuer 0' ? 0 : 1, zero);
};
const resultOf = (result: Attempt['result']): number => (result === null ? 0 : RESULT[result]);

const jobOf = (job: Job, zero: Who): number =>
  (((STATUS[job.status] * 8 + tokenOf(job.token, zero)) * 8 + tokenOf(job.before, zero)) * 2 + bit(job.leased)) * 4 + job.rescues;
const leaseOf = (one: Attempt, zero: Who): number =>
  (((STATE[one.state] * 3 + LEASE[one.lease]) * 3 + named(one.runner, zero)) * 3 + AGE[one.age]) * 2 + bit(one.knowsCall);
const booksOf = (one: Attempt): number =>
  ((((one.charges * 4 + one.told) * 3 + resultOf(one.result)) * 2 + bit(one.held)) * 2 + bit(one.afterPause)) * 2 + bit(one.handedUnsent);
const lineOf = ({ request, ring, dials }: Line): number => (REQUEST[request] * 3 + RING[ring]) * 4 + dials;
const daemonOf = ({ stage, token, found, result }: Daemon, zero: Who): number =>
  ((STAGE[stage] * 8 + tokenOf(token, zero)) * 8 + tokenOf(found, zero)) * 3 + resultOf(result);
const worldOf = ({ pause, talkedTo, disowned, claims, crashes, stops, replacements }: World): number =>
  (((((PAUSE[pause] * 2 + bit(talkedTo)) * 6 + disowned) * 6 + claims) * 4 + crashes) * 4 + stops) * 4 + replacements;

const packed = ({ job, attempts, lines, daemons, world }: State, zero: Who): string => {
  let key = String.fromCharCode(
    jobOf(job, zero),
    worldOf(world),
    daemonOf(daemons[zero], zero),
    daemonOf(daemons[zero === 0 ? 1 : 0], zero),
  );
  for (const [id, one] of attempts.entries())
    key += String.fromCharCode(leaseOf(one, zero), booksOf(one), lineOf(lines[id] ?? { request: 'none', ring: 'none', dials: 0 }));
  return key;
};

export const keyOf = (state: State): string => {
  const [zero, one] = state.daemons;
  if (zero.stage !== one.stage) return packed(state, zero.stage < one.stage ? 0 : 1);
  const [first, second] = [packed(state, 0), packed(state, 1)];
  return first < second ? first : second;
};
