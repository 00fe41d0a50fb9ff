/** How our own numbers fared lately, read as the daemon reads it: a number that rests or is capped is a reason that must be told. */
import type { Account } from '../domain/account.js';
import type { Batch } from '../domain/batch.js';
import { NO_USES, type CallerUses } from '../domain/callers.js';
import { createCallers } from '../runner/callers.js';
import { messageOf } from '../domain/errors.js';
import type { Session } from './session.js';

/** `owners`: the batches and accounts whose own numbers count besides the installation's. */
export async function callerUsesOf(
  { store, policy }: Session,
  owners: readonly (Pick<Batch | Account, 'fromNumbers'> | 'missing')[],
): Promise<CallerUses> {
  const callers = createCallers({ store, policy });
  try {
    await callers.refresh([...policy.fromNumbers, ...owners.flatMap((owner) => (owner === 'missing' ? [] : owner.fromNumbers))]);
  } catch (error) {
    // Before `db init` the index it asks for is missing. No daemon starts then; a look at a batch must not fail for it.
    if (!/hint/.test(messageOf(error))) throw error;
    return NO_USES;
  }
  return callers.uses();
}
