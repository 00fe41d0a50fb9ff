/** A hint that work may be due, from change streams where the server has them. Never the only way: the desk polls all the same. */
import type { ChangeStream } from 'mongodb';
import type { Connection } from './connection.js';

export interface Watch {
  close(): Promise<void>;
}

/** Calls `hint` after inserts and after writes that made a job pending or changed a batch. null: the server has no change streams. */
export function watchWork(connection: Connection, hint: () => void, onLost: (error: unknown) => void): Watch | null {
  if (connection.topology === 'standalone') return null;
  const waiting = ['pending', 'scheduled'];
  const jobs = connection.collection('jobs').watch(
    [
      {
        $match: {
          $or: [
            { operationType: { $in: ['insert', 'replace'] }, 'fullDocument.status': { $in: waiting } },
            { operationType: 'update', 'updateDescription.updatedFields.status': { $in: waiting } },
          ],
        },
      },
      { $project: { _id: 1 } },
    ],
    { maxAwaitTimeMS: 1_000 },
  );
  const batches = connection
    .collection('batches')
    .watch(
      [
        { $match: { $or: [{ operationType: { $in: ['insert', 'replace'] } }, { 'updateDescription.updatedFields.is_active': true }] } },
        { $project: { _id: 1 } },
      ],
      {
        maxAwaitTimeMS: 1_000,
      },
    );
  const streams: ChangeStream[] = [jobs, batches];
  let closed = false;
  for (const stream of streams) {
    stream.on('change', hint);
    stream.on('error', (error) => {
      if (!closed) onLost(error);
    });
  }
  return {
    close: async () => {
      closed = true;
      await Promise.allSettled(streams.map((stream) => stream.close()));
    },
  };
}
