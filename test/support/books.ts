/** Closing the books after a run: the simulator's ledger, which knows nothing of the daemon, against every record the daemon keeps. */

import type { Db, Document } from 'mongodb';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import type { Simulator } from '../../src/simulator/server.js';

export const FINAL = ['done', 'completed', 'failed', 'suspended', 'cancelled'];

export interface Records {
  readonly jobs: Document[];
  readonly attempts: Document[];
  readonly ledgers: Document[];
  readonly accounts: Document[];
  readonly transactions: Document[];
  readonly results: Document[];
}

export const readRecords = async (db: Db): Promise<Records> => {
  const all = (name: string): Promise<Document[]> => db.collection(name).find({}).toArray();
  const [jobs, attempts, ledgers, accounts, transactions, results] = await Promise.all(
    ['jobs', 'call_attempts', 'account_ledgers', 'accounts', 'transactions', 'call_results'].map(all),
  );
  return {
    jobs: jobs ?? [],
    attempts: attempts ?? [],
    ledgers: ledgers ?? [],
    accounts: accounts ?? [],
    transactions: transactions ?? [],
    results: results ?? [],
  };
};

/** What is still under way; null when nothing is. */
export const underWay = ({ jobs, attempts, ledgers, accounts }: Records): string | null => {
  const working = jobs.filter((job) => job['status'] === 'in_progress').length;
  const leased = attempts.filter((attempt) => attempt['lease_until'] !== undefined).length;
  const held = ledgers.flatMap((ledger) => Object.keys(holdsOf(ledger))).length;
  const stale = ledgers.filter((ledger) => pictureFaults(ledger, accounts).length > 0).length;
  if (working + leased + held + stale === 0) return null;
  return `${working} jobs in progress, ${leased} attempts leased, ${held} holds, ${stale} accounts whose picture is not painted yet`;
};

/** Everything that is wrong once nothing is under way. Empty: the promises about calls, jobs and money were kept. */
export const closeBooks = (records: Records, simulator: Simulator): string[] => [
  ...simulator.check().map((violation) => `the simulator saw ${violation.rule}: ${violation.text}`),
  ...callFaults(records, simulator.ledger()),
  ...jobFaults(records),
  ...moneyFaults(records, simulator.ledger()),
];

/** P1: every dial belongs to one attempt, which knows its call's id, and no attempt has two calls. */
const callFaults = ({ attempts }: Records, ledger: readonly LedgerEntry[]): string[] => {
  const byId = new Map(attempts.map((attempt) => [String(attempt['_id']), attempt]));
  const dials = ledger.filter((entry) => entry.event === 'dial');
  const dialsOf = (id: unknown): number => dials.filter((dial) => dial.attemptId === id).length;
  return [
    ...dials.flatMap((dial) => {
      const attempt = byId.get(dial.attemptId ?? '');
      const stray = byId.get(`stray:${dial.callId}`);
      if (attempt === undefined) return [`call ${dial.callId} belongs to no attempt`];
      if (attempt['call_id'] !== dial.callId && stray === undefined)
        return [`nobody knows call ${dial.callId} of attempt ${dial.attemptId}`];
      if (attempt['state'] === 'void') return [`attempt ${dial.attemptId} was annulled, and its call ${dial.callId} rang`];
      return [];
    }),
    ...attempts.flatMap((attempt) =>
      dialsOf(attempt['_id']) > 1 ? [`attempt ${attempt['_id']} was dialled ${dialsOf(attempt['_id'])} times`] : [],
    ),
    ...attempts.flatMap((attempt) => {
      const settled = ['settled', 'void'].includes(String(attempt['state']));
      return settled && attempt['open'] === false && attempt['locks'] === undefined
        ? []
        : [`attempt ${attempt['_id']} is left ${attempt['state']}`];
    }),
  ];
};

