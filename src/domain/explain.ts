/**
 * Why a job is or is not dialled, for people: every gate with its figures, when it opens, and which single change would let the call
 * through. The changes are not guessed: each is tried on `decide` itself.
 */
import type { Account } from './account.js';
import type { Batch } from './batch.js';
import { decide, explainGates } from './decide.js';
import type { Decision, Facts, Policy } from './decision.js';
import { gateFigures } from './explain-figures.js';
import type { Job } from './job.js';
import type { Packs } from './rules.js';

export interface GateLine {
  readonly gate: string;
  readonly pass: boolean;
  /** null where the gate is open. */
  readonly code: string | null;
  readonly text: string;
  readonly value: string | number | null;
  readonly limit: string | number | null;
  readonly source: string;
  readonly until: Date | null;
}

export interface Change {
  readonly text: string;
  /** The command that makes the change; null where none does. */
  readonly command: string | null;
}

export interface Explanation {
  readonly decision: Decision;
  readonly gates: readonly GateLine[];
  /** The first moment at which it can be dialled with nothing changed: now, later, or null when nobody knows. */
  readonly dialableAt: Date | null;
  /** Each of these alone would let the call through now. Empty where it may be dialled, or where no single change is enough. */
  readonly changes: readonly Change[];
}

export function explain(facts: Facts, policy: Policy, packs: Packs): Explanation {
  const decision = decide(facts, policy, packs);
  const figures = gateFigures(facts, policy, packs);
  const gates = explainGates(facts, policy, packs).flatMap(({ gate, pass, reasons }): GateLine[] => {
    const open = figures.get(gate);
    if (pass) {
      return [
        {
          gate,
          pass,
          code: null,
          text: open?.text ?? 'open',
          value: open?.value ?? null,
          limit: open?.limit ?? null,
          source: open?.source ?? gate,
          until: null,
        },
      ];
    }
    return reasons.map(({ code, text, value, limit, source, until }) => ({
      gate,
      pass,
      code,
      text,
      value: value ?? open?.value ?? null,
      limit: limit ?? open?.limit ?? null,
      source,
      until,
    }));
  });
  return {
    decision,
    gates,
    dialableAt: decision.kind === 'dial' ? facts.now : decision.kind === 'wait' ? decision.until : null,
    changes: decision.kind === 'dial' ? [] : changesThatHelp(facts, policy, packs),
  };
}

interface Candidate extends Change {
  readonly facts?: (facts: Facts) => Facts;
  readonly policy?: (policy: Policy) => Policy;
}

const onBatch =
  (change: (batch: Batch) => Batch) =>
  (facts: Facts): Facts =>
    facts.batch === 'missing' ? facts : { ...facts, batch: change(facts.batch) };
const onAccount =
  (change: (account: Account) => Account) =>
  (facts: Facts): Facts =>
    facts.account === 'missing' ? facts : { ...facts, account: change(facts.account) };

/** More than any balance: the question is only whether money is what is missing. */
const PLENTY = 1e14;

/** What is done stays done, and a status of another program is left to that. */
function backCommand({ status, ref }: Job): string | null {
  if (status === 'suspended') return `speechai job resume ${ref}`;
  return status === 'failed' || status === 'cancelled' ? `speechai job retry ${ref}` : null;
}

