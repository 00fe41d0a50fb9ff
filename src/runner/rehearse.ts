/** `run --dry-run`: the same decisions on what is due now; nothing is claimed, written or dialled. */
import { decide } from '../domain/decide.js';
import type { Batch } from '../domain/batch.js';
import type { Decision, Reason } from '../domain/decision.js';
import { lookBackMs } from '../domain/limits.js';
import { maskPhone } from '../domain/phones.js';
import { personsOf } from '../domain/job.js';
import { readJob } from '../domain/read-job.js';
import { createBoard, type Board } from './board.js';
import type { Context } from './context.js';

const PER_BATCH = 1_000;

/** What would be done with a job, or why a whole batch is passed over; numbers are masked. */
export interface Rehearsed {
  readonly batch: string | null;
  /** null: it is the whole batch. */
  readonly job: string | null;
  readonly decision: 'dial' | 'wait' | 'stop' | 'set aside' | 'closed';
  readonly to: string | null;
  readonly from: string | null;
  readonly until: Date | null;
  /** What `stop` makes of it. */
  readonly becomes: string | null;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
}

const NOTHING = { to: null, from: null, until: null, becomes: null } as const;

export async function* rehearse(cx: Context): AsyncGenerator<Rehearsed> {
  const board = createBoard(cx);
  await board.refresh();
  for (const { batch, reasons } of board.closed()) yield closed(batch, reasons);
  const now = cx.store.time.now();
  for (const { batch, closedAtHome } of board.groups()) {
    if (closedAtHome !== undefined) yield closed(batch, closedAtHome);
    for await (const doc of cx.store.jobs.due(batch.id, now, PER_BATCH, closedAtHome === undefined ? 'all' : 'dated')) {
      const account: unknown = doc['account_id'];
      const reading = readJob(doc, typeof account === 'string' ? await board.countryOf(account) : null);
      if (reading.kind === 'unreadable') {
        const reasons = [{ code: 'UNREADABLE', text: reading.why }];
        yield { ...NOTHING, batch: batch.id, job: String(doc._id), decision: 'set aside', reasons };
        continue;
      }
      yield rehearsed(batch.id, reading.job.ref, await decisionOn(cx, board, reading.job, now));
    }
  }
}

function closed(batch: Batch, reasons: readonly Reason[]): Rehearsed {
  return { ...NOTHING, batch: batch.id, job: null, decision: 'closed', reasons: reasons.map(({ code, text }) => ({ code, text })) };
}

async function decisionOn(cx: Context, board: Board, job: Parameters<typeof decide>[0]['job'], now: Date): Promise<Decision> {
  const { phones } = job.contact;
  const lines = phones.flatMap((phone) => phone.line ?? []);
  const persons = personsOf(job.contact);
  const [suppressions, history] = await Promise.all([
    cx.store.campaigns.suppressions(lines, persons),
    cx.store.attempts.history(lines, persons, new Date(now.getTime() - lookBackMs(cx.packs, cx.policy.minRedialMs))),
  ]);
  return decide(
    {
      job,
      batch: board.batch(job.batch, job.account),
      account: board.account(job.account),
      ledger: board.ledger(job.account),
      suppressions,
      history,
      ownHold: null,
      callers: board.callers.uses(),
      now,
    },
    cx.policy,
    cx.packs,
  );
}

function rehearsed(batch: string | null, job: string, decision: Decision): Rehearsed {
  const common = { ...NOTHING, batch, job, decision: decision.kind, reasons: [] };
  if (decision.kind === 'dial') return { ...common, to: maskPhone(decision.to), from: maskPhone(decision.from) };
  const reasons = decision.reasons.map(({ code, text }) => ({ code, text }));
  if (decision.kind === 'wait') return { ...common, until: decision.until, reasons };
  return { ...common, becomes: decision.status, reasons };
}

export function rehearsedText({ batch, job, decision, to, from, until, becomes, reasons }: Rehearsed): string {
  const why = reasons.map(({ text }) => text).join(' ');
  switch (decision) {
    case 'closed':
      return `batch ${batch ?? '-'}: closed: ${why}`;
    case 'dial':
      return `job ${job ?? '-'}: would dial ${to ?? '-'} from ${from ?? '-'}`;
    case 'wait':
      return `job ${job ?? '-'}: would wait until ${until?.toISOString() ?? 'somebody acts'}: ${why}`;
    case 'stop':
      return `job ${job ?? '-'}: would become ${becomes ?? '-'}: ${why}`;
    case 'set aside':
      return `job ${job ?? '-'}: would be set aside: ${why}`;
  }
}