/** P2, P3: every job is finished or waits until a known time, and has counted the attempts that were made for it. */
const jobFaults = ({ jobs, attempts }: Records): string[] =>
  jobs.flatMap((job) => {
    const name = String(job['job_id'] ?? job['_id']);
    const own = attempts.filter((attempt) => attempt['stray'] !== true && String(attempt['job']) === String(job['_id']));
    const counted = own.filter((attempt) => attempt['next']?.countsAttempt === true).length;
    const known = FINAL.includes(String(job['status'])) || (job['status'] === 'pending' && (job['reserved_until'] ?? null) !== undefined);
    return [
      ...(known ? [] : [`job ${name} is ${job['status']}`]),
      ...(job['lease_token'] === undefined ? [] : [`job ${name} is ${job['status']} and still carries a token`]),
      ...(Number(job['attempts'] ?? 0) === counted
        ? []
        : [`job ${name} counts ${job['attempts']} attempts, ${counted} were charged to it`]),
      ...indexFaults(job, name),
    ];
  });

const indexFaults = (job: Document, name: string): string[] => {
  const contact: unknown = job['contact'];
  if (typeof contact !== 'object' || contact === null || !('phones' in contact) || !Array.isArray(contact.phones)) return [];
  const index = 'next_phone_index' in contact ? Number(contact.next_phone_index) : 0;
  return index === 0 || index < contact.phones.length ? [] : [`job ${name} points at number ${index} of ${contact.phones.length}`];
};

/** P5: what the simulator asked for each call, once, in the ledger, the account, the statement and the results. */
const moneyFaults = ({ jobs, attempts, ledgers, accounts, transactions, results }: Records, entries: readonly LedgerEntry[]): string[] => {
  const ended = entries.filter((entry) => entry.event === 'transition' && entry.live === false);
  const accountOf = new Map(attempts.map((attempt) => [String(attempt['call_id']), String(attempt['account'])]));
  const asked = (account: string): number =>
    ended
      .filter((entry) => accountOf.get(entry.callId ?? '') === account)
      .reduce((sum, entry) => sum + Math.round((entry.costCents ?? 0) * 10_000), 0);
  const paid = ended.filter((entry) => (entry.costCents ?? 0) > 0);
  const tokens = new Set(jobs.map((job) => job['lease_token']));
  return [
    ...ledgers.flatMap((ledger) => {
      const id = String(ledger['_id']);
      const used = Number(ledger['used_micros']);
      const holds = Object.keys(holdsOf(ledger)).filter((hold) => !tokens.has(hold));
      return [
        ...(used === asked(id) ? [] : [`the ledger of ${id} has used ${used} micro-dollars, the provider asked for ${asked(id)}`]),
        ...(holds.length === 0 ? [] : [`the ledger of ${id} still holds money for ${holds.join(', ')}`]),
        ...(ledger['held_micros'] === 0 && ledger['held_ms'] === 0
          ? []
          : [`the ledger of ${id} holds ${ledger['held_micros']} micro-dollars for nothing`]),
        ...pictureFaults(ledger, accounts),
      ];
    }),
    ...paid.flatMap((entry) => {
      const booked = transactions.filter((one) => String(one['description']).includes(`Call ${entry.callId} `)).length;
      return booked === 1 ? [] : [`call ${entry.callId} is ${booked} times in the statement`];
    }),
    ...ended.flatMap((entry) => {
      const kept = results.filter((one) => one['call_id'] === entry.callId).length;
      return kept === 1 ? [] : [`call ${entry.callId} has ${kept} results`];
    }),
  ];
};

const holdsOf = (ledger: Document): object => (ledger['holds'] ?? {}) as object;

const pictureFaults = (ledger: Document, accounts: readonly Document[]): string[] => {
  const account = accounts.find((one) => one['account_id'] === ledger['_id']);
  if (account === undefined) return [];
  const [kind, unit] = account['plan_type'] === 'minutes_based' ? (['minutes', 60_000] as const) : (['credit', 1e6] as const);
  const [used, held] = kind === 'minutes' ? [ledger['used_ms'], ledger['held_ms']] : [ledger['used_micros'], ledger['held_micros']];
  const differs =
    Math.abs(Number(account[`${kind}_used`]) - Number(used) / unit) > 1e-9 ||
    Number(account[`${kind}_reserved`] ?? 0) !== Number(held) / unit;
  return differs ? [`account ${ledger['_id']} shows ${account[`${kind}_used`]} ${kind} used, its ledger ${Number(used) / unit}`] : [];
};
