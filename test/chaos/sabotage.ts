/**
 * One safety at a time is taken out of a copy of the compiled program, by exact replacement of its text: production code has no branch for
 * this, and a text that is not found any more fails loudly, so that a sabotage cannot quietly become none.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Sabotage } from '../model/sabotages.js';
import { copyBuild } from './build.js';

export { SABOTAGES } from '../model/sabotages.js';
export type { Sabotage } from '../model/sabotages.js';

interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** How often the text must be there (1). */
  readonly times?: number;
}

const PATCHES: Readonly<Record<Sabotage, readonly Patch[]>> = {
  'no-fencing': [
    {
      file: 'store/jobs.js',
      find: 'return write({ _id: stored(id), lease_token: token }, [',
      replace: 'return write({ _id: stored(id) }, [',
    },
    {
      file: 'store/jobs.js',
      find: 'where: (all) => ({ lease_token: all.length === 1 ? all[0]?.token : { $in: all.map(({ token }) => token) } }),',
      replace: 'where: () => ({}),',
    },
    {
      file: 'store/attempts.js',
      find: 'const mine = (id, runner) => ({ _id: id, runner });',
      replace: 'const mine = (id) => ({ _id: id });',
    },
    {
      file: 'store/attempt-changes.js',
      find: "{ $and: [{ $eq: ['$runner', own('runner')] }, { $eq: ['$open', true] }] }",
      replace: "{ $eq: ['$open', true] }",
    },
  ],
  // The attempt is written after the call was placed, as one writes a log.
  'no-intent': [
    {
      file: 'runner/intend.js',
      find: 'await cx.store.attempts.intend(intent, cx.timing.leaseMs, cx.timing.dialWithinMs);',
      replace: 'call.intent = intent;',
    },
    {
      file: 'runner/dial.js',
      find: "cx.failPoints.after('place');",
      replace: "cx.failPoints.after('place'); await cx.store.attempts.intend(call.intent, cx.timing.leaseMs, cx.timing.dialWithinMs);",
    },
  ],
  // No answer is taken for no call.
  'no-reconcile': [
    {
      file: 'runner/dial.js',
      find: 'parts.reconcile(call);\n                return call;',
      replace: "await annul(call, claim, { kind: 'again', reason: 'sabotage' });\n                return null;",
    },
  ],
  // The attempt of a dead process is annulled and its job dialled again, without a look at what happened.
  'expiry-redials': [{ file: 'runner/rescue.js', find: 'parts.reconcile(call);', replace: 'void finish(call, attempt);' }],
  'no-unique-index': [
    {
      file: 'store/indexes.js',
      find: 'options: { unique: true, partialFilterExpression: { open: true } },',
      replace: 'options: { partialFilterExpression: { open: true } },',
    },
  ],
  'retry-post': [
    {
      file: 'runner/dial.js',
      find: 'const reply = await cx.retell.place({',
      replace: 'let reply; for (let tries = 0; tries < 2 && reply?.kind !== "placed"; tries += 1) reply = await cx.retell.place({',
    },
  ],
  'majority-on-standalone': [
    {
      file: 'store/connection.js',
      find: "topology === 'standalone' ? { w: 1, journal: true }",
      replace: "topology === 'standalone' ? { w: 'majority', journal: true }",
    },
  ],
  'no-dial-within': [
    {
      file: 'runner/dial.js',
      find: 'const mayStillSend = () => cx.clock.elapsedMs(since) < cx.timing.dialWithinMs &&',
      replace: 'const mayStillSend = () =>',
    },
  ],
  'plain-increment-charge': [
    {
      file: 'store/ledgers.js',
      find: 'async function chargeIn(account, attempt, cost) {',
      replace:
        'async function chargeIn(account, attempt, cost) { if (cost.final) return write({ _id: account }, [{ $set: { used_micros: { $add: ["$used_micros", cost.micros] }, used_ms: { $add: ["$used_ms", cost.ms] }, held_micros: { $subtract: ["$held_micros", { $ifNull: [`$holds.${attempt}.micros`, 0] }] }, held_ms: { $subtract: ["$held_ms", { $ifNull: [`$holds.${attempt}.ms`, 0] }] }, version: { $add: ["$version", 1] } } }, { $unset: `holds.${attempt}` }]);',
    },
  ],
  // Whatever is not finished yet is taken for left behind.
  'early-hold-sweep': [
    { file: 'runner/sweep.js', find: 'if (attempt.lease_until !== undefined || attempt.open)', replace: 'if (false)' },
    { file: 'runner/sweep.js', find: "if (attempt.state === 'void')", replace: "if (attempt.state !== 'settled')" },
  ],
  'no-second-reading': [
    {
      file: 'runner/dial.js',
      find: "cx.failPoints.before('confirm');",
      replace: "cx.failPoints.before('confirm'); return plan;",
    },
  ],
  'look-before-take': [
    {
      file: 'runner/rescue.js',
      find: 'const token = newToken(cx.store.time.now());\n            const rescued =',
      replace: `const token = newToken(cx.store.time.now());
            const [seen] = await cx.store.connection.collection('jobs').find({ status: 'in_progress', reserved_until: { $lte: cx.store.time.now() } }).limit(1).toArray();
            globalThis.looked = seen === undefined ? null : await cx.store.attempts.leasedFor(seen._id);
            if (seen !== undefined) cx.failPoints.before('rescue');
            const rescued =`,
    },
    {
      file: 'runner/rescue.js',
      find: 'const attempt = await cx.store.attempts.leasedFor(doc._id);',
      replace: 'const attempt = globalThis.looked;',
    },
  ],
  // A rescuer hands a job to whatever attempt of it still has a lease.
  'hands-to-finished': [{ file: 'runner/rescue.js', find: '(attempt.open || attempt._id === before)', replace: 'true' }],
};

/** A machine that is frozen whole, its two clocks included, and wakes without noticing: a condition of the world, not a sabotage. */
const STILL_CLOCKS: Patch = {
  file: 'telemetry/clock.js',
  find: 'elapsedMs: (since) => Math.max(mono() - since.monoMs, wall() - since.wallMs),',
  replace:
    "elapsedMs: (since) => Math.min(process.env.SPEECHAI_TEST_STILL_CLOCKS === '1' ? 400 : Infinity, Math.max(mono() - since.monoMs, wall() - since.wallMs)),",
};

/** Copies the build, breaks it, and answers with the entry. `null` breaks nothing: the control of the experiment. */
export const sabotagedBuild = (sabotage: Sabotage | null, into: string): string => {
  const entry = copyBuild(into);
  for (const patch of [STILL_CLOCKS, ...(sabotage === null ? [] : PATCHES[sabotage])]) apply(patch, dirname(entry));
  return entry;
};

const apply = ({ file, find, replace, times = 1 }: Patch, dist: string): void => {
  const path = join(dist, file);
  const text = readFileSync(path, 'utf8');
  const found = text.split(find).length - 1;
  if (found !== times)
    throw new Error(`sabotage: ${file} has "${find.slice(0, 80)}" ${found} times, not ${times}; the patch must follow the code`);
  writeFileSync(
    path,
    text.replaceAll(find, () => replace),
  );
};
