/**
 * What a call leaves for others to read: its result, its movement on the account, and whom it forbids to call. Written before the attempt's
 * lease is let go, so that whoever adopts it writes them again; what the database refuses for good is said and passed over.
 */
import type { Account } from '../domain/account.js';
import { resultDocument } from '../domain/call-result.js';
import { messageOf } from '../domain/errors.js';
import type { Contact } from '../domain/job.js';
import { maskPhone } from '../domain/phones.js';
import { readJob } from '../domain/read-job.js';
import type { AttemptCost, AttemptDoc } from '../store/attempt.js';
import { isRefusal } from '../store/writer.js';
import type { SettledAttempt } from './call.js';
import type { Context } from './context.js';
import { mintedAt } from './ids.js';
import { movementOf } from './movement.js';
import { persist } from './persist.js';

export interface Records {
  write(attempt: SettledAttempt, cost: AttemptCost): Promise<void>;
  book(attempt: SettledAttempt, cost: AttemptCost): Promise<void>;
  /** The price that the job shows. */
  correct(attempt: Pick<AttemptDoc, '_id' | 'job'>, cost: AttemptCost): Promise<void>;
}

export const centsOf = (cost: AttemptCost): number => cost.micros / 10_000;

export function createRecords(cx: Context, accountOf: (account: string | null) => Promise<Account>): Records {
  async function tell(id: string, what: string, write: () => Promise<void>): Promise<void> {
    try {
      await persist(cx, what, write, isRefusal);
    } catch (error) {
      cx.log.error(`${what} failed for good`, { attempt_id: id, error: messageOf(error) });
    }
  }

  async function book(attempt: SettledAttempt, cost: AttemptCost): Promise<void> {
    const movement = movementOf(attempt, cost, (await accountOf(attempt.account)).plan);
    if (movement !== null) await cx.store.books.movement(movement);
  }

  /** Each number of the contact: another job may have the next one, and no word of the person. */
  async function block(attempt: SettledAttempt, reason: string): Promise<void> {
    const { _id: id, line, person, call_id: callId } = attempt;
    const phones = (attempt.contact ?? (await sameContact(attempt)))?.phones ?? [];
    const lines = new Map([[line, attempt.to_number]]);
    for (const phone of phones) if (phone.line !== null && phone.e164 !== null) lines.set(phone.line, phone.e164);
    const entry = { account: null, batch: null, expiresAt: null, reason, evidence: callId ?? id };
    for (const [each, number] of lines) {
      const own = each === line ? { person, attempt: id } : { person: null, attempt: `${id}:${each}` };
      await cx.store.campaigns.suppress({ ...entry, ...own, line: each, masked: maskPhone(number) });
    }
  }

  async function result(attempt: SettledAttempt, callId: string): Promise<void> {
    const { _id: id, account, batch } = attempt;
    const fields = resultDocument({
      attemptId: id,
      jobRef: attempt.job_ref,
      account,
      batch,
      contact: attempt.contact ?? (await contactOf(attempt)),
      phoneUsed: attempt.to_number,
      outcome: attempt.outcome ?? null,
      result: attempt.result ?? {},
    });
    await cx.store.books.result(callId, fields, attempt.foreign === true ? null : mintedAt(id));
  }

  /** Its document may have been given to somebody else meanwhile, who asked for nothing. */
  async function sameContact(attempt: SettledAttempt): Promise<Contact | null> {
    const contact = await contactOf(attempt);
    const isSame =
      contact?.phones.some(({ line }) => line === attempt.line) === true || (attempt.person !== null && contact?.person === attempt.person);
    return isSame ? contact : null;
  }

  async function contactOf({ job, account }: SettledAttempt): Promise<Contact | null> {
    const [doc, { country }] = await Promise.all([cx.store.jobs.byId(job), accountOf(account)]);
    const reading = readJob(doc, country);
    return reading.kind === 'job' ? reading.job.contact : null;
  }

  return {
    book,
    write: async (attempt, cost) => {
      const { _id: id, call_id: callId } = attempt;
      const { outcome } = attempt;
      // By what was said in the call, whatever became of its job meanwhile.
      const forbids = outcome !== undefined && cx.outcomes.classes[outcome.class].suppress ? outcome.reason : null;
      await Promise.all([
        forbids === null ? null : tell(id, 'blocking a number', () => block(attempt, forbids)),
        tell(id, 'booking a call', () => book(attempt, cost)),
        callId === undefined ? null : tell(id, "recording a call's result", () => result(attempt, callId)),
      ]);
    },
    correct: ({ _id: id, job }, cost) => tell(id, 'correcting the price of a call', () => cx.store.recount.price(job, id, centsOf(cost))),
  };
}
