/** The documents at the end against the calls the simulator saw: jobs, attempts and money. */

import type { Document } from 'mongodb';
import type { Evidence, Witnessed } from './evidence.js';
import { groupBy } from './finding.js';
import type { Breach, Checked, Finding } from './finding.js';

const FINISHED = new Set(['done', 'failed', 'cancelled']);

export const documentInvariants = (evidence: Evidence, calls: readonly Witnessed[]): Finding[] => {
  const { documents, leftOver } = evidence;
  return [
    {
      promise: 'P2',
      name: 'all is finished in time',
      checked: 1,
      breaches: leftOver === null ? [] : [{ text: leftOver, job: firstOpenJob(evidence) }],
    },
    {
      promise: 'P2',
      name: 'every job finished, due at a known time, or set aside with a reason',
      checked: documents.jobs.length,
      breaches: jobStates(evidence),
    },
    { promise: 'P2', name: 'every job is still there', ...stillThere(evidence) },
    { promise: 'P1', name: 'every dial belongs to an attempt that knows it', checked: calls.length, breaches: dialsKnown(evidence, calls) },
    { promise: 'P2', name: 'every attempt is closed and let go', checked: documents.attempts.length, breaches: attemptsClosed(evidence) },
    { promise: 'P3', name: 'a job counts the attempts made for it', ...countsAgree(evidence) },
    { promise: 'P5', name: 'charges equal the cost of the calls', ...charges(evidence, calls) },
    { promise: 'P5', name: 'no hold is left', checked: documents.ledgers.length, breaches: holds(evidence) },
    { promise: 'P5', name: 'accounts show what their ledger says', checked: documents.ledgers.length, breaches: pictures(evidence) },
    { promise: 'P5', name: 'each paid call once in the statement', ...statement(evidence, calls) },
    { promise: 'P5', name: 'each call once among the results', ...resultsOnce(evidence, calls) },
  ];
};

const refOf = (job: Document): string => String(job['job_id']);
const text = (value: unknown): boolean => typeof value === 'string' && value !== '';

const firstOpenJob = ({ documents }: Evidence): string | undefined => {
  const open = documents.jobs.find((job) => job['status'] === 'in_progress');
  const attempt = documents.attempts.find((one) => one['lease_until'] !== undefined);
  return open === undefined ? (attempt === undefined ? undefined : String(attempt['job_ref'])) : refOf(open);
};

const jobStates = ({ documents, campaign }: Evidence): Breach[] => {
  const batches = new Map(documents.batches.map((batch) => [batch['batch_id'], batch]));
  return documents.jobs.flatMap((job): Breach[] => {
    const { status } = job as { status: unknown };
    const batch = batches.get(job['batch_id']);
    const shut = campaign.neverDial.has(String(job['batch_id'])) && text(batch?.['blocked_reason']);
    const waits = status === 'pending' && (shut || (job['reserved_until'] instanceof Date && job['reserved_until'].getTime() > Date.now()));
    const aside = status === 'suspended' && text(job['suspend_reason']);
    const phones: unknown = job['contact']?.phones;
    const index = Number(job['contact']?.next_phone_index ?? 0);
    const faults = [
      ...(FINISHED.has(String(status)) || waits || aside ? [] : [`is ${String(status)} without a time or a reason`]),
      ...(job['lease_token'] === undefined ? [] : ['still carries a lease token']),
      ...(Array.isArray(phones) && index !== 0 && index >= phones.length ? [`points at number ${index} of ${phones.length}`] : []),
    ];
    return faults.map((fault) => ({ text: `${refOf(job)} ${fault}`, job: refOf(job) }));
  });
};

const stillThere = ({ documents, jobs, disturbed }: Evidence): Checked => {
  const there = new Set(documents.jobs.map(refOf));
  const own = jobs.filter((job) => !disturbed.has(job.ref));
  return {
    checked: own.length,
    breaches: own.flatMap((job) => (there.has(job.ref) ? [] : [{ text: `${job.ref} is gone`, job: job.ref }])),
  };
};

const dialsKnown = ({ documents }: Evidence, calls: readonly Witnessed[]): Breach[] => {
  const byId = new Map(documents.attempts.map((attempt) => [String(attempt['_id']), attempt]));
  return calls.flatMap((call): Breach[] => {
    const attempt = byId.get(call.attemptId ?? '');
    const job = call.job?.ref;
    if (attempt === undefined) return [{ text: `call ${call.callId} of ${job} belongs to no attempt`, job }];
    if (attempt['call_id'] !== call.callId && !byId.has(`stray:${call.callId}`))
      return [{ text: `nobody followed call ${call.callId} of ${job}`, job }];
    return attempt['state'] === 'void'
      ? [{ text: `attempt ${call.attemptId} of ${job} was annulled, and its call ${call.callId} rang`, job }]
      : [];
  });
};

