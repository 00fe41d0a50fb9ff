/** A batch as people look at it: its state, its jobs by status, and why it is not dialled. */
import type { Account, Ledger } from '../domain/account.js';
import type { Batch, BatchState } from '../domain/batch.js';
import { batchGates } from '../domain/decide.js';
import type { Reason } from '../domain/decision.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import { batchState } from '../domain/gates-batch.js';
import type { Packs } from '../domain/rules.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { createBatchAdmin, type StatusCounts } from '../store/batch-admin.js';
import { createBatchJobs } from '../store/batch-jobs.js';
import type { AnyDocument } from '../store/connection.js';
import { callerUsesOf } from './caller-uses.js';
import { packsOf } from './job-find.js';
import { hindrancesIn, queuesOf, type ServedQueue } from './queue-view.js';
import type { Session } from './session.js';

export interface BatchView {
  readonly doc: AnyDocument;
  readonly batch: Batch;
  readonly account: Account | 'missing';
  readonly ledger: Ledger | null;
  readonly state: BatchState;
  readonly counts: StatusCounts;
  /** Why its rules let none of its jobs be dialled now; empty: they let some. */
  readonly reasons: readonly Reason[];
  readonly queues: readonly ServedQueue[];
}

/** By batch_id or _id; an id that does not exist ends the command with a remedy. */
export async function batchOrExit({ store }: Session, ref: string): Promise<AnyDocument> {
  const doc = await createBatchAdmin(store.connection).find(ref);
  if (doc !== null) return doc;
  throw new SpeechAiError('NO_SUCH_BATCH', `There is no batch ${ref}.`, {
    remedy: 'Give its batch_id or its _id; `speechai batch list` shows them.',
    exitCode: EXIT.failed,
  });
}

export async function viewsOf(session: Session, docs: readonly AnyDocument[], packs?: Packs): Promise<readonly BatchView[]> {
  const { store, policy } = session;
  const batches = docs.map(readBatch);
  const accountIds = [...new Set(batches.flatMap(({ account }) => account ?? []))];
  const [counts, accounts, ledgers, rules, queues] = await Promise.all([
    createBatchJobs(store.connection).counts(batches.flatMap(({ id }) => id ?? [])),
    store.campaigns.accounts(accountIds),
    store.ledgers.read(accountIds),
    packs ?? packsOf(session),
    queuesOf(session),
  ]);
  const byId = new Map(accounts.map((doc) => [String(doc['account_id']), readAccount(doc)]));
  const callers = await callerUsesOf(session, [...batches, ...byId.values()]);
  const now = store.time.now();
  return docs.flatMap((doc, n): BatchView[] => {
    const batch = batches[n];
    if (batch === undefined) return [];
    const account = byId.get(batch.account ?? '') ?? 'missing';
    const ledger = ledgers.get(batch.account ?? '') ?? null;
    return [
      {
        doc,
        batch,
        account,
        ledger,
        state: batchState(batch, now),
        counts: counts.get(batch.id ?? '') ?? {},
        reasons: batchGates(batch, account, ledger, now, policy, rules, [], callers),
        queues: queues.ofBatch(batch),
      },
    ];
  });
}

/** Why nothing of it is dialled now: its rules, and where those let it, the daemons. */
export function notDialledOf({ reasons, queues }: BatchView): readonly Pick<Reason, 'code' | 'text' | 'source' | 'until'>[] {
  if (reasons.length > 0 || queues.some(({ not_dialled: hindrance }) => hindrance === null)) return reasons;
  return hindrancesIn(queues).map(({ code, text }) => ({ code, text, source: 'daemons', until: null }));
}

export function totalOf(counts: StatusCounts, ...statuses: readonly string[]): number {
  return Object.entries(counts).reduce((sum, [status, n]) => (statuses.length === 0 || statuses.includes(status) ? sum + n : sum), 0);
}

/** Who paused it, when and why; a pause that no command made is told apart. null: it is not paused. */
export function pauseOf({
  doc,
  batch,
}: BatchView): { readonly by: string | null; readonly at: Date | null; readonly reason: string | null; readonly with_all: boolean } | null {
  if (batch.state !== 'paused') return null;
  const by: unknown = doc['paused_by'];
  const at: unknown = doc['paused_at'];
  return {
    by: typeof by === 'string' ? by : null,
    at: at instanceof Date ? at : null,
    reason: batch.stateReason,
    with_all: doc['paused_with_all'] === true,
  };
}

/** The stable shape of `--json`. */
export function asJson(view: BatchView): Record<string, unknown> {
  const { batch, state, counts, doc } = view;
  return {
    batch_id: batch.id,
    name: batch.name,
    account_id: batch.account,
    state,
    state_reason: batch.stateReason,
    paused: pauseOf(view),
    priority: batch.priority,
    queue: batch.queue,
    rules: batch.rules,
    start_at: batch.startAt,
    end_at: batch.endAt,
    jobs: { total: totalOf(counts), waiting: totalOf(counts, 'pending', 'scheduled'), by_status: counts },
    not_dialled_because: notDialledOf(view).map(({ code, text, source, until }) => ({ code, text, source, until })),
    problems: batch.problems,
    cost_dollars: numberOr(doc['total_cost']),
    minutes: numberOr(doc['total_minutes']),
    created_at: doc['created_at'] ?? null,
  };
}

export function numberOr(value: unknown): number {
  const read = Number(value ?? 0);
  return Number.isFinite(read) ? read : 0;
}

/** Half a file: made live it could never be completed, since its import would take it for one that is over. */
export function refuseImporting(doc: AnyDocument): void {
  if (doc['state'] !== 'importing') return;
  throw new SpeechAiError('BATCH_IMPORTING', `The import of ${String(doc['batch_id'])} is not complete.`, {
    remedy: `Run the same import again to complete it, or \`speechai batch delete ${String(doc['batch_id'])}\` to begin anew.`,
  });
}
