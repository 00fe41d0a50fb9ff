/**
 * The audit: the simulator's own ledger held against the rules of the campaign's documents. It reads nothing that the daemon wrote and
 * shares none of its arithmetic (hours, money, limits), so it cannot repeat its mistakes.
 */
import { audit as auditLedger, sameLine } from '../../src/simulator/audit.js';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { type Campaign, type Hours, minuteOfDay } from './campaign.js';

export interface Breach {
  readonly rule: string;
  readonly at: string;
  readonly text: string;
  readonly callIds: readonly string[];
}

/** A pause as it was promised: from the end of `batch pause`, which says that no further call comes, to the start of `batch resume`. */
export interface Pause {
  readonly batch: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface AuditInput {
  readonly entries: readonly LedgerEntry[];
  readonly campaign: Campaign;
  readonly pauses: readonly Pause[];
  readonly concurrency: number;
  readonly callsPerSecond: number;
  /** How long a create may be on its way to the ledger. */
  readonly slackMs: number;
  readonly transientRetries: number;
}

export interface AuditResult {
  readonly dials: number;
  readonly breaches: readonly Breach[];
  /** How many breaches each rule has, rules without any included. */
  readonly byRule: Readonly<Record<string, number>>;
  readonly spentCents: number;
}

interface Dial {
  readonly entry: LedgerEntry;
  readonly callId: string;
  readonly to: string;
  readonly atMs: number;
  readonly job: string;
  readonly batch: string;
  readonly end: LedgerEntry | undefined;
}

/** Reasons for which the house rules count no attempt: the provider's doing, or our caller number's. */
const NOT_THE_CONTACTS = new Set([
  'marked_as_spam',
  'network_blocked',
  'telephony_provider_unavailable',
  'concurrency_limit_reached',
  'registered_call_timeout',
  'sip_routing_error',
  'no_concurrency_fallback',
]);
const isFree = (reason: string): boolean => NOT_THE_CONTACTS.has(reason) || reason.startsWith('error_');

const RULES: Readonly<Record<string, string>> = {
  double_dial: 'double dials',
  two_live_calls: 'two live calls on a number',
  over_concurrency: 'over the concurrency limit',
  over_calls_per_second: 'over the calls per second',
  stranger: 'numbers that are not the contact’s',
  outside_hours: 'calls outside windows',
  while_paused: 'calls of a paused batch',
  too_many_attempts: 'contacts over their attempts',
  after_no_contact: 'calls after a request for none',
  dead_number: 'dead numbers dialled again',
  overspent: 'accounts over their credit',
};

export const ruleText = (rule: string): string => RULES[rule] ?? rule;

export function auditDemo(input: AuditInput): AuditResult {
  const dials = dialsOf(input.entries);
  const ledger = auditLedger(input.entries, { concurrency: input.concurrency, callsPerSecond: input.callsPerSecond });
  const breaches: Breach[] = [
    ...ledger.map(({ rule, at, text, callIds }) => ({ rule, at, text, callIds })),
    ...dials.flatMap((dial) => [...strangers(dial, input.campaign), ...hours(dial, input.campaign), ...pauses(dial, input)]),
    ...perJob(dials, input),
    ...money(dials, input.campaign),
  ].toSorted((a, b) => a.at.localeCompare(b.at));
  const byRule = Object.fromEntries(Object.keys(RULES).map((rule) => [rule, breaches.filter((breach) => breach.rule === rule).length]));
  return { dials: dials.length, breaches, byRule, spentCents: dials.reduce((sum, { end }) => sum + (end?.costCents ?? 0), 0) };
}

function dialsOf(entries: readonly LedgerEntry[]): Dial[] {
  const ends = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    if (entry.event === 'transition' && entry.live === false && entry.callId !== undefined) ends.set(entry.callId, entry);
  }
  return entries.flatMap((entry) => {
    if (entry.event !== 'dial' || entry.callId === undefined) return [];
    const { callId, to = '' } = entry;
    return [
      { entry, callId, to, atMs: Date.parse(entry.at), job: told(entry, 'job_id'), batch: told(entry, 'batch_id'), end: ends.get(callId) },
    ];
  });
}

