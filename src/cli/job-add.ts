/** `job add`: one contact, checked as an import would check it, written once. */
import { randomBytes } from 'node:crypto';
import { readDay } from '../domain/days.js';
import { EXIT, type ExitCode } from '../domain/errors.js';
import { idKey } from '../domain/job.js';
import { draftJob, type NewJob } from '../domain/new-job.js';
import { digitWarning, readIdentity } from '../domain/person.js';
import { maskPhone } from '../domain/phones.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { print, printJson, say } from './output.js';
import type { AnyDocument } from '../store/connection.js';
import type { Session } from './session.js';

export interface AddOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export type Added =
  | {
      readonly kind: 'added' | 'would be added';
      readonly job: string;
      readonly numbers: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'duplicate'; readonly job: string; readonly status: string }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] };

export async function addJob({ store }: Session, order: NewJob, dryRun: boolean): Promise<Added> {
  const [accounts, batches] = await Promise.all([
    store.campaigns.accounts([order.account]),
    order.batch === null ? [] : store.campaigns.batches([order.batch]),
  ]);
  const [account] = accounts;
  const [batch] = batches;
  const targets = {
    account: account === undefined ? ('missing' as const) : readAccount(account),
    batch: order.batch === null ? null : batch === undefined ? ('missing' as const) : readBatch(batch),
  };
  const draft = draftJob(
    { ...order, due: order.due === null ? null : (readDay(order.due) ?? order.due) },
    targets,
    store.time.now(),
    randomBytes(4).toString('hex'),
  );
  if (draft.kind === 'refused') return draft;
  const { doc } = draft;
  const numbers = draft.phones.map(maskPhone);
  const identity = order.dni === null ? null : readIdentity(order.dni, targets.account === 'missing' ? null : targets.account.country);
  const wrong = identity === null ? null : digitWarning(identity);
  const warnings = wrong === null ? [] : [`the RUT or DNI is kept as it is written, but ${wrong}`];
  if (dryRun) {
    const there = await store.jobAdmin.byDeduplicationKey(doc.deduplication_key);
    return there === null ? { kind: 'would be added', job: doc.job_id, numbers, warnings } : duplicate(there);
  }
  const result = await store.jobAdmin.add(doc);
  return result.kind === 'added' ? { kind: 'added', job: doc.job_id, numbers, warnings } : duplicate(result.doc);
}

function duplicate(doc: AnyDocument | null): Added {
  if (doc === null) return { kind: 'duplicate', job: 'a job that is gone again', status: 'deleted' };
  const ref: unknown = doc['job_id'];
  return { kind: 'duplicate', job: typeof ref === 'string' ? ref : idKey(doc._id), status: String(doc['status']) };
}

export function tellAdded(added: Added, options: AddOptions): ExitCode {
  if (options.json === true) printJson(added);
  switch (added.kind) {
    case 'added':
    case 'would be added':
      if (options.json !== true) {
        print(added.job);
        say(`${added.kind}: ${added.numbers.join(', ')}`);
      }
      for (const warning of added.warnings) say(`warning: ${warning}`);
      return EXIT.ok;
    case 'duplicate':
      say(`not added: this contact is in this batch already, as ${added.job} (${added.status})`);
      say(`  -> speechai job show ${added.job}`);
      return EXIT.failed;
    case 'refused':
      for (const reason of added.reasons) say(`not added: ${reason}`);
      return EXIT.failed;
  }
}
