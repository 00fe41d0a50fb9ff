/** What happens around the daemons: a provider that does as it likes, time, and mischief (crashes, stops, rivals, pauses) that nobody may rely on. */

import type { Move } from './explore.js';
import { FREE, IDLE, inHands, withAttempt, withDaemon, withJob, withLine, withWorld } from './state.js';
import type { Bounds, State, Who } from './state.js';

export type Happening = Pick<Move<State>, 'name' | 'next' | 'mischief' | 'broken'>;

export const DAEMONS: readonly Who[] = [0, 1];

/** What the provider does with a request, and when calls end. */
export const providerMoves = (state: State): Happening[] =>
  state.lines.flatMap((line, id) => {
    const happens: Happening[] = [];
    if (line.request === 'under way') {
      const accepted = withLine(state, id, { request: 'accepted', ring: 'live', dials: line.dials + 1 });
      const broken = state.world.talkedTo ? 'P1: somebody who had answered was called again' : undefined;
      happens.push(
        { name: `the provider accepts ${id}`, next: accepted, broken },
        { name: `the provider refuses ${id}`, next: withLine(state, id, { request: 'refused' }) },
        { name: `the request of ${id} is lost`, next: withLine(state, id, { request: 'vanished' }) },
      );
    }
    if (line.ring === 'live') {
      const over = withLine(state, id, { ring: 'over' });
      const talkedTo = state.world.talkedTo || id >= state.world.disowned;
      happens.push({ name: `call ${id} is answered and ends`, next: withWorld(over, { talkedTo }) });
    }
    return happens;
  });

/** Leases end, attempts grow old. LEASE_SECONDS exceeds DIAL_WITHIN_MS, and the window covers whatever is under way. */
export const timeMoves = (state: State): Happening[] => {
  const { job, attempts, lines, world } = state;
  const happens: Happening[] = [];
  if (job.status === 'in_progress' && job.leased)
    happens.push({ name: "the job's lease runs out", next: withJob(state, { leased: false }) });
  for (const [id, attempt] of attempts.entries()) {
    if (attempt.lease === 'live' && attempt.age !== 'young')
      happens.push({ name: `the lease of attempt ${id} runs out`, next: withAttempt(state, id, { lease: 'expired' }) });
    // Before it is inserted nothing depends on its age.
    const inserted = attempt.state === 'placing' || attempt.state === 'unknown';
    const aside = attempt.state === 'none' && state.daemons.some(({ token, stage }) => token === id && stage !== 'decided');
    if (id >= world.claims || !(inserted || aside)) continue;
    if (attempt.age === 'young') happens.push({ name: `dial_by of ${id} passes`, next: withAttempt(state, id, { age: 'late' }) });
    if (attempt.age === 'late' && lines[id]?.request !== 'under way')
      happens.push({ name: `the window of ${id} passes`, next: withAttempt(state, id, { age: 'over' }) });
  }
  return happens;
};

/** One renewal for what a process holds, also when it comes too late: nobody may rely on an expired lease staying expired. */
export const renewals = (state: State): Happening[] =>
  DAEMONS.flatMap((who) => {
    const { token } = state.daemons[who];
    const own = typeof token === 'number' ? state.attempts[token] : undefined;
    if (token === null || own === undefined || own.state === 'none' || own.runner !== who || own.lease === 'none') return [];
    const jobToo = state.job.token === token && state.job.status === 'in_progress';
    if (own.lease === 'live' && (!jobToo || state.job.leased)) return [];
    const renewed = withAttempt(state, token, { lease: 'live' });
    return [{ name: `${who} renews`, next: jobToo ? withJob(renewed, { leased: true }) : renewed }];
  });

/** Crashes, rivals, pauses. */
export const mischief = (state: State, bounds: Bounds): Happening[] => {
  const { world, job, daemons } = state;
  const happens: Happening[] = [];
  if (world.crashes < bounds.crashes)
    for (const who of DAEMONS) {
      if (daemons[who].stage === 'idle') continue;
      const dead = withDaemon(withWorld(state, { crashes: world.crashes + 1 }), who, IDLE);
      happens.push({ name: `${who} dies at "${daemons[who].stage}"`, next: dead });
    }
  if (world.replacements < bounds.replacements && job.status !== 'pending') {
    const anew = { talkedTo: false, disowned: world.claims, replacements: world.replacements + 1 };
    happens.push({ name: 'a rival writes the job anew', next: withWorld(withJob(state, FREE), anew) });
  }
  if (bounds.pauses && world.pause === 'none') happens.push({ name: 'the batch is paused', next: withWorld(state, { pause: 'written' }) });
  const old = state.attempts.every(
    (attempt, id) => id >= world.claims || attempt.afterPause || attempt.age !== 'young' || !isAbout(state, id),
  );
  if (world.pause === 'written' && old) happens.push({ name: 'DIAL_WITHIN_MS passes', next: withWorld(state, { pause: 'certain' }) });
  return happens.map((one) => ({ ...one, mischief: true }));
};

/** In somebody's hands, or stored: what is neither has no time that could pass. */
const isAbout = (state: State, id: number): boolean => inHands(state, id) || state.attempts[id]?.state !== 'none';
