/** The play: database, simulator and daemon are set up, the campaign runs, something happens on the way, and everything is cleared away. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openEmbedded } from '../../src/embedded/open.js';
import { startSimulator } from '../../src/simulator/server.js';
import { auditDemo } from './audit.js';
import { planCampaign } from './campaign.js';
import { nextCommands } from './commands.js';
import { conduct } from './conduct.js';
import { createCrew } from './crew.js';
import { openDemoDatabase } from './database.js';
import { FAULTS, LATE_MS, lost } from './faults.js';
import type { DemoOptions } from './options.js';
import type { Output } from './output.js';
import { createProgress } from './progress.js';
import { ALLOWED_CALLS_PER_SECOND, CALLS_PER_SECOND, demoSettings, settingsFile, settingsToTry, TRANSIENT_RETRIES } from './settings.js';
import type { Ending } from './summary.js';

export interface Stage {
  readonly options: DemoOptions;
  readonly output: Output;
  /** Somebody wants it to end: no more waiting. */
  readonly interrupted: AbortSignal;
}

/** null: interrupted before there was anything to sum up. */
export async function play(stage: Stage): Promise<Ending | null> {
  const { options, interrupted } = stage;
  const temporary = options.dir === null;
  const directory = options.dir === null ? mkdtempSync(join(tmpdir(), 'speechai-demo-')) : resolve(options.dir);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const open: (() => Promise<unknown>)[] = [];
  try {
    return await withEverything(stage, directory, open);
  } finally {
    // In the opposite order, so that nothing loses the ground it stands on.
    for (const close of open.toReversed()) await close().catch(() => undefined);
    if (temporary && interrupted.aborted) rmSync(directory, { recursive: true, force: true });
  }
}

async function withEverything(
  { options, output, interrupted }: Stage,
  directory: string,
  open: (() => Promise<unknown>)[],
): Promise<Ending | null> {
  const campaign = planCampaign(options.seed, options.jobs, new Date());
  const ledgerFile = join(directory, 'ledger.jsonl');
  rmSync(ledgerFile, { force: true });
  output.say(
    `${campaign.jobs.length} invented people in Chile and Argentina, with numbers that belong to nobody; nobody is called. Everything is in ${directory}`,
  );
  const simulator = await startSimulator({
    seed: options.seed,
    speed: options.speed,
    concurrency: options.workers,
    cps: ALLOWED_CALLS_PER_SECOND,
    ledgerFile,
  });
  open.push(() => simulator.close());
  const engine = await openEmbedded(join(directory, 'db'), { onProgress: output.say });
  open.push(() => engine.close());
  if (interrupted.aborted) return null;
  const database = await openDemoDatabase(engine.uri);
  open.push(() => database.close());
  await database.load(campaign);

  const databaseDirectory = join(directory, 'db');
  const write = (name: string, settings: Readonly<Record<string, string>>): string => {
    const file = join(directory, name);
    writeFileSync(file, settingsFile(settings), { mode: 0o600 });
    return file;
  };
  const envFile = write('daemon.env', demoSettings(options, databaseDirectory, simulator.url));
  const toTry = write('demo.env', settingsToTry(databaseDirectory));
  simulator.addFault(lost(campaign.lostNumber));
  if (options.faults) for (const fault of FAULTS) simulator.addFault(fault);
  if (interrupted.aborted) return null;

  const progress = createProgress(`speechai demo  seed ${options.seed}`, options.workers, () => performance.now());
  simulator.onEntry((entry) => progress.ledgerEntry(entry));
  const crew = createCrew(envFile, progress, output);
  open.push(() => crew.stop());
  const run = await conduct({ options, output, interrupted, campaign, simulator, database, progress, crew, envFile });
  await crew.stop();
  if (interrupted.aborted) return null;

  const entries = simulator.ledger();
  const books = await database.books();
  const audit = auditDemo({
    entries,
    campaign,
    pauses: run.pauses,
    concurrency: options.workers,
    callsPerSecond: CALLS_PER_SECOND,
    // A create that the simulator holds back reaches it after it was sent.
    slackMs: options.faults ? 2 * LATE_MS : 0,
    transientRetries: TRANSIENT_RETRIES,
  });
  return {
    cutShort: run.cutShort,
    seconds: progress.sinceMs() / 1_000,
    seed: options.seed,
    directory,
    ledgerFile,
    killed: run.killed,
    outcomes: progress.screen().outcomes,
    books,
    audit,
    entries,
    faults: options.faults ? simulator.figures().faults : {},
    commands: nextCommands(toTry, campaign),
  };
}
