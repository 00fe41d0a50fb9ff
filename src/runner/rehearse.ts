/** `run --dry-run`: the same decisions on what is due now, printed; nothing is claimed, written or dialled. */
import { decide } from '../domain/decide.js';
import { maskPhone } from '../domain/phones.js';
import { readJob } from '../domain/read-job.js';
import { createBoard } from './board.js';
import type { Context } from './context.js';

const PER_BATCH = 1_000;

export async function* rehearse(cx: Context): AsyncGenerator<string> {
  const board = createBoard(cx);
  await board.refresh();
  for (const { batch, reasons } of board.closed())
    yield `batch ${batch.id ?? '-'}: closed: ${reasons.map((reason) => reason.text).join(' ')}`;
  const now = cx.store.time.now();
  for (const { batch } of board.groups()) {
    for await (const doc of cx.store.jobs.due(batch.id, now, PER_BATCH)) {
      const account: unknown = doc['account_id'];
      const reading = readJob(doc, typeof account === 'string' ? await board.countryOf(account) : null);
      if (reading.kind === 'unreadable') {
        yield `job ${String(doc._id)}: would be set aside: ${reading.why}`;
        continue;
      }
      const { job } = reading;
      const { phones, person } = job.contact;
      const lines = phones.flatMap((phone) => phone.line ?? []);
      const persons = person === null ? [] : [person];
      const since = new Date(now.getTime() - 9 * 86_400_000);
      const [suppressions, history] = await Promise.all([
        cx.store.campaigns.suppressions(lines, persons),
        cx.store.attempts.history(lines, persons, since),
      ]);
      const decision = decide(
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
      if (decision.kind === 'dial') yield `job ${job.ref}: would dial ${maskPhone(decision.to)} from ${maskPhone(decision.from)}`;
      else
        yield `job ${job.ref}: ${decision.kind === 'wait' ? `would wait until ${decision.until?.toISOString() ?? 'somebody acts'}` : `would become ${decision.status}`}: ${decision.reasons.map((reason) => reason.text).join(' ')}`;
    }
  }
}
