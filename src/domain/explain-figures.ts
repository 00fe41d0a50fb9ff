/** What each gate measured where it is open: its value, its limit, and where the limit comes from. */
import { attemptLimit } from './attempt-limit.js';
import type { Facts, Policy } from './decision.js';
import { batchState, callersOf, countsOf } from './gates-batch.js';
import { choosePhone } from './gates-job.js';
import { packOf, type BatchScene } from './gates.js';
import { callsInScope, limitReached } from './limits.js';
import { balance } from './money.js';
import { maskPhone } from './phones.js';
import type { Packs } from './rules.js';
import { minutesOf, spanText } from './spans.js';
import { localDate, localTime } from './windows.js';
import { contactZone } from './zones.js';

export interface Figure {
  readonly text: string;
  readonly value: string | number | null;
  readonly limit: string | number | null;
  readonly source: string;
}

/** By the name of the gate, as `explainGates` gives it. */
export function gateFigures(facts: Facts, policy: Policy, packs: Packs): ReadonlyMap<string, Figure> {
  const { job, batch, account, ledger, ownHold, suppressions, now } = facts;
  const zone = contactZone(job.contact, batch, account, policy);
  const scene: BatchScene = { batch, account, ledger, ownHold, at: now, present: true, policy, packs, zone };
  const of = (text: string, value: Figure['value'], limit: Figure['limit'], source: string): Figure => ({ text, value, limit, source });
  const limit = attemptLimit(job, batch === 'missing' ? null : batch, policy);
  const due = job.nextTryAt ?? (job.status === 'in_progress' ? null : job.reservedUntil);
  const callers = callersOf(scene);
  return new Map<string, Figure>([
    ['status', of('The job waits to be dialled.', job.status, null, 'status')],
    ['requests', of('Nobody asked to cancel or suspend it.', null, null, 'cancel_requested, suspend_requested')],
    ['draining', of('First calls are allowed.', batch === 'missing' ? null : batch.state, null, 'batch.state')],
    ['attempts', of(`${String(job.attempts)} of ${String(limit)} attempts were made.`, job.attempts, limit, attemptSource(facts, policy))],
    ['delay', of('No delay runs.', due?.toISOString() ?? null, null, 'next_try_at')],
    ['numbers', numberFigure(facts)],
    ['person', of('The person is not blocked.', suppressions.length, null, 'suppressions')],
    ['limits', limitFigure(facts, scene)],
    ['redial', redialFigure(facts, policy)],
    [
      'hours',
      of(
        'It is inside the hours.',
        `${localDate(now, zone.name)} ${localTime(now, zone.name)} ${zone.name} (${zone.source})`,
        null,
        'batch.call_settings.allowed_hours',
      ),
    ],
    ['batch', of('The batch runs.', batch === 'missing' ? null : batchState(batch, now), null, 'batch.is_active')],
    [
      'schedule',
      of(
        'It is between start and end.',
        now.toISOString(),
        batch === 'missing' ? null : (batch.endAt?.toISOString() ?? null),
        'batch.start_at, batch.end_at',
      ),
    ],
    [
      'account',
      of(
        'The account is active.',
        account === 'missing' ? null : `${account.status}, ${account.plan ?? 'no plan'}`,
        account === 'missing' ? null : (account.expiresAt?.toISOString() ?? null),
        'account.status',
      ),
    ],
    [
      'rules',
      of(
        'The rule pack is known.',
        packOf(scene)?.name ?? null,
        null,
        batch !== 'missing' && batch.rules !== null ? 'batch.rules' : 'CAMPAIGN_RULES',
      ),
    ],
    ['caller number', of('There is a caller number.', callers.length, null, 'from_numbers, RETELL_FROM_NUMBER')],
    ['daily caps', capFigure(scene)],
    ['credit', creditFigure(facts)],
  ]);
}

function attemptSource({ batch, job }: Facts, policy: Policy): string {
  if (batch !== 'missing' && batch.settings.maxAttempts !== null) return 'batch.call_settings.max_attempts';
  if (policy.maxAttempts !== null) return 'MAX_ATTEMPTS';
  return job.maxAttempts === null ? 'default' : 'job.max_attempts';
}

