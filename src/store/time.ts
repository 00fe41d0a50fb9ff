/** One estimate of the database's time per process: what rules, caps and index bounds count by, and what dates a new intent. */
import type { Clock, Mark } from '../domain/ports.js';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import type { Connection } from './connection.js';

export interface DatabaseTime {
  /** The database's time now, as well as it is known. */
  now(): Date;
  /** How far this machine's wall clock is from it. */
  skewMs(): number;
  /** False after a suspend or a clock jump, until the next `sync`: nobody may dial by a clock that is not understood. */
  understood(): boolean;
  /** Whether a reading of the server's clock, taken between `asked` and now, fits the estimate: a server's clock can jump too. */
  fits(server: Date, asked: Date): boolean;
  sync(): Promise<void>;
}

/** `hello` tells the time on real servers; where it does not, `$$NOW` does. */
async function serverTime(connection: Connection): Promise<Date> {
  const hello = await connection.db.admin().command({ hello: 1 });
  const local: unknown = hello['localTime'];
  if (local instanceof Date) return local;
  const [doc] = await connection.db.aggregate([{ $documents: [{}] }, { $project: { now: '$$NOW' } }]).toArray();
  const now: unknown = doc?.['now'];
  if (now instanceof Date) return now;
  throw new SpeechAiError('DATABASE_TIME', 'The database does not tell its time.', {
    remedy: 'Use MongoDB 5.1 or newer.',
    exitCode: EXIT.config,
  });
}

/** Beyond this the two clocks of the machine do not tell the same story since the last reading. */
const JUMP_MS = 1_000;

export async function createDatabaseTime(connection: Connection, clock: Clock): Promise<DatabaseTime> {
  let base = { databaseMs: clock.now().getTime(), mark: clock.mark() };

  const time: DatabaseTime = {
    now: () => new Date(base.databaseMs + clock.elapsedMs(base.mark)),
    skewMs: () => base.mark.wallMs - base.databaseMs,
    understood: () => clock.disagreementMs(base.mark) < JUMP_MS,
    fits: (server, asked) => server.getTime() > asked.getTime() - JUMP_MS && server.getTime() < time.now().getTime() + JUMP_MS,
    sync: async () => {
      const before: Mark = clock.mark();
      const server = await serverTime(connection);
      const after = clock.mark();
      // Half of the round trip lies before the server looked at its clock.
      base = { databaseMs: server.getTime() + (after.monoMs - before.monoMs) / 2, mark: after };
    },
  };
  await time.sync();
  return time;
}