const attemptsClosed = ({ documents }: Evidence): Breach[] =>
  documents.attempts.flatMap((attempt) => {
    const closed = ['settled', 'void'].includes(String(attempt['state'])) && attempt['open'] === false;
    const free = attempt['locks'] === undefined && attempt['lease_until'] === undefined;
    return closed && free ? [] : [{ text: `attempt ${attempt['_id']} is left ${attempt['state']}`, job: String(attempt['job_ref']) }];
  });

const countsAgree = ({ documents, disturbed }: Evidence): Checked => {
  const byJob = groupBy(
    documents.attempts.filter((attempt) => attempt['stray'] !== true),
    (attempt) => String(attempt['job_ref']),
  );
  const own = documents.jobs.filter((job) => !disturbed.has(refOf(job)));
  const breaches = own.flatMap((job): Breach[] => {
    const made = (byJob.get(refOf(job)) ?? []).filter((attempt) => attempt['next']?.countsAttempt === true).length;
    return Number(job['attempts'] ?? 0) === made
      ? []
      : [{ text: `${refOf(job)} counts ${job['attempts']} attempts, ${made} were made`, job: refOf(job) }];
  });
  return { checked: own.length, breaches };
};

const charges = ({ documents }: Evidence, calls: readonly Witnessed[]): Checked => {
  const byAccount = groupBy(calls, (call) => call.job?.account ?? '');
  const used = new Map(documents.ledgers.map((ledger) => [String(ledger['_id']), Number(ledger['used_micros'])]));
  const breaches = [...new Set([...byAccount.keys(), ...used.keys()])].flatMap((account): Breach[] => {
    const own = byAccount.get(account) ?? [];
    const asked = own.reduce((sum, call) => sum + call.costMicros, 0);
    const difference = (used.get(account) ?? 0) - asked;
    if (difference === 0) return [];
    const wrong = own.find((call) => paidFor(documents, call) !== call.costMicros);
    return [
      {
        text: `${account} was charged ${used.get(account) ?? 0} micro-dollars, the provider asked for ${asked}: ${difference} too ${difference > 0 ? 'much' : 'little'}`,
        job: wrong?.job?.ref,
      },
    ];
  });
  return { checked: calls.filter((call) => call.costMicros > 0).length, breaches };
};

/** What the attempt of a call says it cost. */
const paidFor = (documents: Evidence['documents'], call: Witnessed): number => {
  const attempt = documents.attempts.find((one) => one['call_id'] === call.callId);
  return Number(attempt?.['cost']?.micros ?? 0);
};

const holds = ({ documents }: Evidence): Breach[] =>
  documents.ledgers.flatMap((ledger): Breach[] => {
    const left = Object.keys((ledger['holds'] ?? {}) as object);
    const job = documents.attempts.find((attempt) => left.includes(String(attempt['_id'])))?.['job_ref'];
    return left.length === 0 && ledger['held_micros'] === 0 && ledger['held_ms'] === 0
      ? []
      : [
          {
            text: `${ledger['_id']} holds ${ledger['held_micros']} micro-dollars for ${left.join(', ') || 'nothing'}`,
            job: typeof job === 'string' ? job : undefined,
          },
        ];
  });

const pictures = ({ documents }: Evidence): Breach[] =>
  documents.ledgers.flatMap((ledger): Breach[] => {
    const account = documents.accounts.find((one) => one['account_id'] === ledger['_id']);
    const differs = Math.abs(Number(account?.['credit_used']) - Number(ledger['used_micros']) / 1e6) > 1e-9;
    return differs
      ? [
          {
            text: `account ${ledger['_id']} shows ${account?.['credit_used']} used, its ledger says ${Number(ledger['used_micros']) / 1e6}`,
          },
        ]
      : [];
  });

const statement = ({ documents }: Evidence, calls: readonly Witnessed[]): Checked => {
  const booked = new Map<string, number>();
  for (const { description } of documents.transactions as readonly { description?: unknown }[]) {
    const id = /Call (\S+) /.exec(String(description))?.[1];
    if (id !== undefined) booked.set(id, (booked.get(id) ?? 0) + 1);
  }
  const paid = calls.filter((call) => call.costMicros > 0);
  return { checked: paid.length, breaches: paid.flatMap((call) => ofOnce(call, booked.get(call.callId) ?? 0, 'in the statement')) };
};

const resultsOnce = ({ documents }: Evidence, calls: readonly Witnessed[]): Checked => {
  const kept = groupBy(documents.results, (result) => String(result['call_id']));
  return {
    checked: calls.length,
    breaches: calls.flatMap((call) => ofOnce(call, kept.get(call.callId)?.length ?? 0, 'among the results')),
  };
};

const ofOnce = (call: Witnessed, times: number, where: string): Breach[] =>
  times === 1 ? [] : [{ text: `call ${call.callId} of ${call.job?.ref} is ${times} times ${where}`, job: call.job?.ref }];
