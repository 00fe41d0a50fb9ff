/** The gates that need no job: state of the batch, its account, its rules, caller numbers, daily caps, money. */
import type { BatchState, Batch } from './batch.js';
import { chooseCaller, NO_USES, ofCountry } from './callers.js';
import type { Count } from './decision.js';
import type { BatchScene, Finding, Gate } from './gates.js';
import { finding, maxDurationMsOf, packOf, wait } from './gates.js';
import { accountDayKey, batchDayKey, installationDayKey } from './limits.js';
import { estimate } from './money.js';
import { OF_ACCOUNT } from './read-batch.js';
import { holidaysOf, packName } from './rules.js';
import { localDate, startOfDay } from './windows.js';
import { accountZone } from './zones.js';

const HELD_RETRY_MS = 5_000;
const moment = (at: Date): string => at.toISOString();

/** The state as an operator sees it: scheduled and expired come from the clock. */
export function batchState(batch: Batch, now: Date): BatchState {
  if (batch.state !== 'running' && batch.state !== 'draining') return batch.state;
  if (batch.endAt !== null && now >= batch.endAt) return 'expired';
  if (batch.startAt !== null && now < batch.startAt) return 'scheduled';
  return batch.state;
}

function checkBatch({ batch }: BatchScene): readonly Finding[] {
  if (batch === 'missing') return [wait('BATCH_MISSING', 'The batch the job names does not exist.', 'batch_id')];
  const found = batch.problems.map((problem) =>
    wait('BATCH_UNREADABLE', `A rule of the batch is not understood: ${problem}.`, 'batch.call_settings'),
  );
  const why = batch.stateReason === null ? '' : `: ${batch.stateReason}`;
  switch (batch.state) {
    case 'paused':
      return [...found, wait('PAUSED', `The batch is paused${why}.`, 'batch.is_active')];
    case 'cancelled':
      return [...found, finding('cancel', 'CANCELLED', `The batch is cancelled${why}.`, 'batch.state')];
    case 'completed':
      return [...found, wait('COMPLETED', `The batch is marked as completed${why}.`, 'batch.state')];
    default:
      return found;
  }
}

function checkSchedule({ batch, at }: BatchScene): readonly Finding[] {
  if (batch === 'missing') return [];
  const { startAt, endAt } = batch;
  const found: Finding[] = [];
  if (startAt !== null && at < startAt) {
    found.push(
      wait('NOT_STARTED', `The batch starts at ${moment(startAt)}.`, 'batch.start_at', { limit: moment(startAt), until: startAt }),
    );
  }
  if (endAt !== null && at >= endAt)
    found.push(wait('EXPIRED', `The batch ended at ${moment(endAt)}.`, 'batch.end_at', { limit: moment(endAt) }));
  return found;
}

function checkAccount({ account, at }: BatchScene): readonly Finding[] {
  if (account === 'missing') return [wait('ACCOUNT_MISSING', 'The account the job names does not exist.', 'account_id')];
  const found = account.problems.map((problem) => wait('ACCOUNT_UNREADABLE', `The account is not understood: ${problem}.`, 'account'));
  if (account.status !== 'active') {
    const status = account.status === '' ? 'without a status' : account.status;
    found.push(wait('ACCOUNT_INACTIVE', `The account is ${status}.`, 'account.status', { value: account.status, limit: 'active' }));
  }
  if (account.expiresAt !== null && at >= account.expiresAt) {
    found.push(
      wait('ACCOUNT_EXPIRED', `The account expired at ${moment(account.expiresAt)}.`, 'account.expires_at', {
        limit: moment(account.expiresAt),
      }),
    );
  }
  if (account.plan === null) found.push(wait('UNKNOWN_PLAN', 'The account has no plan that is known.', 'account.plan_type'));
  return found;
}

function checkRules(scene: BatchScene): readonly Finding[] {
  const { batch, account, policy, packs, at, zone } = scene;
  const pack = packOf(scene);
  if (pack === null) {
    const asked = (batch === 'missing' ? null : batch.rules) ?? policy.defaultRules;
    const name = packName(asked, account === 'missing' ? null : account.country);
    return [wait('RULES_UNKNOWN', `There is no rule pack named "${name}".`, 'batch.rules', { value: name })];
  }
  const asked = batch === 'missing' ? null : batch.settings.holidays;
  const countries = new Set<string>();
  if (account !== 'missing' && (pack.holidays || asked === OF_ACCOUNT)) countries.add(account.country.toLowerCase());
  if (asked !== null && asked !== OF_ACCOUNT) countries.add(asked);
  if (countries.size === 0) return [];
  const year = localDate(at, zone.name).slice(0, 4);
  return [...countries].flatMap((country) => {
    const dates = holidaysOf(country, packs);
    // New Year's Day stands for its year: a calendar that ends must not make every later day a working day.
    if (dates?.has(`${year}-01-01`) === true) return [];
    const missing =
      dates === null
        ? `There is no holiday calendar for "${country}".`
        : `The holiday calendar of "${country}" says nothing about ${year}.`;
    return [wait('RULES_UNKNOWN', missing, `config/holidays/${country}.json`, { value: year })];
  });
}

