/** `speechai db`: the database itself. */

import type { Command } from 'commander';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import type { Log } from '../domain/ports.js';
import type { ArchiveOptions } from './db-archive.js';
import { registerDbInit } from './db-init.js';
import type { UnarchiveOptions } from './db-unarchive.js';
import { runAction } from './errors.js';
import { nextSignal } from './next-signal.js';
import { wholeNumber } from './numbers.js';
import { loadSettingsOrExit } from './settings.js';

export interface DbDeps {
  /** MONGO_URI as the settings have it, asked for when a command runs. */
  readonly mongoUri: (command: Command) => Promise<string>;
  readonly log?: Log;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

const FROM_PROCESS: DbDeps = {
  mongoUri: async (command) => (await loadSettingsOrExit(command, { withoutRetell: true })).settings.database.uri,
  writeOut: (text) => process.stdout.write(text),
  writeErr: (text) => process.stderr.write(text),
};

const PATIENCE = { serverSelectionTimeoutMS: 5_000, connectTimeoutMS: 5_000 };

/** Adds `db` to the program and returns it. */
export const registerDb = (program: Command, given: Partial<DbDeps> = {}): Command => {
  const deps: DbDeps = { ...FROM_PROCESS, ...given };
  const db = program.command('db').description('the database: serve one, prepare it, take over, move history out');
  db.command('serve')
    .description('keep a MongoDB running in the foreground, for other programs to use; its URI is the first line on stdout')
    .option('--dir <folder>', 'where its data is kept (default: the folder of MONGO_URI=embedded:FOLDER, else your own data folder)')
    .option('--json', 'print one JSON object instead of the bare URI')
    .addHelpText(
      'after',
      '\nExample:\n  $ speechai db serve --dir ./data        # and, in another terminal:\n  $ speechai run                          # with MONGO_URI=embedded:./data',
    )
    .action((options: ServeOptions, command: Command) => serve(options, command, deps));
  db.command('ping')
    .description('connect to the database of MONGO_URI and say what answers; exit 75 when nothing does')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  $ MONGO_URI=mongodb://127.0.0.1:27017 speechai db ping --json')
    .action((options: PingOptions, command: Command) => ping(options, command, deps));
  registerDbInit(db);
  registerDbAdopt(db);
  registerDbArchive(db);
  return db;
};

interface ServeOptions {
  readonly dir?: string;
  readonly json?: boolean;
}

const serve = async (options: ServeOptions, command: Command, deps: DbDeps): Promise<void> => {
  const { openEmbedded } = await import('../embedded/open.js');
  const { embeddedDirectory } = await import('../embedded/resolve.js');
  const ended = nextSignal();
  const directory = options.dir ?? embeddedDirectory(await deps.mongoUri(command)) ?? null;
  const engine = await openEmbedded(directory, { ...embeddedOptions(deps), onGone: (line) => deps.writeErr(`${line}\n`) });
  const { uri, provider } = engine;
  deps.writeOut(
    options.json === true ? `${JSON.stringify({ uri, provider, directory: engine.directory, pid: engine.pid() })}\n` : `${uri}\n`,
  );
  deps.writeErr(`Served by the ${provider} from ${engine.directory}. Ctrl-C ends it; other processes that use it keep it alive.\n`);
  const signal = await ended;
  await engine.close();
  if (signal === 'SIGINT') process.exitCode = EXIT.interrupted;
};

interface PingOptions {
  readonly json?: boolean;
}

const ping = async (options: PingOptions, command: Command, deps: DbDeps): Promise<void> => {
  const { resolveMongoUri } = await import('../embedded/resolve.js');
  const { maskUri } = await import('../config/uri.js');
  const { MongoClient } = await import('mongodb');
  const address = await resolveMongoUri(await deps.mongoUri(command), embeddedOptions(deps));
  const shown = maskUri(address.uri);
  const client = new MongoClient(address.uri, { ...patienceFor(address.uri), appName: 'speechai' });
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    const { version } = await admin.command({ buildInfo: 1 });
    const startedMs = performance.now();
    await admin.command({ ping: 1 });
    const roundTripMs = Math.round((performance.now() - startedMs) * 10) / 10;
    const found = { uri: shown, provider: address.provider, version: String(version), kind: kindOf(hello), round_trip_ms: roundTripMs };
    deps.writeOut(
      options.json === true
        ? `${JSON.stringify(found)}\n`
        : `MongoDB ${found.version}, ${found.kind}, answers in ${roundTripMs} ms at ${shown}${address.provider === null ? '' : ` (${address.provider})`}\n`,
    );
  } catch (cause) {
    throw new SpeechAiError('DB_UNREACHABLE', `MongoDB does not answer at ${shown}: ${messageOf(cause)}`, {
      remedy:
        'Check MONGO_URI, that the server runs, and that this machine may reach it; `speechai config show` tells where the value comes from.',
      exitCode: EXIT.tryAgain,
      cause,
    });
  } finally {
    await client.close();
    await address.close();
  }
};

