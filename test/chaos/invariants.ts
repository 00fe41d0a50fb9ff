/**
 * What must be true when the books are closed. Computed from the simulator's ledger and from the documents by code of its own: nothing of
 * the program's rules is imported, so that a mistake there cannot hide itself here.
 */

import { groupBy } from './finding.js';
import type { Breach, Checked, Finding } from './finding.js';
import { documentInvariants } from './invariants-documents.js';
import { DIAL_WITHIN_MS, GRACE_MS, TRANSIENT_RETRIES } from './options.js';
import { witnessed } from './evidence.js';
import type { Evidence, Witnessed } from './evidence.js';
import { logInvariants } from './invariants-logs.js';

export const judge = (evidence: Evidence): Finding[] => {
  const calls = witnessed(evidence);
  return [
    ...callInvariants(evidence, calls),
    ...documentInvariants(evidence, calls),
    ...processInvariants(evidence),
    ...logInvariants(evidence),
  ];
};

const callInvariants = (evidence: Evidence, calls: readonly Witnessed[]): Finding[] => [
  { promise: 'P1', name: 'one dial per attempt id', checked: calls.length, breaches: oncePerAttempt(calls) },
  { promise: 'P1', name: 'one live call per number', checked: calls.length, breaches: oneAtATime(calls) },
  { promise: 'P1', name: 'an answered contact is not called again', ...answeredOnce(evidence, calls) },
  { promise: 'P4', name: 'attempts within the limit', ...withinLimit(evidence, calls) },
  { promise: 'P4', name: 'no dial in a batch that is closed all the time', checked: calls.length, breaches: neverDialled(evidence, calls) },
  ...(['paused', 'outside its window'] as const).map((why) => ({
    promise: 'P4',
    name: `no dial while ${why}`,
    planned: evidence.planned.has(why === 'paused' ? 'pause' : 'close'),
    ...whileShut(evidence, calls, why),
  })),
  { promise: 'P4', name: 'no dial without credit', ...withoutCredit(evidence, calls) },
  {
    promise: 'P2',
    name: 'no live call left at the end',
    checked: 1,
    breaches: evidence.liveAtEnd === 0 ? [] : [{ text: `${evidence.liveAtEnd} calls are still live at the provider` }],
  },
];

const oncePerAttempt = (calls: readonly Witnessed[]): Breach[] => {
  const seen = new Map<string, number>();
  return calls.flatMap((call) => {
    if (call.attemptId === null) return [{ text: `call ${call.callId} carries no attempt id`, job: call.job?.ref }];
    const times = (seen.get(call.attemptId) ?? 0) + 1;
    seen.set(call.attemptId, times);
    return times === 1 ? [] : [{ text: `attempt ${call.attemptId} was dialled ${times} times`, job: call.job?.ref }];
  });
};

/** Argentina's +54 9 and Mexico's old +52 1 reach the same telephone with and without that digit. */
const lineOf = (number: string): string => number.replace(/^\+549/, '+54').replace(/^\+521/, '+52');

const oneAtATime = (calls: readonly Witnessed[]): Breach[] => {
  const last = new Map<string, Witnessed>();
  return [...calls]
    .sort((a, b) => a.dialledMs - b.dialledMs)
    .flatMap((call) => {
      const before = last.get(lineOf(call.to));
      last.set(lineOf(call.to), call);
      const overlaps = before !== undefined && (before.endedMs === null || before.endedMs > call.dialledMs);
      if (!overlaps) return [];
      return [
        {
          text: `${call.callId} (${call.job?.ref}) was dialled while ${before.callId} (${before.job?.ref}) to the same number was live`,
          job: call.job?.ref,
        },
      ];
    });
};

const ANSWERED = new Set(['success', 'user_hangup', 'agent_hangup']);

const answeredOnce = ({ disturbed }: Evidence, calls: readonly Witnessed[]): Checked => {
  const answered = calls.filter(
    (call) =>
      ANSWERED.has(call.outcome) &&
      call.endedMs !== null &&
      call.reason !== 'manual_stopped' &&
      call.job !== null &&
      !disturbed.has(call.job.ref),
  );
  const byJob = groupBy(calls, (call) => call.job?.ref ?? '');
  const breaches = answered.flatMap((call) => {
    const again = byJob.get(call.job?.ref ?? '')?.find((other) => other.askedMs > (call.endedMs ?? 0));
    return again === undefined
      ? []
      : [{ text: `${call.job?.ref} had answered in ${call.callId} and was called again in ${again.callId}`, job: call.job?.ref }];
  });
  return { checked: answered.length, breaches };
};

