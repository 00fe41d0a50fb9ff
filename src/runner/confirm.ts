/**
 * Step 5, confirm: read again. Job, batch, account, ledger, suppressions and earlier calls, for all jobs that ask within a tick together. This is
 * the authority for P4 and the last thing before the POST: a pause is certain DIAL_WITHIN_MS after it is written.
 */
import type { Facts } from '../domain/decision.js';
import { idKey, personsOf, type DocId, type Job } from '../domain/job.js';
import { readAccount } from '../domain/read-account.js';
import { impliedBatch, readBatch } from '../domain/read-batch.js';
import { readJob } from '../domain/read-job.js';
import { lookBackMs } from '../domain/limits.js';
import { createTogether } from '../store/together.js';
import type { Context } from './context.js';

export interface ConfirmRequest {
  readonly id: DocId;
  readonly token: string;
  readonly job: Job;
}

/** null: the job is no longer ours, or can no longer be understood. */
export type Confirm = (request: ConfirmRequest) => Promise<Omit<Facts, 'ownHold'> | null>;

const TICK_MS = 1;

export function createConfirm(cx: Context): Confirm {
  const together = createTogether<ConfirmRequest, { facts: Omit<Facts, 'ownHold'> | null }>(
    async (_, requests) => (await readTogether(cx, requests)).map((facts) => ({ facts })),
    TICK_MS,
  );
  return async (request) => (await together('all', request)).facts;
}

async function readTogether(cx: Context, requests: readonly ConfirmRequest[]): Promise<(Omit<Facts, 'ownHold'> | null)[]> {
  const { store } = cx;
  const contacts = requests.map(({ job }) => job.contact);
  const lines = distinct(contacts.flatMap((contact) => contact.phones.map((phone) => phone.line)));
  const persons = distinct(contacts.flatMap(personsOf));
  const batchIds = distinct(requests.map(({ job }) => job.batch));
  const accountIds = distinct(requests.map(({ job }) => job.account));
  const asked = store.time.now();
  const since = new Date(asked.getTime() - lookBackMs(cx.packs, cx.policy.minRedialMs));
  const look = await store.lastLook({ claims: requests, batches: batchIds, accounts: accountIds, lines, persons, since });
  const { jobs, batches, accounts, ledgers, suppressions, history } = look;
  if (look.now !== null && !store.time.fits(look.now, asked)) {
    await store.time.sync();
    throw new Error("the database's clock is not what it was taken for");
  }
  const now = store.time.now();
  const jobById = new Map(jobs.map((doc) => [`${idKey(doc._id)} ${String(doc['lease_token'])}`, doc]));
  const batchById = new Map(batches.map((doc) => [String(doc['batch_id']), readBatch(doc)]));
  const accountById = new Map(accounts.map((doc) => [String(doc['account_id']), readAccount(doc)]));

  return requests.map(({ id, token, job: claimed }) => {
    const country = claimed.account === null ? null : (accountById.get(claimed.account)?.country ?? null);
    const reading = readJob(jobById.get(`${idKey(id)} ${token}`), country);
    if (reading.kind === 'unreadable') return null;
    const { job } = reading;
    const ownPersons = personsOf(job.contact);
    const ownLines = new Set(job.contact.phones.map((phone) => phone.line));
    const concerns = (entry: { line: string | null; person: string | null }): boolean =>
      (entry.line !== null && ownLines.has(entry.line)) || (entry.person !== null && ownPersons.includes(entry.person));
    return {
      job,
      batch: job.batch === null ? impliedBatch(job.account) : (batchById.get(job.batch) ?? 'missing'),
      account: job.account === null ? 'missing' : (accountById.get(job.account) ?? 'missing'),
      ledger: job.account === null ? null : (ledgers.get(job.account) ?? null),
      suppressions: suppressions.filter(concerns),
      history: history.filter((call) => call.attempt !== token && concerns(call)),
      now,
    };
  });
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))];
}
