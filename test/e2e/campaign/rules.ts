/** The rules of a campaign, told a second time and without the program's own code. Each answers with what broke it; empty is right. */

import type { Document } from 'mongodb';
import { settingsOf, zoneOf, zoneOfAccount, type Call, type Evidence } from './evidence.js';
import { localTime } from './local-time.js';
import { SANTIAGO } from './plan.js';

export type Rule = (evidence: Evidence) => string[];

const HOUR_MS = 3_600_000;
/** A phone rings so long where the batch does not say. */
const RING_MS = 30_000;

const refOf = (job: Document): string => String(job['job_id']);
const said = (call: Call, what: string): string =>
  `call ${call.id} (job ${refOf(call.job)}, batch ${String(call.job['batch_id'])}, ${new Date(call.atMs).toISOString()}) ${what}`;

const grouped = <T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
};

const minutesOf = (text: unknown): number => {
  const [, hours = '', minutes = ''] = /^(\d\d):(\d\d)$/.exec(String(text)) ?? [];
  return hours === '' ? Number.NaN : Number(hours) * 60 + Number(minutes);
};

/** Whether the hours of the batch, in either documented shape, are open at that moment on the contact's clock. */
export const isOpen = (batch: Document | null, job: Document, account: Document, atMs: number): boolean => {
  const settings = settingsOf(batch);
  const { weekday, minute } = localTime(atMs, zoneOf(job, batch, account));
  const days = (settings['days_of_week'] as number[] | undefined)?.map((day) => (day === 0 ? 7 : day));
  const allows = (day: number): boolean => days === undefined || days.includes(day);
  const hours = (settings['allowed_hours'] ?? settings['allowed_call_hours']) as Document | undefined;
  if (hours === undefined) return allows(weekday);
  const [start, end] = [minutesOf(hours['start']), minutesOf(hours['end'])];
  if (Number.isNaN(start) || Number.isNaN(end)) return false;
  if (start < end) return allows(weekday) && minute >= start && minute < end;
  // Over midnight: the morning belongs to the day before.
  return (allows(weekday) && minute >= start) || (allows(weekday === 1 ? 7 : weekday - 1) && minute < end);
};

const ringMs = (batch: Document | null): number => {
  const seconds: unknown = settingsOf(batch)['ring_timeout'];
  return typeof seconds === 'number' ? seconds * 1_000 : RING_MS;
};

/** Open when it is dialled, and still open when its phone stops ringing. */
const windows: Rule = ({ calls }) =>
  calls.flatMap((call) => {
    const open = (atMs: number): boolean => isOpen(call.batch, call.job, call.account, atMs);
    if (!open(call.atMs)) return [said(call, 'was placed outside the hours')];
    return open(call.atMs + ringMs(call.batch)) ? [] : [said(call, 'could ring after the end of the hours')];
  });

/** Why nothing of this batch and account may be called at that moment, the hours aside; null: it may. */
export const shutFor = (batch: Document | null, account: Document, atMs: number): string | null => {
  if (account['status'] !== 'active') return 'the account is not active';
  if (!['credit_based', 'minutes_based', 'unlimited'].includes(String(account['plan_type']))) return 'the plan is not known';
  if (batch === null) return null;
  if (batch['is_active'] !== true) return 'the batch is paused';
  const [start, end] = [batch['start_at'], batch['end_at']];
  if (start instanceof Date && atMs < start.getTime()) return 'the batch has not started';
  return end instanceof Date && atMs >= end.getTime() ? 'the batch has ended' : null;
};

const doors: Rule = ({ calls }) =>
  calls.flatMap((call) => {
    const shut = shutFor(call.batch, call.account, call.atMs);
    return shut === null ? [] : [said(call, `was placed although ${shut}`)];
  });

const capOf = (batch: Document | null): number => Number(settingsOf(batch)['max_calls_per_day'] ?? Infinity);
const limitOf = (account: Document): number => Number(account['daily_call_limit'] ?? Infinity);

