/** From what a person types to the job it means, with what the rules know about it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readArchived } from '../domain/archived.js';
import type { Facts } from '../domain/decision.js';
import { SpeechAiError } from '../domain/errors.js';
import type { Job } from '../domain/job.js';
import { idKey, personsOf } from '../domain/job.js';
import { lookBackMs } from '../domain/limits.js';
import { readAccount } from '../domain/read-account.js';
import { impliedBatch, readBatch } from '../domain/read-batch.js';
import { readJob } from '../domain/read-job.js';
import type { Packs } from '../domain/rules.js';
import { createBatchAdmin } from '../store/batch-admin.js';
import type { AnyDocument } from '../store/connection.js';
import type { Session } from './session.js';

export type Found =
  | { readonly kind: 'job'; readonly doc: AnyDocument; readonly job: Job }
  | { readonly kind: 'unreadable'; readonly doc: AnyDocument; readonly why: string }
  | { readonly kind: 'none'; readonly code: string; readonly why: string; readonly remedy: string };

type None = Extract<Found, { readonly kind: 'none' }>;

export async function findJob(session: Session, ref: string): Promise<Found> {
  const { store } = session;
  const docs = await store.jobAdmin.find(ref);
  const [doc, other] = docs;
  if (doc === undefined) return missing(session, ref);
  if (other !== undefined) {
    const remedy = `Say which by _id: ${docs.map((one) => idKey(one._id)).join(' or ')}.`;
    return { kind: 'none', code: 'JOB_AMBIGUOUS', why: 'two jobs have this job_id', remedy };
  }
  const account: unknown = doc['account_id'];
  const [accountDoc] = typeof account === 'string' ? await store.campaigns.accounts([account]) : [];
  const reading = readJob(doc, accountDoc === undefined ? null : readAccount(accountDoc).country);
  return reading.kind === 'job' ? { kind: 'job', doc, job: reading.job } : { kind: 'unreadable', doc, why: reading.why };
}

export function noJob(ref: string, { code, why, remedy }: None): SpeechAiError {
  return new SpeechAiError(code, `${ref}: ${why}.`, { remedy });
}

/** A terminal's worth: whoever has archived more goes by `batch show`. */
const FILES_TOLD = 3;

/** What was moved out is not lost: an id of it must not look like a slip of the pen. */
async function missing({ store }: Session, ref: string): Promise<None> {
  const archived = (await createBatchAdmin(store.connection).archived()).flatMap((doc) => {
    const { id, account } = readBatch(doc);
    const files = readArchived(doc['archived']).filter(({ state, jobs }) => state !== 'writing' && jobs > 0);
    return files.map(({ file, host }) => ({ account, where: `${id ?? String(doc._id)} in ${file} (on ${host})` }));
  });
  // An id made by us or by SpeechAI begins with its account, sometimes cut off.
  const own = archived.filter(({ account }) => account !== null && ref.startsWith(`job_${account.slice(0, 8)}`));
  const likely = own.length > 0 ? own : archived;
  const why = 'there is no such job';
  if (likely.length === 0)
    return { kind: 'none', code: 'NO_SUCH_JOB', why, remedy: 'Give its job_id or its _id; `speechai job list` shows them.' };
  const more = likely.length > FILES_TOLD ? ` and ${likely.length - FILES_TOLD} more (\`speechai batch show\` tells them)` : '';
  return {
    kind: 'none',
    code: 'NO_SUCH_JOB',
    why: `${why} in the database; it may have been moved out with its batch`,
    remedy: `Look in ${likely
      .slice(0, FILES_TOLD)
      .map(({ where }) => where)
      .join(', ')}${more}; \`speechai db unarchive FILE\` brings it back. If that is none of it, \`speechai job list\` shows what is here.`,
  };
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