/** The provider's own failures and caller-id trouble cost no attempt, but they are bounded too. */
const FREE =
  /^(error_|telephony_provider_|registered_call_timeout|sip_routing_error|no_concurrency_fallback|concurrency_limit_reached|marked_as_spam|network_blocked)/;

const withinLimit = ({ disturbed, highestLimit }: Evidence, calls: readonly Witnessed[]): Checked => {
  const byJob = groupBy(calls, (call) => call.job?.ref ?? '');
  const breaches = [...byJob].flatMap(([ref, own]) => {
    const rounds = 1 + (disturbed.get(ref) ?? 0);
    const counted = own.filter((call) => !FREE.test(call.outcome)).length;
    if (counted <= highestLimit * rounds && own.length <= (highestLimit + TRANSIENT_RETRIES) * rounds) return [];
    return [{ text: `${ref} was called ${own.length} times, ${counted} of them its own`, job: ref }];
  });
  return { checked: byJob.size, breaches };
};

const neverDialled = ({ campaign }: Evidence, calls: readonly Witnessed[]): Breach[] =>
  calls.flatMap((call) =>
    call.job !== null && campaign.neverDial.has(call.job.batch)
      ? [{ text: `${call.job.ref} of the batch ${call.job.batch} was dialled`, job: call.job.ref }]
      : [],
  );

/** On loopback a request is under way for a few milliseconds; what this process was late to notice comes on top. */
const TRANSIT_MS = 150;

const whileShut = ({ closures, witnessLagMs }: Evidence, calls: readonly Witnessed[], why: string): Checked => {
  const own = closures.filter((closure) => closure.why === why);
  const breaches = own.flatMap((closure) =>
    calls.flatMap((call) => {
      const certain = closure.fromMs + DIAL_WITHIN_MS + TRANSIT_MS + witnessLagMs;
      if (call.job?.batch !== closure.batch || call.askedMs <= certain || call.askedMs >= (closure.toMs ?? Number.POSITIVE_INFINITY))
        return [];
      return [
        { text: `${call.job.ref} was dialled ${call.askedMs - closure.fromMs} ms after ${closure.batch} was ${why}`, job: call.job.ref },
      ];
    }),
  );
  return { checked: own.length, breaches };
};

const MINUTE_MICROS = 130_020;

/** Whatever is spent or held: the earlier calls of the account took at least their cost, or a minute's where that is less, and this one needs a minute. */
const withoutCredit = ({ bought }: Evidence, calls: readonly Witnessed[]): Checked => {
  const spent = new Map<string, number>();
  let checked = 0;
  const breaches = [...calls]
    .sort((a, b) => a.askedMs - b.askedMs)
    .flatMap((call): Breach[] => {
      const account = call.job?.account;
      if (account === undefined) return [];
      checked += 1;
      const before = spent.get(account) ?? 0;
      spent.set(account, before + Math.min(MINUTE_MICROS, call.costMicros));
      const credit =
        Math.max(0, ...bought.filter((one) => one.account === account && one.atMs <= call.askedMs).map((one) => one.dollars)) * 1e6;
      if (before + MINUTE_MICROS <= credit) return [];
      return [
        { text: `${call.job?.ref} was dialled with ${credit} micro-dollars bought and at least ${before} spent`, job: call.job?.ref },
      ];
    });
  return { checked, breaches };
};

/** The hand-over's two seconds, and what it takes on a busy machine until an exit is noticed. */
const STOP_MS = GRACE_MS + 2_000 + 500;

const processInvariants = ({ ended, writes }: Evidence): Finding[] => {
  const stops = ended.filter((one) => one.stoppedWithinMs !== null);
  return [
    {
      promise: 'P6',
      name: 'a stop keeps its budget',
      checked: stops.length,
      breaches: stops.flatMap((one) => {
        if ((one.stoppedWithinMs ?? 0) <= STOP_MS) return [];
        return [{ text: `daemon ${one.slot} took ${Math.round(one.stoppedWithinMs ?? 0)} ms to stop (${one.log})` }];
      }),
    },
    {
      promise: 'P7',
      name: 'no daemon ends by itself',
      checked: ended.length,
      breaches: ended
        .filter((one) => one.cause === null)
        .map((one) => ({ text: `daemon ${one.slot} ended by itself: ${one.code ?? one.signal} (${one.log})` })),
    },
    {
      promise: 'durability',
      name: `protocol writes are ${writes.durable}`,
      checked: writes.seen,
      breaches: writes.weak.map((text) => ({ text })),
    },
  ];
};