const dailyCaps: Rule = ({ calls }) => {
  const day = (call: Call): string => localTime(call.atMs, zoneOfAccount(call.account)).date;
  const over = (keyOf: (call: Call) => string, limit: (call: Call) => number): string[] =>
    [...grouped(calls, keyOf)].flatMap(([key, group]) => {
      const most = group[0] === undefined ? Infinity : limit(group[0]);
      return group.length > most ? [`${key}: ${group.length} calls of ${most}`] : [];
    });
  return [
    ...over((call) => `batch ${String(call.job['batch_id'])} on ${day(call)}`, (call) => capOf(call.batch)),
    ...over((call) => `account ${String(call.account['account_id'])} on ${day(call)}`, (call) => limitOf(call.account)),
  ]; // prettier-ignore
};

/** The most calls that were live at one moment, of those that share a key. */
const peaks = (calls: readonly Call[], keyOf: (call: Call) => string): Map<string, number> =>
  new Map(
    [...grouped(calls, keyOf)].map(([key, group]) => {
      // An end and a dial of the same millisecond: the end came first, or the slot could not have been free.
      const changes = group.flatMap(({ atMs, endMs }) => [[atMs, 1] as const, [endMs, -1] as const]).toSorted(([a, up], [b, other]) => a - b || up - other); // prettier-ignore
      let live = 0;
      let most = 0;
      for (const [, change] of changes) most = Math.max(most, (live += change));
      return [key, most];
    }),
  );

const oneLiveCall: Rule = ({ calls }) => {
  const dni = ({ job }: Call): string => String((job['contact'] as Document)['dni']);
  return [
    ...[...peaks(calls, ({ line }) => line)].flatMap(([line, most]) => (most > 1 ? [`${line} had ${most} live calls at once`] : [])),
    ...[...peaks(calls, dni)].flatMap(([person, most]) => (most > 1 ? [`person ${person} had ${most} live calls at once`] : [])),
  ];
};

const concurrency: Rule = ({ calls, settings }) => {
  const over = (name: string, of: readonly Call[], keyOf: (call: Call) => string, cap: (call: Call) => unknown): string[] => {
    const first = new Map(of.toReversed().map((call) => [keyOf(call), call]));
    return [...peaks(of, keyOf)].flatMap(([key, most]) => {
      const call = first.get(key);
      const limit = Number((call === undefined ? undefined : cap(call)) ?? Infinity);
      return most > limit ? [`${name} ${key}: ${most} live calls of ${limit}`] : [];
    });
  };
  return [
    ...over('installation', calls, () => '', () => settings.maxConcurrent),
    ...over('account', calls, ({ account }) => String(account['account_id']), ({ account }) => account['max_concurrent_calls']),
    ...over('batch', calls.filter(({ batch }) => batch !== null), ({ batch }) => String(batch?.['batch_id']), ({ batch }) => settingsOf(batch)['max_concurrent_calls']),
  ]; // prettier-ignore
};

const redial: Rule = ({ calls, settings }) =>
  [...grouped(calls, ({ line }) => line)].flatMap(([line, group]) =>
    group.slice(1).flatMap((call, n) => {
      const gapMs = call.atMs - (group[n]?.atMs ?? 0);
      return gapMs < settings.minRedialMs ? [said(call, `came ${gapMs} ms after another one to ${line}`)] : [];
    }),
  );

/** What costs no attempt, because the provider failed and not the call. */
const PROVIDER_FAULTS = new Set(['telephony_provider_unavailable']);

