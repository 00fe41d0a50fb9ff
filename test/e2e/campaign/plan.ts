/** A mixed campaign of 2,000 jobs: every kind of rule has jobs that it lets through and jobs that it must hold back. */

import type { Document } from 'mongodb';
import { personOf, phoneOf } from '../../../src/domain/suppression-entry.js';
import type { ScriptStep } from '../../../src/simulator/script.js';
import { clockText, localTime } from './local-time.js';

export interface Plan {
  readonly accounts: readonly Document[];
  readonly batches: readonly Document[];
  readonly jobs: readonly Document[];
  readonly suppressions: readonly Suppressed[];
  /** By job: the time its first call agrees on. */
  readonly callbacks: ReadonlyMap<string, number>;
}

/** As a person would write it; `suppressionDocs` makes the program's entries of it. */
export interface Suppressed {
  readonly phone?: string;
  readonly dni?: string;
  readonly account?: string;
  readonly batch?: string;
}

export const SANTIAGO = 'America/Santiago';
export const BUENOS_AIRES = 'America/Argentina/Buenos_Aires';
/** So far from America that it is night there in every window below. */
const AUCKLAND = 'Pacific/Auckland';
export const MARGIN_SECONDS = 4;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** People, machines, silence, busy lines, dead numbers, a carrier that fails. */
const MIX = ['900', '920', '901', '910', '930', '902', '940', '900', '941', '960'];
const ANSWERED = ['900', '901', '902'];