/** What the caller said about the call, as the provider keeps it. */
function told({ metadata }: LedgerEntry, key: string): string {
  const value: unknown = typeof metadata === 'object' && metadata !== null ? (metadata as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : '';
}

const breach = (rule: string, dial: Dial, text: string, callIds: readonly string[] = [dial.callId]): Breach => ({
  rule,
  at: dial.entry.at,
  text,
  callIds,
});

function strangers(dial: Dial, campaign: Campaign): Breach[] {
  const job = campaign.jobs.find((one) => one.job_id === dial.job);
  const contact = job?.contact;
  const phones =
    typeof contact === 'object' && contact !== null && 'phones' in contact && Array.isArray(contact.phones) ? contact.phones : [];
  const known = phones.some((phone) => typeof phone === 'string' && sameLine(phone) === sameLine(dial.to));
  return known && job?.batch_id === dial.batch
    ? []
    : [breach('stranger', dial, `${dial.to} was dialled for ${dial.job || 'no job'}, which does not have that number`)];
}

export function isWithin({ start, end, zone }: Hours, at: Date): boolean {
  const minute = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
  const [now, from, to] = [minuteOfDay(at, zone), minute(start), minute(end)];
  return from < to ? from <= now && now < to : now >= from || now < to;
}

function hours(dial: Dial, campaign: Campaign): Breach[] {
  const rule = campaign.batches.find((batch) => batch.id === dial.batch)?.hours ?? null;
  if (rule === null || isWithin(rule, new Date(dial.atMs))) return [];
  return [
    breach(
      'outside_hours',
      dial,
      `${dial.batch} may be called from ${rule.start} to ${rule.end} (${rule.zone}), and ${dial.to} was called at ${dial.entry.at}`,
    ),
  ];
}

function pauses(dial: Dial, { pauses: all, slackMs }: AuditInput): Breach[] {
  const hit = all.find((pause) => pause.batch === dial.batch && dial.atMs > pause.fromMs + slackMs && dial.atMs < pause.toMs);
  return hit === undefined
    ? []
    : [breach('while_paused', dial, `${dial.batch} had been paused for ${dial.atMs - hit.fromMs} ms when ${dial.to} was called`)];
}

function perJob(dials: readonly Dial[], { campaign, transientRetries }: AuditInput): Breach[] {
  const found: Breach[] = [];
  const jobs = new Map<string, Dial[]>();
  for (const dial of dials) jobs.set(dial.job, [...(jobs.get(dial.job) ?? []), dial]);
  for (const [job, own] of jobs) {
    const limit = campaign.batches.find((batch) => batch.id === own[0]?.batch)?.maxAttempts ?? Number.POSITIVE_INFINITY;
    const counted = own.filter(({ end }) => !isFree(end?.reason ?? ''));
    const last = own.at(-1);
    if (last !== undefined && (counted.length > limit || own.length > limit + transientRetries)) {
      found.push(
        breach(
          'too_many_attempts',
          last,
          `${job} was called ${own.length} times, ${counted.length} of them counted; ${limit} are allowed`,
          own.map((dial) => dial.callId),
        ),
      );
    }
    for (const dial of own) {
      const earlier = own.filter(({ end }) => end !== undefined && Date.parse(end.at) < dial.atMs);
      const refused = earlier.find(({ end }) => end?.reason === 'user_requested_dnc');
      if (refused !== undefined)
        found.push(breach('after_no_contact', dial, `${job} asked for no more calls and was called again`, [refused.callId, dial.callId]));
      const dead = earlier.find(({ end, to }) => end?.reason === 'invalid_destination' && sameLine(to) === sameLine(dial.to));
      if (dead !== undefined)
        found.push(breach('dead_number', dial, `${dial.to} does not exist and was dialled again for ${job}`, [dead.callId, dial.callId]));
    }
  }
  return found;
}

function money(dials: readonly Dial[], campaign: Campaign): Breach[] {
  return campaign.accounts.flatMap((account) => {
    if (account.credit === null) return [];
    const batches = new Set(campaign.batches.filter((batch) => batch.account === account.id).map((batch) => batch.id));
    const own = dials.filter((dial) => batches.has(dial.batch));
    const cents = own.reduce((sum, { end }) => sum + (end?.costCents ?? 0), 0);
    const last = own.at(-1);
    if (last === undefined || cents <= account.credit * 100) return [];
    return [
      breach('overspent', last, `${account.id} bought $${account.credit.toFixed(2)} and its calls cost $${(cents / 100).toFixed(4)}`),
    ];
  });
}

/** What the ledger holds about a breach's calls, in its order. */
export function storyOf({ callIds }: Breach, entries: readonly LedgerEntry[]): string[] {
  return entries
    .filter((entry) => entry.callId !== undefined && callIds.includes(entry.callId))
    .map((entry) =>
      [entry.at, entry.event, entry.to, entry.status, entry.reason, entry.attemptId, entry.callId]
        .filter((part) => part !== undefined)
        .join('  '),
    );
}