/** The driver lets its options win over the URI's, and a person who wrote a timeout into the URI meant it. */
const patienceFor = (uri: string): Partial<typeof PATIENCE> => (/[?&]serverSelectionTimeoutMS=/i.test(uri) ? {} : PATIENCE);

const kindOf = (hello: Readonly<Record<string, unknown>>): string => {
  if (hello['msg'] === 'isdbgrid') return 'router of a sharded cluster';
  return typeof hello['setName'] === 'string' ? `replica set ${hello['setName']}` : 'standalone';
};

const embeddedOptions = (deps: DbDeps): { log?: Log; onProgress: (line: string) => void } => ({
  ...(deps.log === undefined ? {} : { log: deps.log }),
  onProgress: (line) => deps.writeErr(`${line}\n`),
});

function registerDbAdopt(db: Command): void {
  db.command('adopt')
    .description("take over what SpeechAI's worker left: waiting jobs, attempts that were none, and its calls for the limits")
    .option('--dry-run', 'count them and show examples, write nothing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nStop the old workers first. Safe to run again: what was taken is not found twice.\n\nExample:\n  $ speechai db adopt --dry-run',
    )
    .action(
      runAction(async (options: { dryRun?: boolean; json?: boolean }, command: Command) =>
        (await import('./db-adopt.js')).adoptCommand(options, command),
      ),
    );
}

function registerDbArchive(db: Command): void {
  db.command('archive')
    .description('move the history of finished campaigns out of the database: jobs, calls and replies of whole batches, into files')
    .option('--to <folder>', 'folder for the files: one per batch, gzipped JSON lines, readable only by you; they contain names')
    .option('--batch <id...>', 'only these (default: every finished batch that is old enough)')
    .option('--older-than <days>', 'only batches without activity for this many days', wholeNumber, 90)
    .option('--dry-run', 'show what would go, write nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText('after', ARCHIVE_HELP)
    .action(
      runAction(async (options: ArchiveOptions, command: Command) => (await import('./db-archive.js')).archiveCommand(options, command), {
        ownSignals: true,
      }),
    );
  db.command('unarchive <file>')
    .description('put what `db archive` moved out back into the database; what is there already is left alone')
    .option('--force', 'also into a database of another name')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ speechai db unarchive /var/backups/speechai/batch-20260301-0a1b2c3d-20261121T120000Z-5f3a91.jsonl.gz',
    )
    .action(
      runAction(async (file: string, options: UnarchiveOptions, command: Command) =>
        (await import('./db-unarchive.js')).unarchiveCommand(file, options, command),
      ),
    );
}

const ARCHIVE_HELP = `
A batch is moved as a whole, when all its jobs are done, failed or cancelled and no call is pending; calls that rules still count stay. Its file is
written, read again and stored safely first; then only documents that still equal the file are deleted. After an interruption the next run on the same
machine finishes it. Safe while daemons and other programs run.
The batch keeps its counters and shows where its history is (\`batch show\`). Reports no longer have its contacts, SpeechAI's own pages count only what is
in the database, and importing the same list into such a batch again loads it again.

Exit codes: 0 done (or nothing to do), 1 some batch stays where it is, and why, 75 somebody is moving it, 130 interrupted.

Example:
  $ speechai db archive --to /var/backups/speechai --dry-run`;