/** `startMs`: when the daemons are ready to dial. What the simulator must be told is added to its script. */
export const makePlan = (startMs: number, script: Record<string, ScriptStep[]>): Plan => {
  const jobs: Document[] = [];
  const batches: Document[] = [];
  const suppressions: Suppressed[] = [];
  const callbacks = new Map<string, number>();
  let numbers = 10_000;
  let people = 10_000_000;

  const chilean = (pattern: string): string => `+569${(numbers += 1)}${pattern}`;
  const argentine = (pattern: string): string => `+549114${String((numbers += 1)).slice(-4)}${pattern}`;
  const job = (batch: string | null, account: string, fields: Document = {}, contact: Document = {}): Document => {
    const ref = `c-${String(jobs.length).padStart(4, '0')}`;
    const pattern = MIX[jobs.length % MIX.length] ?? '900';
    const phones = jobs.length % 3 === 0 ? [chilean(pattern), chilean(MIX[(jobs.length * 7) % MIX.length] ?? '900')] : [chilean(pattern)];
    const made = {
      job_id: ref, account_id: account, ...(batch === null ? {} : { batch_id: batch }), status: 'pending', attempts: 0, max_attempts: 2, created_at: new Date(startMs),
      contact: { name: 'Contacto', dni: `${String((people += 1))}-K`, phones, next_phone_index: 0, ...contact },
      payload: { debt_amount: 100_000, due_date: '2026-12-01', company_name: 'Cobranzas del Sur' }, ...fields,
    }; // prettier-ignore
    jobs.push(made);
    return made;
  };
  const batch = (id: string, account: string, count: number, call_settings: Document | null, fields: Document = {}, each: (n: number) => [Document?, Document?] = () => []): void => {
    batches.push({ batch_id: id, account_id: account, name: id, is_active: true, created_at: new Date(startMs), call_settings, ...fields });
    for (let n = 0; n < count; n += 1) job(id, account, ...each(n));
  }; // prettier-ignore

  const hours = (fromMs: number, toMs: number, zone = SANTIAGO): Document => ({ start: clockText(startMs + fromMs, zone), end: clockText(startMs + toMs, zone) }); // prettier-ignore
  const today = localTime(startMs, SANTIAGO).weekday;
  // Without tomorrow too: midnight may come meanwhile.
  const otherDays = [1, 2, 3, 4, 5, 6, 7].filter((day) => day !== today && day !== (today % 7) + 1);
  const answered = (n: number): string => ANSWERED[n % ANSWERED.length] ?? '900';

  // Open and closed, flat and nested.
  batch('flat-open', 'credit', 220, { allowed_hours: hours(-2 * HOUR_MS, 2 * HOUR_MS), days_of_week: [0, 1, 2, 3, 4, 5, 6], timezone: SANTIAGO, max_attempts: 2 }, { queue: 'north' }, (n) => [{}, { phones: [chilean(answered(n))], ...(n % 8 === 0 ? { timezone: AUCKLAND } : {}) }]); // prettier-ignore
  batch('nested-open', 'minutes', 200, { allowed_call_hours: hours(-2 * HOUR_MS, 2 * HOUR_MS), retry_settings: { max_attempts: 3 }, timezone: SANTIAGO, max_concurrent_calls: 8 }, { queue: 'south' }, (n) => [{}, { phones: [chilean(n % 10 === 0 ? '920' : answered(n))] }]); // prettier-ignore
  batch('flat-closed', 'credit', 300, { allowed_hours: hours(2 * HOUR_MS, 4 * HOUR_MS), timezone: SANTIAGO });
  batch('nested-closed', 'minutes', 250, { allowed_call_hours: hours(3 * HOUR_MS, 5 * HOUR_MS), retry_settings: { max_attempts: 2, hours_between_attempts: 24 } }); // prettier-ignore
  batch('other-days', 'capped', 100, { days_of_week: otherDays, timezone: SANTIAGO });
  batch('malformed', 'capped', 40, { allowed_hours: { start: 'nine', end: '18:00' } });
  batch('next-day-retries', 'capped', 20, { retry_settings: { max_attempts: 3, retry_delay_hours: 24 }, allowed_call_hours: hours(-HOUR_MS, HOUR_MS) }); // prettier-ignore
  // Its last dial may leave 9 seconds from now: hours end at a whole minute, so the time a phone rings fills what is between.
  const endMs = Math.ceil((startMs + 20_000) / MINUTE_MS) * MINUTE_MS;
  const ring = Math.round((endMs - startMs) / 1_000) - 9 - MARGIN_SECONDS;
  batch('closing', 'capped', 120, { allowed_hours: hours(-HOUR_MS, endMs - startMs), timezone: SANTIAGO, ring_timeout: ring, max_concurrent_calls: 2 }, { priority: 4 }, (n) => [{}, { phones: [chilean(answered(n))] }]); // prettier-ignore

  // Caps of the day, of the batch and of the account ("capped" and "argentine").
  batch('daily-cap', 'capped', 150, { max_calls_per_day: 25 });
  batch('argentine', 'argentine', 120, { timezone: BUENOS_AIRES }, { queue: 'south' }, (n) => [n % 10 === 0 ? { queue: 'north' } : {}, { phones: [argentine(MIX[n % MIX.length] ?? '900')] }]); // prettier-ignore

  // Not now, not any more, not at all.
  batch('starts-later', 'capped', 30, null, { start_at: new Date(startMs + 3_000) }, (n) => [{}, { phones: [chilean(answered(n))] }]);
  batch('not-started', 'capped', 40, null, { start_at: new Date(startMs + HOUR_MS) });
  batch('ended', 'capped', 40, null, { end_at: new Date(startMs - MINUTE_MS) });
  batch('paused', 'capped', 60, null, { is_active: false });
  batch('inactive-account', 'inactive', 30, null);
  batch('unknown-plan', 'unknown', 30, null);

  // One telephone, two spellings, several contacts, batches and accounts.
  const shared = Array.from({ length: 12 }, (_, n) => argentine(answered(n)));
  batch('shared', 'argentine', 36, null, {}, (n) => [{}, { phones: [(shared[n % 12] ?? '').replace('+549', n >= 12 && n < 24 ? '+54' : '+549')] }]); // prettier-ignore
  batch('shared-too', 'capped', 12, null, {}, (n) => [{}, { phones: [shared[n] ?? ''] }]);

  batch('suppressed', 'capped', 50, null, {}, (n) => {
    const [first, second] = [chilean(answered(n)), chilean('900')];
    const dni = `${String(60_000_000 + n)}-K`;
    if (n % 5 === 0) suppressions.push({ phone: first });
    if (n % 5 === 1) suppressions.push({ dni });
    if (n % 5 === 2) suppressions.push({ phone: first, account: 'capped' }, { phone: second, batch: 'suppressed' });
    // Blocked for somebody else: no reason not to call.
    if (n % 5 === 3) suppressions.push({ phone: first, account: 'credit' }, { dni, batch: 'shared' });
    return [{}, { dni, phones: [first, second] }];
  });

  batch('callbacks', 'capped', 16, { priority: 4 }, { queue: 'north' }, (n) => {
    const phone = chilean(answered(n));
    // Every fourth is agreed for a time far ahead: it waits.
    const agreedMs = startMs + (n % 4 === 3 ? 3 * HOUR_MS : 6_000 + n * 100);
    callbacks.set(`c-${String(jobs.length).padStart(4, '0')}`, agreedMs);
    script[phone] = [{ outcome: 'success', collected: { callback_time: new Date(agreedMs).toISOString() } }, { outcome: 'success' }];
    return [{}, { phones: [phone] }];
  });

  // At most two calls to a number and one answered call to a person in a day, by a rule pack of the house.
  batch('house', 'capped', 45, { priority: 3 }, { rules: 'house' }, (n) => [
    {},
    { dni: `${String(70_000_000 + Math.floor(n / 3))}-K`, phones: [chilean(n % 2 === 0 ? '930' : answered(n))] },
  ]);

  // Jobs without a batch fill up to 2,000.
  while (jobs.length < 2_000) job(null, 'capped', { queue: jobs.length % 2 === 0 ? 'north' : '' });

  const account = (account_id: string, fields: Document): Document => ({
    account_id, account_name: account_id, plan_type: 'unlimited', status: 'active', country: 'CL', credit_balance: 0, credit_used: 0, minutes_used: 0, ...fields,
  }); // prettier-ignore
  const accounts = [
    account('credit', { plan_type: 'credit_based', credit_balance: 12 }),
    account('minutes', { plan_type: 'minutes_based', minutes_purchased: 75 }),
    account('capped', { max_concurrent_calls: 20 }),
    account('argentine', { country: 'AR', daily_call_limit: 70, max_concurrent_calls: 8 }),
    account('inactive', { status: 'suspended' }),
    account('unknown', { plan_type: 'gold' }),
  ];
  return { accounts, batches, jobs, suppressions, callbacks };
};

/** A pack of the house, as an installation would put it into its own folder. */
export const HOUSE_RULES = {
  name: 'house',
  title: 'Rules of the house',
  limits: [
    { scope: 'number', basis: 'placed', window: { kind: 'rolling', hours: 24 }, max: 2, reason: 'Two calls to a number are enough.' },
    { scope: 'person', basis: 'answered', window: { kind: 'day' }, max: 1, reason: 'Who has answered is left alone for the day.' },
  ],
  examples: [{ say: 'A first call is open', at: '2026-11-18T12:00', zone: SANTIAGO, expect: 'dial' }],
};

export const suppressionDocs = (suppressions: readonly Suppressed[]): Document[] =>
  suppressions.map(({ phone, dni, account, batch }) => ({
    line: phone === undefined ? null : (phoneOf(phone, null)?.line ?? null),
    person: dni === undefined ? null : (personOf(dni)?.person ?? null),
    account_id: account ?? null,
    batch_id: batch ?? null,
    reason: 'asked in writing',
    expires_at: null,
  }));