function numberFigure(facts: Facts): Figure {
  const { phones } = facts.job.contact;
  const chosen = choosePhone({ job: facts.job, suppressions: facts.suppressions, at: facts.now });
  const text =
    chosen === null
      ? 'No number is left.'
      : `Number ${String(chosen.index + 1)} of ${String(phones.length)} is next: ${maskPhone(chosen.e164)}.`;
  return { text, value: chosen === null ? null : chosen.index + 1, limit: phones.length, source: 'contact.phones' };
}

function limitFigure(facts: Facts, scene: BatchScene): Figure {
  const { job, suppressions, history, now } = facts;
  const pack = packOf(scene);
  const source = `rules ${pack?.name ?? 'none'}`;
  const chosen = choosePhone({ job, suppressions, at: now });
  const parts = (pack?.limits ?? []).flatMap((limit) => {
    if (chosen === null || limit.scope === 'batch' || limit.scope === 'account') return [];
    const calls = callsInScope(history, limit.scope, job.contact, chosen.phone);
    // With a maximum of one, what is reached tells how many calls are counted.
    const counted = limitReached({ ...limit, max: 1 }, calls, now, scene.zone.name)?.count ?? 0;
    return [
      { counted, limit, said: `${String(counted)} of ${String(limit.max)} ${limit.basis} per ${limit.scope} and ${limit.window.kind}` },
    ];
  });
  const nearest = parts.toSorted((a, b) => a.limit.max - a.counted - (b.limit.max - b.counted))[0];
  if (nearest === undefined)
    return { text: 'No limit on calls to the person or number applies.', value: history.length, limit: null, source };
  return { text: `${parts.map(({ said }) => said).join('; ')}.`, value: nearest.counted, limit: nearest.limit.max, source };
}

function redialFigure({ history, now }: Facts, policy: Policy): Figure {
  const last = history[0];
  const agoMs = last === undefined ? null : Math.max(0, now.getTime() - last.at.getTime());
  const text = agoMs === null ? 'The contact was not called lately.' : `The contact was last called ${spanText(agoMs)} ago.`;
  return { text, value: agoMs === null ? null : minutesOf(agoMs), limit: minutesOf(policy.minRedialMs), source: 'MIN_REDIAL_MINUTES' };
}

function capFigure(scene: BatchScene): Figure {
  const counts = countsOf(scene).map((count) => {
    const value = scene.ledger !== null && Object.hasOwn(scene.ledger.counts, count.key) ? (scene.ledger.counts[count.key] ?? 0) : 0;
    return { ...count, value };
  });
  const capped = counts.filter((count) => count.max !== null);
  const tightest = capped.toSorted((a, b) => (a.max ?? 0) - a.value - ((b.max ?? 0) - b.value))[0];
  const text = counts
    .map(({ whose, value, max }) => `${String(value)} of ${max === null ? 'any number of' : String(max)} calls of the day for the ${whose}`)
    .join('; ');
  return {
    text: `${text}.`,
    value: tightest?.value ?? counts[0]?.value ?? 0,
    limit: tightest?.max ?? null,
    source: tightest?.source ?? 'account.daily_call_limit',
  };
}

function creditFigure({ account, ledger, ownHold }: Facts): Figure {
  if (account === 'missing') return { text: 'There is no account.', value: null, limit: null, source: 'account' };
  const { free } = balance(account, ledger, ownHold);
  if (account.plan === 'minutes_based') {
    const minutes = Math.round((free.ms / 60_000) * 100) / 100;
    return { text: `${String(minutes)} minutes are free.`, value: minutes, limit: 1, source: 'account.minutes_purchased' };
  }
  if (account.plan === 'credit_based') {
    const dollars = Math.round(free.micros / 100) / 10_000;
    const least = (account.tariff.setupMicros + account.tariff.perMinuteMicros) / 1e6;
    return { text: `$${String(dollars)} are free.`, value: dollars, limit: least, source: 'account.credit_balance' };
  }
  return { text: 'The plan has no limit.', value: account.plan, limit: null, source: 'account.plan_type' };
}
