/** What a call cost, as the account's statement shows it: the same line whether the price came with the call's end or a day later. */
import type { Plan } from '../domain/account.js';
import type { AttemptCost, AttemptDoc } from '../store/attempt.js';
import type { Movement } from '../store/books.js';
import { mintedAt } from './ids.js';

/** null: nothing to book (yet). Its id is made from the attempt's, so that it is booked once (P5). */
export function movementOf(
  {
    _id: id,
    account,
    batch,
    call_id: callId,
    outcome,
    foreign,
  }: Pick<AttemptDoc, '_id' | 'account' | 'batch' | 'call_id' | 'outcome' | 'foreign'>,
  cost: AttemptCost,
  plan: Plan | null,
): Movement | null {
  const inMinutes = plan === 'minutes_based';
  if (account === null || !cost.final || (cost.ms === 0 && (inMinutes || cost.micros === 0))) return null;
  return {
    id: `txn_${id}`,
    account,
    type: 'call_usage',
    amount: inMinutes ? -cost.ms / 60_000 : -cost.micros / 1e6,
    costCents: Math.round(cost.micros / 1e4),
    description: `Call ${callId ?? ''} (${outcome?.reason ?? 'unknown'}), ${Math.round(cost.ms / 1000)} s`,
    reference: batch,
    first: foreign === true ? null : mintedAt(id),
  };
}