/** A number is not called again for a job before the batch's delay, unless the provider had failed and not the call. */
const retryDelay: Rule = ({ calls }) =>
  [...grouped(calls, ({ job, line }) => `${refOf(job)} ${line}`).values()].flatMap((group) =>
    group.slice(1).flatMap((call, n) => {
      const settings = settingsOf(call.batch);
      const retry = (settings['retry_settings'] ?? settings) as Document;
      const delayMs = Number(retry['retry_delay_hours'] ?? retry['hours_between_attempts'] ?? 0) * HOUR_MS;
      const before = group[n];
      if (before === undefined || PROVIDER_FAULTS.has(before.reason)) return [];
      return call.atMs - before.endMs < delayMs ? [said(call, `came before the delay of ${delayMs} ms`)] : [];
    }),
  );

const attempts: Rule = ({ calls, settings }) =>
  [...grouped(calls, ({ job }) => refOf(job)).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const own = settingsOf(first.batch);
    const most = Number(
      own['max_attempts'] ?? (own['retry_settings'] as Document | undefined)?.['max_attempts'] ?? first.job['max_attempts'],
    );
    // Several numbers of a contact may be tried in a row, and each try is an attempt.
    const counted = group.filter(({ reason }) => !PROVIDER_FAULTS.has(reason)).length;
    if (counted > most) return [`job ${refOf(first.job)} had ${counted} attempts of ${most}`];
    return group.length > most + settings.transientRetries ? [`job ${refOf(first.job)} was called ${group.length} times`] : [];
  });

const spentBy = (evidence: Evidence, account: Document): { readonly cents: number; readonly ms: number } => {
  const own = evidence.calls.filter((call) => call.account === account);
  return { cents: own.reduce((sum, { costCents }) => sum + costCents, 0), ms: own.reduce((sum, { durationMs }) => sum + durationMs, 0) };
};

const money: Rule = (evidence) =>
  evidence.plan.accounts.flatMap((account) => {
    const { cents, ms } = spentBy(evidence, account);
    const name = String(account['account_id']);
    if (account['plan_type'] === 'credit_based' && cents > Number(account['credit_balance']) * 100)
      return [`account ${name} bought $${account['credit_balance']} and was called for ${cents} cents`];
    return account['plan_type'] === 'minutes_based' && ms > Number(account['minutes_purchased']) * 60_000
      ? [`account ${name} bought ${account['minutes_purchased']} minutes and talked for ${ms} ms`]
      : [];
  });

const suppressed: Rule = ({ plan, calls }) =>
  calls.flatMap((call) => {
    const { dni } = call.job['contact'] as { dni: string };
    const block = plan.suppressions.find(
      (each) =>
        (each.phone === call.to || each.dni === dni) &&
        (each.account === undefined || each.account === call.job['account_id']) &&
        (each.batch === undefined || each.batch === call.job['batch_id']),
    );
    return block === undefined ? [] : [said(call, `reached somebody who is blocked: ${JSON.stringify(block)}`)];
  });

/** Who agreed on a time is not called before it. */
const callbacks: Rule = ({ plan, calls }) =>
  [...grouped(calls, ({ job }) => refOf(job))].flatMap(([ref, group]) => {
    const agreedMs = plan.callbacks.get(ref);
    const [first, second] = group;
    if (agreedMs === undefined || first === undefined || second === undefined || first.endMs > agreedMs) return [];
    return second.atMs < agreedMs ? [said(second, `came before ${new Date(agreedMs).toISOString()}, which was agreed`)] : [];
  });

/** A job's own queue, else its batch's, else the default; a process with queues serves those alone. */
const queues: Rule = ({ calls, queuesOf }) =>
  calls.flatMap((call) => {
    const own = [call.job['queue'], call.batch?.['queue']].find((name) => typeof name === 'string' && name !== '');
    const queue = String(own ?? 'default');
    const served = queuesOf.get(call.runner);
    if (served === undefined) return [said(call, `was placed by ${call.runner}, which nobody knows`)];
    return served.length === 0 || served.includes(queue) ? [] : [said(call, `is of queue ${queue}, placed by a process for ${served.join(', ')}`)]; // prettier-ignore
  });

