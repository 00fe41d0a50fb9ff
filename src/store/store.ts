/** The store: every question and write the program has for the database, by noun. */
import type { Clock } from '../domain/ports.js';
import { createAdopt, type AdoptStore } from './adopt.js';
import { createAttempts, type Attempts } from './attempts.js';
import { createBooks, type Books } from './books.js';
import { createCampaigns, type Campaigns } from './campaigns.js';
import { connect, type Connection, type DatabaseOptions } from './connection.js';
import { createImports, type Imports } from './imports.js';
import { createJobAdmin, type JobAdmin } from './job-admin.js';
import { createJobs, type Jobs } from './jobs.js';
import { createLastLook, type Look, type LookAsk } from './last-look.js';
import { createOldCalls, type OldCalls } from './old-calls.js';
import { createLedgers, type Ledgers } from './ledgers.js';
import { createRecount, type Recount } from './recount.js';
import { createRunners, type Runners } from './runners.js';
import { createSuspensions, type Suspensions } from './suspensions.js';
import { createDatabaseTime, type DatabaseTime } from './time.js';
import { createWriter } from './writer.js';

export interface Store {
  readonly connection: Connection;
  readonly time: DatabaseTime;
  readonly jobs: Jobs;
  readonly attempts: Attempts;
  readonly ledgers: Ledgers;
  readonly campaigns: Campaigns;
  lastLook(ask: LookAsk): Promise<Look>;
  readonly books: Books;
  readonly runners: Runners;
  readonly recount: Recount;
  readonly suspensions: Suspensions;
  readonly imports: Imports;
  readonly jobAdmin: JobAdmin;
  readonly adopt: AdoptStore;
  readonly oldCalls: OldCalls;
  close(): Promise<void>;
}

export async function openStore(options: DatabaseOptions, clock: Clock): Promise<Store> {
  const connection = await connect(options);
  const writer = createWriter(connection);
  const time = await createDatabaseTime(connection, clock);
  return {
    connection,
    time,
    jobs: createJobs(connection, writer),
    attempts: createAttempts(connection, writer, time),
    ledgers: createLedgers(connection, writer),
    campaigns: createCampaigns(connection),
    lastLook: createLastLook(connection),
    books: createBooks(writer, time),
    runners: createRunners(connection),
    recount: createRecount(connection),
    suspensions: createSuspensions(connection),
    imports: createImports(connection),
    jobAdmin: createJobAdmin(connection),
    adopt: createAdopt(connection),
    oldCalls: createOldCalls(connection),
    close: () => connection.close(),
  };
}