/** The caller numbers a call of this batch may come from. */
export function callersOf({ batch, account, policy }: BatchScene): readonly string[] {
  if (batch !== 'missing' && batch.fromNumbers.length > 0) return batch.fromNumbers;
  if (account !== 'missing' && account.fromNumbers.length > 0) return account.fromNumbers;
  return account === 'missing' ? policy.fromNumbers : ofCountry(policy.fromNumbers, account.country);
}

function checkCaller(scene: BatchScene): readonly Finding[] {
  const { callers = NO_USES, policy, at } = scene;
  const choice = chooseCaller(callersOf(scene), '', callers, policy.callerRules, at);
  if (choice.kind === 'caller') return [];
  if (choice.kind === 'none') return [wait('CALLER_UNAVAILABLE', 'There is no caller number to dial from.', 'RETELL_FROM_NUMBER')];
  const { code, until } = choice.wait;
  if (code === 'CALLER_CAP') {
    const limit = policy.callerRules.maxPerHour;
    return [wait(code, `Every caller number had its ${limit} calls of the hour.`, 'CALLER_MAX_CALLS_PER_HOUR', { limit, until })];
  }
  return [
    wait(code, 'Every caller number rests after blocks by the network.', 'CALLER_REST_MINUTES', { limit: until.toISOString(), until }),
  ];
}

export interface DayCount extends Count {
  readonly code: string;
  readonly whose: 'installation' | 'account' | 'batch';
  readonly zone: string;
  readonly source: string;
}

/** The counters this call raises, and their caps: the database enforces them; the gate only says so beforehand. */
export function countsOf(scene: BatchScene): readonly DayCount[] {
  const { batch, account, policy, at } = scene;
  const zone = accountZone(account, policy).name;
  const packMax = (scope: 'account' | 'batch'): number | null =>
    (packOf(scene)?.limits ?? []).reduce<number | null>((max, limit) => (limit.scope === scope ? least(max, limit.max) : max), null);
  const batchMax = batch === 'missing' ? null : (batch.settings.maxCallsPerDay ?? policy.defaultMaxCallsPerDay);
  const accountMax = account === 'missing' ? null : account.dailyCallLimit;
  return [
    ...ofInstallation(scene),
    {
      key: accountDayKey(at, zone),
      max: least(accountMax, packMax('account')),
      code: 'BUDGET_DAY',
      whose: 'account',
      zone,
      source: 'account.daily_call_limit',
    },
    {
      key: batchDayKey(batch === 'missing' ? null : batch.id, at, zone),
      max: least(batchMax, packMax('batch')),
      code: 'BUDGET_BATCH',
      whose: 'batch',
      zone,
      source:
        batch !== 'missing' && batch.settings.maxCallsPerDay !== null
          ? 'batch.call_settings.max_calls_per_day'
          : 'DEFAULT_MAX_CALLS_PER_DAY',
    },
  ];
}

/** Counted only where there is a cap: it costs each call two writes more. */
function ofInstallation({ policy, at }: BatchScene): readonly DayCount[] {
  const { maxCallsPerDay: max, defaultTimezone: zone } = policy;
  if (max === null) return [];
  return [
    { key: installationDayKey(at, zone), max, code: 'BUDGET_INSTALLATION', whose: 'installation', zone, source: 'MAX_CALLS_PER_DAY' },
  ];
}

const least = (a: number | null, b: number | null): number | null => (a === null || b === null ? (a ?? b) : Math.min(a, b));

function checkCounts(scene: BatchScene): readonly Finding[] {
  const { ledger, at, ownHold, present } = scene;
  const own = ownHold !== null && present ? 1 : 0;
  return countsOf(scene).flatMap(({ key, max, code, whose, zone, source }) => {
    const value = ledger !== null && Object.hasOwn(ledger.counts, key) ? (ledger.counts[key] ?? 0) : 0;
    if (max === null || (max > 0 && value - own < max)) return [];
    const until = max > 0 ? startOfDay(at, zone, 1) : null;
    return [
      wait(code, `The ${whose} had ${value - own} of its ${max} calls of the day.`, source, { value: value - own, limit: max, until }),
    ];
  });
}

function checkMoney(scene: BatchScene): readonly Finding[] {
  const { account, ledger, ownHold, policy, at, present } = scene;
  if (!present || account === 'missing') return [];
  const answer = estimate(account, ledger, ownHold, policy, maxDurationMsOf(scene));
  if (answer.kind === 'out')
    return [finding('no_credit', 'NO_CREDIT', 'What is left of the account does not pay for one minute.', 'account.credit_balance')];
  if (answer.kind !== 'held') return [];
  const until = new Date(at.getTime() + HELD_RETRY_MS);
  return [wait('CREDIT_HELD', 'What is left of the account is held by calls under way.', 'account ledger', { until })];
}

export const BATCH_GATES: readonly Gate<BatchScene>[] = [
  { name: 'batch', check: checkBatch },
  { name: 'schedule', check: checkSchedule },
  { name: 'account', check: checkAccount },
  { name: 'rules', check: checkRules },
  { name: 'caller number', check: checkCaller },
  { name: 'daily caps', check: checkCounts },
  { name: 'credit', check: checkMoney },
];