function candidates(facts: Facts): readonly Candidate[] {
  const { job, batch, account } = facts;
  const batchId = batch === 'missing' ? (job.batch ?? 'BATCH') : (batch.id ?? 'BATCH');
  const accountId = account === 'missing' ? (job.account ?? 'ACCOUNT') : account.id;
  const set = (pair: string): string => `speechai batch set ${batchId} ${pair}`;
  const { attempts, transientCalls } = job;
  return [
    {
      text: 'Let the batch run.',
      command: `speechai batch resume ${batchId}`,
      facts: onBatch((own) => (own.state === 'cancelled' ? own : { ...own, state: 'running' })),
    },
    {
      text: 'Correct what is not understood in the batch.',
      command: `speechai batch show ${batchId}`,
      facts: onBatch((own) => ({ ...own, problems: [] })),
    },
    { text: 'Let the batch start now.', command: set('start_at='), facts: onBatch((own) => ({ ...own, startAt: null })) },
    { text: 'Take away the end of the batch.', command: set('end_at='), facts: onBatch((own) => ({ ...own, endAt: null })) },
    {
      text: "Take away the batch's own hours and closed dates.",
      command: set('allowed_hours= days_of_week= closed_dates= holidays='),
      facts: onBatch((own) => ({ ...own, settings: { ...own.settings, week: null, closedDates: [], holidays: null } })),
    },
    { text: 'Switch the rule pack off for this batch.', command: set('rules=none'), facts: onBatch((own) => ({ ...own, rules: 'none' })) },
    {
      text: 'Raise the daily cap of the batch.',
      command: set('max_calls_per_day=N'),
      facts: onBatch((own) => ({ ...own, settings: { ...own.settings, maxCallsPerDay: Number.MAX_SAFE_INTEGER } })),
    },
    {
      text: 'Allow one more attempt.',
      command: set(`max_attempts=${String(attempts + transientCalls + 1)}`),
      facts: onBatch((own) => ({ ...own, settings: { ...own.settings, maxAttempts: attempts + transientCalls + 1 } })),
    },
    {
      text: 'Make the account active.',
      command: `speechai account resume ${accountId}`,
      facts: onAccount((own) => ({ ...own, status: 'active' })),
    },
    { text: 'Put off the expiry of the account.', command: null, facts: onAccount((own) => ({ ...own, expiresAt: null })) },
    {
      text: 'Correct what is not understood in the account.',
      command: `speechai account show ${accountId}`,
      facts: onAccount((own) => ({ ...own, problems: [] })),
    },
    {
      text: 'Give the account a plan that is known.',
      command: null,
      facts: onAccount((own) => (own.plan === null ? { ...own, plan: 'unlimited' } : own)),
    },
    {
      text: 'Top the account up.',
      command: `speechai account topup ${accountId} AMOUNT`,
      facts: onAccount((own) => ({
        ...own,
        creditBalanceMicros: own.creditBalanceMicros + PLENTY,
        minutesPurchasedMs: own.minutesPurchasedMs + PLENTY,
      })),
    },
    {
      text: 'Raise the daily call limit of the account.',
      command: `speechai account set ${accountId} daily_call_limit=N`,
      facts: onAccount((own) => ({ ...own, dailyCallLimit: null })),
    },
    {
      text: `Put the job back to pending (it is ${job.status}).`,
      command: backCommand(job),
      facts: (own) => ({ ...own, job: { ...own.job, status: 'pending', suspendReason: null } }),
    },
    {
      text: 'Take back what was asked for the job (cancel or suspend).',
      command: null,
      facts: (own) => ({ ...own, job: { ...own.job, cancelRequested: false, suspendRequested: false } }),
    },
    {
      text: 'Let the job go before the end of its delay.',
      command: `speechai job retry ${job.ref}`,
      facts: (own) => ({ ...own, job: { ...own.job, reservedUntil: null, nextTryAt: null } }),
    },
    { text: 'Lift the suppression.', command: 'speechai suppress list', facts: (own) => ({ ...own, suppressions: [] }) },
    {
      text: 'Allow the numbers again that were found not to be in service.',
      command: null,
      facts: (own) => ({ ...own, job: { ...own.job, badLines: [] } }),
    },
    { text: 'Lower MIN_REDIAL_MINUTES.', command: null, policy: (own) => ({ ...own, minRedialMs: 0 }) },
    { text: 'Set a caller number (RETELL_FROM_NUMBER).', command: null, policy: (own) => ({ ...own, fromNumbers: ['+10000000000'] }) },
  ];
}

function changesThatHelp(facts: Facts, policy: Policy, packs: Packs): readonly Change[] {
  return candidates(facts).flatMap(({ text, command, facts: changed, policy: other }) => {
    const after = decide(changed?.(facts) ?? facts, other?.(policy) ?? policy, packs);
    return after.kind === 'dial' ? [{ text, command }] : [];
  });
}
