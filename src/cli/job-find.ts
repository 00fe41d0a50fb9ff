/** From what a person types to the job it means, with what the rules know about it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from '../domain/decision.js';
import type { Job } from '../domain/job.js';
import { idKey, personsOf } from '../domain/job.js';
import { lookBackMs } from '../domain/limits.js';
import { readAccount } from '../domain/read-account.js';
import { impliedBatch, readBatch } from '../domain/read-batch.js';
import { readJob } from '../domain/read-job.js';
import type { Packs } from '../domain/rules.js';
import type { AnyDocument } from '../store/connection.js';
import type { Session } from './session.js';

export type Found =
  | { readonly kind: 'job'; readonly doc: AnyDocument; readonly job: Job }
  | { readonly kind: 'unreadable'; readonly doc: AnyDocument; readonly why: string }
  | { readonly kind: 'none'; readonly why: string };

export async function findJob({ store }: Session, ref: string): Promise<Found> {
  const docs = await store.jobAdmin.find(ref);
  const [doc, other] = docs;
  if (doc === undefined) return { kind: 'none', why: 'there is no such job; give its job_id or its _id' };
  if (other !== undefined) {
    return { kind: 'none', why: `two jobs have this job_id; say which by _id: ${docs.map((one) => idKey(one._id)).join(' or ')}` };
  }
  const account: unknown = doc['account_id'];
  const [accountDoc] = typeof account === 'string' ? await store.campaigns.accounts([account]) : [];
  const reading = readJob(doc, accountDoc === undefined ? null : readAccount(accountDoc).country);
  return reading.kind === 'job' ? { kind: 'job', doc, job: reading.job } : { kind: 'unreadable', doc, why: reading.why };
}

/** Everything `decide` looks at, read now. */
export async function factsOf(session: Session, job: Job): Promise<Facts> {
  const { store, policy } = session;
  const { phones } = job.contact;
  const lines = phones.flatMap(({ line }) => line ?? []);
  const persons = personsOf(job.contact);
  const now = store.time.now();
  const since = new Date(now.getTime() - lookBackMs(await packsOf(session), policy.minRedialMs));
  const [batches, accounts, ledgers, suppressions, history] = await Promise.all([
    store.campaigns.batches(job.batch === null ? [] : [job.batch]),
    store.campaigns.accounts(job.account === null ? [] : [job.account]),
    store.ledgers.read(job.account === null ? [] : [job.account]),
    store.campaigns.suppressions(lines, persons),
    store.attempts.history(lines, persons, since),
  ]);
  const [batch] = batches;
  const [account] = accounts;
  return {
    job,
    batch: job.batch === null ? impliedBatch(job.account) : batch === undefined ? 'missing' : readBatch(batch),
    account: account === undefined ? 'missing' : readAccount(account),
    ledger: job.account === null ? null : (ledgers.get(job.account) ?? null),
    suppressions,
    history,
    ownHold: null,
    now,
  };
}

export async function packsOf({ loaded }: Session): Promise<Packs> {
  const { loadPacks } = await import('../config/packs.js');
  const { configDir } = loaded.settings.app;
  return loadPacks(configDir !== null && existsSync(join(configDir, 'rules')) ? configDir : undefined);
}
