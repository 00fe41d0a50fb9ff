/** The two changes that every call's attempt undergoes, with those of the same moment: it has a call, and it is over. */
import { createChange, own, type Change } from './change.js';
import type { Connection } from './connection.js';

export interface AttemptChanges {
  readonly record: Change<{ call_id: string }>;
  readonly close: Change<{ runner: string; settled: object }>;
}

export function createAttemptChanges(connection: Connection): AttemptChanges {
  /** Not changed: another call's id is there, or it is closed, or there is no such attempt. */
  const record = createChange<{ call_id: string }>(connection, {
    collection: 'attempts',
    stages: [
      {
        $replaceWith: {
          $cond: [
            { $and: [{ $eq: ['$open', true] }, { $in: [{ $ifNull: ['$call_id', null] }, [null, own('call_id')]] }] },
            {
              $mergeObjects: [
                '$$ROOT',
                {
                  call_id: own('call_id'),
                  placed_at: { $ifNull: ['$placed_at', '$$NOW'] },
                  state: { $cond: [{ $in: ['$state', ['placing', 'unknown']] }, 'live', '$state'] },
                },
              ],
            },
            '$$ROOT',
          ],
        },
      },
    ],
    fields: ['call_id'],
    shows: (doc, { call_id: callId }) => doc['call_id'] === callId,
  });

  /** Not changed: not ours any more, or closed already, and then perhaps by a reply of ours that got lost. */
  const close = createChange<{ runner: string; settled: object }>(connection, {
    collection: 'attempts',
    stages: [
      {
        $replaceWith: {
          $cond: [
            { $and: [{ $eq: ['$runner', own('runner')] }, { $eq: ['$open', true] }] },
            { $unsetField: { field: 'locks', input: { $mergeObjects: ['$$ROOT', own('settled'), { settled_at: '$$NOW' }] } } },
            '$$ROOT',
          ],
        },
      },
    ],
    fields: ['runner', 'state', 'lease_until'],
    shows: (doc, { runner }) => doc['runner'] === runner && doc['state'] === 'settled' && doc['lease_until'] !== undefined,
  });

  return { record, close };
}