const house: Rule = ({ calls }) => {
  const ofHouse = calls.filter(({ batch }) => batch?.['rules'] === 'house');
  return ofHouse.flatMap((call) => {
    const before = calls.filter(({ atMs }) => atMs < call.atMs && atMs > call.atMs - 24 * HOUR_MS);
    const toNumber = before.filter(({ line }) => line === call.line).length;
    const person = (other: Call): boolean => (other.job['contact'] as Document)['dni'] === (call.job['contact'] as Document)['dni'];
    const talked = before.filter((other) => person(other) && ['agent_hangup', 'user_hangup'].includes(other.reason)
      && localTime(other.atMs, SANTIAGO).date === localTime(call.atMs, SANTIAGO).date).length; // prettier-ignore
    return [
      ...(toNumber >= 2 ? [said(call, `is call ${toNumber + 1} to its number`)] : []),
      ...(talked >= 1 ? [said(call, 'reached a person who had answered today')] : []),
    ];
  });
};

/** Every job is finished with a reason, set aside with a reason, or waits for a time that is known or for an act that is named. */
export const unaccounted: Rule = (evidence) => {
  const { left, atMs, plan } = evidence;
  const shut = new Map<string, string | null>();
  const doorOf = (job: Document): string | null => {
    const key = JSON.stringify([job['batch_id'], job['account_id'], (job['contact'] as Document)['timezone']]);
    if (!shut.has(key)) shut.set(key, closedNow(evidence, job));
    return shut.get(key) ?? null;
  };
  const lost = left.flatMap((job) => {
    const status = String(job['status']);
    const reason = [job['last_error'], job['suspend_reason']].some((text) => typeof text === 'string' && text !== '');
    if (['done', 'completed'].includes(status)) return [];
    if (status === 'failed' || status === 'suspended') return reason ? [] : [`job ${refOf(job)} is ${status} and nobody knows why`];
    if (status !== 'pending') return [`job ${refOf(job)} is ${status}`];
    const dated = [job['reserved_until'], job['next_try_at']].some((date) => date instanceof Date && date.getTime() > atMs + 30_000);
    return dated || doorOf(job) !== null ? [] : [`job ${refOf(job)} of batch ${String(job['batch_id'])} waits for nothing`];
  });
  return left.length === plan.jobs.length ? lost : [...lost, `${left.length} of ${plan.jobs.length} jobs are left`];
};

/** Why a job of this batch cannot be called now, however long it is due. */
const closedNow = (evidence: Evidence, job: Document): string | null => {
  const { plan, calls, atMs } = evidence;
  const batch = plan.batches.find((each) => each['batch_id'] === job['batch_id']) ?? null;
  const account = plan.accounts.find((each) => each['account_id'] === job['account_id']) ?? {};
  const door = shutFor(batch, account, atMs);
  if (door !== null) return door;
  if (![0, ringMs(batch)].every((laterMs) => isOpen(batch, job, account, atMs + laterMs))) return 'the hours are closed';
  const today = calls.filter((call) => localTime(call.atMs, zoneOfAccount(call.account)).date === localTime(atMs, zoneOfAccount(account)).date); // prettier-ignore
  if (today.filter((call) => call.batch === batch).length >= capOf(batch)) return "the batch's calls of the day are used up";
  if (today.filter((call) => call.account === account).length >= limitOf(account)) return "the account's calls of the day are used up";
  const { cents, ms } = spentBy(evidence, account);
  if (account['plan_type'] === 'credit_based' && Number(account['credit_balance']) * 100 - cents < 17) return 'the credit is used up';
  return account['plan_type'] === 'minutes_based' && Number(account['minutes_purchased']) * 60_000 - ms < 60_000 ? 'the minutes are used up' : null; // prettier-ignore
};

export const RULES: Readonly<Record<string, Rule>> = {
  windows, doors, dailyCaps, oneLiveCall, concurrency, redial, retryDelay, attempts, money, suppressed, callbacks, queues, house, unaccounted,
}; // prettier-ignore
